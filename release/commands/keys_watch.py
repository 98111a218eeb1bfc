"""release keys watch: hold CloudTrail against the release log."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.core.findings import Finding
from release.core.watch import Limits
from release.errors import ConfigError, DriftError
from release.stages import watch as stage

_DAY: Final = timedelta(days=1)


def watch(
    trail: Annotated[
        list[Path] | None,
        typer.Argument(help="CloudTrail's files or folders; the bucket of [keys.trail] if none is named."),
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    since: Annotated[
        str | None, typer.Option(help="2026-11-24 or 2026-11-24T08:00:00Z; default: a day ago, all of named files.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="The same; default: now.")] = None,
    log_folder: Annotated[
        Path | None, typer.Option(help="The log bucket as a folder, instead of reading it with the audit key.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The account that owns the distribution.")] = None,
    near_minutes: Annotated[
        int, typer.Option(min=1, max=10080, help="How far a write and its log entry may be apart.")
    ] = 120,
    together_seconds: Annotated[
        int, typer.Option(min=1, max=3600, help="Two addresses within this time are two places at once.")
    ] = 60,
    refusals: Annotated[int, typer.Option(min=1, help="So many refused calls are a burst ...")] = 10,
    refusals_seconds: Annotated[int, typer.Option(min=1, max=86400, help="... within this time.")] = 300,
    json: Json = False,
) -> None:
    """Report what was done with the stages' keys, or to what they guard, that the release log does not explain.

    Exit code 15 if there is anything, 5 if there was nothing to read.
    """
    work = compose.workspace(config, quiet=json)
    now = work.clock.now()
    end = _time(until, "--until") or now
    start = _time(since, "--since") or (None if trail else end - _DAY)
    if start and start >= end:
        raise ConfigError(f"the period ends before it begins: {start:%Y-%m-%dT%H:%M:%SZ}", hint="--since, --until")
    owned = work.identities(account)
    period = stage.Period(
        since=None if start is None else int(start.timestamp()), until=int(end.timestamp()), now=int(now.timestamp())
    )
    report = stage.run(
        work.config,
        owned,
        work.slots("audit") if log_folder is None else work.slots_in(log_folder),
        work.trail_on_disk(trail) if trail else work.trail(owned.account, start or end - _DAY, end),
        period,
        Limits(
            near=near_minutes * 60,
            together=together_seconds,
            refusals=refusals,
            refusals_within=refusals_seconds,
        ),
    )
    if json:
        emit_json(report)
    else:
        emit(_lines(report))
    if report.findings:
        count = len(report.findings) + report.left_out
        raise DriftError(
            f"CloudTrail and the release log do not agree: {count} finding{'s' if count > 1 else ''}",
            hint="docs/keys.md, 'Watching', says for each kind what it means and what to do",
        )


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as why:
        raise ConfigError(f"{option} {text!r} is no time", hint="such as 2026-11-24T08:00:00Z") from why
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _lines(report: stage.Report) -> list[str]:
    lines = []
    key = None
    for finding in report.findings:
        if finding.key != key:
            key = finding.key
            lines.append(key)
        lines += _finding(finding)
    if report.left_out:
        lines.append(f"and {report.left_out} more")
    period = f"{report.since} to {report.until}"
    lines.append(f"{report.records} records of {report.files} files, {period}; {report.judged} concern these keys")
    if report.skipped:
        lines.append(f"{report.skipped} files were passed by: they are no records")
    if report.open:
        lines.append(f"{report.open} writes are so new that their log entry may still come: watch again later")
    if not report.addresses:
        lines.append("addresses were not checked: [keys] source-ips is empty")
    return lines


def _finding(finding: Finding) -> list[str]:
    times = f" ({finding.count} times)" if finding.count > 1 else ""
    facts = {
        "when": finding.first + (f" to {finding.last}" if finding.last != finding.first else ""),
        "such as": finding.example,
        "event": finding.event,
        "file": finding.file if finding.file != finding.key else "",
    }
    return [f"  {finding.kind}: {finding.what}{times}", *(f"    {k}: {v}" for k, v in facts.items() if v)]
