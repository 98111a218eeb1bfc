"""release check."""

import json as encoding
from pathlib import Path
from typing import Annotated

import typer

from release import compose
from release.commands import handed
from release.commands.named_files import write_file
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.core.check_findings import Earlier
from release.core.domains.finding import Finding
from release.core.lockfile import Locked, read_lock_file
from release.core.osv import Vulnerability, affecting
from release.errors import CheckError, ConfigError
from release.stages import check as stage
from release.stages import publish as publishing
from release.stages.build import LARGEST_LOCK


def check(
    config: ConfigFile = DEFAULT_CONFIG,
    sarif: Annotated[Path | None, typer.Option(help="Write the findings as SARIF 2.1.0, too.")] = None,
    code_quality: Annotated[
        Path | None, typer.Option(help="Write the findings for GitLab's code quality widget, too.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Compare sizes and names with this release; 'previous': the one before."),
    ] = None,
    osv: Annotated[
        Path | None, typer.Option(help="Known vulnerabilities in OSV format: a file, a folder, or osv.dev's zip.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Reject a bundle that must not be published, and say why.

    That is one that loads, sends or injects where [domains] does not authorise it, gives keys or people away, is
    larger than [budgets] or newer than [build] target says, takes names from pages, or holds what [supply] does not
    allow. Reads every file that was built, without running it. What it cannot decide is a finding, too.
    """
    from release.adapters.workers import Processes  # noqa: PLC0415 - only large bundles need them
    from release.core.domains import reports  # noqa: PLC0415

    work = compose.workspace(config, quiet=json)
    manifest, _ = publishing.read_bundle(work.config, work.output)
    locked = _locked(work)
    beside = stage.Beside(
        earlier=_earlier(work, manifest.version, against), locked=locked, known=_known(work, locked, osv)
    )
    report = stage.run(work.config, manifest, work.output, work.clock, work.console, beside=beside, workers=Processes())
    stage.leave(report, handed.folder(work))
    folder = work.config.build.output
    if sarif:
        write_file(sarif, reports.sarif(report.findings, folder=folder))
    if code_quality:
        write_file(code_quality, reports.code_quality(report.findings, folder=folder))
    for one in report.waived:
        place = f"{one.finding.file}:{one.finding.line}:{one.finding.column}"
        work.console.warn(f"waived until {one.expires} by {one.owner}: {place}: {one.finding.message}: {one.reason}")
    for name in report.unused:
        work.console.warn(f"[domains] {name} is about nothing in this bundle: remove it")
    if json:
        emit_json(report)
    else:
        emit(_lines(report, folder))
    if report.findings:
        raise CheckError(
            f"{manifest.library} {manifest.version} is rejected: {_count(report)}",
            hint="each finding says how to answer it; docs/check.md says what the rules mean",
        )


def _locked(work: compose.Workspace) -> Locked | None:
    name = work.config.build.lock_file
    body = work.project.read(name, limit=LARGEST_LOCK)
    if body is None or not name.endswith("package-lock.json"):
        work.console.warn(f"{name} is not there, or not npm's: nothing is said of dependencies")
        return None
    return read_lock_file(body, name=name)


def _earlier(work: compose.Workspace, version: str, against: str | None) -> Earlier | None:
    from release.stages import earlier  # noqa: PLC0415 - few compare

    if against is None:
        return None
    if against == earlier.PREVIOUS:
        against = earlier.before(work.config, work.repository(), version)
    work.console.say(f"comparing with {against}")
    return earlier.fetch(work.config, work.public(), against)


def _known(work: compose.Workspace, locked: Locked | None, osv: Path | None) -> tuple[Vulnerability, ...]:
    from release.adapters.osv_files import records  # noqa: PLC0415 - few have them

    named = work.config.supply.vulnerabilities
    place = osv or (work.folder / named if named else None)
    if place is None:
        return ()
    if locked is None:
        raise ConfigError(f"{place} is named, and there is no npm lock file to hold against it")
    packages: dict[str, set[str]] = {}
    for package in locked.packages:
        packages.setdefault(package.name, set()).add(package.version)
    wanted = [encoding.dumps(name).encode() for name in packages]
    found = [
        known
        for name, body in records(place)
        if any(one in body for one in wanted)
        for known in affecting(body, packages, name=name)
    ]
    return tuple(found)


def _lines(report: stage.Report, folder: str) -> list[str]:
    lines = [line for one in report.findings for line in _finding(one, folder)]
    size = f"{report.files} files, {report.bytes:,} bytes"
    what = _count(report) if report.findings else "nothing to object to"
    waived = f", {len(report.waived)} waived" if report.waived else ""
    return [*lines, f"{report.library} {report.version}: {size}: {what}{waived}"]


def _finding(one: Finding, folder: str) -> list[str]:
    from_source = f"  (from {one.source.file}:{one.source.line}:{one.source.column})" if one.source else ""
    return [
        f"{folder}/{one.file}:{one.line}:{one.column}: {one.rule}, {one.status}: {one.message}{from_source}",
        *([f"  code: {one.snippet}"] if one.snippet else []),
        f"  sha256: {one.digest}",
        f"  next: {one.advice}",
    ]


def _count(report: stage.Report) -> str:
    number = len(report.findings)
    known = sum(one.status == "unauthorised" for one in report.findings)
    plural = "finding" if number == 1 else "findings"
    return f"{number} {plural}" + (f", {known} of them of hosts on no list" if known else "")
