"""Garbage in channels: what is collected and when, whatever happens at the same time."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable

import pytest

from release.core import document
from release.core.collection import read_collection
from release.core.config import CollectSection
from release.core.entry import FINISHED, ORDERED, Event, leaf_hash
from release.core.evidence import Evidence
from release.core.layout import ObjectHeaders
from release.core.manifest import digest
from release.core.replay import Replay
from release.core.succession import Intent
from release.errors import IntegrityError, LogError, NotFoundError, NothingToDoError, RefusedError, ServiceError
from release.stages import collection as collecting
from tests.fakes import examples
from tests.fakes.odd_stores import Interrupted, Moment, Overtaken, WithoutChecksums
from tests.fakes.scenario import World, every_fault

OLD, SHARED = "chunks/own-1.0.0.js", "chunks/shared.js"
GRACE = 30


def days(world: World, count: float) -> None:
    world.clock.sleep(count * 24 * 3600)


def served(*versions: str) -> World:
    """Let `latest` serve versions one after the other, a day apart; then the grace of all but the last is over."""
    return _served(versions).twin()


@functools.cache
def _served(versions: tuple[str, ...]) -> World:
    world = World()
    for version in versions:
        world.release(version, "latest")
        days(world, 1)
    days(world, GRACE)
    return world


def paths(world: World) -> set[str]:
    return set(world.held("latest"))


def problems(events: list[Event]) -> list[str]:
    replay = Replay()
    return [problem for event in events for problem in replay.take(event, leaf_hash(examples.sealed(event)))]


def collected(world: World) -> None:
    world.order_collection("latest")
    world.collect("latest")
    world.finish_collection("latest")


# What is garbage.


def test_a_chunk_is_collected_after_the_grace_and_never_what_is_served() -> None:
    world = served("1.0.0", "1.1.0")
    assert OLD in paths(world)
    collected(world)
    assert paths(world) == set(world.bundle("1.1.0"))
    assert world.held("1.0.0").keys() >= {OLD}, "a version keeps its files for ever"
    assert world.status().channels[0].drift == ()
    assert problems(world.events()) == []


def test_within_the_grace_nothing_is() -> None:
    world = World()
    world.release("1.0.0", "latest")
    days(world, 400)
    world.release("1.1.0", "latest")
    days(world, GRACE - 0.01)
    found = world.order_collection("latest")
    assert (found.collection, found.report, found.strange) == (None, None, ())
    days(world, 0.02)
    assert world.order_collection("latest").collection is not None


def test_the_grace_is_the_configured_one() -> None:
    world = World(dataclasses.replace(examples.config(), collect=CollectSection(grace_days=100)))
    world.release("1.0.0", "latest")
    world.release("1.1.0", "latest")
    days(world, 99)
    assert world.order_collection("latest").collection is None
    days(world, 2)
    assert world.order_collection("latest").collection is not None


def test_the_grace_begins_when_the_next_version_was_seen_to_be_served() -> None:
    """An authorised version that nobody promoted, or whose outcome is not known, takes nothing from the one before."""
    world = World()
    world.release("1.0.0", "latest")
    days(world, 1)
    world.publish("1.1.0")
    world.record("1.1.0")
    world.authorize("latest", "1.1.0")
    world.promote("latest")
    days(world, 10 * GRACE)
    assert world.order_collection("latest").collection is None
    world.settle("latest")
    days(world, GRACE + 1)
    assert world.order_collection("latest").collection is not None


def test_a_failed_promotion_and_the_rollback_after_it_keep_both_versions_for_the_grace() -> None:
    world = World()
    world.release("1.0.0", "latest")
    days(world, 100)
    world.publish("1.1.0")
    world.record("1.1.0")
    world.move("latest", "1.1.0", passed=False)
    days(world, 1)
    world.go_back("latest", "1.0.0")
    days(world, GRACE - 1)
    assert world.order_collection("latest").collection is None, "a page may have loaded what failed"
    days(world, 2)
    found = world.order_collection("latest").collection
    assert found is not None
    assert found.paths == {"chunks/own-1.1.0.js"}


def test_the_list_says_by_what_it_was_judged() -> None:
    world = served("1.0.0", "1.1.0")
    report = world.order_collection("latest").report
    assert report is not None
    event = report.event
    assert (event.action, event.version, event.channel) == (ORDERED, "", "latest")
    assert event.reason is not None
    assert event.reason.startswith("1 files, 28 bytes, of 1 versions that it served before 2026-11-")
    body = world.log.bodies()[world.config.log_layout.evidence(event.manifest)]
    found = read_collection(body, name="it", library="tag", channel="latest")
    assert [(file.path, file.version) for file in found.files] == [(OLD, "1.0.0")]
    assert [(one.version, one.manifest) for one in found.served] == [
        ("1.1.0", world.slots().tail().state.channels["latest"].manifest)
    ]
    assert event.after.channels["latest"].collecting is not None


def test_what_no_recorded_version_left_is_drift_and_stays() -> None:
    world = served("1.0.0", "1.1.0")
    key = world.config.layout.channel_file
    old = world.site.describe(key("latest", OLD))
    assert old is not None
    claims = ObjectHeaders(content_type="text/javascript", cache_control="no-cache", metadata={"version": "1.0.0"})
    world.site.put(key("latest", "evil.js"), b"evil", claims)
    world.site.put(key("latest", "own.js"), b"mine")
    world.site.put(f"{world.config.layout.root}latest/.hidden", b"mine")
    world.publish("0.9.0")
    world.record("0.9.0")
    never = dataclasses.replace(claims, metadata={"version": "0.9.0"})
    world.site.put(key("latest", "chunks/own-0.9.0.js"), world.bundle("0.9.0")["chunks/own-0.9.0.js"], never)
    found = world.order_collection("latest")
    assert [text.removeprefix("tag/latest/") for text in found.strange] == [
        ".hidden is no file of a channel",
        "chunks/own-0.9.0.js is of 0.9.0, which latest was never to serve",
        "evil.js is no file of version 1.0.0, which it says it is of",
        "own.js is of no version, which latest was never to serve",
    ]
    world.collect("latest")
    world.finish_collection("latest")
    assert paths(world) - set(world.bundle("1.1.0")) == {"evil.js", "own.js", ".hidden", "chunks/own-0.9.0.js"}


def test_other_channels_keep_theirs() -> None:
    world = World()
    world.release("1.0.0", "v1", "latest")
    days(world, 1)
    world.release("2.0.0", "latest")
    days(world, GRACE + 1)
    before = world.held("v1")
    collected(world)
    assert world.held("v1") == before
    assert OLD not in paths(world)


def test_a_server_without_checksums_is_read() -> None:
    world = served("1.0.0", "1.1.0")
    bare = WithoutChecksums(world.site)
    world.order_collection("latest", site=bare)
    world.collect("latest", site=bare)
    assert OLD not in paths(world)


def test_without_the_manifest_of_a_served_version_nothing_is_judged() -> None:
    world = served("1.0.0", "1.1.0")
    world.site.remove(world.config.layout.manifest("1.1.0"))
    with pytest.raises(NotFoundError):
        world.order_collection("latest")
    world.site.put(world.config.layout.manifest("1.1.0"), b"{}")
    with pytest.raises(IntegrityError):
        world.order_collection("latest")


# The steps, once and again.


def test_there_is_nothing_to_do_where_nothing_is_ordered_or_served() -> None:
    world = World()
    with pytest.raises(NothingToDoError):
        world.order_collection("latest")
    world.release("1.0.0", "latest")
    with pytest.raises(NothingToDoError):
        world.collect("latest")
    with pytest.raises(RefusedError):
        world.order_collection("beta")


def test_a_dry_run_changes_nothing() -> None:
    world = served("1.0.0", "1.1.0")
    before = len(world.journal)
    found = world.order_collection("latest", dry_run=True)
    assert found.report is not None
    assert found.report.event.action == ORDERED
    assert len(world.journal) == before
    world.order_collection("latest")
    before = len(world.journal)
    report = world.collect("latest", dry_run=True)
    assert (len(report.plan[0]), report.deleted) == (1, 0)
    assert len(world.journal) == before


def test_every_step_again_changes_nothing() -> None:
    world = served("1.0.0", "1.1.0")
    for step in (world.order_collection, world.collect, world.finish_collection):
        step("latest")
        after = (world.site.bodies(), world.log.bodies(), len(world.cdn.invalidations))
        step("latest")
        assert (world.site.bodies(), world.log.bodies(), len(world.cdn.invalidations)) == after
    assert world.actions()[-2:] == [f"{ORDERED} latest", f"{FINISHED} latest"]
    assert world.order_collection("latest").collection is None


@pytest.mark.parametrize("step", ["order", "collect", "finish"])
@pytest.mark.parametrize("bucket", ["site", "log"])
def test_it_converges_whichever_request_broke(step: str, bucket: str) -> None:
    struck = 0
    for fault in every_fault():
        world = served("1.0.0", "1.1.0", "1.2.0")
        steps: dict[str, Callable[[str], object]] = {
            "order": world.order_collection,
            "collect": world.collect,
            "finish": world.finish_collection,
        }
        before = list(steps).index(step)
        for earlier in list(steps.values())[:before]:
            earlier("latest")
        getattr(world, bucket).break_at(fault)
        try:
            steps[step]("latest")
        except ServiceError:
            struck += 1
        else:
            break
        for again in list(steps.values())[before:]:
            again("latest")
        assert paths(world) == set(world.bundle("1.2.0"))
        assert world.actions()[-2:] == [f"{ORDERED} latest", f"{FINISHED} latest"]
        assert problems(world.events()) == []
    assert struck >= (2 if (step, bucket) == ("finish", "site") else 4)


def test_what_is_deleted_is_dropped_from_the_caches() -> None:
    world = served("1.0.0", "1.1.0")
    world.visit("latest")
    collected(world)
    (path,) = world.cdn.invalidations[-1].paths
    assert path == f"/{world.config.layout.channel_file('latest', OLD)}"
    assert world.fetch(path).status == 404


def test_it_is_not_concluded_while_a_file_is_still_there() -> None:
    world = served("1.0.0", "1.1.0")
    world.order_collection("latest")
    collected_ = world.collect("latest", dry_run=True).collected
    with pytest.raises(RefusedError, match="is still there"):
        collecting.finish(world.recorder(), world.site, collected_, dry_run=False)


def test_an_order_is_good_for_an_hour_and_the_next_one_comes_after_two() -> None:
    world = served("1.0.0", "1.1.0")
    first = world.order_collection("latest").report
    world.clock.sleep(3600)
    before = world.site.bodies()
    with pytest.raises(RefusedError, match="was to be carried out until"):
        world.collect("latest")
    assert world.site.bodies() == before
    again = world.order_collection("latest").report
    assert first is not None
    assert again is not None
    assert (again.event.index, again.new) == (first.event.index, False)
    world.clock.sleep(3600)
    later = world.order_collection("latest").report
    assert later is not None
    assert later.new
    world.collect("latest")
    assert OLD not in paths(world)
    assert problems(world.events()) == []


# What is looked at again before anything is deleted.


def test_a_file_that_changed_since_is_not_deleted() -> None:
    world = served("1.0.0", "1.1.0")
    world.order_collection("latest")
    key = world.config.layout.channel_file("latest", OLD)
    found = world.site.describe(key)
    assert found is not None
    for body in (b"something else", world.bundle("1.0.0")["tag.min.js"]):
        world.site.put(key, body, found.headers)
        with pytest.raises(IntegrityError):
            world.collect("latest")
        assert key in world.site.bodies()


def test_a_file_that_changes_at_the_last_moment_is_not_deleted() -> None:
    world = served("1.0.0", "1.1.0")
    world.order_collection("latest")
    key = world.config.layout.channel_file("latest", OLD)
    late = Overtaken(world.site, "delete", key, lambda: world.site.put(key, b"new"))
    with pytest.raises(RefusedError, match="was changed by another job"):
        world.collect("latest", site=late)
    assert world.site.bodies()[key] == b"new"


def forged(world: World, path: str) -> None:
    """Let whoever has the record key and the log's order a file deleted that is needed."""
    honest = world.order_collection("latest", dry_run=True).collection
    assert honest is not None
    info = world.site.describe(world.config.layout.channel_file("latest", path))
    assert info is not None
    assert info.sha256 is not None
    file = dataclasses.replace(honest.files[0], path=path, sha256=info.sha256, etag=info.etag, bytes=info.size)
    body = document.encode(dataclasses.replace(honest, files=(*honest.files, file)))
    world.slots().leave_evidence(body)
    evidence = Evidence(kind="collection", media_type="application/json", sha256=digest(body))
    state = world.slots().tail().state.channels["latest"]
    world.recorder().append(
        Intent(
            action=ORDERED,
            version="",
            manifest=digest(body),
            channel="latest",
            evidence=(evidence,),
            looked_at=state,
        ),
        dry_run=False,
    )


@pytest.mark.parametrize("path", ["tag.min.js", SHARED])
def test_a_forged_order_for_a_needed_file_deletes_nothing(path: str) -> None:
    world = served("1.0.0", "1.1.0")
    forged(world, path)
    before = world.site.bodies()
    with pytest.raises(IntegrityError, match=r"version 1\.1\.0 needs it"):
        world.collect("latest")
    assert world.site.bodies() == before


def test_a_forged_order_for_a_file_that_is_no_garbage_deletes_nothing() -> None:
    world = served("1.0.0", "1.1.0")
    world.site.put(world.config.layout.channel_file("latest", "mine.js"), b"mine")
    forged(world, "mine.js")
    before = world.site.bodies()
    with pytest.raises(IntegrityError, match="orders it deleted"):
        world.collect("latest")
    assert world.site.bodies() == before


def test_what_the_pointer_in_the_bucket_names_is_not_deleted_whoever_put_it_there() -> None:
    world = served("1.0.0", "1.1.0")
    pointer = world.slots().pointer(world.events()[1].index)
    assert pointer is not None
    world.order_collection("latest")
    world.site.put(world.config.layout.pointer("latest"), document.encode(pointer))
    with pytest.raises(IntegrityError, match=r"version 1\.0\.0 needs it"):
        world.collect("latest")
    assert OLD in paths(world)


def test_a_list_with_other_bytes_deletes_nothing() -> None:
    world = served("1.0.0", "1.1.0")
    report = world.order_collection("latest").report
    assert report is not None
    world.log.put(world.config.log_layout.evidence(report.event.manifest), b"{}")
    with pytest.raises(LogError):
        world.collect("latest")
    assert OLD in paths(world)


# Promotions and rollbacks at the same time.


def needs_old(world: World) -> None:
    """Publish a version that has the old chunk again, byte for byte."""
    world.build("1.2.0", {**world.bundle("1.0.0"), "tag.min.js": b"window.tag = '1.2.0';\n"})
    world.publish("1.2.0")
    world.record("1.2.0")


def test_a_move_that_needs_a_file_waits_for_the_collection_and_then_brings_it_back() -> None:
    world = served("1.0.0", "1.1.0")
    needs_old(world)
    world.order_collection("latest")
    moves: list[Callable[[], object]] = [
        lambda: world.authorize("latest", "1.2.0"),
        lambda: world.roll_back("latest", "1.0.0"),
        lambda: world.authorize("latest", "1.2.0", dry_run=True),
    ]
    for move in moves:
        with pytest.raises(RefusedError, match=rf"{OLD} of 1\.[02]\.0 may be deleted from latest at this moment"):
            move()
    world.collect("latest")
    with pytest.raises(RefusedError):
        world.authorize("latest", "1.2.0")
    world.finish_collection("latest")
    world.serve("latest", "1.2.0")
    assert world.held("latest").items() >= world.bundle("1.2.0").items()
    assert problems(world.events()) == []


def test_a_move_that_needs_none_of_it_goes_on_and_the_collection_stops() -> None:
    world = served("1.0.0", "1.1.0")
    world.order_collection("latest")
    world.release("1.3.0", "latest")
    before = world.site.bodies()
    with pytest.raises(RefusedError, match="was moved after entry"):
        world.collect("latest")
    assert world.site.bodies() == before
    world.clock.sleep(2 * 3600)
    collected(world)
    assert OLD not in paths(world)
    assert "chunks/own-1.1.0.js" in paths(world), "it was served until now"
    assert problems(world.events()) == []


def test_two_hours_later_nothing_waits_any_more() -> None:
    world = served("1.0.0", "1.1.0")
    world.order_collection("latest")
    world.clock.sleep(2 * 3600)
    world.go_back("latest", "1.0.0")
    with pytest.raises(RefusedError):
        world.collect("latest")
    assert world.held("latest").items() >= world.bundle("1.0.0").items()
    found = world.order_collection("latest")
    assert found.collection is None, "1.1.0 was served until now"


@pytest.mark.parametrize("wins", ["move", "order"])
def test_an_order_and_a_move_at_the_same_moment_are_never_both_let_through(wins: str) -> None:
    """Each was decided from a log without the other; the slot is won by one of them."""
    world = served("1.0.0", "1.1.0")
    slot = world.config.log_layout.slot(world.slots().tail().size)
    if wins == "move":
        log = Overtaken(world.log, "create", slot, lambda: world.roll_back("latest", "1.0.0"))
        with pytest.raises(RefusedError, match="moved while its garbage was looked for"):
            world.order_collection("latest", log=log)
    else:
        needs_old(world)
        slot = world.config.log_layout.slot(world.slots().tail().size)
        log = Overtaken(world.log, "create", slot, lambda: world.order_collection("latest"))
        with pytest.raises(RefusedError, match="at this moment"):
            world.authorize("latest", "1.2.0", log=log)
    assert problems(world.events()) == []


def test_two_orders_at_the_same_moment_are_one() -> None:
    world = served("1.0.0", "1.1.0")
    slot = world.config.log_layout.slot(world.slots().tail().size)

    def faster() -> None:
        world.clock.sleep(60)
        world.order_collection("latest")

    log = Overtaken(world.log, "create", slot, faster)
    with pytest.raises(RefusedError, match="orders a collection of channel latest already"):
        world.order_collection("latest", log=log)
    assert [event.action for event in world.events()].count(ORDERED) == 1


@functools.cache
def _busy() -> World:
    """Give a channel with an order, a newer version, and one that has the oldest one's chunk again."""
    world = served("1.0.0", "1.1.0", "1.2.0")
    again = {**world.bundle("1.0.0"), "tag.min.js": b"window.tag = '1.4.0';\n"}
    for version, content in (("1.3.0", None), ("1.4.0", again)):
        world.build(version, content)
        world.publish(version)
        world.record(version)
    world.order_collection("latest")
    return world


@pytest.mark.parametrize("version", ["1.3.0", "1.0.0", "1.4.0"], ids=["forward", "back", "forward with the old chunk"])
def test_a_move_between_any_two_requests_of_a_collection_loses_no_file(version: str) -> None:
    moments, moves = 0, 0
    while True:
        world = _busy().twin()
        move = functools.partial(world.go_back if version == "1.0.0" else world.serve, "latest", version)
        moment = Moment(moments + 1, functools.partial(tolerated, move))
        with contextlib.suppress(RefusedError):
            world.collect("latest", site=Interrupted(world.site, moment), log=Interrupted(world.log, moment))
        state = world.slots().tail().state.channels["latest"]
        assert world.held("latest").items() >= world.bundle(state.version).items(), moments
        moves += state.version == version
        if moment.left > 0:
            break
        moments += 1
        with contextlib.suppress(RefusedError):  # and once more, when all is over
            move()
        world.clock.sleep(2 * 3600)
        move()
        assert world.held("latest").items() >= world.bundle(version).items()
        assert world.status().channels[0].drift == ()
    assert moments > 20
    assert moves == (moments if version == "1.3.0" else 0)


def tolerated(move: Callable[[], object]) -> None:
    with contextlib.suppress(RefusedError):
        move()


def test_a_collection_between_any_two_requests_of_a_promotion_loses_no_file() -> None:
    """The promotion was authorised first, so what it needs is no garbage."""
    moments = 0
    while True:
        world = served("1.0.0", "1.1.0")
        needs_old(world)
        world.authorize("latest", "1.2.0")
        moment = Moment(moments + 1, functools.partial(whole_collection, world))
        world.promote("latest", site=Interrupted(world.site, moment), log=Interrupted(world.log, moment))
        assert world.held("latest").items() >= world.bundle("1.2.0").items(), moments
        if moment.left > 0:
            break
        moments += 1
    assert moments > 20


def whole_collection(world: World) -> None:
    if world.order_collection("latest").collection:
        world.collect("latest")
        world.finish_collection("latest")
