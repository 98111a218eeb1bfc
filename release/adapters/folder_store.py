"""A copy of a bucket on disk (`aws s3 sync`), read as an ObjectStore: keys are paths. Nothing is ever written."""

import hashlib
import os
import stat
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Never

from release.core.layout import ObjectHeaders
from release.errors import IntegrityError, NotFoundError, RefusedError
from release.ports import ObjectInfo, StoredObject

_NOTHING = ObjectHeaders(content_type="", cache_control="")


class FolderStore:
    """Implements the reading half of `ports.ObjectStore`; links are not followed.

    Raises:
        NotFoundError: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise NotFoundError(f"there is no folder {folder}")
        self._folder = folder
        self._keys: list[str] | None = None

    def describe(self, key: str) -> ObjectInfo | None:
        """Give what is known of a file, or None if it does not exist."""
        found = self.read(key, limit=1 << 30)
        return found.info if found else None

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        """Give a file, or None if it certainly does not exist.

        Raises:
            IntegrityError: it is larger than `limit` bytes, no regular file, or cannot be read.
        """
        if ".." in key.split("/") or key.startswith("/"):
            raise IntegrityError(f"{key} leads out of {self._folder}")
        try:
            handle = os.open(self._folder / key, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            kind = os.fstat(handle).st_mode
            if not stat.S_ISREG(kind):
                os.close(handle)
                if stat.S_ISDIR(kind):
                    return None
                raise IntegrityError(f"{key} is not a regular file")
            with os.fdopen(handle, "rb") as file:
                body = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as why:
            raise IntegrityError(f"{key} cannot be read: {why.strerror}") from why
        if len(body) > limit:
            raise IntegrityError(f"{key} is larger than {limit:,} bytes")
        digest = hashlib.sha256(body).hexdigest()
        info = ObjectInfo(
            bucket=self._folder.name, key=key, size=len(body), etag=digest, sha256=digest, headers=_NOTHING
        )
        return StoredObject(info=info, body=body)

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        """Give up to `most` keys with this prefix that sort after `after`, in order."""
        if self._keys is None:
            found = (Path(top, name) for top, _, files in os.walk(self._folder) for name in files)
            self._keys = sorted(path.relative_to(self._folder).as_posix() for path in found)
        start = max(bisect_right(self._keys, after), bisect_left(self._keys, prefix))
        return [key for key in self._keys[start : start + most] if key.startswith(prefix)]

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> Never:
        """Refuse."""
        del body, headers
        self._refuse(key)

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> Never:
        """Refuse."""
        del body, headers, etag
        self._refuse(key)

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> Never:
        """Refuse."""
        del source, headers, replacing
        self._refuse(target)

    def delete(self, key: str, *, etag: str) -> Never:
        """Refuse."""
        del etag
        self._refuse(key)

    @staticmethod
    def _refuse(key: str) -> Never:
        raise RefusedError(f"{key} is in a copy on disk, which is only read")
