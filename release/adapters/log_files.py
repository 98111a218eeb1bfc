"""A release log as somebody handed it over: a folder, a tar file, an address. Nothing is extracted or followed."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from release.core.tlog import TlogError
from release.errors import FormatError, NotFoundError
from release.ports import LogFiles

MOST_FILES: Final = 1_000_000


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
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise TlogError(f"{path} is not a regular file")
            body = file.read(limit + 1) if found.st_size <= limit else b""
        if max(len(body), found.st_size) > limit:
            raise TlogError(f"{path} is larger than {limit} bytes")
        return body

    def names(self, folder: str) -> Sequence[str]:
        """List the files of a folder (see the port).

        Raises:
            FormatError: there are more than a log has, or what is there cannot be listed.
        """
        try:
            with os.scandir(self._top / folder) as entries:
                files = (entry.name for entry in entries if entry.is_file(follow_symlinks=False))
                found = sorted(islice(files, MOST_FILES + 1))
        except FileNotFoundError:
            return []
        except OSError as why:
            raise FormatError(f"{self._top / folder} cannot be listed: {why.strerror}") from why
        if folder and (odd := next((name for name in found if not name.isprintable()), None)):
            raise FormatError(f"{self._top / folder} holds {odd!r}: no file of a log has such a name")
        if len(found) > MOST_FILES:
            raise FormatError(f"{self._top / folder} holds more than {MOST_FILES} files")
        return found


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
    from release.adapters.log_tar import open_tar  # noqa: PLC0415 - a folder needs no tar

    with open_tar(file) as tar:
        yield tar
