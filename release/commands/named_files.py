"""Files that options name, read and written whole."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from release.errors import ConfigError, NotFoundError


def read_file(file: Path, what: str, limit: int) -> bytes:
    """Read a file that was named as an option; `what` is said of it when it is not there.

    Raises:
        ConfigError: it cannot be read, or is larger than `limit` bytes.
        NotFoundError: there is no such file.
    """
    try:
        with file.open("rb") as stream:
            body = stream.read(limit + 1)
    except FileNotFoundError as why:
        raise NotFoundError(f"there is no {file}, which should hold {what}") from why
    except OSError as why:
        raise ConfigError(f"{file} cannot be read: {why.strerror}") from why
    if len(body) > limit:
        raise ConfigError(f"{file} is larger than {limit} bytes")
    return body


def write_file(file: Path, body: bytes) -> None:
    """Write a file that was named as an option; it is there when all of it is, and not before.

    Raises:
        ConfigError: it cannot be written.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError as why:
        raise ConfigError(f"{file} cannot be written: {why.strerror}", hint="name another file") from why
    finally:
        with suppress(OSError):
            draft.unlink()
