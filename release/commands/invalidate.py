"""release invalidate."""

from typing import Annotated

import typer

from release import compose
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, Channels, ConfigFile, DryRun, Json, emit, emit_json
from release.core import plan as planning
from release.stages import invalidate as stage


def invalidate(
    channels: Channels = None,
    config: ConfigFile = DEFAULT_CONFIG,
    attempt: Annotated[int, typer.Option(min=1, max=99, help="Raise it to purge the same paths once more.")] = 1,
    *,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Drop what a promotion or collection changed from the CDN and wait until it is gone everywhere.

    Running it again waits for the same invalidation.
    """
    work = compose.workspace(config, quiet=json)
    moved, cleaned = handed.with_collected(work, "promotion", channels)
    changes: list[tuple[str, stage.Changes]] = [(name, handed.promotion(work, name)) for name in moved]
    changes += [(name, handed.collected(work, name)) for name in cleaned]
    cdn = work.cdn()
    reports = [
        (name, stage.run(work.config, one, cdn, work.clock, work.console, attempt=attempt, dry_run=dry_run))
        for name, one in changes
    ]
    if json:
        return emit_json([report for _, report in reports])
    for name, report in reports:
        if dry_run:
            emit(planning.describe(((report.action,),)))
        else:
            paths = len(report.action.paths)
            emit([f"{name}: {paths} paths dropped, invalidation {report.invalidation}"])
    return None
