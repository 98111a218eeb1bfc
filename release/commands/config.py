"""release config: about release.toml itself."""

import json as encoding

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json, write
from release.core.config import json_schema
from release.core.shape import kebab, plain

app = typer.Typer(no_args_is_help=True, help="Check release.toml and print its schema.")


@app.command()
def schema() -> None:
    """Print the JSON Schema of release.toml, for editors."""
    write(encoding.dumps(json_schema(), indent=2) + "\n")


@app.command()
def check(config: ConfigFile = DEFAULT_CONFIG, *, json: Json = False) -> None:
    """Check release.toml; with --json print it with all defaults filled in."""
    work = compose.workspace(config)
    if json:
        return emit_json(plain(work.config, naming=kebab))
    return emit([f"{config} is right: library {work.config.library.name}, {len(work.config.channels)} channels"])
