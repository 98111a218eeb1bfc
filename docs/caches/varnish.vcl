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
    unset req.http.Origin;                                # one copy of each file, for pages of any origin
}

sub vcl_backend_response {
    set beresp.http.x-url = bereq.url;                    # what bans are compared with
    set beresp.http.x-host = bereq.http.host;
    if (beresp.status >= 400) {
        set beresp.ttl = 1s;                              # who asks before a release must not hide it from the others
        set beresp.grace = 0s;
    }
}

sub vcl_deliver {
    unset resp.http.x-url;
    unset resp.http.x-host;
    # On every answer, whoever asks: pages with integrity need it, and browsers keep what plain pages got.
    set resp.http.Access-Control-Allow-Origin = "*";
}

sub vcl_synth {
    if (resp.status == 200 && (req.method == "PURGE" || req.method == "BAN")) {
        set resp.http.Purged = "yes";                     # without it the answer does not count
    }
}
