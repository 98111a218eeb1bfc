"""release log verify: an auditor's command; needs the log's files and one key or digest, and no other network."""

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from release.adapters import environment
from release.adapters.clock import SystemClock
from release.adapters.terminal import Terminal
from release.commands.clone import AllowedSigners, Clone, clone_in, signers
from release.commands.cosigned_files import Cosigned, cosigned_notes
from release.commands.keys_to_trust import LARGEST_KEYS, keys_to_trust
from release.commands.named_files import read_file, write_file
from release.commands.options import Json, emit, emit_json
from release.core.log_finding import Finding, Kind
from release.core.manifest import SHA256
from release.errors import (
    BrokenRuleError,
    ConfigError,
    EvidenceError,
    NothingToDoError,
    ReleaseError,
    StaleError,
    TamperedError,
)

CHECKED: Final[dict[Kind, tuple[str, type[ReleaseError]]]] = {
    "signature": ("the checkpoints are signed by trusted keys", TamperedError),
    "tree": ("the tree is what its entries amount to", TamperedError),
    "fork": ("nothing that was ever signed is missing or changed", TamperedError),
    "entry": ("every entry is well-formed", BrokenRuleError),
    "rule": ("every entry follows the one before it and the release rules", BrokenRuleError),
    "approval": ("every release was approved by those who may", BrokenRuleError),
    "evidence": ("all evidence is there, byte for byte", EvidenceError),
    "changelog": ("the changelog says what was recorded", EvidenceError),
    "repository": ("the tags of the repository and the log say the same", EvidenceError),
    "copy": ("the proofs and the population that came with it are the log's", EvidenceError),
    "freshness": ("witnesses have seen it lately", StaleError),
}
"""What is checked, and with which error a finding of that kind ends the command: the gravest first."""

if TYPE_CHECKING:
    from release.stages.verify_log import Report


def verify(
    source: Annotated[str, typer.Argument(help="The log: a folder, a tar file, or the https address it is below.")],
    *,
    key: Annotated[
        Path | None, typer.Option(help="The keys to trust: a C2SP policy file, or one public key on a line.")
    ] = None,
    remember: Annotated[Path | None, typer.Option(help="Keeps the newest checkpoint, to notice a fork later.")] = None,
    at: Annotated[str | None, typer.Option(help="Say what was live at the end of this day, YYYY-MM-DD (UTC).")] = None,
    trust: Annotated[
        str | None,
        typer.Option(
            metavar="SHA256", help="The first trust epoch: its chain says whose keys to trust, and who may approve."
        ),
    ] = None,
    repository: Clone = None,
    allowed_signers: AllowedSigners = None,
    cosigned: Cosigned = None,
    stale_after: Annotated[
        int, typer.Option(min=1, max=3650, help="For how many days a cosignature says that nothing newer is withheld.")
    ] = 7,
    hashes_only: Annotated[bool, typer.Option("--hashes-only", help="Do not look into the entries.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report there.")] = None,
    json: Json = False,
) -> None:
    """Verify a release log: signatures, tree, history, rules, approvals, evidence, changelog.

    Needs --key or --trust, or both, which must then agree: what a key signs counts only where both say so.
    Exit code 0 if all is well; else the code of the gravest finding.
    """
    from release.adapters.log_files import open_log  # noqa: PLC0415 - tar files are for this command only
    from release.adapters.workers import Processes  # noqa: PLC0415 - few logs need them
    from release.stages import verify_log as stage  # noqa: PLC0415 - loads the cryptography

    if key is None and trust is None:
        raise ConfigError("whose log is to be believed?", hint="--key FILE, or --trust the first trust epoch's SHA-256")
    if trust is not None and not re.fullmatch(SHA256, trust, re.ASCII):
        raise ConfigError(f"--trust {trust[:80]!r} is no SHA-256 in hex", hint="'release trust show' prints it")
    question = stage.Question(
        policy=keys_to_trust(key) if key else None,
        now=SystemClock().now(),
        entries=not hashes_only,
        remembered=_remembered(remember),
        at=_end_of_day(at) if at else None,
        trust=trust,
        signers=signers(allowed_signers),
        cosigned=cosigned_notes(cosigned),
        stale=timedelta(days=stale_after),
    )
    clone = clone_in(repository) if repository else None
    with open_log(source) as files:
        report = stage.run(files, question, Terminal(environment.read(), quiet=json), clone, Processes())
    if json:
        emit_json(_facts(report))
    else:
        emit(_lines(report, at))
    if junit:
        _write_junit(junit, report)
    if report.findings:
        raise gravest(report.findings, source)
    if report.checkpoint is None or not report.checkpoint.size:
        raise NothingToDoError(f"the log in {source} has no entries: nothing was verified")
    if remember:
        write_file(remember, report.note)


def _remembered(file: Path | None) -> bytes | None:
    return read_file(file, "a checkpoint", LARGEST_KEYS) if file and file.exists() else None


def _end_of_day(text: str) -> datetime:
    try:
        return datetime.combine(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC), time.max, UTC)
    except ValueError as why:
        raise ConfigError(f"{text!r} is no day such as 2026-11-24") from why


def _write_junit(file: Path, report: "Report") -> None:
    from release.core.junit import junit  # noqa: PLC0415 - few ask for it

    found = report.findings
    cases = {title: [sentence(f) for f in found if f.kind == kind] for kind, (title, _) in CHECKED.items()}
    skipped = {CHECKED[kind][0]: why for kind, why in report.skipped.items()}
    write_file(file, junit("release log", cases, skipped).encode())


def gravest(findings: list[Finding], source: str) -> ReleaseError:
    """Give the error that a command ends with which found something."""
    kind, (_, error) = next((kind, row) for kind, row in CHECKED.items() if any(f.kind == kind for f in findings))
    worst = next(finding for finding in findings if finding.kind == kind)
    more = f" (and {len(findings) - 1} more findings)" if len(findings) > 1 else ""
    return error(
        f"{source}: {worst.message}{more}",
        hint="keep this copy and the checkpoints as they are; compare with the replica, CloudTrail and other copies",
        evidence=dict(worst.facts),
    )


def _lines(report: "Report", at: str | None) -> list[str]:
    rows = []
    if report.checkpoint:
        head = report.checkpoint
        rows.append(f"{head.origin}: {head.size} entries, root {head.root.hex()}")
    for kind, (title, _) in CHECKED.items():
        bad = [finding for finding in report.findings if finding.kind == kind]
        skipped = report.skipped.get(kind)
        mark = "FAIL" if bad else "--  " if skipped else "ok  "
        rows.append(f"  {mark}  {title}" + (f": not judged, {skipped}" if skipped else ""))
        rows += [f"        {sentence(finding)}" for finding in bad[:20]]
        rows += [f"        and {len(bad) - 20} more"] if len(bad) > 20 else []  # noqa: PLR2004
    if report.checkpoint and report.covered is not None and report.seen is not None:
        since = report.checkpoint.size - report.covered
        newer = f"{since} entries since the newest cosignature" if since else "nothing newer"
        rows.append(f"witnesses vouch for {report.covered} entries, seen {report.seen:%Y-%m-%d %H:%M} UTC; {newer}")
    if report.entries and not report.findings:
        rows.append(f"at the end of {at}:" if at else "now:")
        rows += [
            f"  {name} serves {state.version} ({state.outcome}, entry {state.entry}, manifest {state.manifest})"
            for name, state in sorted(report.channels.items())
        ] or ["  no channel serves anything"]
    if report.proof:
        rows.append("proof of misbehaviour: the log's key signed both of these, and they cannot both be true")
        rows += [line for note in report.proof for line in ["", *note.decode("utf-8", "replace").splitlines()]]
    return rows


def sentence(finding: Finding) -> str:
    """Say what is wrong, with both pieces of evidence."""
    return finding.message + "".join(f"; {name}: {fact}" for name, fact in finding.facts)


def _facts(report: "Report") -> dict[str, Any]:
    head = report.checkpoint
    return {
        "origin": head.origin if head else None,
        "size": head.size if head else None,
        "root": head.root.hex() if head else None,
        "cosigned": report.covered,
        "seen": report.seen.isoformat() if report.seen else None,
        "findings": report.findings,
        "skipped": report.skipped,
        "channels": report.channels,
        "proof": [note.decode("utf-8", "replace") for note in report.proof],
    }
