"""What an append costs: requests to the bucket, counted around every size at which tiles fill up."""

import hashlib
from collections.abc import Iterator, Mapping

import pytest

from release.core.entry import leaf_hash
from release.core.layout import LogLayout
from release.core.log_keys import LogKeys
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.note import sign_note
from release.core.tlog.tile import WIDTH, Edge, Tile, encode_bundle
from release.effects.growth import append
from release.effects.slots import Slots
from release.effects.tree import Tree
from release.ports import ObjectStore
from tests.fakes import examples
from tests.fakes.clock import StoppedClock
from tests.fakes.log_keys import log_signer
from tests.fakes.object_store import InMemoryObjectStore

SIGNER = log_signer(examples.LOG.origin)
LAYOUT = LogLayout(prefix="tag/")
MOST = 12


def last_entry(index: int) -> bytes:
    return examples.sealed(examples.event(index))


def grown(size: int) -> InMemoryObjectStore:
    """Give a log of so many entries, of which only those after the last full bundle were ever made.

    The hashes of all that came before are taken from the air; what is signed is the tree over them.
    """
    levels: list[tuple[bytes, ...]] = [()]
    while count := size >> 8 * len(levels):
        levels.append(tuple(hashlib.sha256(f"{len(levels)} {n}".encode()).digest() for n in range(count % WIDTH)))
    start = size // WIDTH * WIDTH
    entries = [*(b"entry %d" % index for index in range(start, size - 1)), last_entry(size - 1)]
    levels[0] = tuple(bytes.fromhex(leaf_hash(entry)) for entry in entries)
    edge = Edge(size, tuple(levels))
    bucket = InMemoryObjectStore()
    bucket.put(LAYOUT.slot(size - 1), entries[-1])
    bucket.put(LAYOUT.tile(Tile(None, size // WIDTH, len(entries)).path), encode_bundle(entries))
    for level, hashes in enumerate(levels[1:], start=1):
        if hashes:
            index = (size >> 8 * level) // WIDTH
            bucket.put(LAYOUT.tile(Tile(level, index, len(hashes)).path), b"".join(hashes))
    head = Checkpoint(examples.LOG.origin, size, edge.frontier().root())
    bucket.put(LAYOUT.checkpoint, sign_note(head.encode(), [SIGNER]))
    return bucket


def appended(store: ObjectStore, number: int) -> bool:
    """Append an entry; tell whether it is new and has this number."""
    slots = Slots(store=store, layout=LAYOUT, keys=LogKeys(current=SIGNER.key))
    tree = Tree(store=store, layout=LAYOUT, origin=examples.LOG.origin, signer=SIGNER, keys=LogKeys(current=SIGNER.key))
    yanked = examples.intent("version.yanked", f"0.0.{number}", reason="broken")
    done = append(slots, tree, examples.LOG, yanked, clock=StoppedClock())
    return done.new and done.event.index == number


def costs(bucket: InMemoryObjectStore, *, first: int, count: int) -> Iterator[tuple[int, int]]:
    """Append several entries; give the size that each makes and the requests that it cost."""
    for number in range(first, first + count):
        before = bucket.calls["any"]
        assert appended(bucket, number)
        yield number + 1, bucket.calls["any"] - before
    assert bucket.calls["keys"] == 0


COSTS: Mapping[int, tuple[int, ...]] = {
    1: (8, 8, 8),
    253: (8, 8, 8, 9, 9),
    65_533: (9, 9, 10, 10, 9),
    100_000: (10, 10, 10),
    131_070: (10, 11, 10, 9),
    16_777_213: (10, 10, 12, 11, 9),
    33_554_429: (11, 11),
}
"""What each of several appends costs that follow on this size."""


@pytest.mark.parametrize("size", COSTS)
def test_an_append_needs_twelve_requests_at_most(size: int) -> None:
    found = dict(costs(grown(size), first=size, count=len(COSTS[size])))
    assert tuple(found.values()) == COSTS[size]
    assert max(found.values()) <= MOST


def test_the_first_entry_costs_less_than_the_second() -> None:
    """There is no bundle to read."""
    assert list(costs(InMemoryObjectStore(), first=0, count=2)) == [(1, 6), (2, 8)]


@pytest.mark.parametrize(("size", "cost"), [(2 * 2**24, 13), (3 * 2**24, 13), (2**32, 14)])
def test_where_sixteen_million_entries_are_full_for_the_second_time_it_is_one_more(size: int, cost: int) -> None:
    """All of it is needed: a tile a level is read, written full, and begun on the next level."""
    assert dict(costs(grown(size - 2), first=size - 2, count=3)) == {size - 1: 11, size: cost, size + 1: cost - 2}


def test_a_second_run_of_the_same_job_costs_less() -> None:
    bucket = grown(65_534)
    assert appended(bucket, 65_534)
    before = bucket.calls["any"]
    assert not appended(bucket, 65_534)
    assert bucket.calls["any"] - before == 5
