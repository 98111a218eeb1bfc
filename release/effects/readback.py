"""Prove what a stored object holds."""

from release.core.manifest import digest
from release.ports import ObjectStore


def sha256_of(store: ObjectStore, key: str, *, limit: int) -> str | None:
    """Give the SHA-256 (hex) of an object, by reading it where the server keeps no checksum; None if absent.

    Raises:
        IntegrityError: it has to be read, and is larger than `limit` bytes.
    """
    info = store.describe(key)
    if info is None or info.sha256 is not None:
        return info.sha256 if info else None
    found = store.read(key, limit=limit)
    return digest(found.body) if found else None
