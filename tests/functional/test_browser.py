"""What a customer's browser does while a library is released, promoted and rolled back behind a real cache."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from release.adapters.delivery.http_purge import HttpPurge
from tests.fakes.browser import Chromium, CustomerSite, Visitor, chromium
from tests.fakes.ceph import CephGateway
from tests.functional.conftest import Run
from tests.functional.delivered import BUILD_AND_PUBLISH, CACHES, PROMOTION, Delivered, delivered
from tests.functional.library import Library

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CHANNEL = "latest/tag.min.js"
VERSION = "globalThis.tag?.version ?? null"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def shop() -> Iterator[CustomerSite]:
    with CustomerSite() as server:
        yield server


@pytest.fixture(params=CACHES)
def tag(
    request: pytest.FixtureRequest, ceph: CephGateway, library: Library, run: Run, tmp_path: Path
) -> Iterator[Delivered]:
    with delivered(ceph, library, run, cache=CACHES[request.param], folder=tmp_path, max_age=1) as opened:
        yield opened


def script(tag: Delivered, path: str, more: str = "crossorigin") -> str:
    return f'<script src="{tag.url}/tag/{path}" {more}></script>'


def pinned(tag: Delivered, version: str, path: str = "") -> str:
    """Write a script element with the integrity of a version's entry."""
    return script(tag, path or f"{version}/tag.min.js", f'integrity="{tag.integrity(version)}" crossorigin')


def version_in(visitor: Visitor, page: str) -> str | None:
    """Give the version that runs in a page."""
    version: str | None = visitor.open(page).run(VERSION)
    return version


def test_pages_get_each_version_from_its_release_to_its_rollback(
    tag: Delivered, browser: Chromium, shop: CustomerSite, record_property: Callable[[str, object], None]
) -> None:
    tag.release("1.0.0")
    channel, first = shop.page(script(tag, CHANNEL)), shop.page(pinned(tag, "1.0.0"))
    plain = shop.page(script(tag, "1.0.0/tag.min.js", ""))
    returning = browser.visitor()
    assert [version_in(returning, page) for page in (plain, channel, first)] == ["1.0.0"] * 3

    tag.write("1.1.0")
    tag.site.steps((*BUILD_AND_PUBLISH, *PROMOTION[:2]))
    assert version_in(browser.visitor(), channel) == "1.0.0", "this cache keeps nothing"
    stale = time.monotonic()
    tag.site.steps(PROMOTION[2:3])
    dropped = time.monotonic()
    assert version_in(browser.visitor(), channel) == "1.1.0"
    while version_in(returning, channel) != "1.1.0":
        assert time.monotonic() < dropped + 30
    seen = time.monotonic()
    record_property(
        "seconds until the cache is no longer stale, from the start of invalidate", f"{dropped - stale:.3f}"
    )
    record_property("and until a visitor with a copy is not (max-age = 1)", f"{seen - stale:.3f}")
    tag.site.steps(PROMOTION[3:])
    assert version_in(returning, first) == "1.0.0"
    assert version_in(returning, shop.page(pinned(tag, "1.1.0"))) == "1.1.0"

    tag.roll_back()
    back = browser.visitor()
    assert version_in(back, channel) == "1.0.0"
    assert version_in(back, shop.page(script(tag, "v1/tag.min.js"))) == "1.1.0"


def test_a_page_that_loaded_the_old_entry_gets_its_parts_after_a_promotion_and_after_a_rollback(
    ceph: CephGateway, library: Library, run: Run, tmp_path: Path, browser: Chromium, shop: CustomerSite
) -> None:
    with delivered(ceph, library, run, cache=CACHES["varnish"], folder=tmp_path) as tag:
        tag.release("1.0.0")
        classic = shop.page(script(tag, CHANNEL))
        module = shop.page(script(tag, CHANNEL, 'type="module" crossorigin'))
        old = [browser.visitor().open(page) for page in (classic, module)]
        tag.release("1.1.0")
        part_of_old = tag.part("1.0.0")
        forget(tag, f"/tag/latest/{part_of_old}")
        for tab in old:
            assert f"{tag.url}/tag/latest/{part_of_old}" not in tab.loaded
            assert (tab.run(VERSION), tab.run("tag.part()")) == ("1.0.0", "part of 1.0.0")
            assert f"{tag.url}/tag/latest/{part_of_old}" in tab.loaded
            assert tab.complaints == []
        cut_off = browser.visitor().open(shop.page(script(tag, CHANNEL, "")))
        why = cut_off.run("tag.part().catch(String)")
        assert "import() is called from a CORS-cross-origin script" in why, "docs/delivery.md says it needs crossorigin"

        new = browser.visitor().open(module)
        tag.roll_back()
        forget(tag, f"/tag/latest/{tag.part('1.1.0')}")
        assert (new.run(VERSION), new.run("tag.part()")) == ("1.1.0", "part of 1.1.0")
        assert browser.visitor().open(module).run("tag.part()") == "part of 1.0.0"


def forget(tag: Delivered, path: str) -> None:
    """Let the cache have no copy: what it serves then is in the bucket."""
    HttpPurge([tag.url], site=tag.url, method="BAN").invalidate([path], reference="test")


def test_nothing_is_asked_of_a_cache_before_it_exists(tag: Delivered) -> None:
    """A first release, and a promotion that makes a channel."""
    tag.release("1.0.0")
    tag.release("1.1.0-rc.1")
    asked = tag.asked()
    paths = {path for method, path, _ in asked if method == "GET"}
    assert {"/tag/latest/tag.min.js", "/tag/next/tag.min.js", "/tag/channels/next.json"} <= paths
    assert [one for one in asked if one.method == "GET" and one.status != 200] == []


def test_who_asks_too_early_does_not_hide_the_release_from_others(
    tag: Delivered, browser: Chromium, shop: CustomerSite
) -> None:
    paths = (CHANNEL, "1.0.0/tag.min.js")
    pages = [shop.page(script(tag, path)) for path in paths]
    early = [browser.visitor().open(page) for page in pages]
    assert all("404" in " ".join(tab.complaints) for tab in early)
    tag.release("1.0.0")
    assert [version_in(browser.visitor(), page) for page in pages] == ["1.0.0", "1.0.0"]


def test_integrity_stops_a_page_whose_channel_moved_and_a_version_that_somebody_changed(
    ceph: CephGateway, library: Library, run: Run, tmp_path: Path, browser: Chromium, shop: CustomerSite
) -> None:
    with delivered(ceph, library, run, cache=CACHES["varnish"], folder=tmp_path) as tag:
        tag.release("1.0.0")
        moving, fixed = shop.page(pinned(tag, "1.0.0", CHANNEL)), shop.page(pinned(tag, "1.0.0"))
        visitor = browser.visitor()
        assert version_in(visitor, moving) == version_in(visitor, fixed) == "1.0.0"
        tag.release("1.1.0")
        tab = browser.visitor().open(moving)
        assert tab.run(VERSION) is None
        assert "integrity" in " ".join(tab.complaints)

        tag.overwrite("1.1.0/tag.min.js", b"globalThis.tag = { version: 'evil' };\n")
        cached = browser.visitor()
        assert version_in(cached, shop.page(script(tag, "1.1.0/tag.min.js"))) == "1.1.0", "it is no cache"
        forget(tag, "/tag/1.1.0/tag.min.js")
        assert version_in(browser.visitor(), shop.page(script(tag, "1.1.0/tag.min.js"))) == "evil"
        ended = tag.site.as_("", "verify latest --patience 0")
        assert ended.code == 13
        assert "/tag/1.1.0/tag.min.js (identity): HTTP 200" in ended.err
