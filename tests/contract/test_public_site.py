"""What every `PublicSite` does, the fake and the real one alike."""

from collections.abc import Iterator

import pytest

from release.adapters.public_site import HttpSite
from release.errors import VerificationError
from release.ports import PublicSite
from tests.fakes.public_site import FakePublicSite
from tests.fakes.web_server import Reply, WebServer

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
    with WebServer({"/tag/latest/tag.js": reply}) as server, HttpSite(server.url) as site:
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


def test_a_body_of_exactly_the_limit_is_served(site: PublicSite) -> None:
    got = site.fetch("/tag/latest/tag.js", encoding="identity", origin="", limit=len(SCRIPT))
    assert got.body == SCRIPT


def test_a_body_above_the_limit_is_refused(site: PublicSite) -> None:
    with pytest.raises(VerificationError, match=f"larger than {len(SCRIPT) - 1} bytes"):
        site.fetch("/tag/latest/tag.js", encoding="identity", origin="", limit=len(SCRIPT) - 1)
