"""release check."""

from pathlib import Path
from typing import Annotated

import typer

from release import compose
from release.commands import handed
from release.commands.named_files import write_file
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.core.domains.finding import Finding
from release.errors import CheckError
from release.stages import check as stage
from release.stages import publish as publishing


def check(
    config: ConfigFile = DEFAULT_CONFIG,
    sarif: Annotated[Path | None, typer.Option(help="Write the findings as SARIF 2.1.0, too.")] = None,
    code_quality: Annotated[
        Path | None, typer.Option(help="Write the findings for GitLab's code quality widget, too.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Reject a bundle that loads, sends or injects where [domains] does not authorise it.

    Reads every file that was built, without running it. What it cannot decide is a finding, too.
    """
    from release.adapters.workers import Processes  # noqa: PLC0415 - only large bundles need them
    from release.core.domains import reports  # noqa: PLC0415

    work = compose.workspace(config, quiet=json)
    manifest, _ = publishing.read_bundle(work.config, work.output)
    report = stage.run(work.config, manifest, work.output, work.clock, work.console, workers=Processes())
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


def _lines(report: stage.Report, folder: str) -> list[str]:
    lines = [line for one in report.findings for line in _finding(one, folder)]
    size = f"{report.files} files, {report.bytes:,} bytes"
    what = _count(report) if report.findings else "nothing loads, sends or injects where it is not authorised"
    waived = f", {len(report.waived)} waived" if report.waived else ""
    return [*lines, f"{report.library} {report.version}: {size}: {what}{waived}"]


def _finding(one: Finding, folder: str) -> list[str]:
    from_source = f"  (from {one.source.file}:{one.source.line}:{one.source.column})" if one.source else ""
    return [
        f"{folder}/{one.file}:{one.line}:{one.column}: {one.rule}, {one.status}: {one.message}{from_source}",
        f"  code: {one.snippet}",
        f"  code's sha256: {one.digest}",
        f"  next: {one.advice}",
    ]


def _count(report: stage.Report) -> str:
    number = len(report.findings)
    known = sum(one.status == "unauthorised" for one in report.findings)
    plural = "finding" if number == 1 else "findings"
    return f"{number} {plural}, {known} of them of hosts on no list"
