"""A new folder of files, which is there when all of it is."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from release.errors import ConfigError


class FolderArchive:
    """Implements `ports.LogArchive` on an empty folder."""

    def __init__(self, top: Path) -> None:
        self._top = top

    def add(self, path: str, body: bytes) -> None:
        """Write a file below the folder."""
        target = self._top / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(body)


@contextmanager
def new_folder(folder: Path) -> Iterator[FolderArchive]:
    """Write a folder; it is there when all of it is, and not before.

    Raises:
        ConfigError: there is something already, or it cannot be written.
    """
    if folder.exists():
        raise ConfigError(f"{folder} exists already", hint="name another folder, or a file that ends in .tar")
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        draft.mkdir()
        yield FolderArchive(draft)
        draft.replace(folder)
    except OSError as why:
        raise ConfigError(f"{folder} cannot be written: {why.strerror}", hint="name another folder") from why
    finally:
        shutil.rmtree(draft, ignore_errors=True)
