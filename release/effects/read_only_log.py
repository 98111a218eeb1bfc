"""The release log while its bucket takes no writes: which write failed, and what an earlier entry still allows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from release.core.entry import Event
from release.core.layout import ObjectHeaders
from release.core.succession import Tail
from release.effects.choice import DEEPEST_ROLLBACK
from release.effects.recorder import Recorder
from release.effects.slots import Slots
from release.errors import PermissionDenied, ReadOnlyLogError, RefusedError, ServiceError
from release.ports import ObjectInfo, ObjectStore, StoredObject


@dataclass(frozen=True, slots=True)
class WatchedStore:
    """A bucket whose failed writes can be told from its failed reads: they are ReadOnlyLogErrors."""

    store: ObjectStore

    def describe(self, key: str) -> ObjectInfo | None:
        """As the store does."""
        return self.store.describe(key)

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        """As the store does."""
        return self.store.read(key, limit=limit)

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        """As the store does."""
        return self.store.keys(prefix, after=after, most=most)

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        """As the store does (ReadOnlyLogError)."""
        with _writing(key):
            return self.store.create(key, body, headers)

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        """As the store does (ReadOnlyLogError)."""
        with _writing(key):
            return self.store.replace(key, body, headers, etag=etag)

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> str | None:
        """As the store does (ReadOnlyLogError)."""
        with _writing(target):
            return self.store.copy(source, target, headers, replacing=replacing)

    def delete(self, key: str, *, etag: str) -> bool:
        """As the store does (ReadOnlyLogError)."""
        with _writing(key):
            return self.store.delete(key, etag=etag)


@contextmanager
def _writing(key: str) -> Iterator[None]:
    try:
        yield
    except (PermissionDenied, ServiceError) as why:
        raise ReadOnlyLogError(
            f"{key} could not be written: {why.message}", hint=why.hint, evidence=why.evidence
        ) from why


def watched(recorder: Recorder) -> Recorder:
    """Give the same recorder; a write of its that fails is a ReadOnlyLogError."""
    store = WatchedStore(recorder.slots.store)
    return replace(recorder, slots=replace(recorder.slots, store=store), tree=replace(recorder.tree, store=store))


def earlier(slots: Slots, tail: Tail, channel: str, version: str) -> Event:
    """Find the entry that let a channel serve a version before, of which the log says that it went well.

    Reads one entry for each move of the channel since then.

    Raises:
        RefusedError: the log has none, or the version was yanked since.
    """
    state = tail.state.channels.get(channel)
    for _ in range(DEEPEST_ROLLBACK if state else 0):
        state = slots.read(state.entry).before if state else None
        if state is None:
            break
        if (state.version, state.outcome) == (version, "completed"):
            if version in tail.state.yanked:
                raise RefusedError(f"version {version} was yanked (log entry {tail.state.yanked[version]})")
            return slots.read(state.entry)
    raise RefusedError(
        f"without the log, {channel} goes back only to what it served before and what was verified: "
        f"that is not so of {version}",
        hint="choose another version (release log list), or make the log bucket writable",
    )


def is_unlogged(slots: Slots, newest: Event, left: int) -> bool:
    """Tell whether a channel was rolled back from entry `left`, and the log does not know it up to its `newest` entry.

    What names no entry of this channel is not believed: whoever has the promote key can write anything into a pointer.
    Reads one entry for each move of the channel since then.
    """
    found = newest
    for _ in range(DEEPEST_ROLLBACK):
        if found.index <= left:
            break
        if found.action == "rollback.authorized" or found.before is None:
            return False
        found = slots.read(found.before.entry)
    return found.index >= left


def require_logged(slots: Slots, newest: Event, left: int | None) -> None:
    """Refuse to move a channel on that was rolled back from entry `left`, until the log knows it (RefusedError)."""
    if left is not None and is_unlogged(slots, newest, left):
        raise RefusedError(
            f"{newest.channel} was rolled back from log entry {left}, and the log does not know it yet",
            hint=f"log it first: release rollback {newest.channel} --reason '...', again",
        )
