"""All versions of a bucket in memory, and the accidents that only a list of versions shows."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from release.core.audit.versions import Lock, ObjectVersion
from release.errors import ServiceError
from tests.fakes.clock import MIDNIGHT
from tests.fakes.object_store import InMemoryObjectStore

YESTERDAY = MIDNIGHT - timedelta(days=1)


class FakeHistory:
    """Implements `ports.ObjectHistory` over a store: one version of each object, unless something was done.

    Attributes:
        times: when an object was written, by key; all others were written `written`.
        locks: the lock of an object, by key; all others have `lock`.
        fails: whether the next look gets no answer.
    """

    def __init__(self, store: InMemoryObjectStore, *, written: datetime = YESTERDAY, lock: Lock | None = None) -> None:
        self._store = store
        self._written = written
        self._lock = lock
        self._past: list[ObjectVersion] = []
        self.times: dict[str, datetime] = {}
        self.locks: dict[str, Lock | None] = {}
        self.fails = False

    def written_over(self, key: str) -> None:
        """Let there be an older version, of one byte."""
        self._past.append(ObjectVersion(key=key, modified=self._written, size=1, is_latest=False))

    def deleted(self, key: str) -> None:
        """Hide an object behind a delete marker."""
        body = self._store.bodies()[key]
        self._store.remove(key)
        self._past.append(ObjectVersion(key=key, modified=self._written, size=len(body), is_latest=False))
        self._past.append(ObjectVersion(key=key, modified=self._written, is_marker=True))

    def deleted_and_put_back(self, key: str) -> None:
        """Leave a delete marker below the present version."""
        self._past.append(ObjectVersion(key=key, modified=self._written, is_marker=True, is_latest=False))

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        if self.fails:
            raise ServiceError("the list of versions was not answered")
        present = [
            ObjectVersion(key=key, modified=self.times.get(key, self._written), size=len(body))
            for key, body in self._store.bodies().items()
        ]
        found = [version for version in (*present, *self._past) if version.key.startswith(prefix)]
        yield from sorted(found, key=lambda version: version.key.encode())

    def folder(self, prefix: str) -> Iterator[str | ObjectVersion]:
        seen = set()
        for version in self.versions(prefix):
            name, slash, _ = version.key.removeprefix(prefix).partition("/")
            if not slash:
                yield version
            elif name not in seen:
                seen.add(name)
                yield f"{name}/"

    def lock(self, key: str) -> Lock | None:
        return self.locks.get(key, self._lock)
