"""Buckets in which something odd happens, around any other bucket."""

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Literal

from release.core.layout import ObjectHeaders
from release.ports import ObjectInfo, ObjectStore, StoredObject

Operation = Literal["describe", "read", "create", "replace", "copy", "delete", "keys"]


class Overtaken:
    """A bucket where somebody else is faster: just before an operation on a key, `by` happens.

    Args:
        store: the bucket.
        operation: which call comes too late.
        key: its key, for a copy the target.
        by: what happens first.
        times: how often.
    """

    def __init__(
        self, store: ObjectStore, operation: Operation, key: str, by: Callable[[], object], *, times: int = 1
    ) -> None:
        self._store = store
        self._at = (operation, key)
        self._by = by
        self._left = times

    def describe(self, key: str) -> ObjectInfo | None:
        self._before("describe", key)
        return self._store.describe(key)

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        self._before("read", key)
        return self._store.read(key, limit=limit)

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        self._before("create", key)
        return self._store.create(key, body, headers)

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        self._before("replace", key)
        return self._store.replace(key, body, headers, etag=etag)

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> str | None:
        self._before("copy", target)
        return self._store.copy(source, target, headers, replacing=replacing)

    def delete(self, key: str, *, etag: str) -> bool:
        self._before("delete", key)
        return self._store.delete(key, etag=etag)

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        self._before("keys", prefix)
        return self._store.keys(prefix, after=after, most=most)

    def _before(self, operation: Operation, key: str) -> None:
        if self._left and (operation, key) == self._at:
            self._left -= 1
            self._by()


class Moment:
    """Something that happens once, before the nth request to whichever of several buckets."""

    def __init__(self, nth: int, by: Callable[[], object]) -> None:
        self.left = nth
        self._by = by
        self._one = threading.Lock()

    def pass_by(self) -> None:
        with self._one:
            self.left -= 1
            if not self.left:
                self._by()


class Interrupted(Overtaken):
    """A bucket with a moment in which something else happens."""

    def __init__(self, store: ObjectStore, moment: Moment) -> None:
        super().__init__(store, "keys", "", lambda: None, times=0)
        self._moment = moment

    def _before(self, operation: Operation, key: str) -> None:
        del operation, key
        self._moment.pass_by()


class WithoutChecksums(Overtaken):
    """A bucket whose server keeps no SHA-256, as for objects that were put there by other tools."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store, "keys", "", lambda: None, times=0)

    def describe(self, key: str) -> ObjectInfo | None:
        info = super().describe(key)
        return dataclasses.replace(info, sha256=None) if info else None
