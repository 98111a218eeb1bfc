import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from release.core import document
from release.core.caching import LOG as LOG_HEADERS
from release.core.entry import Event, Previous, leaf_hash
from release.core.handover import VersionIndex
from release.core.layout import LogLayout, ObjectHeaders
from release.core.log_keys import LogKeys
from release.core.pipeline import Pipeline
from release.core.succession import Intent, Log, Tail
from release.effects import growth
from release.effects.growth import CLAIMS
from release.effects.slots import Slots
from release.effects.tree import Tree
from release.errors import LogError, NotFoundError, RefusedError, ServiceError
from tests.fakes import examples
from tests.fakes.clock import StoppedClock
from tests.fakes.examples import LOG, SIGNER, event, intent
from tests.fakes.object_store import Fault, InMemoryObjectStore, nothing_denied

if TYPE_CHECKING:
    from collections.abc import Callable

LAYOUT = LogLayout(prefix="tag/")
CLOCK = StoppedClock()


class RacingStore(InMemoryObjectStore):
    """Before each of the next creates, somebody else goes first."""

    def __init__(self) -> None:
        super().__init__()
        self.rivals: list[Callable[[], object]] = []

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        if self.rivals and key.startswith(LAYOUT.slots):
            self.rivals.pop(0)()
        return super().create(key, body, headers)


class RepeatingStore(InMemoryObjectStore):
    """A client that repeats a request whose answer was lost, and is told that the key is taken."""

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        super().create(key, body, headers)
        return False


def slots(store: InMemoryObjectStore) -> Slots:
    return Slots(store=store, layout=LAYOUT, keys=LogKeys(current=SIGNER.key))


def append(store: InMemoryObjectStore, *wanted: Intent, log: Log = LOG) -> list[tuple[Event, bool]]:
    tree = Tree(store=store, layout=LAYOUT, origin=log.origin, signer=SIGNER, keys=LogKeys(current=SIGNER.key))
    done = [growth.append(slots(store), tree, log, one, clock=CLOCK) for one in wanted]
    return [(each.event, each.new) for each in done]


def history(store: InMemoryObjectStore) -> list[tuple[str, str, str | None]]:
    """All entries, checked from the first to the last."""
    log = slots(store)
    return [(e.action, e.version, e.channel) for e in log.events(first=0, size=log.tail().size)]


def promote(version: str, channel: str = "latest") -> Intent:
    return intent("promote.authorized", version, channel)


def filled(size: int, *, without: range = range(0), and_also: tuple[int, ...] = ()) -> InMemoryObjectStore:
    """A log of which only the newest entry can be read."""
    store = InMemoryObjectStore()
    indices = sorted({*range(size), *and_also} - {*without})
    for index in indices[:-1]:
        store.put(LAYOUT.slot(index), b"unread")
    if indices:
        newest = indices[-1]
        before = Previous(index=newest - 1, leaf_hash=leaf_hash(b"unread")) if newest else None
        store.put(LAYOUT.slot(newest), examples.sealed(event(newest, prev=before)))
    return store


@pytest.mark.parametrize("size", [0, 1, 2, 999, 1000, 1001, 1998, 1999, 2000, 3000, 5000, 5997, 20_000])
def test_the_newest_entry_is_found_with_requests_that_grow_as_the_logarithm(size: int) -> None:
    store = filled(size)
    tail = slots(store).tail()
    assert tail.size == size
    assert (tail.event.index if tail.event else -1) == size - 1
    assert store.calls["keys"] <= (1 if size < 1000 else 3 + 2 * math.log2(size / 1000))
    assert store.calls["read"] <= 2


GAPS = {
    "the first is missing": filled(10, without=range(1)),
    "only the second is there": filled(0, and_also=(1,)),
    "one in the middle is missing": filled(10, without=range(5, 6)),
    "one was taken ahead of its time": filled(10, and_also=(12,)),
    "one was taken far ahead of its time": filled(10, and_also=(900_000_000_000,)),
    "one is missing near the end of a long log": filled(2500, without=range(2400, 2401)),
    "one was taken ahead in a long log": filled(1500, and_also=(1700,)),
    "one was taken ahead of a full page": filled(1000, and_also=(5000,)),
    "one was taken far ahead in a long log": filled(1500, and_also=(5000,)),
}


@pytest.mark.parametrize("store", GAPS.values(), ids=GAPS.keys())
def test_a_gap_before_the_newest_entry_is_found(store: InMemoryObjectStore) -> None:
    with pytest.raises(LogError, match=r"^the release log has a gap between its entries$") as caught:
        slots(store).tail()
    assert set(caught.value.evidence) == {"first listed", "last listed", "listed"}


@pytest.mark.parametrize("name", ["0", "readme.txt", "00000000000a", "000000000000.bak", "0000000000000"])
def test_a_foreign_key_among_the_slots_is_found(name: str) -> None:
    store = filled(3)
    store.put(f"tag/seq/{name}", b"")
    with pytest.raises(LogError, match=rf"^tag/seq/{name} is no slot of the release log$"):
        slots(store).tail()


def test_other_keys_of_the_bucket_are_left_alone() -> None:
    store = filled(3)
    for key in ("other/seq/x", "tag/versions/1.4.2.json", "seq/000000000009"):
        store.put(key, b"")
    assert slots(store).tail().size == 3


def test_an_empty_log_has_an_empty_tail() -> None:
    assert slots(InMemoryObjectStore()).tail() == Tail()


def test_an_entry_is_appended_once_with_headers_that_nobody_caches() -> None:
    store = InMemoryObjectStore()
    ((first, new),) = append(store, promote("1.4.1"))
    assert (first.index, new) == (0, True)
    assert slots(store).read(0) == first
    info = store.describe("tag/seq/000000000000")
    assert info is not None
    assert info.headers == LOG_HEADERS


AGAIN = {
    "published": [intent("publish.completed")],
    "authorised": [promote("1.4.2")],
    "completed": [promote("1.4.2"), intent("promote.completed", "1.4.2", "latest", outcome_of=0)],
    "failed": [promote("1.4.2"), intent("promote.failed", "1.4.2", "latest", outcome_of=0)],
    "rolled back": [promote("1.4.2"), intent("rollback.authorized", "1.4.1", "latest", reason="it breaks")],
    "yanked": [intent("version.yanked", "1.4.1", reason="it leaks")],
}


@pytest.mark.parametrize("wanted", AGAIN.values(), ids=AGAIN.keys())
def test_a_second_run_finds_its_entry_and_writes_nothing(wanted: list[Intent]) -> None:
    store = InMemoryObjectStore()
    *_, (first, _) = append(store, *wanted)
    ((second, new),) = append(store, wanted[-1])
    assert not new
    assert len(history(store)) == len(wanted)
    assert second == first


@pytest.mark.parametrize("wanted", AGAIN.values(), ids=AGAIN.keys())
def test_after_a_lost_answer_a_second_run_converges(wanted: list[Intent]) -> None:
    store = InMemoryObjectStore()
    append(store, *wanted[:-1])
    store.break_at(Fault(nth=1, when="after", operation="create"))
    with pytest.raises(ServiceError):
        append(store, wanted[-1])
    ((found, _),) = append(store, wanted[-1])
    assert found == slots(store).tail().event
    assert len(history(store)) == len(wanted)


@pytest.mark.parametrize("wanted", AGAIN.values(), ids=AGAIN.keys())
def test_after_a_lost_request_a_second_run_writes_the_entry(wanted: list[Intent]) -> None:
    store = InMemoryObjectStore()
    append(store, *wanted[:-1])
    store.break_at(Fault(nth=1, when="before", operation="create"))
    with pytest.raises(ServiceError):
        append(store, wanted[-1])
    ((_, new),) = append(store, wanted[-1])
    assert new
    assert len(history(store)) == len(wanted)


def test_a_slot_that_was_taken_by_our_own_repeated_request_is_ours() -> None:
    store = RepeatingStore()
    ((first, new),) = append(store, promote("1.4.2"))
    assert (first.version, new) == ("1.4.2", True)
    assert len(history(store)) == 1


def test_who_loses_a_slot_follows_the_winner() -> None:
    store = RacingStore()
    rival = store.with_key(nothing_denied)
    store.rivals = [lambda: append(rival, promote("1.3.9", "v1.3"))]
    ((mine, new),) = append(store, promote("1.4.2"))
    assert (mine.index, new) == (1, True)
    assert set(mine.after.channels) == {"latest", "v1.3"}
    assert history(store) == [("promote.authorized", "1.3.9", "v1.3"), ("promote.authorized", "1.4.2", "latest")]


def test_who_loses_a_slot_may_then_be_refused() -> None:
    store = RacingStore()
    rival = store.with_key(nothing_denied)
    store.rivals = [lambda: append(rival, promote("1.5.0"))]
    with pytest.raises(RefusedError, match=r"^channel latest serves 1\.5\.0: 1\.4\.2 would take it backwards$"):
        append(store, promote("1.4.2"))
    assert history(store) == [("promote.authorized", "1.5.0", "latest")]


def test_who_loses_a_slot_to_a_yank_is_refused() -> None:
    store = RacingStore()
    rival = store.with_key(nothing_denied)
    store.rivals = [lambda: append(rival, intent("version.yanked", "1.4.2", reason="it leaks"))]
    with pytest.raises(RefusedError, match=r"^version 1\.4\.2 was yanked \(log entry 0\)"):
        append(store, promote("1.4.2"))


def test_a_yank_that_loses_a_slot_to_the_versions_promotion_is_refused() -> None:
    store = RacingStore()
    rival = store.with_key(nothing_denied)
    store.rivals = [lambda: append(rival, promote("1.4.2"))]
    with pytest.raises(RefusedError):
        append(store, intent("version.yanked", "1.4.2", reason="it leaks"))


def test_who_loses_a_slot_to_the_same_words_need_not_repeat_them() -> None:
    store = RacingStore()
    rival = store.with_key(nothing_denied)
    other = dataclasses.replace(LOG, pipeline=Pipeline(id_="4712", tool="release 1"))
    store.rivals = [lambda: append(rival, promote("1.4.1", "v1"), promote("1.4.2"), log=other)]
    ((found, new),) = append(store, promote("1.4.2"))
    assert (found.index, found.pipeline, new) == (1, other.pipeline, False)


def test_who_loses_every_slot_gives_up() -> None:
    store = RacingStore()
    rival = store.with_key(nothing_denied)
    store.rivals = [partial(append, rival, promote(f"1.{n}.0", f"v1.{n}")) for n in range(CLAIMS)]
    with pytest.raises(ServiceError, match=rf"^{CLAIMS} other jobs wrote to the release log first$"):
        append(store, promote("2.0.0"))
    assert len(history(store)) == CLAIMS


def test_writers_at_the_same_time_lose_nothing_and_keep_the_chain() -> None:
    store = InMemoryObjectStore()
    wanted = [promote(f"1.{n}.0", f"v1.{n}") for n in range(12)]
    with ThreadPoolExecutor(len(wanted)) as pool:
        answers = list(pool.map(lambda one: append(store, one)[0], wanted))
    assert sorted(event.index for event, _ in answers) == list(range(12))
    assert len(history(store)) == 12
    assert set(slots(store).tail().state.channels) == {f"v1.{n}" for n in range(12)}


def forged(store: InMemoryObjectStore, index: int, **changes: object) -> None:
    store.put(LAYOUT.slot(index), examples.sealed(event(index, **changes)))


def whole_log() -> InMemoryObjectStore:
    store = InMemoryObjectStore()
    append(store, *(promote(f"1.{n}.0", f"v1.{n}") for n in range(5)))
    return store


def test_entries_are_read_from_any_place() -> None:
    log = slots(whole_log())
    assert [event.index for event in log.events(first=0, size=5)] == [0, 1, 2, 3, 4]
    assert [event.index for event in log.events(first=3, size=5)] == [3, 4]
    assert list(log.events(first=5, size=5)) == []


@pytest.mark.parametrize("first", [0, 2])
def test_an_altered_entry_is_found_by_the_one_after_it(first: int) -> None:
    store = whole_log()
    original = slots(store).read(2)
    forged(store, 2, prev=original.prev, reason="nothing to see here")
    with pytest.raises(LogError, match=r"^log entry 2 was altered after entry 3 was written$") as caught:
        list(slots(store).events(first=first, size=5))
    assert caught.value.evidence["chained"] != caught.value.evidence["found"]


def test_the_entry_before_the_first_one_read_is_checked_too() -> None:
    store = whole_log()
    forged(store, 2, prev=Previous(index=1, leaf_hash="0" * 64))
    with pytest.raises(LogError, match=r"^log entry 2 was altered"):
        list(slots(store).events(first=3, size=5))


def test_swapped_entries_are_found() -> None:
    store = whole_log()
    one, other = store.bodies()[LAYOUT.slot(1)], store.bodies()[LAYOUT.slot(2)]
    store.put(LAYOUT.slot(1), other)
    store.put(LAYOUT.slot(2), one)
    with pytest.raises(LogError, match=r"^log entry 2 was altered after entry 3 was written$"):
        list(slots(store).events(first=0, size=5))


def test_a_deleted_entry_is_found() -> None:
    store = whole_log()
    store.remove(LAYOUT.slot(2))
    with pytest.raises(LogError):
        list(slots(store).events(first=0, size=5))


def test_an_entry_that_the_log_does_not_have_is_not_found() -> None:
    with pytest.raises(NotFoundError, match=r"^the release log has no entry 5$"):
        slots(whole_log()).read(5)


def test_a_published_version_is_found_without_reading_the_log() -> None:
    store = whole_log()
    ((published, _),) = append(store, intent("publish.completed", "1.4.2"))
    assert slots(store).published("1.4.2") is None
    for _ in range(2):
        slots(store).index_version(published)
    reads = store.calls["read"]
    assert slots(store).published("1.4.2") == published
    assert store.calls["read"] - reads == 2
    assert slots(store).published("1.4.3") is None


@pytest.mark.parametrize("entry", [0, 5], ids=["a promotion", "another version"])
def test_an_index_that_names_another_entry_is_refused(entry: int) -> None:
    store = whole_log()
    append(store, intent("publish.completed", "1.4.1"))
    store.put("tag/versions/1.4.2.json", document.encode(VersionIndex(entry=entry)))
    with pytest.raises(LogError, match=rf"names entry {entry}, which does not publish 1\.4\.2$"):
        slots(store).published("1.4.2")


@pytest.mark.parametrize("body", [b"", b"0", b'{"entry":0}', b'{"entry":-1,"type":"release-version-index/v1"}'])
def test_an_index_that_is_malformed_is_refused(body: bytes) -> None:
    store = whole_log()
    store.put("tag/versions/1.4.2.json", body)
    with pytest.raises(LogError, match=r"^tag/versions/1\.4\.2\.json"):
        slots(store).published("1.4.2")
