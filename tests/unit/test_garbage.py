"""Slots that hold no entry: what somebody leaves who has the record stage's AWS key and not the log's key."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping

import pytest

from release.core.entry import LARGEST
from release.core.log_finding import Finding
from release.core.logcheck import Verifier, archived_sizes
from release.core.logtree import TreeFiles
from release.core.slot import Invalid, examine, void
from release.core.succession import follow
from release.effects.growth import MOST_BEHIND
from release.errors import LogError, ServiceError
from tests.fakes import examples, log_files
from tests.fakes.log_keys import log_signer
from tests.fakes.scenario import World
from tests.unit.test_growth import LAYOUT, Watched, entries, must_be_whole, play, record, slots, tree, yank

THIEF = log_signer(examples.SIGNER.key.name, seed="a thief's own")


def next_slot(world: World) -> int:
    return world.slots().tail().size


def leave(world: World, body: bytes) -> int:
    """Take the next slot."""
    index = next_slot(world)
    world.log.put(world.config.log_layout.slot(index), body)
    return index


def forged(world: World) -> bytes:
    """An entry that is right in everything but its signature."""
    tail = world.slots().tail()
    event = follow(world.recorder().log, tail, examples.intent("publish.completed", "6.6.6"), at=world.clock.now())
    return examples.sealed(event, signer=THIEF)


GARBAGE: Mapping[str, Callable[[World], bytes]] = {
    "nothing": lambda _: b"",
    "JSON": lambda _: b"{}",
    "no text": lambda _: bytes(range(256)),
    "deep JSON": lambda _: b"[" * 60_000,
    "an entry without a signature": lambda world: json.dumps(examples.said(log_files.entries(world)[-1])).encode(),
    "an entry that another key signed": forged,
    "an entry of another slot": lambda world: log_files.entries(world)[-1],
    "what stands for an object that is too large": lambda world: void(next_slot(world), LARGEST + 1),
    "as much as fits": lambda _: b"x" * LARGEST,
    "one byte more": lambda _: b"x" * (LARGEST + 1),
    "megabytes": lambda _: b"x" * 3_000_000,
}


def findings(world: World) -> list[Finding]:
    root = world.config.log_layout.prefix
    files = {key.removeprefix(root): body for key, body in world.log.bodies().items()}
    read = TreeFiles(lambda path, _: files.get(path))
    return [*Verifier(files=read, policy=log_files.policy(), archived=archived_sizes(list(files))).run()]


@pytest.mark.parametrize("kind", GARBAGE)
def test_releases_go_on_and_every_reader_says_it_once(kind: str) -> None:
    world = World()
    world.release("1.0.0", "latest")
    before = world.slots().tail()
    index = leave(world, GARBAGE[kind](world))
    assert world.slots().tail().state == before.state
    assert [found.index for found in world.status().invalid] == [index]
    with pytest.raises(LogError, match=f"log entry {index}"):
        world.slots().read(index)

    world.publish("1.1.0")
    recorded = world.record("1.1.0")
    assert [found.index for found in recorded.invalid] == [index]
    assert recorded.event.prev is not None
    (found,) = [found for found in world.slots().found(first=index, size=index + 1) if isinstance(found, Invalid)]
    assert (recorded.event.prev.index, recorded.event.prev.leaf_hash) == (index, found.leaf_hash)
    assert recorded.event.after == before.state
    world.serve("latest", "1.1.0")
    world.go_back("latest")
    assert world.status().invalid == ()
    assert [(found.kind, found.index) for found in findings(world)] == [("entry", index)]
    assert index not in [event.index for event in world.events()]


def test_the_leaf_of_what_is_too_large_is_the_same_for_everybody_and_costs_no_reading_of_it() -> None:
    world = World()
    world.release("1.0.0")
    index = leave(world, b"x" * 200_000)
    leaf = void(index, 200_000)
    assert json.loads(leaf) == {"type": "release-log-void/v1", "index": index, "size": 200_000}
    world.yank("1.0.0")
    bundle = world.log.bodies()[world.config.log_layout.tile("tile/entries/000.p/3")]
    assert leaf in bundle
    expected = hashlib.sha256(b"\x00" + leaf).hexdigest()
    prev = world.slots().read(index + 1).prev
    assert prev is not None
    assert prev.leaf_hash == expected
    found = examine(leaf, index=index, keys=world.slots().keys.at(index))
    assert isinstance(found, Invalid)
    assert found.problem == f"slot {index} holds an object of 200000 bytes, at most 65535 fit a log entry"


def test_a_log_may_begin_with_it() -> None:
    world = World()
    leave(world, b"{}")
    leave(world, b"x" * 70_000)
    assert (world.slots().tail().event, world.slots().tail().size) == (None, 2)
    world.release("1.0.0", "latest")
    assert next(event.index for event in world.events()) == 2
    assert [(found.kind, found.index) for found in findings(world)] == [("entry", 0), ("entry", 1)]


def test_a_dry_run_says_it_too_and_writes_nothing() -> None:
    world = World()
    world.release("1.0.0")
    index = leave(world, b"{}")
    written = len(world.journal)
    report = world.authorize("latest", "1.0.0", dry_run=True)
    assert (report.event.index, [found.index for found in report.invalid]) == (index + 1, [index])
    assert len(world.journal) == written


@pytest.mark.parametrize("integrated", [False, True])
def test_three_hundred_slots_of_it_need_no_repair(integrated: bool) -> None:
    """More than a bundle holds, and than slots that a job would lose."""
    bucket = Watched()
    record(bucket, yank("0.0.0"))
    for index in range(1, 301):
        bucket.put(LAYOUT.slot(index), b"garbage %d" % index)
    if integrated:
        assert tree(bucket).repair() == 301
    tail = slots(bucket).tail()
    assert (tail.size, len(tail.invalid), tail.event and tail.event.index) == (301, 300, 0)
    assert record(bucket, yank("0.0.0")) == (0, False)
    assert record(bucket, yank("0.0.1")) == (301, True)
    must_be_whole(bucket)


def test_one_job_mends_a_thousand_slots_and_keeps_what_it_did() -> None:
    bucket = Watched()
    for index in range(MOST_BEHIND + 100):
        bucket.put(LAYOUT.slot(index), b"")
    with pytest.raises(ServiceError, match="1000 slots of the release log were claimed and not integrated"):
        record(bucket, yank("0.0.0"))
    assert tree(bucket).resume().size == MOST_BEHIND + 1
    assert record(bucket, yank("0.0.0")) == (MOST_BEHIND + 100, True)


def test_a_reader_looks_back_a_bounded_number_of_slots() -> None:
    bucket = Watched()
    record(bucket, yank("0.0.0"))
    for index in range(1, 101):
        bucket.put(LAYOUT.slot(index), b"")
    assert dataclasses.replace(slots(bucket), deepest=100).tail().size == 101
    with pytest.raises(LogError, match=r"the last \d+ slots of the release log hold no entry that its keys signed"):
        dataclasses.replace(slots(bucket), deepest=30).tail()


def test_a_thief_among_the_writers_costs_nothing_but_slots() -> None:
    """Three writers whose every operation may be their last, and somebody who takes slots between them."""
    crashes = taken = 0
    for seed in range(40):
        bucket = Watched()
        crashes += play(seed, bucket, thief=True)
        must_be_whole(bucket)
        found = list(slots(bucket).found(first=0, size=len(entries(bucket))))
        taken += sum(isinstance(one, Invalid) for one in found)
        yanked = sorted(one.version for one in found if not isinstance(one, Invalid))
        assert yanked == sorted(f"{number}.{step}.0" for number in range(3) for step in range(3))
    assert crashes > 30
    assert taken >= 40 * 5
