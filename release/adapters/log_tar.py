"""A release log as a tar file: written the same whenever the same files are put in, and read with suspicion.

Reading takes the plain form that is written here, and that GNU tar, bsdtar and Python write of a log's short names:
files, folders, and headers that add times and owners (POSIX pax format, "ustar Interchange Format"). Nothing is
extracted or followed, and nothing is held but where each file begins.
"""

import gzip
import io
import os
import secrets
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from release.core.tlog import TlogError
from release.errors import ConfigError, FormatError

MOST_FILES: Final = 500_000
"""A log of 100,000 entries, with a checkpoint and an approval or two for each, has 300,000."""
LARGEST_UNPACKED: Final = 64 * 1024**3
MOST_EXPANSION: Final = 100
"""What an unpacked byte may at most have cost: a log's checkpoints shrink to a tenth, its entries to a half."""

# The fields of a header: POSIX.1-2017, pax, "ustar Interchange Format".
_BLOCK: Final = 512
_SIZE: Final = slice(124, 136)
_SUM: Final = slice(148, 156)
_NUL: Final = b"\0"
_END: Final = bytes(_BLOCK)
_CHUNK: Final = 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_FILE: Final = (b"0", _NUL)
_FOLDER: Final = b"5"
_EXTENDED: Final = (b"x", b"g")


class TarArchive:
    """Implements `ports.LogArchive` on an open tar file."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, path: str, body: bytes) -> None:
        """Append a file; its owner and time are nobody and 1970."""
        member = tarfile.TarInfo(path)
        member.size = len(body)
        self._tar.addfile(member, io.BytesIO(body))


class Nowhere:
    """Implements `ports.LogArchive` by letting everything go, to see what a copy would hold."""

    def add(self, path: str, body: bytes) -> None:
        """Forget a file."""


@contextmanager
def new_tar(file: Path) -> Iterator[TarArchive]:
    """Write a tar file; it is there when all of it is, and not before.

    Raises:
        ConfigError: it cannot be written.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with tarfile.open(draft, "x", format=tarfile.USTAR_FORMAT) as tar:
            yield TarArchive(tar)
        draft.replace(file)
    except OSError as why:
        raise ConfigError(f"{file} cannot be written: {why.strerror}", hint="name another file") from why
    finally:
        with suppress(OSError):
            draft.unlink()


class LogTar:
    """Implements `ports.LogFiles` on an open, plain tar file; what it holds is where the header of each file is.

    Raises:
        FormatError: it is damaged, has a link or a device, or a file twice, or more than a log has.
    """

    def __init__(self, tar: IO[bytes], name: str) -> None:
        self._tar = tar
        self._places: dict[str, int] = {}
        for path, at in _files(tar, name):
            if path in self._places:
                raise FormatError(f"{name} holds {path[:100]!r} twice: which one is meant?")
            if len(self._places) == MOST_FILES:
                raise FormatError(f"{name} holds more than {MOST_FILES} files", hint="unpack it, and verify the folder")
            self._places[path] = at

    def read(self, path: str, limit: int) -> bytes | None:
        """Give a file's bytes (see the port)."""
        if path not in self._places:
            return None
        try:
            self._tar.seek(self._places[path])
            size = _number(self._tar.read(_BLOCK)[_SIZE]) or 0
            if size > limit:
                raise TlogError(f"{path} is {size} bytes long, at most {limit} are read")
            return self._tar.read(size)
        except OSError as why:
            raise TlogError(f"{path} cannot be read: {why.strerror}") from why

    def names(self, folder: str) -> Sequence[str]:
        """List the files of a folder (see the port)."""
        start = f"{folder}/" if folder else ""
        rest = (path[len(start) :] for path in self._places if path.startswith(start))
        return sorted(name for name in rest if "/" not in name)


@contextmanager
def open_tar(file: Path) -> Iterator[LogTar]:
    """Open a tar file, plain or gzip; what is packed is unpacked once, to a file that nobody else sees.

    Raises:
        FormatError: it is no sound tar file.
    """
    with ExitStack() as stack:
        try:
            tar: IO[bytes] = stack.enter_context(file.open("rb"))
            if tar.read(len(_GZIP)) == _GZIP:
                packed, tar = tar, stack.enter_context(tempfile.TemporaryFile())
                _unpack(packed, tar, str(file))
            opened = LogTar(tar, str(file))
        except (OSError, EOFError, zlib.error) as why:
            raise FormatError(f"{file} cannot be read: {why}") from why
        yield opened


def _unpack(packed: IO[bytes], plain: IO[bytes], name: str) -> None:
    packed.seek(0)
    most = min(LARGEST_UNPACKED, MOST_EXPANSION * (os.fstat(packed.fileno()).st_size + _CHUNK))
    with gzip.open(packed) as stream:
        while chunk := stream.read(_CHUNK):
            if plain.tell() + len(chunk) > most:
                raise FormatError(f"{name} unpacks to more than {most} bytes", hint="unpack it, and verify the folder")
            plain.write(chunk)


def _files(tar: IO[bytes], name: str) -> Iterator[tuple[str, int]]:
    """Give each file's path, and where its header is."""
    end, at = tar.seek(0, os.SEEK_END), 0
    while True:
        tar.seek(at)
        header = tar.read(_BLOCK)
        if header == _END:
            return
        size = _number(header[_SIZE])
        if len(header) < _BLOCK or size is None or _number(header[_SUM]) != _sum(header):
            raise FormatError(f"{name} is no tar file, or cut off or damaged at byte {at}")
        path, kind, after = _path(header), header[156:157], at + _BLOCK + size
        if after > end:
            raise FormatError(f"{name} is cut off in {path[:100]!r}")
        if kind in _FILE:
            if path.startswith("/") or (".." in path and ".." in path.split("/")):
                raise FormatError(f"{name}: {path[:100]!r} leads out of the log")
            yield path.removeprefix("./"), at
        elif kind not in _EXTENDED and kind != _FOLDER:
            raise FormatError(
                f"{name}: {path[:100]!r} is a link, a device or another thing that a log has not",
                hint="write it again: tar --format=ustar",
            )
        at = -(-after // _BLOCK) * _BLOCK


def _path(header: bytes) -> str:
    name = header[:100].partition(_NUL)[0].decode("utf-8", "replace")
    if header[257:263] != b"ustar\0" or not header[345]:
        return name
    return f"{header[345:500].partition(_NUL)[0].decode('utf-8', 'replace')}/{name}"


def _number(field: bytes) -> int | None:
    """Read an octal number; the forms for 8 GiB and more are none here."""
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None


def _sum(header: bytes) -> int:
    return sum(header) - sum(header[_SUM]) + 8 * ord(" ")
