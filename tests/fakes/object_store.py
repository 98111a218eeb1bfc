"""A bucket in memory that keeps every promise of the ObjectStore port."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from release.core.layout import ObjectHeaders
from release.errors import IntegrityError, PermissionDenied, ServiceError
from release.ports import ObjectInfo, StoredObject

WRITES = frozenset({"create", "replace", "copy", "delete"})


def nothing_denied(_action: str, _key: str) -> bool:
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Break one call: the nth of an operation, of all writes ("write") or of all calls ("any").

    An operation on one key only is "copy <key>".

    A fault "before" leaves no trace in the bucket; after a fault "after" the effect is there and
    only the answer was lost. It strikes once, so a second run goes through.
    """

    nth: int
    when: Literal["before", "after"]
    operation: str = "any"
    error: BaseException = field(default_factory=lambda: ServiceError("the answer was lost"))


@dataclass(kw_only=True, slots=True)
class _Bucket:
    name: str
    account: dict[str, "_Bucket"]
    objects: dict[str, StoredObject] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    journal: list[tuple[str, str]] = field(default_factory=list)
    faults: list[tuple[Fault, int]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)


class InMemoryObjectStore:
    """One key's view of a bucket.

    Attributes:
        calls: how often each method was called, and in all ("any", "write").
        journal: the writes that took effect, (operation, key) in order; may be shared with other fakes.

    Args:
        denied: given an IAM action and a key (for s3:ListBucket the prefix), whether it is forbidden.
        stage: the stage whose key this is, for errors.
        journal: a list to append to, shared with another fake.
        beside: another bucket on the same server, so that objects can be copied from one to the other.
    """

    def __init__(
        self,
        *,
        denied: Callable[[str, str], bool] = nothing_denied,
        stage: str = "test",
        journal: list[tuple[str, str]] | None = None,
        bucket: _Bucket | None = None,
        beside: "InMemoryObjectStore | None" = None,
    ) -> None:
        self._denied = denied
        self._stage = stage
        others = beside._bucket.account if beside else {}
        self._bucket: _Bucket = bucket or _Bucket(
            name=f"fake-{len(others)}" if others else "fake",
            account=others,
            journal=[] if journal is None else journal,
        )
        self._bucket.account[self._bucket.name] = self._bucket

    @property
    def calls(self) -> Counter[str]:
        return self._bucket.calls

    @property
    def journal(self) -> list[tuple[str, str]]:
        return self._bucket.journal

    def with_key(self, denied: Callable[[str, str], bool], *, stage: str = "test") -> "InMemoryObjectStore":
        """Give the same bucket as another key sees it."""
        return InMemoryObjectStore(denied=denied, stage=stage, bucket=self._bucket)

    def break_at(self, fault: Fault) -> None:
        """Let the nth call from now fail."""
        with self._bucket.lock:
            self._bucket.faults.append((fault, self._counted(fault.operation) + fault.nth))

    def put(self, key: str, body: bytes, headers: ObjectHeaders | None = None) -> None:
        """Arrange an object without counting, permissions or faults."""
        with self._bucket.lock:
            self._store(key, body, headers or ObjectHeaders(content_type="text/plain", cache_control="no-cache"))

    def remove(self, key: str) -> None:
        """Lose an object: no stage can, but an accident may."""
        with self._bucket.lock:
            del self._bucket.objects[key]

    def bodies(self) -> dict[str, bytes]:
        """Give everything in the bucket, to compare it whole."""
        with self._bucket.lock:
            return {key: stored.body for key, stored in sorted(self._bucket.objects.items())}

    def describe(self, key: str) -> ObjectInfo | None:
        with self._operation("describe"):
            found = self._readable(key)
            return found.info if found else None

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        with self._operation("read"):
            found = self._readable(key)
            if found is not None and found.info.size > limit:
                evidence = {"limit": str(limit), "found": str(found.info.size)}
                raise IntegrityError(f"{key} is larger than the {limit} bytes allowed", evidence=evidence)
            return found

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        with self._operation("create", key):
            self._allow("s3:PutObject", key)
            if key in self._bucket.objects:
                return False
            self._store(key, body, headers)
            self.journal.append(("create", key))
            return True

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        with self._operation("replace", key):
            self._allow("s3:PutObject", key)
            if etag is not None:
                self._allow("s3:GetObject", key)
            found = self._bucket.objects.get(key)
            if (found.info.etag if found else None) != etag:
                return False
            self._store(key, body, headers)
            self.journal.append(("replace", key))
            return True

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> str | None:
        with self._operation("copy", target):
            found = self._readable(source.key, self._bucket.account[source.bucket])
            if found is None or found.info.etag != source.etag:
                evidence = {"expected": source.etag, "found": found.info.etag if found else "nothing"}
                raise IntegrityError(f"{source.key} is no longer the object that was described", evidence=evidence)
            self._allow("s3:PutObject", target)
            there = self._bucket.objects.get(target)
            if (there.info.etag if there else None) != replacing:
                return None
            self._store(target, found.body, headers)
            self.journal.append(("copy", target))
            return hashlib.sha256(found.body).hexdigest()

    def delete(self, key: str, *, etag: str) -> bool:
        with self._operation("delete", key):
            self._allow("s3:DeleteObject", key)
            self._allow("s3:GetObject", key)
            found = self._bucket.objects.get(key)
            if found is not None and found.info.etag != etag:
                return False
            if found is not None:
                del self._bucket.objects[key]
                self.journal.append(("delete", key))
            return True

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        with self._operation("keys"):
            self._allow("s3:ListBucket", prefix)
            fitting = (key for key in self._bucket.objects if key.startswith(prefix) and key.encode() > after.encode())
            return sorted(fitting, key=str.encode)[:most]

    @contextmanager
    def _operation(self, name: str, key: str = "") -> Iterator[None]:
        """Count a call, and strike before or after it if a fault is due. Calls happen one at a time."""
        with self._bucket.lock:
            counted = ("any", name, "write") if name in WRITES else ("any", name)
            self.calls.update(counted)
            self._bucket.places.update([f"{name} {key}"])
            struck = [entry for entry in self._bucket.faults if self._counted(entry[0].operation) >= entry[1]]
            for entry in struck:
                self._bucket.faults.remove(entry)
                if entry[0].when == "before":
                    raise entry[0].error
            yield
            for fault, _ in struck:
                raise fault.error

    def _counted(self, operation: str) -> int:
        return self._bucket.places[operation] if " " in operation else self._bucket.calls[operation]

    def _readable(self, key: str, bucket: _Bucket | None = None) -> StoredObject | None:
        """Give an object; only who may list learns that there is none."""
        found = (bucket or self._bucket).objects.get(key)
        if found is not None:
            self._allow("s3:GetObject", key)
        elif self._denied("s3:ListBucket", key):
            self._allow("s3:GetObject", key)
            self._allow("s3:ListBucket", key)
        return found

    def _allow(self, action: str, key: str) -> None:
        if self._denied(action, key):
            raise PermissionDenied(f"the key of the {self._stage} stage may not {action} on arn:aws:s3:::fake/{key}")

    def _store(self, key: str, body: bytes, headers: ObjectHeaders) -> None:
        info = ObjectInfo(
            bucket=self._bucket.name,
            key=key,
            size=len(body),
            etag=f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"',
            sha256=hashlib.sha256(body).hexdigest(),
            headers=headers,
        )
        self._bucket.objects[key] = StoredObject(info=info, body=body)
