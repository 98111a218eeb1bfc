# Varnish 7 in front of the bucket, dropping what `release invalidate` names.
vcl 4.1;

import std;

backend origin { .host = "127.0.0.1"; .port = "8080"; }  # the bucket, through a proxy that speaks TLS and signs

acl release { "127.0.0.1"; "::1"; }                       # where the invalidate job runs

sub vcl_recv {
    if (req.method == "PURGE" || req.method == "BAN") {
        if (client.ip !~ release) {
            return (synth(405));
        }
        if (req.method == "PURGE") {
            return (purge);                               # all variants of one path
        }
        if (!std.ban("obj.http.x-url == " + req.url + " && obj.http.x-host == " + req.http.host)) {
            return (synth(400, std.ban_error()));
        }
        return (synth(200, "Banned"));
    }
}

sub vcl_backend_response {
    set beresp.http.x-url = bereq.url;                    # what bans are compared with
    set beresp.http.x-host = bereq.http.host;
}

sub vcl_deliver {
    unset resp.http.x-url;
    unset resp.http.x-host;
}

sub vcl_synth {
    if (resp.status == 200 && (req.method == "PURGE" || req.method == "BAN")) {
        set resp.http.Purged = "yes";                     # without it the answer does not count
    }
}
