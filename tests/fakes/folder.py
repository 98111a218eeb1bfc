"""A folder in memory that keeps every promise of the Folder port."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from release.errors import BuildError


class InMemoryFolder:
    """Implements `ports.Folder`. tests/contract/test_folder.py runs it against a folder on disk.

    Attributes:
        files: the bytes by path, to arrange and to look at.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self._links: set[str] = set()

    # What builds and accidents do.

    def link(self, path: str) -> None:
        """Put a symbolic link there; where it leads to does not matter, nobody follows it."""
        self._links.add(path)

    # The port.

    def paths(self) -> Sequence[str]:
        for link in sorted(self._links):
            raise BuildError(f"{link} is a symbolic link")
        return sorted(self.files)

    def read(self, path: str, *, limit: int) -> bytes | None:
        place = self._inside(path)
        if place in self._links or self._is_folder(place):
            raise BuildError(f"{path} is not a regular file")
        body = self.files.get(place)
        if body is not None and len(body) > limit:
            raise BuildError(f"{path} is larger than {limit:,} bytes")
        return body

    def write(self, path: str, body: bytes) -> None:
        place = self._inside(path)
        if self._is_folder(place) or any(str(parent) in self.files for parent in PurePosixPath(place).parents):
            raise BuildError(f"{path} cannot be written")
        self._links.discard(place)
        self.files[place] = body

    def clear(self) -> None:
        self.files.clear()
        self._links.clear()

    def _is_folder(self, place: str) -> bool:
        return any(known.startswith(f"{place}/") for known in [*self.files, *self._links])

    def _inside(self, path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
            raise BuildError(f"{path!r} leads out of the folder")
        place = PurePosixPath(*parts)
        if any(str(parent) in self._links for parent in place.parents):
            raise BuildError(f"{path!r} leads through a symbolic link")
        return str(place)
