"""What every `PublicSite` does, the fake and the real one alike."""

from collections.abc import Iterator

import pytest

from release.adapters.public_site import HttpSite
from release.core.layout import ObjectHeaders
from release.errors import ServiceError, VerificationError
from release.ports import PublicSite
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.public_site import FakePublicSite
from tests.fakes.web_server import Reply, WebServer

PATH = "/tag/latest/tag.js"
SCRIPT = b"console.log('tag');" * 10
HEADERS = {
    "Content-Type": "text/javascript; charset=utf-8",
    "Cache-Control": "max-age=60, s-maxage=31536000",
    "Access-Control-Allow-Origin": "*",
}


@pytest.fixture(params=["fake", "http"])
def site(request: pytest.FixtureRequest) -> Iterator[PublicSite]:
    if request.param == "fake":
        yield FakePublicSite({"/tag/latest/tag.js": (HEADERS, SCRIPT)})
        return
    reply = Reply(headers=HEADERS.items(), body=SCRIPT)
    with WebServer(dict.fromkeys((PATH, f"{PATH}?verify=1"), reply)) as server, HttpSite(server.url) as site:
        yield site


def test_a_path_is_served_with_its_bytes_and_lower_case_headers(site: PublicSite) -> None:
    got = site.fetch("/tag/latest/tag.js", encoding="identity", origin="https://shop.example", limit=1000)
    assert got.status == 200
    assert got.body == SCRIPT
    assert got.encoding == "identity"
    assert got.headers["content-type"] == "text/javascript; charset=utf-8"
    assert got.headers["cache-control"] == "max-age=60, s-maxage=31536000"
    assert got.headers["access-control-allow-origin"] == "*"
    assert all(name == name.lower() for name in got.headers)


def test_an_absent_path_is_an_answer_not_an_error(site: PublicSite) -> None:
    got = site.fetch("/tag/latest/other.js", encoding="identity", origin="https://shop.example", limit=1000)
    assert got.status == 404


def test_a_query_is_another_address_of_the_same_file(site: PublicSite) -> None:
    got = site.fetch("/tag/latest/tag.js", encoding="identity", origin="", limit=1000, query="verify=1")
    assert (got.status, got.body) == (200, SCRIPT)


def test_a_body_of_exactly_the_limit_is_served(site: PublicSite) -> None:
    got = site.fetch("/tag/latest/tag.js", encoding="identity", origin="", limit=len(SCRIPT))
    assert got.body == SCRIPT


def test_a_body_above_the_limit_is_refused(site: PublicSite) -> None:
    with pytest.raises(VerificationError, match=f"larger than {len(SCRIPT) - 1} bytes"):
        site.fetch("/tag/latest/tag.js", encoding="identity", origin="", limit=len(SCRIPT) - 1)


# The faults that the fake can have.


def served(site: PublicSite, encoding: str = "identity") -> bytes:
    return site.fetch(PATH, encoding=encoding, origin="https://shop.example", limit=1000).body


def test_the_fake_can_be_stale() -> None:
    pages = {PATH: (HEADERS, b"old")}
    site = FakePublicSite(pages)
    site.hold(PATH)
    pages[PATH] = (HEADERS, b"new")
    assert served(site) == b"old"
    site.let_go(PATH)
    assert served(site) == b"new"


def test_the_fake_can_change_bytes_for_one_encoding_or_for_all() -> None:
    site = FakePublicSite({PATH: (HEADERS, b"script")})
    site.transform(PATH, bytes.upper, encoding="br")
    assert (served(site, "br"), served(site, "gzip")) == (b"SCRIPT", b"script")
    site.transform(PATH, lambda body: body + b"!")
    assert (served(site, "br"), served(site, "gzip")) == (b"SCRIPT!", b"script!")


def test_the_fake_can_lack_cors_and_have_another_status() -> None:
    site = FakePublicSite({PATH: ({}, b"script")})
    site.drop_cors(PATH)
    site.answer_with(PATH, 500)
    got = site.fetch(PATH, encoding="br", origin="https://shop.example", limit=1000)
    assert (got.status, "access-control-allow-origin" in got.headers) == (500, False)
    assert site.requests == [(PATH, "br", "https://shop.example")]


def test_the_fake_can_fail_for_a_while() -> None:
    site = FakePublicSite({PATH: (HEADERS, b"script")})
    site.fail(PATH, ServiceError("no answer"))
    with pytest.raises(ServiceError):
        served(site)
    assert served(site) == b"script"


def test_the_fake_serves_what_a_store_holds() -> None:
    store = InMemoryObjectStore()
    site = FakePublicSite.in_front_of(store)
    assert site.fetch(PATH, encoding="br", origin="", limit=1000).status == 404
    headers = ObjectHeaders(content_type="text/javascript", cache_control="max-age=60", metadata={"version": "1.0.0"})
    store.create(PATH.removeprefix("/"), b"script", headers)
    got = site.fetch(PATH, encoding="br", origin="", limit=1000)
    assert (got.status, got.body, got.headers["x-amz-meta-version"]) == (200, b"script", "1.0.0")
