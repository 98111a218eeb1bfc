"""A tar file that is the same, byte for byte, whenever the same files are put in."""

import io
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from release.errors import ConfigError


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
