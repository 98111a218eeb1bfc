"""Purging real caches: Varnish and nginx as Debian has them, with the configurations of docs/caches/."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from release.adapters.delivery.http_purge import HttpPurge
from release.errors import CredentialError, ServiceError
from tests.fakes.caches import Origin, nginx, varnish

pytestmark = [pytest.mark.caches, pytest.mark.xdist_group("caches")]

SITE = "https://cdn.example.com"
FILE = "/tag/latest/tag.min.js"
Start = Callable[..., AbstractContextManager[str]]
KINDS: dict[str, tuple[Start, str]] = {
    "varnish purge": (varnish, "PURGE"),
    "varnish ban": (varnish, "BAN"),
    "nginx": (nginx, "PURGE"),
}


@dataclass(frozen=True, kw_only=True)
class Cache:
    """A running cache, what it is asked with, and the bucket behind it."""

    server: str
    method: str
    origin: Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin().open() as server:
        yield server


@pytest.fixture(scope="module", params=KINDS)
def cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    start, method = KINDS[request.param]
    with Origin().open() as origin, start(origin.port, tmp_path_factory.mktemp("cache")) as server:
        yield Cache(server=server, method=method, origin=origin)


def purger(*servers: str, method: str = "PURGE") -> HttpPurge:
    return HttpPurge(servers, site=SITE, method="BAN" if method == "BAN" else "PURGE", seconds=5)


def load(server: str, path: str = FILE, **headers: str) -> str:
    sent = {"Host": "cdn.example.com", **headers}
    return urllib3.request("GET", server + path, headers=sent, retries=False, timeout=5).data.decode()


def test_a_dropped_path_is_loaded_anew_in_every_variant_and_no_other_path_is(cache: Cache) -> None:
    pages: list[dict[str, str]] = [{}, {"Origin": "https://a.example"}, {"Origin": "https://b.example"}]
    pages.append({"Accept-Encoding": "gzip, br"})
    before = [load(cache.server, **headers) for headers in pages]
    other = load(cache.server, "/tag/v1/tag.min.js")
    assert [load(cache.server, **headers) for headers in pages] == before, "it is no cache"
    cdn = purger(cache.server, method=cache.method)
    asked = cdn.invalidate([FILE, "/tag/channels/latest.json"], reference="r1")
    assert cdn.finished(asked)
    after = [load(cache.server, **headers) for headers in pages]
    assert not set(before) & set(after)
    assert load(cache.server, "/tag/v1/tag.min.js") == other
    assert all(method == "GET" for method, _ in cache.origin.asked), "the bucket never sees a purge"


def test_another_hosts_file_of_the_same_name_stays(cache: Cache) -> None:
    other = load(cache.server, Host="other.example.com")
    purger(cache.server, method=cache.method).invalidate([FILE], reference="r1")
    assert load(cache.server, Host="other.example.com") == other


@pytest.mark.parametrize("name", ["a b.js", "tag(1)+x.min.js", "t\u00e4g.js", "100%25.js", "q'\"uote.js", "a&&b.js"])
def test_a_name_with_characters_of_its_own_is_dropped(cache: Cache, name: str) -> None:
    path = urllib3.util.parse_url(f"http://x/tag/latest/{name}").request_uri
    before = load(cache.server, path)
    assert load(cache.server, path) == before
    exact = f"/tag/latest/{name.replace('%25', '%')}"
    purger(cache.server, method=cache.method).invalidate([exact], reference="r1")
    assert load(cache.server, path) != before


@pytest.mark.parametrize("kind", KINDS)
def test_who_may_not_purge_is_told_so(kind: str, origin: Origin, tmp_path: Path) -> None:
    start, method = KINDS[kind]
    with start(origin.port, tmp_path, acl=False) as server:
        before = load(server)
        with pytest.raises(CredentialError, match="refused") as refused:
            purger(server, method=method).invalidate([FILE], reference="r1")
        assert "docs/delivery.md" in refused.value.hint
        assert load(server) == before


@pytest.mark.parametrize("method", ["PURGE", "BAN"])
def test_a_server_that_was_not_taught_to_purge_is_not_believed(origin: Origin, method: str) -> None:
    with pytest.raises(ServiceError, match="HTTP 200 without 'Purged: yes'"):
        purger(f"http://127.0.0.1:{origin.port}", method=method).invalidate([FILE], reference="r1")


def test_while_one_server_is_down_the_others_are_purged_and_the_next_run_finishes(
    origin: Origin, tmp_path: Path
) -> None:
    with nginx(origin.port, tmp_path) as up:
        (tmp_path / "v").mkdir()
        with varnish(origin.port, tmp_path / "v") as down:
            port = int(down.rpartition(":")[2])
        before = load(up)
        both = purger(up, down)
        with pytest.raises(ServiceError, match=f"{down} did not confirm") as failed:
            both.invalidate([FILE], reference="r1")
        assert failed.value.evidence == {down: "no answer"}
        assert load(up) != before
        (tmp_path / "w").mkdir()
        with varnish(origin.port, tmp_path / "w", port=port):
            both.invalidate([FILE], reference="r1")
