"""release log evidence, verify-evidence: everything about one release, for who draws it as a sample."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from release import compose
from release.adapters import environment, resources
from release.adapters.terminal import Terminal
from release.commands.keys_to_trust import KeyFile, keys_to_trust
from release.commands.log_source import Source, SourceKeys, signed_log
from release.commands.named_files import read_file
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json
from release.core import changelog_check
from release.core.entry import Event
from release.core.manifest import LARGEST
from release.core.version import parse_version
from release.errors import BrokenRuleError, EvidenceError, ReleaseError, TamperedError

if TYPE_CHECKING:
    from release.core.log_finding import Finding, Kind
    from release.stages.evidence import Beside, Report

ENDS: Final[dict["Kind", type[ReleaseError]]] = {
    "signature": TamperedError,
    "fork": TamperedError,
    "approval": BrokenRuleError,
    "evidence": EvidenceError,
}
"""With which error a finding ends the command: the gravest first."""


def evidence(
    version: Annotated[str, typer.Argument(help="The version.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder, or a file that ends in .tar.")],
    config: ConfigFile = DEFAULT_CONFIG,
    source: Source = None,
    key: SourceKeys = None,
    manifest: Annotated[Path | None, typer.Option(help="With --source, the version's manifest.json.")] = None,
    *,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Collect all that is known of one release: its entries and their proofs, approvals, evidence, and a page to read.

    With the audit key, or from a copy. 'release log verify-evidence' checks every byte of it.
    """
    from release.core.pack_page import TEMPLATE  # noqa: PLC0415 - loads the cryptography
    from release.stages import evidence as stage  # noqa: PLC0415

    parse_version(version)
    with signed_log(config, source, key, quiet=json) as log:
        if source is None:
            beside = _beside(compose.workspace(config, quiet=json), version)
        else:
            changelog = log.files.read(changelog_check.FILE, changelog_check.LARGEST)
            body = read_file(manifest, "the version's manifest", LARGEST) if manifest else None
            beside = stage.Beside(manifest=body, changelog=changelog)
        report = stage.run(log, version, beside, resources.text("templates", TEMPLATE))
    if not dry_run:
        _write(output, report)
    for missing in report.missing:
        Terminal(environment.read(), quiet=False).warn(f"not in the pack: {missing}")
    sizes = {path: len(body) for path, body in report.files.items()}
    if json:
        return emit_json({"about": report.about, "files": sizes, "missing": report.missing})
    would = "would hold " if dry_run else ""
    emit([f"{output}: {would}{len(sizes)} files, {sum(sizes.values())} bytes"])
    return emit([f"  {path}  {size}" for path, size in sizes.items()]) if dry_run else None


def verify_evidence(
    pack: Annotated[Path, typer.Argument(help="The pack: a folder or a tar file.")],
    key: KeyFile,
    *,
    trust: Annotated[str | None, typer.Option(metavar="SHA256", help="The first trust epoch.")] = None,
    json: Json = False,
) -> None:
    """Check an evidence pack offline: proofs, digests, approvals, and every byte of every file in it."""
    from release.adapters.log_files import open_log  # noqa: PLC0415 - tar files are for few commands
    from release.core.pack_page import TEMPLATE  # noqa: PLC0415 - loads the cryptography
    from release.stages import evidence as stage  # noqa: PLC0415

    policy = keys_to_trust(key)
    with open_log(str(pack)) as files:
        judged = stage.judge(files, policy, resources.text("templates", TEMPLATE), trust)
    about = judged.about
    if json:
        emit_json({"about": about, "findings": judged.findings})
    elif about:
        emit([f"{about.component} {about.version}, from the log {about.origin} of {about.size} entries"])
        emit(_line(event) for event in judged.events)
    if judged.findings:
        raise _gravest(judged.findings, pack)


def _beside(work: compose.Workspace, version: str) -> "Beside":
    from release.stages.evidence import Beside  # noqa: PLC0415 - loads the cryptography

    found = work.site("audit").read(work.config.layout.manifest(version), limit=LARGEST)
    changelog = work.project.read(work.config.library.changelog, limit=changelog_check.LARGEST)
    return Beside(manifest=found.body if found else None, changelog=changelog)


def _write(output: Path, report: "Report") -> None:
    from release.adapters.log_tar import new_tar  # noqa: PLC0415 - tar files are for few commands
    from release.adapters.new_folder import new_folder  # noqa: PLC0415

    with new_tar(output) if output.suffix == ".tar" else new_folder(output) as archive:
        for path, body in report.files.items():
            archive.add(path, body)


def _line(event: Event) -> str:
    who = "".join(f", {approved.principal} ({approved.role})" for approved in event.approvals)
    said = " ".join(filter(None, [event.action, event.version, event.channel]))
    return f"  entry {event.index}  {event.occurred_at}  {said}{who and ': approved by' + who[1:]}"


def _gravest(findings: "tuple[Finding, ...]", pack: Path) -> ReleaseError:
    kind = next(kind for kind in ENDS if any(finding.kind == kind for finding in findings))
    worst = next(finding for finding in findings if finding.kind == kind)
    more = f" (and {len(findings) - 1} more findings)" if len(findings) > 1 else ""
    return ENDS[kind](
        f"{pack}: {worst.message}{more}",
        hint="keep this pack as it is; make another from a copy of the log that verifies",
        evidence=dict(worst.facts),
    )
