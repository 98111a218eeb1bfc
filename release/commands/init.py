"""release init."""

import json as encoding
from pathlib import Path
from typing import Annotated, Any

import typer

from release import compose
from release.adapters.directory import Directory
from release.commands.options import write
from release.core.config import parse
from release.core.starter import release_toml
from release.errors import ConfigError, RefusedError

LARGEST = 1024 * 1024


def init(
    folder: Annotated[Path, typer.Argument(help="The library's folder.")] = Path(),
    branch: Annotated[str, typer.Option(help="The protected branch.")] = "main",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the file and write nothing.")] = False,
) -> None:
    """Write a good first release.toml by looking at package.json; never overwrites one."""
    project = Directory(folder)
    body = project.read("package.json", limit=LARGEST)
    if body is None:
        raise ConfigError(f"{folder / 'package.json'} does not exist", hint="run this in the library's folder")
    try:
        package: Any = encoding.loads(body)
    except (ValueError, RecursionError) as why:
        raise ConfigError(f"{folder / 'package.json'} is not JSON: {why}") from why
    if not isinstance(package, dict):
        raise ConfigError(f"{folder / 'package.json'} is not a JSON object")
    text = release_toml(package, branch=branch)
    parse(text.encode(), keyless=True)
    if dry_run:
        write(text)
        return
    if project.read("release.toml", limit=LARGEST) is not None:
        raise RefusedError("release.toml exists already", hint="--dry-run prints what would be written")
    project.write("release.toml", text.encode())
    talk = compose.terminal()
    talk.say(
        "wrote release.toml: put in your bucket, address and distribution; make the log's key: release log key FILE"
    )
    talk.say("then: release config check")
