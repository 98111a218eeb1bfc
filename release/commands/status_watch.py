"""release status --watch: the same again and again."""

import json as as_text
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from release.adapters.live_table import LiveTable
from release.commands.options import emit, write
from release.compose import Workspace
from release.core.approval import stamp
from release.core.duration import rough
from release.core.shape import camel, plain
from release.core.succession import overdue
from release.stages.status import ChannelStatus, Look, Report

HEADING: Final = ("channel", "version", "outcome", "age", "log", "cache", "state")


def follow(work: Workspace, looks: Iterable[Look], *, json: bool) -> None:
    """Show each look, until somebody interrupts: a table on a terminal, else lines, or one JSON document a line."""
    if json:
        for look in looks:
            write(as_text.dumps(plain({"at": stamp(look.at), **_facts(look)}, naming=camel), ensure_ascii=False) + "\n")
        return
    table = LiveTable(work.environment)
    if not table.is_terminal:
        for look in looks:
            emit(lines(look))
        return
    title, newest = f"{work.config.library.name} at {work.config.site.url}", None
    with table:
        for look in looks:
            newest = look if look.report else newest
            shown = newest.report if newest else None
            rows = [cells(row, shown, look.at) for row in shown.channels] if shown else []
            marks = [_mark(row) for row in shown.channels] if shown else []
            table.draw(title, [HEADING, *rows], marks, [*_notes(shown, look.at), _told(look, newest)])


def lines(look: Look) -> Iterator[str]:
    """Write one look as lines that begin with its time."""
    at = stamp(look.at)
    if look.report is None:
        yield f"{at}  no answer: {look.problem}"
        return
    for row in look.report.channels:
        yield "  ".join([at, *cells(row, look.report, look.at)])
    yield from (f"{at}  {note}" for note in _notes(look.report, look.at))


def cells(row: ChannelStatus, report: Report | None, at: datetime) -> Sequence[str]:
    """Give one channel's cells."""
    yanked = report is not None and row.version in report.yanked
    return (
        row.channel,
        f"{row.version} YANKED" if yanked else row.version,
        row.outcome,
        rough(at - datetime.fromisoformat(row.since)),
        str(row.entry),
        row.cache_control or "none",
        "; ".join(row.drift) or "as the log says",
    )


def _mark(row: ChannelStatus) -> str:
    if row.outcome == "authorized":
        return "waits"
    return "bad" if row.drift else "good"


def _notes(report: Report | None, at: datetime) -> Iterator[str]:
    if report is None:
        return
    for place in report.rings:
        waits = f"; {place.next} waits: {place.holds}" if place.next and place.holds else ""
        yield f"ring {place.ring}: {place.version or 'nothing'}{waits}"
    if report.yanked:
        yield f"yanked: {', '.join(report.yanked)}"
    late = overdue(report.reviews, at=at)
    for entry, due in sorted(report.reviews.items()):
        yield f"{'OVERDUE: ' if entry in late else ''}entry {entry} awaits a review until {due}"
    if report.invalid:
        yield f"{len(report.invalid)} newest slots of the log hold no entry: release log list"


def _told(look: Look, newest: Look | None) -> str:
    time = f"{look.at.astimezone(UTC):%H:%M:%S} UTC"
    if look.report is not None:
        return f"looked at {time}; Ctrl-C ends"
    since = f"; what stands above is of {newest.at.astimezone(UTC):%H:%M:%S}" if newest else ""
    return f"NO ANSWER at {time}: {look.problem}{since}"


def _facts(look: Look) -> dict[str, object]:
    return {"problem": look.problem} if look.report is None else {"report": look.report}
