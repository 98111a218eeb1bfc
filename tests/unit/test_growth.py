"""Append to a log with a tree: many writers, each of whose operations may be the last it does."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from release.core.caching import LOG as LOG_HEADERS
from release.core.channels import Channel
from release.core.entry import Event, decode, leaf_hash
from release.core.layout import LogLayout, ObjectHeaders
from release.core.log_keys import LogKeys
from release.core.pipeline import Pipeline
from release.core.slot import examine
from release.core.succession import Intent, Log
from release.core.tlog.checkpoint import parse_checkpoint
from release.core.tlog.merkle import Frontier
from release.core.tlog.note import open_note
from release.core.tlog.tile import bundles_of, encode_bundle, tiles_of
from release.effects.growth import append
from release.effects.slots import Slots
from release.effects.tree import Tree
from release.errors import LogError, RefusedError, ServiceError
from release.ports import ObjectStore
from tests.fakes.clock import StoppedClock
from tests.fakes.deterministic import Crash, Run, Turns
from tests.fakes.log_keys import log_signer
from tests.fakes.object_store import InMemoryObjectStore

ORIGIN = "releases.example.com/log/tag"
SIGNER = log_signer(ORIGIN)
LAYOUT = LogLayout(prefix="tag/")
LOG = Log(origin=ORIGIN, component="tag", channels={"latest": Channel()}, pipeline=Pipeline(tool="release 1"))


def tree(store: ObjectStore) -> Tree:
    return Tree(store=store, layout=LAYOUT, origin=ORIGIN, signer=SIGNER, keys=LogKeys(current=SIGNER.key))


def slots(store: ObjectStore) -> Slots:
    return Slots(store=store, layout=LAYOUT, keys=LogKeys(current=SIGNER.key))


def record(store: ObjectStore, intent: Intent) -> tuple[int, bool]:
    done = append(slots(store), tree(store), LOG, intent, clock=StoppedClock())
    return done.event.index, done.new


def yank(version: str) -> Intent:
    return Intent(action="version.yanked", version=version, manifest="a" * 64, reason="broken")


def promote(version: str) -> Intent:
    return Intent(action="promote.authorized", version=version, manifest="b" * 64, channel="latest")


def entries(bucket: InMemoryObjectStore) -> list[bytes]:
    return [body for key, body in bucket.bodies().items() if key.startswith(LAYOUT.slots)]


def must_be_whole(bucket: InMemoryObjectStore) -> None:
    """Compute every file of the log from its entries alone."""
    found = bucket.bodies()
    bodies = entries(bucket)
    leaves = [bytes.fromhex(leaf_hash(body)) for body in bodies]
    for index, body in enumerate(bodies):
        event = examine(body, index=index, keys=[SIGNER.key])
        if isinstance(event, Event) and index:
            assert event.prev
            assert event.prev.leaf_hash == leaves[index - 1].hex()
    for size in range(1, len(bodies) + 1):
        archived = found[LAYOUT.archived_checkpoint(size)]
        checkpoint = parse_checkpoint(open_note(archived, [SIGNER.key]).text, origin=ORIGIN)
        assert (checkpoint.size, checkpoint.root) == (size, Frontier().extended(leaves[:size]).root())
        for tile in tiles_of(size):
            if tile.level == 0:
                assert found[f"tag/{tile.path}"] == b"".join(leaves[tile.start : tile.start + tile.width])
        for bundle in bundles_of(size):
            expected = encode_bundle(bodies[bundle.start : bundle.start + bundle.width])
            assert found[f"tag/{bundle.path}"] == expected
    if bodies:
        assert found[LAYOUT.checkpoint] == found[LAYOUT.archived_checkpoint(len(bodies))]


def play(seed: int, bucket: InMemoryObjectStore, *, thief: bool = False) -> int:
    """Three writers of three entries each, started again until they end; gives how many crashes there were.

    A thief takes slots among them, and can sign nothing.
    """

    def writer(number: int) -> Callable[[Turns], None]:
        def life(turns: Turns) -> None:
            for step in range(3):
                while True:
                    try:
                        record(turns, yank(f"{number}.{step}.0"))
                        break
                    except (Crash, ServiceError):
                        continue

        return life

    def steal(turns: Turns) -> None:
        index = left = 0
        while left < 5:
            try:
                left += turns.create(LAYOUT.slot(index), b"%d" % seed, LOG_HEADERS)
                index += 1
            except (Crash, ServiceError):
                continue

    run = Run(seed=seed, harm=0.04 if thief else (0.08, 0.2, 0.35)[seed % 3])
    run.go(bucket, [*(writer(number) for number in range(3)), *([steal] if thief else [])])
    tree(bucket).repair()
    return run.crashes


class Watched(InMemoryObjectStore):
    """A bucket that remembers each head it had."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[bytes] = []

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        done = super().replace(key, body, headers, etag=etag)
        if done:
            self.heads.append(body)
        return done


class Overwriting(Watched):
    """A mutant: what is created takes the place of what was there."""

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        if not super().create(key, body, headers):
            self.put(key, body, headers)
            self.journal.append(("create", key))
        return True


class Careless(Watched):
    """A mutant: the head is written whatever it is by now."""

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        now = self.bodies().get(key)
        found = self.read(key, limit=len(now)) if now else None
        return super().replace(key, body, headers, etag=found.info.etag if found else etag)


def hold(seed: int, bucket: Watched) -> int:
    """Play one schedule and demand every invariant; gives how many crashes there were."""
    crashes = play(seed, bucket)
    must_be_whole(bucket)
    yanked = sorted(decode(body, index=index, keys=[SIGNER.key]).version for index, body in enumerate(entries(bucket)))
    assert yanked == sorted(f"{number}.{step}.0" for number in range(3) for step in range(3))
    written = [key for _, key in bucket.journal if key != LAYOUT.checkpoint]
    assert len(written) == len(set(written))
    sizes = [parse_checkpoint(open_note(body, [SIGNER.key]).text).size for body in bucket.heads]
    assert all(before < after for before, after in pairwise(sizes))
    return crashes


def test_ten_thousand_crashes_lose_double_fork_and_turn_back_nothing() -> None:
    crashes = seed = 0
    while crashes < 10_000:
        crashes += hold(seed, Watched())
        seed += 1


@pytest.mark.parametrize("mutant", [Overwriting, Careless])
def test_a_store_without_conditions_is_caught(mutant: type[Watched]) -> None:
    caught = 0
    for seed in range(30):
        try:
            hold(seed, mutant())
        except (AssertionError, LogError):
            caught += 1
    assert caught > 0


def grown(size: int) -> InMemoryObjectStore:
    bucket = InMemoryObjectStore()
    for index in range(size):
        record(bucket, yank(f"0.0.{index}"))
    return bucket


def test_a_log_past_its_first_full_tile_is_whole() -> None:
    bucket = grown(258)
    assert bucket.calls["keys"] == 0
    must_be_whole(bucket)


def test_the_same_again_is_one_entry() -> None:
    bucket = grown(3)
    assert record(bucket, yank("0.0.1")) == (1, False)
    assert len(entries(bucket)) == 3


def test_what_another_job_claimed_and_never_finished_is_seen_before_the_rules_are_asked() -> None:
    bucket = InMemoryObjectStore()
    record(bucket, promote("1.4.0"))
    before = {key: body for key, body in bucket.bodies().items() if not key.startswith(LAYOUT.slots)}
    record(bucket, promote("1.5.0"))
    for key in bucket.bodies():
        if key not in before and not key.startswith(LAYOUT.slots):
            bucket.remove(key)
    bucket.put(LAYOUT.checkpoint, before[LAYOUT.checkpoint])
    with pytest.raises(RefusedError):
        record(bucket, promote("1.4.1"))
    assert tree(bucket).repair() == 2
    must_be_whole(bucket)


@pytest.mark.parametrize("path", ["checkpoint", "tile/entries/000.p/3"])
def test_a_changed_file_stops_the_log(path: str) -> None:
    bucket = grown(3)
    body = bucket.bodies()[f"tag/{path}"]
    for at in range(0, len(body), 7):
        bucket.put(f"tag/{path}", body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
        with pytest.raises(LogError):
            record(bucket, yank("9.9.9"))
    bucket.remove(f"tag/{path}")
    if path != "checkpoint":
        with pytest.raises(LogError):
            record(bucket, yank("9.9.9"))
    assert len(entries(bucket)) == 3


def test_a_tile_that_somebody_put_there_first_stops_the_log() -> None:
    bucket = grown(1)
    bucket.put("tag/tile/0/000.p/2", b"x" * 64)
    with pytest.raises(LogError, match="tile/0/000"):
        record(bucket, yank("9.9.9"))


def test_another_key_or_another_log_does_not_go_on_with_it() -> None:
    bucket = grown(1)
    for signer, origin in ((log_signer(ORIGIN, seed="other"), ORIGIN), (SIGNER, "releases.example.com/log/other")):
        with pytest.raises(LogError, match="cannot be believed"):
            Tree(store=bucket, layout=LAYOUT, origin=origin, signer=signer, keys=LogKeys(current=signer.key)).resume()
