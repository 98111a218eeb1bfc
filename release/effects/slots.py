"""The release log's slots: find the newest, read any.

A claim is one create-only write of `seq/<index>` (`effects.growth`); it is the only point where order is decided.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from release.core import document
from release.core.caching import BLOB, LOG
from release.core.entry import Event, decode, leaf_hash
from release.core.handover import LARGEST as LARGEST_POINTER
from release.core.handover import Pointer, VersionIndex, read_pointer
from release.core.layout import LARGEST_SLOT, LogLayout
from release.core.log_keys import LogKeys
from release.core.slot import Invalid, examine
from release.core.succession import Tail
from release.effects.slot import read_leaf
from release.errors import LogError, NotFoundError
from release.ports import ObjectStore

PAGE: Final = 1000
DEEPEST: Final = 100_000
"""How many slots without an entry are passed to find the newest entry: minutes, until an entry stands above them."""

_AT_ONCE: Final = 16
_BLOCK: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Slots:
    """One library's log in one bucket; what none of the `keys` of its time signed is no entry of it."""

    store: ObjectStore
    layout: LogLayout
    keys: LogKeys
    deepest: int = DEEPEST

    def tail(self) -> Tail:
        """Read the newest entry; the number of requests grows with the logarithm of the log's size.

        Raises:
            LogError: there is a gap, or too many slots without an entry at the end.
        """
        newest = self._newest()
        return Tail() if newest is None else self.tail_of(newest + 1)

    def tail_of(self, size: int) -> Tail:
        """Read the newest entry of the first `size` slots, past those that hold none.

        Raises:
            LogError: too many hold none, or a slot is gone.
        """
        passed: list[Invalid] = []  # the newest first
        end, width, last = size, 1, ""
        while end and len(passed) <= self.deepest:
            start = max(0, end - width)
            block = [
                (examine(body, index=index, keys=self.keys.at(index)), body) for index, body in self._bodies(start, end)
            ]
            last = last or leaf_hash(block[-1][1])
            for found, _ in reversed(block):
                if isinstance(found, Event):
                    return Tail(size=size, event=found, leaf_hash=last, invalid=tuple(reversed(passed)))
                passed.append(found)
            end, width = start, min(2 * width, _BLOCK)
        if end:
            raise LogError(
                f"the last {len(passed)} slots of the release log hold no entry that its keys signed",
                hint="is [log] key right? Else somebody has the record key: take it from him, then record a release",
                evidence={"newest": passed[0].problem},
            )
        return Tail(size=size, leaf_hash=last, invalid=tuple(reversed(passed)))

    def read(self, index: int) -> Event:
        """Read one entry.

        Raises:
            NotFoundError: the log has no such entry.
            LogError: it is malformed, or none of the log's keys signed it.
        """
        return decode(self._body(index), index=index, keys=self.keys.at(index))

    def leaf_hash(self, index: int) -> str:
        """Give the RFC 6962 leaf hash (hex) of an entry (NotFoundError)."""
        return leaf_hash(self._body(index))

    def found(self, *, first: int, size: int) -> Iterator[Event | Invalid]:
        """Read slots `first` to `size - 1` in order, checking that each entry follows what stands before it.

        Raises:
            LogError: a slot is gone, or does not hold what the entry after it was chained to.
        """
        before = leaf_hash(self._surely(first - 1)) if first else None
        for index, body in self._bodies(first, size):
            event = examine(body, index=index, keys=self.keys.at(index))
            if isinstance(event, Event) and event.prev and event.prev.leaf_hash != before:
                raise LogError(
                    f"log entry {index - 1} was altered after entry {index} was written",
                    hint="treat the log as tampered with; compare with the replica and with CloudTrail",
                    evidence={"chained": event.prev.leaf_hash, "found": before or ""},
                )
            before = leaf_hash(body)
            yield event

    def events(self, *, first: int, size: int) -> Iterator[Event]:
        """Read the entries among slots `first` to `size - 1`, as `found` does."""
        return (event for event in self.found(first=first, size=size) if isinstance(event, Event))

    def published(self, version: str) -> Event | None:
        """Find the entry that says a version was published; None if the log has none."""
        key = self.layout.version_index(version)
        found = self.store.read(key, limit=1024)
        if found is None:
            return None
        entry = document.decode(VersionIndex, found.body, name=key, limit=1024, error=LogError).entry
        event = self.read(entry)
        if (event.action, event.version) != ("publish.completed", version):
            raise LogError(f"{key} names entry {entry}, which does not publish {version}")
        return event

    def pointer(self, index: int) -> Pointer | None:
        """Read the pointer that an authorising entry amounts to; None if it was not left yet."""
        key = self.layout.pointer(index)
        found = self.store.read(key, limit=LARGEST_POINTER)
        return read_pointer(found.body, name=key) if found else None

    def leave_pointer(self, pointer: Pointer) -> None:
        """Write the pointer of an authorising entry, for the promote stage to copy; a second write changes nothing.

        Raises:
            LogError: there is one that says something else.
        """
        key = self.layout.pointer(pointer.log_index)
        if self.store.create(key, document.encode(pointer), LOG):
            return
        there = self.pointer(pointer.log_index)
        if there is None or not there.says_the_same(pointer):
            raise LogError(
                f"{key} is not the pointer that entry {pointer.log_index} authorises",
                hint="somebody wrote it with the record key: authorise again, and find out who has that key",
            )

    def leave_evidence(self, body: bytes) -> None:
        """Store a blob below its digest; a second write changes nothing.

        Raises:
            LogError: another blob is in its place.
        """
        key = self.layout.evidence(hashlib.sha256(body).hexdigest())
        if self.store.create(key, body, BLOB):
            return
        found = self.store.read(key, limit=len(body))
        if found is None or found.body != body:
            raise LogError(f"{key} holds other bytes than its name says", hint="somebody has the record key")

    def index_version(self, event: Event) -> None:
        """Write where a publish entry is; a second write changes nothing."""
        body = document.encode(VersionIndex(entry=event.index))
        self.store.create(self.layout.version_index(event.version), body, LOG)

    def _body(self, index: int) -> bytes:
        body = read_leaf(self.store, self.layout, index)
        if body is None:
            raise NotFoundError(f"the release log has no entry {index}", hint="release log list")
        return body

    def _bodies(self, first: int, size: int) -> Iterator[tuple[int, bytes]]:
        if size - first == 1:
            yield first, self._surely(first)
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            yield from enumerate(pool.map(self._surely, range(first, size)), start=first)

    def _surely(self, index: int) -> bytes:
        """Read an entry that the newest entry says there is."""
        try:
            return self._body(index)
        except NotFoundError as why:
            raise LogError(
                f"log entry {index} is gone", hint="entries are never deleted: compare with the replica"
            ) from why

    def _newest(self) -> int | None:
        """Gallop and halve over list requests; a page that is not full ends with the newest slot."""
        known, end, start = -1, LARGEST_SLOT + 1, 0
        while True:
            page = self._page(start)
            if page and len(page) < PAGE:
                if start > known + 1:
                    self._page(max(known + 1, start - PAGE))  # what stands before it must be there too
                return page[-1]
            if page:
                known = page[-1]
            elif start == known + 1:
                return known if known >= 0 else None
            else:
                end = start
            ahead = known * 2 if end > LARGEST_SLOT else (known + end) // 2
            start = min(ahead, LARGEST_SLOT) if end - known > PAGE else known + 1

    def _page(self, start: int) -> list[int]:
        """List up to a page of slots from `start` on; they must begin with it and have no gap (LogError)."""
        found = []
        after = self.layout.slot(start - 1) if start else ""
        for key in self.store.keys(self.layout.slots, after=after, most=PAGE):
            index = self.layout.parse_slot(key)
            if index is None:
                raise LogError(f"{key} is no slot of the release log", hint="find out who wrote it")
            found.append(index)
        if found and (found[0] != start or found[-1] != start + len(found) - 1):
            raise LogError(
                "the release log has a gap between its entries",
                hint="an entry was deleted, or a slot was taken ahead of its time: compare with the replica",
                evidence={"first listed": str(found[0]), "last listed": str(found[-1]), "listed": str(len(found))},
            )
        return found
