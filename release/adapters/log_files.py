"""A release log as somebody handed it over: a folder, a tar file, an address. Nothing is extracted or followed."""

import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from release.core.tlog import TlogError
from release.errors import FormatError, NotFoundError
from release.ports import LogFiles

MOST_MEMBERS: Final = 2_000_000
LARGEST_UNPACKED: Final = 64 * 1024**3


class LogFolder:
    """Implements `ports.LogFiles` below one folder."""

    def __init__(self, top: Path) -> None:
        self._top = top

    def read(self, path: str, limit: int) -> bytes | None:
        """Give a file's bytes (see the port)."""
        try:
            # O_NONBLOCK: a pipe in a file's place must not make us wait for its writer.
            handle = os.open(self._top / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as why:
            raise TlogError(f"{path} cannot be read: {why.strerror}") from why
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise TlogError(f"{path} is not a regular file")
            body = file.read(limit + 1)
        return _bounded(path, body, limit)

    def names(self, folder: str) -> Sequence[str]:
        """List the files of a folder (see the port)."""
        try:
            return sorted(
                entry.name for entry in os.scandir(self._top / folder) if entry.is_file(follow_symlinks=False)
            )
        except FileNotFoundError:
            return []


class LogTar:
    """Implements `ports.LogFiles` on an open tar file, plain or gzip; a plain one is faster to look around in."""

    def __init__(self, tar: tarfile.TarFile, name: str) -> None:
        self._tar = tar
        self._members = dict(self._sound(name))

    def _sound(self, file: str) -> Iterator[tuple[str, tarfile.TarInfo]]:
        seen, size = set(), 0
        for count, member in enumerate(self._tar):
            name = PurePosixPath(member.name).as_posix()
            size += member.size
            if count >= MOST_MEMBERS or size > LARGEST_UNPACKED:
                raise FormatError(f"{file} holds more than {MOST_MEMBERS} files or {LARGEST_UNPACKED} bytes")
            if member.isdir():
                continue
            if not member.isreg():
                raise FormatError(f"{file}: {name[:100]!r} is not a regular file")
            if name in seen:
                raise FormatError(f"{file} holds {name[:100]!r} twice: which one is meant?")
            seen.add(name)
            yield name, member

    def read(self, path: str, limit: int) -> bytes | None:
        """Give a file's bytes (see the port)."""
        member = self._members.get(path)
        if member is None:
            return None
        if member.size > limit:
            raise TlogError(f"{path} is {member.size} bytes long, at most {limit} are read")
        try:
            stream = self._tar.extractfile(member)
            body = stream.read(limit + 1) if stream else b""
        except (tarfile.TarError, OSError, EOFError) as why:
            raise TlogError(f"{path} cannot be read: {why}") from why
        return _bounded(path, body, limit)

    def names(self, folder: str) -> Sequence[str]:
        """List the files of a folder (see the port)."""
        start = f"{folder}/" if folder else ""
        rest = (name[len(start) :] for name in self._members if name.startswith(start))
        return sorted(name for name in rest if "/" not in name)


@contextmanager
def open_log(source: str) -> Iterator[LogFiles]:
    """Open a log that was handed over: a path, or a URL.

    Raises:
        NotFoundError: there is nothing.
        FormatError: it is neither a folder nor a sound tar file.
        ConfigError: the URL may not be read.
    """
    if source.partition("://")[0].lower() in {"https", "http"}:
        from release.adapters.log_url import LogUrl  # noqa: PLC0415 - HTTP is for this only

        with LogUrl(source) as url:
            yield url
        return
    file = Path(source)
    if file.is_dir():
        yield LogFolder(file)
        return
    if not file.exists():
        raise NotFoundError(f"there is no {source}", hint="name a folder or a tar file that holds a log, or its URL")
    try:
        with tarfile.open(file, "r:*") as tar:
            yield LogTar(tar, source)
    except (tarfile.TarError, OSError, EOFError) as why:
        raise FormatError(f"{source} is no tar file that can be read: {why}") from why


def _bounded(path: str, body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise TlogError(f"{path} is larger than {limit} bytes")
    return body
