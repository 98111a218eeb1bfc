from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest

from release.core import document
from release.core.handover import Pointer
from release.core.layout import MANIFEST, ObjectHeaders
from release.errors import LogError, NothingToDoError, ServiceError
from release.stages import status as stage
from tests.fakes import examples
from tests.fakes.odd_stores import WithoutChecksums
from tests.fakes.public_site import FakePublicSite
from tests.fakes.scenario import World

POINTER: Final = "tag/channels/latest.json"
FILE: Final = "tag/latest/tag.min.js"
MANIFEST_KEY: Final = f"tag/1.1.0/{MANIFEST}"
SHORT: Final = "public, max-age=300, s-maxage=60, no-transform"
FOREVER: Final = ObjectHeaders(
    content_type="application/json", cache_control="public, max-age=31536000, immutable, no-transform"
)


@pytest.fixture(scope="module")
def healthy() -> World:
    world = World()
    world.release("1.0.0", "latest")
    world.release("1.1.0", "latest")
    world.promotions.clear()
    return world


@pytest.fixture
def world(healthy: World) -> World:
    """A world whose channel serves 1.1.0, and served 1.0.0 before."""
    return healthy.twin()


def drift(world: World) -> tuple[str, ...]:
    (row,) = world.status().channels
    return row.drift


# What there is.


def test_a_log_that_authorised_nothing_is_nothing_to_show() -> None:
    empty = World()
    with pytest.raises(NothingToDoError, match="no channel serves anything yet"):
        empty.status()
    empty.release("1.0.0")
    with pytest.raises(NothingToDoError):
        empty.status()


def test_a_healthy_channel_is_shown_with_its_version_its_entry_and_its_pipeline(world: World) -> None:
    report = world.status()
    assert report.channels == (
        stage.ChannelStatus(
            channel="latest",
            version="1.1.0",
            outcome="completed",
            since="2026-11-24T00:00:00Z",
            entry=4,
            pipeline=examples.PIPELINE.url,
            cache_control=SHORT,
            drift=(),
        ),
    )
    assert (report.entries, report.yanked) == (6, ())


def test_channels_are_shown_in_order_each_with_its_own_state(world: World) -> None:
    world.serve("v1", "1.0.0")
    world.site.put("tag/v1/tag.min.js", b"evil")
    rows = world.status().channels
    assert [(row.channel, row.version, bool(row.drift)) for row in rows] == [
        ("latest", "1.1.0", False),
        ("v1", "1.0.0", True),
    ]


def test_yanked_versions_are_shown(world: World) -> None:
    world.yank("1.0.0")
    assert world.status().yanked == ("1.0.0",)


def test_a_rollback_is_no_drift(world: World) -> None:
    world.go_back("latest")
    (row,) = world.status().channels
    assert (row.version, row.drift) == ("1.0.0", ())


def test_looking_changes_nothing(world: World) -> None:
    before = world.site.bodies(), world.log.bodies()
    world.status()
    assert (world.site.bodies(), world.log.bodies()) == before
    assert (world.journal, world.site.calls["write"], world.log.calls["write"]) == ([], 0, 0)


def test_the_public_address_need_not_be_asked(world: World) -> None:
    for path in world.pages():
        world.public.fail(path, ServiceError("no answer"))
    report = stage.run(world.config, world.slots(), world.site, None)
    assert report.channels[0].drift == ()
    assert world.public.requests == []


def test_a_bucket_without_checksums_is_read_instead(world: World) -> None:
    site = WithoutChecksums(world.site)
    assert stage.run(world.config, world.slots(), site, world.public).channels[0].drift == ()
    world.site.put(FILE, b"window.tag = '6.6.6';\n", ObjectHeaders(content_type="x", cache_control="x"))
    assert stage.run(world.config, world.slots(), site, None).channels[0].drift == (
        "tag.min.js has other bytes than version 1.1.0",
    )


# Every kind of drift.


def authorise(world: World) -> None:
    world.release("1.2.0")
    world.authorize("latest", "1.2.0")


def promote(world: World) -> None:
    authorise(world)
    world.promote("latest")


def fail(world: World) -> None:
    promote(world)
    world.settle("latest", passed=False)


def put_headers(world: World, key: str, headers: ObjectHeaders) -> None:
    world.site.put(key, world.site.bodies()[key], headers)


DRIFTS: Final[Mapping[str, tuple[Callable[[World], object], str]]] = {
    "authorised, not promoted": (authorise, "no outcome is recorded"),
    "authorised, not promoted, by its pointer": (
        authorise,
        "its pointer follows log entry 4 (version 1.1.0), the log says entry 7",
    ),
    "authorised, not promoted, by its files": (authorise, "tag.min.js has other bytes than version 1.2.0"),
    "promoted, not verified": (promote, "no outcome is recorded: the promotion is under way or was cut off"),
    "failed": (fail, "its verification failed"),
    "the pointer is gone": (lambda w: w.site.remove(POINTER), "its pointer does not exist"),
    "the pointer is malformed": (lambda w: w.site.put(POINTER, b"{}"), f"{POINTER}: "),
    "a file is gone": (lambda w: w.site.remove(FILE), "tag.min.js is missing from the channel"),
    "a file has other bytes": (lambda w: w.site.put(FILE, b"evil"), "tag.min.js has other bytes than version 1.1.0"),
    "a file has as many other bytes": (
        lambda w: w.site.put(FILE, b"window.tag = '6.6.6';\n"),
        "tag.min.js has other bytes than version 1.1.0",
    ),
    "a file is another version's": (
        lambda w: w.site.put(FILE, w.bundle("1.0.0")["tag.min.js"]),
        "tag.min.js has other bytes than version 1.1.0",
    ),
    "a chunk has other bytes": (
        lambda w: w.site.put("tag/latest/chunks/shared.js", b"evil"),
        "chunks/shared.js has other bytes than version 1.1.0",
    ),
    "a file may be kept for ever": (
        lambda w: put_headers(w, FILE, replace(FOREVER, content_type="text/javascript; charset=utf-8")),
        "tag.min.js has other headers than release.toml says",
    ),
    "a file has another media type": (
        lambda w: put_headers(w, FILE, ObjectHeaders(content_type="text/html", cache_control=SHORT)),
        "tag.min.js has other headers than release.toml says",
    ),
    "the version's manifest is gone": (lambda w: w.site.remove(MANIFEST_KEY), "is not the manifest of the log"),
    "the version's manifest was changed": (
        lambda w: w.site.put(MANIFEST_KEY, w.bundles["1.0.0"].files[MANIFEST]),
        "is not the manifest of the log",
    ),
}


@pytest.mark.parametrize("kind", DRIFTS)
def test_every_difference_from_the_log_is_drift(world: World, kind: str) -> None:
    happens, expected = DRIFTS[kind]
    happens(world)
    assert any(expected in text for text in drift(world))


POINTERS: Final[Mapping[str, Callable[[Pointer], Pointer]]] = {
    "an older entry": lambda p: replace(p, log_index=p.log_index - 3),
    "another manifest": lambda p: replace(p, manifest="0" * 64),
    "another version": lambda p: replace(p, version="1.0.0"),
    "another channel": lambda p: replace(p, channel="v1"),
    "another log": lambda p: replace(p, origin="log.example.com/other"),
    "another integrity": lambda p: replace(p, files=(replace(p.files[0], integrity=examples.SRI), *p.files[1:])),
    "a later end": lambda p: replace(p, expires="2099-01-01T00:00:00Z"),
}


def forge(world: World, wrong: str) -> bytes:
    pointer = world.pointer("latest")
    assert pointer is not None
    return document.encode(POINTERS[wrong](pointer))


@pytest.mark.parametrize("wrong", POINTERS)
def test_a_pointer_in_the_bucket_that_says_anything_else_than_the_log_is_drift(world: World, wrong: str) -> None:
    """All that a pointer says follows from the entry that authorised it and from the manifest."""
    info = world.site.describe(POINTER)
    assert info is not None
    world.site.put(POINTER, forge(world, wrong), info.headers)
    assert any("its pointer" in text for text in drift(world))


@pytest.mark.parametrize("wrong", POINTERS)
def test_a_pointer_at_the_public_address_that_says_anything_else_is_drift(world: World, wrong: str) -> None:
    pages = world.pages()
    pages[f"/{POINTER}"] = (pages[f"/{POINTER}"][0], forge(world, wrong))
    (row,) = world.status(public=FakePublicSite(pages)).channels
    assert any(text.startswith("the public address") for text in row.drift)


def test_a_pointer_that_may_be_kept_for_ever_is_drift(world: World) -> None:
    put_headers(world, POINTER, FOREVER)
    assert any("pointer" in text and "headers" in text for text in drift(world))


def test_a_public_address_that_still_serves_the_version_before_is_drift() -> None:
    world = World()
    world.release("1.0.0", "latest")
    world.release("1.1.0")
    world.visit("latest")
    world.authorize("latest", "1.1.0")
    world.promote("latest")
    world.settle("latest")
    (text,) = drift(world)
    assert text.startswith("the public address")
    assert "log entry 1 (version 1.0.0)" in text


@pytest.mark.parametrize("status", [404, 503])
def test_a_public_address_that_answers_with_an_error_is_drift(world: World, status: int) -> None:
    world.public.answer_with(f"/{POINTER}", status)
    (text,) = drift(world)
    assert text.startswith("the public address")


def test_a_public_address_that_does_not_answer_is_drift(world: World) -> None:
    world.public.fail(f"/{POINTER}", ServiceError("no answer in 10 s"))
    assert drift(world) == ("the public address: no answer in 10 s",)


def test_a_public_address_without_the_pointer_is_drift(world: World) -> None:
    pages = world.pages()
    del pages[f"/{POINTER}"]
    (row,) = world.status(public=FakePublicSite(pages)).channels
    (text,) = row.drift
    assert text.startswith("the public address")


def test_all_that_is_wrong_with_a_channel_is_said_at_once(world: World) -> None:
    world.site.remove(POINTER)
    world.site.remove(FILE)
    world.site.put("tag/latest/tag.esm.min.js", b"evil")
    world.public.fail(f"/{POINTER}", ServiceError("no answer"))
    assert len(drift(world)) == 4


@pytest.mark.parametrize("key", [POINTER, MANIFEST_KEY], ids=["pointer", "manifest"])
def test_an_object_that_grew_beyond_all_measure_is_drift_and_hides_no_other_channel(world: World, key: str) -> None:
    world.serve("v1", "1.0.0")
    world.site.put(key, bytes(4 * 1024 * 1024 + 1))
    assert [bool(row.drift) for row in world.status().channels] == [True, False]


def test_a_damaged_log_is_an_error_and_not_drift(world: World) -> None:
    world.log.put("tag/seq/000000000999", b"{}")
    with pytest.raises(LogError):
        world.status()
