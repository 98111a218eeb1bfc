"""Options that many commands share, and how they print: data on stdout, talk on stderr."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from release.core.shape import camel, plain
from release.core.visible import visible

ConfigFile = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="RELEASE_CONFIG", help="The library's release.toml.", show_default=True),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")]
Channels = Annotated[
    list[str] | None, typer.Argument(metavar="[CHANNEL]...", help="The channels; all that apply if none is named.")
]

DEFAULT_CONFIG = Path("release.toml")


def emit_json(value: object) -> None:
    """Print a report or any JSON value on stdout."""
    data: Any = plain(value, naming=camel)
    write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def emit(lines: Iterable[str]) -> None:
    """Print lines of data on stdout, control characters made visible."""
    for line in lines:
        write(visible(line) + "\n")


def write(text: str) -> None:
    """Write to stdout; a reader that went away (`release ... | head`) is no failure of the command."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align rows of cells; the first row is the heading."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
