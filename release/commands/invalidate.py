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
    """Drop what a promotion changed from the CDN and wait until it is gone everywhere.

    Running it again waits for the same invalidation.
    """
    work = compose.workspace(config, quiet=json)
    promotions = [handed.promotion(work, name) for name in handed.channels(work, "promotion", channels)]
    cdn = work.cdn()
    reports = [
        stage.run(work.config, promotion, cdn, work.clock, work.console, attempt=attempt, dry_run=dry_run)
        for promotion in promotions
    ]
    if json:
        return emit_json(reports)
    for promotion, report in zip(promotions, reports, strict=True):
        if dry_run:
            emit(planning.describe(((report.action,),)))
        else:
            paths = len(report.action.paths)
            emit([f"{promotion.order.channel}: {paths} paths dropped, invalidation {report.invalidation}"])
    return None
