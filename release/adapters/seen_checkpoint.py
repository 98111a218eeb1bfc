"""The newest checkpoint of a log that a person saw, kept on his own machine, to hold the log against next time."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from release.core.tlog.note import LARGEST
from release.errors import ConfigError


class SeenCheckpoint:
    """One file with one checkpoint note."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> bytes | None:
        """Give the note, or None the first time.

        Raises:
            ConfigError: the file cannot be read, or holds no such thing.
        """
        try:
            with self.file.open("rb") as stream:
                body = stream.read(LARGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as why:
            raise ConfigError(f"{self.file} cannot be read: {why.strerror}", hint="name another file") from why
        if len(body) > LARGEST:
            raise ConfigError(f"{self.file} is larger than {LARGEST} bytes: it holds no checkpoint")
        return body

    def write(self, note: bytes) -> None:
        """Keep a note in place of the one before, whole or not at all.

        Raises:
            ConfigError: the file cannot be written.
        """
        draft = self.file.with_name(f".{self.file.name}-{secrets.token_hex(8)}")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(note)
            draft.replace(self.file)
        except OSError as why:
            draft.unlink(missing_ok=True)
            raise ConfigError(f"{self.file} cannot be written: {why.strerror}", hint="name another file") from why


def own_file(environment: Mapping[str, str], origin: str) -> Path:
    """Give the file of a log in the person's own settings (https://specifications.freedesktop.org/basedir-spec/).

    Raises:
        ConfigError: the environment names no home.
    """
    settings, home = environment.get("XDG_CONFIG_HOME", ""), environment.get("HOME", "")
    if not settings.startswith("/") and not home:
        raise ConfigError("there is no HOME to remember the log's checkpoint in", hint="name a file: --remember FILE")
    top = Path(settings) if settings.startswith("/") else Path(home) / ".config"
    return top / "release" / f"{quote(origin, safe='')}.checkpoint"
