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
    json: Json = False,
) -> None:
    """Show what each channel serves, since when, from which pipeline, and whether that is what the log says.

    Exit code 15 if anything differs from the log.
    """
    work = compose.workspace(config, quiet=json)
    site, now = work.site("audit"), work.clock.now()
    report = stage.run(work.config, work.slots("audit"), site, work.public() if public else None, at=now)
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
        late = overdue(report.reviews, at=now)
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
