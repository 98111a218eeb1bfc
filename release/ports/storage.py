"""Objects in buckets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from release.core.audit.versions import Lock, ObjectVersion
from release.core.layout import ObjectHeaders


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectInfo:
    """An object without its bytes. `sha256` is hex, or None where the server keeps no checksum."""

    bucket: str
    key: str
    size: int
    etag: str
    sha256: str | None
    headers: ObjectHeaders


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """An object with its bytes."""

    info: ObjectInfo
    body: bytes


class ObjectStore(Protocol):
    """One bucket. Keys are complete; every write carries a SHA-256 that the server checks."""

    def describe(self, key: str) -> ObjectInfo | None:
        """Give the object's metadata, or None if it certainly does not exist."""
        ...

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        """Give the object, or None if it certainly does not exist.

        Raises:
            IntegrityError: it is larger than `limit` bytes.
        """
        ...

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        """Create the object (`If-None-Match: *`); False if the key was taken."""
        ...

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        """Compare and swap: write only over the object with this ETag (None: only if absent).

        False if somebody else was first.
        """
        ...

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> str | None:
        """Copy on the server over the object with the ETag `replacing` (None: only if there is none).

        The source may be in another bucket. Gives the SHA-256 (hex) of the bytes at `target`, or None if
        somebody else wrote there first.

        Raises:
            IntegrityError: `source` is no longer the object described.
        """
        ...

    def delete(self, key: str, *, etag: str) -> bool:
        """Delete the object if it has this ETag; in a bucket that keeps versions it stays below a delete marker.

        False if another object is there; True if none is any more, whoever deleted it.
        """
        ...

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        """Give up to `most` keys with this prefix that sort after `after`, in order."""
        ...


class ObjectHistory(Protocol):
    """One bucket with all that it ever kept: versions, delete markers, locks."""

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        """Give every version and delete marker below a prefix, those of one key together, keys in order."""
        ...

    def folder(self, prefix: str) -> Iterator[str | ObjectVersion]:
        """Give what is directly in a folder: names of folders, which end with a slash, and versions of objects."""
        ...

    def lock(self, key: str) -> Lock | None:
        """Give the retention of the newest version of an object; None if it certainly has none."""
        ...
