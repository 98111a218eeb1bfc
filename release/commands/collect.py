"""release collect."""

from release import compose
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, Channels, ConfigFile, DryRun, Json, emit, emit_json
from release.core import plan as planning
from release.errors import NothingToDoError
from release.stages import collect as stage


def collect(
    channels: Channels = None, config: ConfigFile = DEFAULT_CONFIG, *, dry_run: DryRun = False, json: Json = False
) -> None:
    """Delete from channels the garbage that 'record collect' ordered deleted, and nothing else.

    It is looked at again first. 'invalidate' and 'record outcome' finish it. Exit code 5 if nothing is ordered.
    """
    work = compose.workspace(config, quiet=json)
    slots, site = work.slots("collect"), work.site("collect")
    reports = []
    for name in handed.named(channels) or stage.ordered_channels(slots):
        report = stage.run(work.config, name, slots, site, work.clock, work.console, dry_run=dry_run)
        if not dry_run:
            handed.leave(work, "collected", name, report.collected)
        reports.append(report)
    if not reports:
        raise NothingToDoError("the log orders nothing deleted", hint="release record collect")
    if json:
        return emit_json(
            [
                {"collected": r.collected, "dryRun": dry_run, "plan": planning.as_json(r.plan), "deleted": r.deleted}
                for r in reports
            ]
        )
    for report in reports:
        name, ordered = report.collected.channel, len(report.collected.deleted)
        if dry_run:
            emit(planning.describe(report.plan) or [f"{name}: all that is ordered deleted is gone already"])
        else:
            entry = report.collected.entry
            emit([f"{name}: {report.deleted} of {ordered} files deleted (log entry {entry}), the others were gone"])
    return None
