"""release log key, repair: the log's key, and its tree."""

from pathlib import Path
from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json


def key(
    file: Annotated[Path, typer.Argument(help="Where to write the private key; it must not exist.")],
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    json: Json = False,
) -> None:
    """Make the key that signs the release log, and print its public line for [log] key in release.toml."""
    from release.adapters.log_key import FILE_VARIABLE, make_key  # noqa: PLC0415 - loads the cryptography

    work = compose.workspace(config, quiet=json, keyless=True)
    public = make_key(file, work.config.log.origin)
    if json:
        return emit_json({"vkey": public.vkey})
    emit([public.vkey])
    work.console.say(f"write it to release.toml as [log] key; {FILE_VARIABLE} names {file} for 'release record'")
    return None


def repair(config: ConfigFile = DEFAULT_CONFIG, *, dry_run: DryRun = False, json: Json = False) -> None:
    """Finish what jobs that died left of the log's tree, with the record key; changes no entry."""
    work = compose.workspace(config, quiet=json)
    tree = work.tree("record")
    before = tree.resume().size
    size = work.slots("record").tail().size if dry_run else tree.repair()
    if json:
        return emit_json({"dryRun": dry_run, "before": before, "size": size})
    verb = "would cover" if dry_run else "covers"
    return emit([f"the log's head covered {before} entries and {verb} {size}"])
