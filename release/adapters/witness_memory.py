"""A witness's memory on disk: one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from release.adapters.directory import Directory
from release.errors import BuildError, FormatError, RefusedError


@contextmanager
def open_memory(folder: Path) -> Iterator[Directory]:
    """Open the folder; it is made when something is written there.

    Two witnesses with one memory could cosign a larger head and then a smaller one
    (https://c2sp.org/tlog-witness, "add-checkpoint").

    Raises:
        RefusedError: another process has it open.
        FormatError: something in it is not a regular file, cannot be read or cannot be written.
    """
    handle = os.open(folder, os.O_RDONLY) if folder.is_dir() else None
    try:
        if handle is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Directory(folder)
    except BlockingIOError:
        raise RefusedError(f"another process works with the memory {folder}", hint="wait for it to end") from None
    except BuildError as why:
        raise FormatError(f"the memory {folder}: {why.message}", hint=why.hint) from why
    finally:
        if handle is not None:
            os.close(handle)
