"""release audit: one command that holds everything against the release log, for a schedule."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from release import compose
from release.commands.log_verify import CHECKED
from release.commands.named_files import write_file
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.core.audit.finding import AREAS, Area
from release.errors import ConfigError, DriftError, ReleaseError

if TYPE_CHECKING:
    from release.stages.audit import AreaReport, Report

TITLES: Final[dict[Area, str]] = {
    "log": "the log's signature, tree, entries, rules, approvals and evidence",
    "objects": "each object of the log: one version, no delete marker, locked",
    "progress": "every promotion came to an end",
    "trust": "emergencies are reviewed, and the trust epoch is in force",
    "site": "every published version is there as it was published, and no other",
    "channels": "the channels in the bucket are what the log says, and there are no others",
    "cdn": "the public address serves what the log says",
    "git": "the tags are those of the published versions",
    "changelog": "the changelog says what was recorded",
    "keys": "users, policies and buckets are as rendered",
}
SHOWN: Final = 50


def audit(
    config: ConfigFile = DEFAULT_CONFIG,
    only: Annotated[
        list[str] | None, typer.Option(metavar="AREA", help=f"Only this area, and the log: {', '.join(AREAS)}.")
    ] = None,
    last: Annotated[
        int,
        typer.Option(min=1, help="How many of the newest entries to compare slot by slot, with evidence and locks."),
    ] = 256,
    grace: Annotated[float, typer.Option(min=0, max=720, help="Hours that a release may be under way.")] = 4,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report there.")] = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Every slot, all evidence and locks; all versions at the public address.")
    ] = False,
    cdn: Annotated[bool, typer.Option(help="Load from the public address too.")] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Fail for what is only due soon.")] = False,
    json: Json = False,
) -> None:
    """Hold everything against the release log: its own objects, the bucket, the CDN, git, the changelog, the keys.

    Everything is looked at, whatever is found; what cannot be looked at is a failure. Needs the audit key only.
    Exit code 0 if all is well; else the code of the gravest finding, or why something could not be looked at.
    """
    from release.compose.auditing import Audit, reach  # noqa: PLC0415 - what an audit needs, nobody else does
    from release.stages import audit as stage  # noqa: PLC0415 - the same

    wanted = _wanted(only or [], cdn=cdn)
    work = compose.workspace(config, quiet=json)
    errors = {kind: error for kind, (_, error) in CHECKED.items()}
    made = Audit(reach=reach(work), grace=timedelta(hours=grace), newest=None if full else last, errors=errors)
    report = stage.run(made.looks(wanted), work.console)
    error = report.worst(strict=strict)
    if json:
        emit_json(_facts(report, error))
    else:
        emit(_lines(report, skipped=[area for area in AREAS if area not in {a.area for a in report.areas}]))
    if junit:
        _write_junit(junit, report, strict=strict)
    if error is not None:
        raise _end(report, error)


def _wanted(only: list[str], *, cdn: bool) -> frozenset[Area]:
    if unknown := [name for name in only if name not in AREAS]:
        raise ConfigError(f"there is no area {unknown[0]!r}", hint=f"there are: {', '.join(AREAS)}")
    if "cdn" in only and not cdn:
        raise ConfigError("--only cdn and --no-cdn leave nothing to look at", hint="leave out one of them")
    named = cast("frozenset[Area]", frozenset(only)) or frozenset(AREAS)
    return named if cdn else named - {"cdn"}


def _lines(report: "Report", skipped: list[Area]) -> list[str]:
    marks = {"ok": "ok    ", "drift": "DRIFT ", "unread": "UNREAD"}
    rows = []
    for area in report.areas:
        rows.append(f"{marks[area.state]}  {area.area}: {TITLES[area.area]}")
        rows += [f"          {text}" for text in _sentences(area)[:SHOWN]]
        more = max(0, len(_sentences(area)) - SHOWN) + area.left_out
        rows += [f"          and {more} more"] if more else []
        rows += [f"          soon: {finding.what}" for finding in area.of("soon")[:SHOWN]]
        rows += [f"          not judged: {finding.what}" for finding in area.of("unjudged")[:SHOWN]]
    return rows + [f"--      {area}: not looked at" for area in skipped]


def _sentences(area: "AreaReport", *, strict: bool = False) -> list[str]:
    unread = [f"not looked at to its end: {area.unread.message}"] if area.unread else []
    return [*unread, *(f.what for f in area.of("drift")), *(f.what for f in area.of("soon") if strict)]


def _facts(report: "Report", error: type[ReleaseError] | None) -> dict[str, Any]:
    return {
        "exitCode": error.exit_code if error else 0,
        "areas": [
            {
                "area": area.area,
                "state": area.state,
                "unread": area.unread.message if area.unread else None,
                "drift": [{"what": f.what, "exitCode": f.error.exit_code} for f in area.of("drift")],
                "soon": [f.what for f in area.of("soon")],
                "notJudged": [f.what for f in area.of("unjudged")],
                "leftOut": area.left_out,
            }
            for area in report.areas
        ],
    }


def _write_junit(file: Path, report: "Report", *, strict: bool) -> None:
    from release.core.junit import junit  # noqa: PLC0415 - few ask for it

    cases = {f"{a.area}: {TITLES[a.area]}": _sentences(a, strict=strict) for a in report.areas}
    write_file(file, junit("release audit", cases).encode())


def _end(report: "Report", error: type[ReleaseError]) -> ReleaseError:
    bad = [area.area for area in report.areas if area.state == "drift"]
    unread = [area.area for area in report.areas if area.unread]
    parts = [f"not as the log says: {', '.join(bad)}"] if bad else []
    parts += [f"not looked at to its end: {', '.join(unread)}"] if unread else []
    hints = [area.unread.hint for area in report.areas if area.unread and area.unread.hint]
    hint = "each finding is on stdout" if not hints else hints[0]
    if error is DriftError and not parts:
        parts = ["something is due soon"]
    return error("; ".join(parts), hint=hint)
