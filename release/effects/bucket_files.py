"""The release log's bucket, read as the files of which a copy is made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from release.core.layout import LogLayout
from release.core.tlog import TlogError
from release.errors import IntegrityError
from release.ports import ObjectStore

PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketFiles:
    """Implements `ports.LogFiles` on one library's part of the log bucket."""

    store: ObjectStore
    layout: LogLayout

    def read(self, path: str, limit: int) -> bytes | None:
        """Give a file's bytes (see the port)."""
        try:
            found = self.store.read(f"{self.layout.prefix}{path}", limit=limit)
        except IntegrityError as why:
            raise TlogError(why.message) from why
        return found.body if found else None

    def names(self, folder: str) -> Sequence[str]:
        """List the files of a folder (see the port)."""
        start = f"{self.layout.prefix}{folder}/" if folder else self.layout.prefix
        rest = (key.removeprefix(start) for key in self._keys(start))
        return sorted(name for name in rest if "/" not in name)

    def _keys(self, prefix: str) -> Iterator[str]:
        after = ""
        while page := self.store.keys(prefix, after=after, most=PAGE):
            yield from page
            after = page[-1]
