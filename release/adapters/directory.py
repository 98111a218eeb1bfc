"""A folder on disk whose content is hostile until looked at: no links are followed, nothing leads out."""

import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from release.errors import BuildError

MOST_FILES: Final = 20_000
DEEPEST: Final = 50


class Directory:
    """Implements `ports.Folder` below `top`; between `within` and `top` no folder may be a link."""

    def __init__(self, top: Path, *, within: Path | None = None) -> None:
        self._top = top
        self._within = within

    def paths(self) -> Sequence[str]:
        """List all files, sorted (see the port)."""
        found = []
        self._refuse_links()
        for path in self._walk(self._top, 0):
            found.append(path.relative_to(self._top).as_posix())
            if len(found) > MOST_FILES:
                raise BuildError(
                    f"{self._top.name}/ holds more than {MOST_FILES} files", hint="is it the right folder?"
                )
        return sorted(found)

    def read(self, path: str, *, limit: int) -> bytes | None:
        """Read a file, never through a symbolic link (see the port)."""
        target = self._inside(path)
        try:
            # O_NONBLOCK: a pipe in a file's place must not make us wait for its writer.
            handle = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as why:
            raise BuildError(f"{path} cannot be read: {why.strerror}", hint="links are not followed") from why
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise BuildError(f"{path} is not a regular file")
        with os.fdopen(handle, "rb") as file:
            body = file.read(limit + 1)
        if len(body) > limit:
            raise BuildError(f"{path} is larger than {limit:,} bytes", hint="is this meant for web pages?")
        return body

    def write(self, path: str, body: bytes) -> None:
        """Write through a temporary file beside the target (see the port)."""
        target = self._inside(path)
        draft = target.with_name(f".draft-{secrets.token_hex(8)}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(body)
            draft.replace(target)
        except OSError as why:
            with suppress(OSError):
                draft.unlink()
            raise BuildError(f"{path} cannot be written: {why.strerror}") from why

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        self._inside(path).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what is in the folder; a link in its place is removed, not followed (see the port)."""
        self._refuse_links()
        try:
            if self._top.is_symlink() or self._top.is_file():
                self._top.unlink()
            elif self._top.exists():
                shutil.rmtree(self._top)
        except OSError as why:
            raise BuildError(f"{self._top.name} cannot be removed: {why.strerror}") from why

    def _refuse_links(self) -> None:
        for parent in self._top.parents if self._within else ():
            if parent == self._within:
                return
            if parent.is_symlink():
                raise BuildError(f"{parent.name} on the way to {self._top.name} is a symbolic link")

    def _walk(self, folder: Path, depth: int) -> Iterator[Path]:
        if depth > DEEPEST:
            raise BuildError(f"{self._top.name}/ has folders nested deeper than {DEEPEST} levels")
        if folder.is_symlink():
            raise BuildError(f"{folder.name} is a symbolic link", hint="let the build write real files")
        if not folder.exists():
            return
        if not folder.is_dir():
            raise BuildError(f"{folder.name} is a file, it must be a folder")
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as why:
            raise BuildError(f"{folder.name}/ cannot be read: {why.strerror}") from why
        for entry in entries:
            path = Path(entry.path)
            if entry.is_symlink():
                shown = path.relative_to(self._top).as_posix()
                raise BuildError(f"{shown} is a symbolic link", hint="let the build write real files")
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(path, depth + 1)
            elif entry.is_file(follow_symlinks=False):
                yield path
            else:
                raise BuildError(f"{path.relative_to(self._top).as_posix()} is not a regular file")

    def _inside(self, path: str) -> Path:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
            raise BuildError(f"{path!r} leads out of {self._top.name}/")
        self._refuse_links()
        target = self._top.joinpath(*parts)
        for parent in list(target.parents)[: len(parts)] if self._within else list(target.parents)[: len(parts) - 1]:
            if parent.is_symlink():
                raise BuildError(f"{path!r} leads through a symbolic link")
        return target
