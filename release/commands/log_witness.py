"""release log witness, witness-key, verify-conflict: the command of people who watch a log that others write."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from release.adapters import environment
from release.adapters.clock import SystemClock
from release.adapters.terminal import Terminal
from release.commands.clone import AllowedSigners, Clone, clone_in, signers
from release.commands.keys_to_trust import LARGEST_KEYS, KeyFile, keys_to_trust
from release.commands.log_verify import gravest, sentence
from release.commands.named_files import read_file
from release.commands.options import DryRun, Json, emit, emit_json
from release.core.key_environment import require_protected
from release.errors import ConfigError, EvidenceError

if TYPE_CHECKING:
    from release.core.tlog.note import Key
    from release.stages.witness import Report


def witness_key(
    file: Annotated[Path, typer.Argument(help="Where to write the private key; it must not exist.")],
    name: Annotated[str, typer.Option(help="Who this witness is, like a web address: example.com/witness.")],
    *,
    json: Json = False,
) -> None:
    """Make a witness's key, and print its public line for the policies of auditors."""
    from release.adapters.log_key import WITNESS_FILE, make_key  # noqa: PLC0415 - loads the cryptography
    from release.core.tlog.note import COSIGNATURE  # noqa: PLC0415

    public = make_key(file, name, kind=COSIGNATURE)
    if json:
        return emit_json({"vkey": public.vkey})
    emit([public.vkey])
    talk = Terminal(environment.read())
    talk.say(
        f"auditors trust it as 'witness <name> {public.vkey}'; {WITNESS_FILE} names {file} for release log witness"
    )
    return None


def witness(
    source: Annotated[str, typer.Argument(help="The log: a folder, a tar file, or the https address it is below.")],
    key: Annotated[Path, typer.Option(help="The log's public key on a line, or a C2SP policy file that names it.")],
    memory: Annotated[Path, typer.Option(help="The folder that holds what this witness has seen.")],
    *,
    first: Annotated[bool, typer.Option("--first", help="There is no memory yet: begin one.")] = False,
    expect_size: Annotated[int, typer.Option(min=0, help="The log is known to have at least so many entries.")] = 0,
    compare: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that somebody else has of this log; may be repeated.")
    ] = None,
    repository: Clone = None,
    allowed_signers: AllowedSigners = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Cosign a log's head if it continues what was seen before; keep the evidence if it does not.

    Needs RELEASE_WITNESS_KEY_FILE or RELEASE_WITNESS_KEY, and no key of the log's bucket.
    """
    from release.adapters.log_files import open_log  # noqa: PLC0415 - tar files are for this command only
    from release.adapters.log_key import cosigner  # noqa: PLC0415 - loads the cryptography
    from release.adapters.witness_memory import open_memory  # noqa: PLC0415
    from release.effects.tagged import seen_by_tags  # noqa: PLC0415
    from release.stages import witness as stage  # noqa: PLC0415

    variables = environment.read()
    require_protected(variables, what="a witness")
    logs = _one_log(key)
    visit = stage.Visit(
        logs=logs,
        cosigner=cosigner(variables),
        now=SystemClock().now(),
        first=first,
        expected=expect_size,
        others=[(str(file), read_file(file, "a checkpoint", LARGEST_KEYS)) for file in compare or ()],
        tags=seen_by_tags(clone_in(repository), signers(allowed_signers), logs[0].name) if repository else (),
        dry_run=dry_run,
    )
    with open_log(source) as files, open_memory(memory) as folder:
        report = stage.run(files, folder, visit)
    if json:
        emit_json(_facts(report, dry_run=dry_run))
    else:
        emit(_lines(report))
    if report.findings:
        raise gravest(report.findings, source)
    Terminal(variables, quiet=json).say(_said(report, dry_run=dry_run))


def verify_conflict(
    folder: Annotated[Path, typer.Argument(help="A folder conflict-... of a witness's memory.")],
    key: KeyFile,
    *,
    json: Json = False,
) -> None:
    """Verify a proof of misbehaviour that a witness kept; needs no trust in the witness."""
    from release.core.tlog import TlogError  # noqa: PLC0415 - loads the cryptography
    from release.core.witness import proven, seen  # noqa: PLC0415

    logs = _one_log(key)
    bodies = [read_file(folder / name, "evidence of a conflict", LARGEST_KEYS) for name in ("known", "shown", "proof")]
    try:
        known, shown = seen("known", bodies[0], logs), seen("shown", bodies[1], logs)
        proven(known, shown, bodies[2])
    except TlogError as why:
        raise EvidenceError(f"{folder} proves nothing against the log: {why}", hint="who kept it, and how?") from why
    sizes = known.checkpoint.size, shown.checkpoint.size
    if json:
        return emit_json({"origin": known.checkpoint.origin, "proven": True, "known": sizes[0], "shown": sizes[1]})
    origin = known.checkpoint.origin
    return emit([f"proven: the key of {origin} signed two logs, one of {sizes[0]} and one of {sizes[1]} entries"])


def _one_log(file: Path) -> "tuple[Key, ...]":
    """Give the keys of the one log that is watched; several may be valid while it changes its key."""
    logs = keys_to_trust(file).logs
    if len({key.name for key in logs}) != 1:
        raise ConfigError(f"{file} must name one log", hint="each log that is watched has a policy and a memory")
    return logs


def _said(report: "Report", *, dry_run: bool) -> str:
    verb = "would be cosigned" if dry_run else "cosigned"
    size = report.checkpoint.size if report.checkpoint else 0
    if report.before is None or report.since is None:
        return f"{verb}: {size} entries, and nothing was seen before"
    since = f"since {report.since:%Y-%m-%d %H:%M} UTC"
    if report.outcome == "unchanged":
        return f"{verb}: {size} entries as before, nothing new {since}"
    return f"{verb}: {size} entries, {size - report.before} new {since}"


def _lines(report: "Report") -> list[str]:
    if report.note:
        return report.note.decode("utf-8", "replace").splitlines()
    rows = []
    if report.checkpoint:
        rows.append(f"{report.checkpoint.origin}: {report.checkpoint.size} entries")
    rows += [f"  FAIL  {sentence(finding)}" for finding in report.findings]
    for folder, conflict in zip(report.folders, report.conflicts, strict=True):
        if conflict.proven:
            rows.append(f"proof of misbehaviour ({folder}): the log's key signed both of these")
        else:
            rows.append(f"kept in {folder}: the second is older than what the log had shown before")
        for note in (conflict.known.note, conflict.shown.note):
            rows += ["", *note.encode().decode("utf-8", "replace").splitlines()]
        rows += ["", *conflict.proof().splitlines()]
    return rows


def _facts(report: "Report", *, dry_run: bool) -> dict[str, Any]:
    head = report.checkpoint
    return {
        "dryRun": dry_run,
        "outcome": report.outcome,
        "origin": head.origin if head else None,
        "size": head.size if head else None,
        "root": head.root.hex() if head else None,
        "before": report.before,
        "since": report.since.isoformat() if report.since else None,
        "checkpoint": report.note.decode("utf-8", "replace") or None,
        "findings": report.findings,
        "conflicts": [
            {
                "folder": folder,
                "proven": conflict.proven,
                "known": conflict.known.note.encode().decode("utf-8", "replace"),
                "shown": conflict.shown.note.encode().decode("utf-8", "replace"),
                "proof": conflict.proof(),
            }
            for folder, conflict in zip(report.folders, report.conflicts, strict=True)
        ],
    }
