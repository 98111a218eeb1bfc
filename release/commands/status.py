"""release status."""

from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, columns, emit, emit_json
from release.core.succession import overdue
from release.effects.ring_places import RingPlace
from release.errors import DriftError
from release.stages import status as stage


def status(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    public: Annotated[bool, typer.Option(help="Ask the public address too.")] = True,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=1, max=3600, help="Seconds between two looks of --watch.")] = 5,
    json: Json = False,
) -> None:
    """Show what each channel serves, since when, from which pipeline, and whether that is what the log says.

    Exit code 15 if anything differs from the log. With --watch it is a live table on a terminal, and lines or (--json)
    one document a line elsewhere; Ctrl-C ends it with 130.
    """
    work = compose.workspace(config, quiet=json)
    slots, site, address = work.slots("audit"), work.site("audit"), work.public() if public else None

    def look() -> stage.Report:
        return stage.run(work.config, slots, site, address, at=work.clock.now())

    if watch:
        from release.commands.status_watch import follow  # noqa: PLC0415 - draws tables

        follow(work, stage.looks(look, work.clock, every=every), json=json)
    else:
        _show(work, look(), json=json)


def _show(work: compose.Workspace, report: stage.Report, *, json: bool) -> None:
    if json:
        emit_json(report)
    else:
        rows = [("channel", "version", "outcome", "since", "log", "pipeline", "cache")]
        rows += [
            (c.channel, c.version, c.outcome, c.since, str(c.entry), c.pipeline or "", c.cache_control or "")
            for c in report.channels
        ]
        emit(columns(rows))
        emit(f"ring {one.ring} serves {one.version or 'nothing'}{_held(one)}" for one in report.rings)
        if report.yanked:
            emit([f"yanked: {', '.join(report.yanked)}"])
        late = overdue(report.reviews, at=work.clock.now())
        for entry, due in sorted(report.reviews.items()):
            word = "OVERDUE: " if entry in late else ""
            emit([f"{word}entry {entry}, approved in an emergency, awaits a review until {due}"])
    if report.invalid:
        slots = f"slots {report.invalid[0].index} to {report.invalid[-1].index} of the release log hold no entry"
        work.console.warn(f"{slots}, so somebody else has the record key: release log list")
    drift = [f"{c.channel}: {text}" for c in report.channels for text in c.drift]
    if drift:
        raise DriftError(
            "the world is not what the log says\n  " + "\n  ".join(drift),
            hint="a promotion under way shows here too; if none is, run 'release promote' for the channel again",
        )


def _held(place: RingPlace) -> str:
    return f"; {place.holds}" if place.holds else ""
