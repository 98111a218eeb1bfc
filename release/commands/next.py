"""release next."""

from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.stages import build as building
from release.stages import version as stage


def next_(
    config: ConfigFile = DEFAULT_CONFIG,
    prerelease: Annotated[str | None, typer.Option(help="Make it a prerelease of this train, such as rc.")] = None,
    *,
    json: Json = False,
) -> None:
    """Print the next version, from the conventional commits since the last tag.

    Exit code 5 if no commit calls for a release.
    """
    work = compose.workspace(config, quiet=json)
    library = work.config.library
    report = stage.run(
        work.repository(),
        tag_prefix=library.tag_prefix,
        package_version=building.package_version(work.project, library.package),
        prerelease=prerelease,
    )
    if json:
        return emit_json(
            {
                "version": str(report.version),
                "tag": report.tag,
                "previous": str(report.previous) if report.previous else None,
                "reasons": list(report.reasons),
            }
        )
    for reason in report.reasons:
        work.console.say(reason)
    return emit([str(report.version)])
