"""Checkpoints that witnesses cosigned: single files, or the folder that `release log witness` keeps as its memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from release.commands.named_files import read_file
from release.errors import ConfigError

Cosigned = Annotated[
    list[Path] | None, typer.Option(help="A witness's cosigned checkpoint, or its memory folder; may be repeated.")
]


def cosigned_notes(paths: Sequence[Path] | None) -> list[tuple[str, bytes]]:
    """Read the files, each with its name; of a memory its newest checkpoint and its history.

    Raises:
        NotFoundError: a file is missing.
        ConfigError: one cannot be read, or there are too many.
    """
    from release.core.cosigned import LARGEST, MOST  # noqa: PLC0415 - loads the cryptography

    files = [file for path in paths or () for file in _files(path)]
    if len(files) > MOST:
        raise ConfigError(f"{len(files)} cosigned checkpoints are named, at most {MOST} are read")
    return [(str(file), read_file(file, "a cosigned checkpoint", LARGEST)) for file in files]


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    yield path / "checkpoint"
    yield from sorted((path / "history").glob("*"))
