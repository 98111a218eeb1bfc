"""Rollbacks while the release log can only be read: what is allowed then, and what follows."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from release.core import document
from release.core.config import Config
from release.core.handover import read_pointer
from release.core.layout import ObjectHeaders
from release.core.unlogged import MOST, Move, Unlogged, is_told, read_unlogged
from release.effects.read_only_log import watched
from release.effects.recorder import Recorder, Report
from release.errors import (
    FormatError,
    IntegrityError,
    NotFoundError,
    PermissionDenied,
    ReadOnlyLogError,
    RefusedError,
    ReleaseError,
    ServiceError,
)
from release.stages import degrade, promote
from release.stages import record as recording
from tests.fakes import examples
from tests.fakes.object_store import Fault, InMemoryObjectStore
from tests.fakes.scenario import REASON, World

POINTER: Final = "tag/channels/latest.json"


def degrading(config: Config) -> Config:
    return dataclasses.replace(config, log=dataclasses.replace(config.log, when_read_only="degrade"))


@pytest.fixture(scope="module")
def three() -> World:
    world = World(degrading(examples.config()))
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        world.release(version, "latest")
    return world


@pytest.fixture
def world(three: World) -> World:
    """A world whose channel serves 1.2.0 (entry 7), and served 1.1.0 (entry 4) and 1.0.0 (entry 1) before."""
    return three.twin()


def frozen(world: World) -> InMemoryObjectStore:
    """Give the log as everybody sees it whose writes are refused."""
    return world.log.with_key(lambda action, _: action == "s3:PutObject")


def authorize(world: World, recorder: Recorder, version: str, *, dry_run: bool = False) -> Report:
    return recording.authorize(recorder, world.site, "latest", version, reason=REASON, rollback=True, dry_run=dry_run)


def go_back(world: World, to: str = "1.1.0") -> degrade.Report:
    """Do what `release record rollback` does about a log that takes no writes."""
    recorder = world.recorder(frozen(world))
    with pytest.raises(ReadOnlyLogError) as why:
        authorize(world, watched(recorder), to)
    wanted = authorize(world, recorder, to, dry_run=True)
    return degrade.run(recorder, wanted.event, why.value)


def gone_back(world: World, to: str = "1.1.0") -> promote.Report:
    report = world.promote("latest", go_back(world, to).order, log=frozen(world))
    world.invalidate("latest")
    assert world.verify("latest").verification.passed
    return report


def test_the_channel_goes_back_to_an_earlier_entry_whole_and_to_every_cache_and_again_changes_nothing(
    world: World,
) -> None:
    before = world.log.bodies()
    world.visit("latest")
    report = gone_back(world)
    pointer = world.pointer("latest")
    assert pointer is not None
    assert (pointer.version, pointer.log_index) == ("1.1.0", 4)
    assert world.held("latest")["tag.min.js"] == world.bundle("1.1.0")["tag.min.js"]
    assert len(report.promotion.changed) == len(world.bundle("1.1.0")) + 1
    assert world.log.bodies() == before
    done = world.promote("latest", report.promotion.order, log=frozen(world)).done
    assert (done.copied, done.moved) == (0, 0)


def test_its_invalidation_is_not_the_one_of_the_entry_that_it_follows_again(world: World) -> None:
    """CloudFront takes the same reference for the same request, and would do nothing."""
    gone_back(world)
    references = [made.reference for made in world.cdn.invalidations]
    assert len(set(references)) == len(references) == 4


def test_it_can_go_back_twice_and_only_back(world: World) -> None:
    gone_back(world)
    gone_back(world, "1.0.0")
    with pytest.raises(RefusedError, match="only to what it served before"):
        go_back(world, "1.2.0")
    assert world.held("latest")["tag.min.js"] == world.bundle("1.0.0")["tag.min.js"]


def failed(world: World) -> None:
    world.release("1.3.0")
    world.move("latest", "1.3.0", passed=False)
    world.release("1.4.0", "latest")


REFUSED: Final[Mapping[str, tuple[Callable[[World], object], str, type[ReleaseError], str]]] = {
    "yanked": (lambda w: w.yank("1.1.0"), "1.1.0", RefusedError, "1.1.0 was yanked"),
    "not verified": (failed, "1.3.0", RefusedError, "what was verified: that is not so of 1.3.0"),
    "never here": (lambda w: w.release("1.1.1"), "1.1.1", RefusedError, "only to what it served before"),
    "its pointer is gone": (
        lambda w: w.log.remove("tag/pointers/000000000004.json"),
        "1.1.0",
        NotFoundError,
        "the pointer of log entry 4 was not recorded",
    ),
    "its pointer is old": (lambda w: w.clock.sleep(366 * 86400), "1.1.0", RefusedError, "may be believed until"),
    "not configured": (
        lambda w: setattr(w, "config", examples.config()),
        "1.1.0",
        ReadOnlyLogError,
        "could not be logged as entry 9, and latest was left as it is: tag/seq/000000000009 could not be written",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_the_log_does_not_vouch_for_is_refused_before_anything_moves(world: World, why: str) -> None:
    happens, version, error, message = REFUSED[why]
    happens(world)
    before = world.site.bodies()
    with pytest.raises(error, match=message):
        go_back(world, version)
    assert world.site.bodies() == before


def test_promote_takes_no_order_at_its_word(world: World) -> None:
    order = go_back(world).order
    for wrong in (
        dataclasses.replace(order, entry=1),
        dataclasses.replace(order, leaves=4),
        dataclasses.replace(order, manifest="0" * 64),
        dataclasses.replace(order, version="1.0.0"),
        dataclasses.replace(order, leaves=None),
    ):
        with pytest.raises(RefusedError):
            world.promote("latest", wrong)
    world.config = examples.config()
    with pytest.raises(RefusedError, match="does not allow a rollback that is not logged"):
        world.promote("latest", order)


def test_an_order_from_the_time_when_the_log_was_frozen_is_dead_once_the_log_moved_on(world: World) -> None:
    order = go_back(world).order
    world.release("1.3.0", "latest")
    with pytest.raises(RefusedError, match="the log says entry 10"):
        world.promote("latest", order)


def test_a_pointer_that_was_forged_in_the_log_bucket_is_not_copied(world: World) -> None:
    order, key = go_back(world).order, "tag/pointers/000000000004.json"
    pointer = read_pointer(world.log.bodies()[key], name=key)
    world.log.put(key, document.encode(dataclasses.replace(pointer, pointer_version=99)))
    with pytest.raises(IntegrityError, match="is not what the entry authorises"):
        world.promote("latest", order)


def test_until_it_is_logged_everybody_sees_it_and_no_job_moves_the_channel_on(world: World) -> None:
    gone_back(world)
    (row,) = world.status().channels
    assert row.drift[0] == ("its pointer follows log entry 4 (version 1.1.0), the log says entry 7")
    assert any("rolled back from entry 7 to 1.1.0, and that is not logged yet" in text for text in row.drift)
    with pytest.raises(RefusedError, match="was rolled back from log entry 7"):
        world.promote("latest")  # the job of 1.2.0, run again
    world.release("1.3.0")
    world.authorize("latest", "1.3.0")
    with pytest.raises(RefusedError, match="was rolled back from log entry 7"):
        world.promote("latest")
    assert world.held("latest")["tag.min.js"] == world.bundle("1.1.0")["tag.min.js"]

    world.go_back("latest", "1.1.0")
    assert world.status().channels[0].drift == ()
    world.serve("latest", "1.3.0")
    assert world.status().channels[0].drift == ()


@pytest.mark.parametrize("left", ["3", "0", "99", "999999999999", "-1", "x" * 50, "٣"])
def test_a_mark_that_names_no_entry_of_the_channel_stops_nobody(world: World, left: str) -> None:
    """Whoever has the promote key can write anything there; the log knows better."""
    world.release("1.3.0")
    world.authorize("latest", "1.3.0")
    info = world.site.describe(POINTER)
    assert info is not None
    marked = ObjectHeaders(
        content_type=info.headers.content_type,
        cache_control=info.headers.cache_control,
        metadata={"version": "1.2.0", "unlogged": left},
    )
    world.site.put(POINTER, world.site.bodies()[POINTER], marked)
    world.finish("latest")


def test_an_unclear_answer_may_have_been_a_yes_and_the_log_is_asked_again(world: World) -> None:
    world.log.break_at(Fault(nth=1, when="after", operation="create"))
    recorder = world.recorder()
    with pytest.raises(ReadOnlyLogError, match="could not be written: the answer was lost"):
        authorize(world, watched(recorder), "1.1.0")
    again = authorize(world, watched(recorder), "1.1.0")
    assert again.event.index == 9
    assert world.actions()[9:] == ["rollback.authorized 1.1.0 latest"]


def test_a_failed_read_is_not_taken_for_a_log_that_takes_no_writes(world: World) -> None:
    world.log.break_at(Fault(nth=1, when="before", operation="read"))
    with pytest.raises(ServiceError, match="the answer was lost"):
        authorize(world, watched(world.recorder()), "1.1.0")
    blind = world.recorder(world.log.with_key(lambda action, _: action == "s3:GetObject"))
    with pytest.raises(PermissionDenied):
        authorize(world, watched(blind), "1.1.0")


# What is kept of it.


def move(**changes: object) -> Move:
    whole = Move(
        version="1.1.0",
        manifest="0" * 64,
        entry=4,
        leaves=7,
        size=9,
        reason=REASON,
        at="2026-11-24T03:00:00Z",
        why="503",
        outcome="authorized",
        pipeline=examples.PIPELINE,
    )
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


def test_moves_that_are_not_logged_are_kept_in_order_and_told_later() -> None:
    kept = Unlogged(library="tag", channel="latest", moves=(move(),))
    again = kept.and_then(move(at="2026-11-24T03:05:00Z")).ended("completed")
    assert [(m.at, m.missing) for m in again.moves] == [
        ("2026-11-24T03:00:00Z", ("rollback.authorized", "rollback.completed"))
    ]
    both = again.and_then(move(version="1.0.0", at="2026-11-24T04:00:00Z"))
    assert both.told("bad") == (
        "bad [to 1.1.0 since 2026-11-24T03:00:00Z, when the log could not be written] "
        "[to 1.0.0 since 2026-11-24T04:00:00Z, when the log could not be written]"
    )
    assert is_told(both.told("bad"), "bad")
    assert not is_told(both.told("bad, too"), "bad")
    assert read_unlogged(document.encode(both), name="it", library="tag") == both
    for number in range(30):
        both = both.and_then(move(version=f"0.{number}.0"))
    assert len(both.moves) == MOST
    with pytest.raises(FormatError, match="is for library other"):
        read_unlogged(document.encode(dataclasses.replace(both, library="other")), name="it", library="tag")
