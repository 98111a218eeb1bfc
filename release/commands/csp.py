"""release csp."""

from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.core.announcement import snippet
from release.core.csp import policy, sources
from release.core.layout import MANIFEST
from release.core.manifest import LARGEST, decode


def csp(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    alone: Annotated[
        bool, typer.Option("--alone", help="For a page that has nothing but the library: all else is forbidden.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the Content-Security-Policy that makes browsers enforce [domains], and the element that loads the library.

    The element has the digest of the version in dist/, so that the page runs these bytes and no others.
    """
    work = compose.workspace(config, quiet=json)
    value = policy(work.config, alone=alone)
    body = work.output.read(MANIFEST, limit=LARGEST)
    elements: list[str] = []
    if body is not None:
        manifest = decode(body)
        elements = [snippet(work.config, manifest, entry) for entry in manifest.entries]
    else:
        work.console.warn(
            f"{work.config.build.output}/{MANIFEST} is not there: no element to load it by; release build"
        )
    if json:
        facts = {"policy": value, "sources": sources(work.config), "elements": elements}
        return emit_json(facts)
    return emit([f"Content-Security-Policy: {value}", *elements])
