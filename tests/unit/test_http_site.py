"""What a real web server can do to `HttpSite`, and what it does about it."""

import datetime as dt
import gzip
import ipaddress
import ssl
import tracemalloc
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import brotli
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from release.adapters.public_site import HttpSite, Patience
from release.errors import ConfigError, ServiceError, VerificationError
from release.ports import Download
from tests.fakes.web_server import Reply, WebServer

SCRIPT = b"console.log('tag');" * 100


def fetch(site: HttpSite, path: str = "/t.js", *, encoding: str = "br", limit: int = 100_000) -> Download:
    return site.fetch(path, encoding=encoding, origin="https://shop.example", limit=limit)


def encoded(coding: str, body: bytes) -> Reply:
    return Reply(headers=[("Content-Encoding", coding)], body=body)


def serving(*replies: Reply) -> WebServer:
    return WebServer({"/t.js": replies})


def test_the_request_is_a_browsers_cross_origin_request() -> None:
    with serving(Reply(body=b"x")) as server, HttpSite(server.url) as site:
        fetch(site, encoding="br")
        (request,) = server.requests
        assert request.headers["accept-encoding"] == "br"
        assert request.headers["origin"] == "https://shop.example"


GZIPPED = gzip.compress(SCRIPT, mtime=0)
BROTLIED = brotli.compress(SCRIPT)


def test_without_an_origin_it_is_a_plain_script_tags_request() -> None:
    with serving(Reply(body=b"x")) as server, HttpSite(server.url) as site:
        site.fetch("/t.js", encoding="br", origin="", limit=10)
        assert "origin" not in server.requests[0].headers


DECODABLE = {
    "plain": ("identity", SCRIPT),
    "gzip": ("gzip", GZIPPED),
    "gzip in capitals": ("GZIP", GZIPPED),
    "brotli": ("br", BROTLIED),
}

UNDECODABLE = {
    "unknown": ("zstd", SCRIPT, "unknown encoding 'zstd'"),
    "two encodings": ("gzip, br", SCRIPT, "unknown encoding 'gzip, br'"),
    "plain called gzip": ("gzip", SCRIPT, "not gzip"),
    "zlib called gzip": ("gzip", zlib.compress(SCRIPT), "not gzip"),
    "empty gzip": ("gzip", b"", "ends too early"),
    "short gzip": ("gzip", GZIPPED[:-1], "ends too early"),
    "long gzip": ("gzip", GZIPPED + b"x", "after the end"),
    "two gzip members": ("gzip", GZIPPED * 2, "after the end"),
    "plain called brotli": ("br", SCRIPT, "not brotli"),
    "empty brotli": ("br", b"", "ends too early"),
    "short brotli": ("br", BROTLIED[:-1], "ends too early"),
    "long brotli": ("br", BROTLIED + b"x", "not brotli|after the end"),
}


@pytest.mark.parametrize(("coding", "body"), DECODABLE.values(), ids=DECODABLE)
def test_the_body_is_decoded(coding: str, body: bytes) -> None:
    with serving(encoded(coding, body)) as server, HttpSite(server.url) as site:
        got = fetch(site)
        assert got.body == SCRIPT
        assert got.encoding == coding.lower()


@pytest.mark.parametrize(("coding", "body", "message"), UNDECODABLE.values(), ids=UNDECODABLE)
def test_a_body_that_does_not_decode_is_refused(coding: str, body: bytes, message: str) -> None:
    with serving(encoded(coding, body)) as server, HttpSite(server.url) as site:
        with pytest.raises(VerificationError, match=message) as caught:
            fetch(site)
        assert caught.value.evidence["content-encoding"] == coding
        assert len(server.requests) == 1


def gzip_bomb() -> bytes:
    return gzip.compress(bytes(100_000_000), compresslevel=1)


def brotli_bomb() -> bytes:
    return cast("bytes", brotli.compress(bytes(100_000_000), quality=1))


@pytest.mark.parametrize(("coding", "bomb"), [("gzip", gzip_bomb), ("br", brotli_bomb)])
def test_a_compression_bomb_is_refused_at_little_cost(coding: str, bomb: Callable[[], bytes]) -> None:
    with serving(encoded(coding, bomb())) as server, HttpSite(server.url) as site:
        tracemalloc.start()
        try:
            with pytest.raises(VerificationError, match="larger than 1000000 bytes"):
                fetch(site, limit=1_000_000)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8_000_000


def test_an_endless_stream_that_decodes_to_nothing_is_refused() -> None:
    empty_stored_block = b"\x00\x00\x00\xff\xff"
    stream = gzip.compress(b"")[:10] + empty_stored_block * 1000
    with (
        serving(encoded("gzip", stream)) as server,
        HttpSite(server.url) as site,
        pytest.raises(VerificationError, match="larger than 100 bytes"),
    ):
        fetch(site, limit=100)


def test_a_redirect_is_an_answer() -> None:
    away = Reply(status=302, headers=[("Location", "/elsewhere.js")], body=b"moved")
    with serving(away) as server, HttpSite(server.url) as site:
        got = fetch(site)
        assert (got.status, got.headers["location"]) == (302, "/elsewhere.js")
        assert [request.path for request in server.requests] == ["/t.js"]


def test_repeated_headers_are_joined_so_that_a_doubled_one_shows() -> None:
    doubled = Reply(headers=[("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Origin", "*")])
    with serving(doubled) as server, HttpSite(server.url) as site:
        assert fetch(site).headers["access-control-allow-origin"] == "*, *"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    pauses: list[float] = []
    with serving(Reply(status=status), Reply(status=status), Reply(body=SCRIPT)) as server:
        with HttpSite(server.url, sleep=pauses.append) as site:
            assert fetch(site).body == SCRIPT
        assert len(server.requests) == 3
    assert pauses == [0.5, 1.0]


def test_a_lasting_failure_ends_after_the_last_pause() -> None:
    pauses: list[float] = []
    with serving(Reply(status=503)) as server:
        with HttpSite(server.url, sleep=pauses.append) as site, pytest.raises(ServiceError, match="status 503"):
            fetch(site)
        assert len(server.requests) == 4
    assert pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_other_statuses_are_answers(status: int) -> None:
    with serving(Reply(status=status, body=b"no")) as server, HttpSite(server.url) as site:
        assert fetch(site).status == status
        assert len(server.requests) == 1


def test_a_body_cut_short_is_fetched_again() -> None:
    cut = Reply(body=SCRIPT[:50], declared=len(SCRIPT))
    with serving(cut, Reply(body=SCRIPT)) as server, HttpSite(server.url, sleep=lambda _: None) as site:
        assert fetch(site).body == SCRIPT


def test_a_server_that_is_not_there_is_no_answer() -> None:
    with serving(Reply()) as server:
        gone = server.url
    with HttpSite(gone, sleep=lambda _: None) as site, pytest.raises(ServiceError, match="gave no answer"):
        fetch(site)


def test_a_body_that_takes_too_long_is_no_answer() -> None:
    ticks = iter(range(0, 1000, 40))
    patience = Patience(whole=60, pauses=())
    with (
        serving(Reply(body=bytes(200_000))) as server,
        HttpSite(server.url, patience=patience, clock=lambda: next(ticks)) as site,
        pytest.raises(ServiceError, match="took longer than 60 s"),
    ):
        fetch(site, limit=1_000_000)


def test_connections_are_kept_and_an_unread_body_does_not_leak_into_the_next_answer() -> None:
    pages = {"/big.js": Reply(body=bytes(3_000_000)), "/t.js": Reply(body=SCRIPT)}
    with WebServer(pages) as server, HttpSite(server.url, connections=1) as site:
        fetch(site)
        fetch(site)
        with pytest.raises(VerificationError, match="larger"):
            fetch(site, "/big.js", limit=10)
        assert fetch(site).body == SCRIPT
        first, second, big, last = (request.port for request in server.requests)
        assert first == second == big
        assert last != first


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://cdn.example.com", "not an https address"),
        ("http://127.0.0.1.example.com", "not an https address"),
        ("http://169.254.169.254", "not an https address"),
        ("ftp://127.0.0.1", "not an https address"),
        ("file:///etc/passwd", "cannot be read from"),
        ("cdn.example.com", "cannot be read from"),
        ("https://user:secret@cdn.example.com", "cannot be read from"),
        ("https://cdn.example.com/?a=b", "cannot be read from"),
        ("https://cdn.example.com/#a", "cannot be read from"),
        ("https://cdn.example.com:port", "not a URL"),
        ("https://[::1", "not a URL"),
    ],
)
def test_a_base_url_that_is_not_safe_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        HttpSite(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.8.8.8", "http://[::1]:1", "http://localhost"])
def test_plain_http_is_for_loopback(url: str) -> None:
    HttpSite(url).close()


@pytest.mark.parametrize(
    "path", ["t.js", "", "/", "//evil.example/t.js", "/a/../t.js", "/./t.js", "/..", "https://evil.example/t.js"]
)
def test_a_path_that_would_not_arrive_as_written_is_refused(path: str) -> None:
    with serving(Reply()) as server, HttpSite(server.url) as site:
        with pytest.raises(ConfigError, match="not a path"):
            fetch(site, path)
        assert server.requests == []


def test_the_base_url_may_have_a_path() -> None:
    with WebServer({"/assets/t.js": Reply(body=b"x")}) as server, HttpSite(server.url + "/assets/") as site:
        assert fetch(site, "/t.js").body == b"x"


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a b.js", "/a%20b.js"),
        ("/\u00e4.js", "/%C3%A4.js"),
        ("/a%20b.js", "/a%2520b.js"),
        ("/t.js?x#y", "/t.js%3Fx%23y"),
        ("/a\r\nHost: evil", "/a%0D%0AHost:%20evil"),
        ("/@scope/t+1~2.js", "/@scope/t+1~2.js"),
    ],
)
def test_a_path_is_requested_as_it_is_in_the_bucket(path: str, sent: str) -> None:
    with WebServer({}) as server, HttpSite(server.url) as site:
        fetch(site, path)
        assert [request.path for request in server.requests] == [sent]


def certificate(folder: Path) -> Path:
    """Write a self-signed certificate for 127.0.0.1 with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cdn")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "cdn.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def tls_server(pem: Path, replies: Sequence[Reply]) -> WebServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return WebServer({"/t.js": replies}, tls=context)


def test_a_certificate_nobody_vouches_for_is_refused_at_once(tmp_path: Path) -> None:
    with tls_server(certificate(tmp_path), [Reply()]) as server, HttpSite(server.url) as site:
        with pytest.raises(ServiceError, match=r"TLS: .*CERTIFICATE_VERIFY_FAILED"):
            fetch(site)
        assert server.requests == []


def test_the_bundle_that_ssl_cert_file_names_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with tls_server(pem, [Reply(body=SCRIPT)]) as server, HttpSite(server.url) as site:
        assert fetch(site).body == SCRIPT
