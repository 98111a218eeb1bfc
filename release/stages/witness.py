"""Witness: see a log of other people, cosign its head if it continues what was seen before, and remember it.

The memory is a folder that its owner keeps, best in a git repository that the log's writers cannot write:

    checkpoint            the newest head, signed by the log and cosigned by this witness
    history/<size>        for each size that was seen, the same with the first and the newest cosignature
    conflict-<hash>/      two heads that cannot both be true, and what proves it
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from release.core.layout import SLOT_DIGITS
from release.core.log_finding import Finding
from release.core.logcheck import CHECKPOINT
from release.core.logtree import TreeFiles
from release.core.manifest import digest
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.note import LARGEST, Key, Signature, cosignatures, parse_note
from release.core.witness import MEMORY, Conflict, Seen, Told, judge, seen
from release.errors import ConfigError, FormatError, NotFoundError, RefusedError
from release.ports import Cosigner, Folder, LogFiles

HISTORY: Final = "history/"
CONFLICT: Final = "conflict-"
LOST: Final = "restore the memory from its git history: a witness that forgot would believe any log"

Outcome = Literal["first", "unchanged", "grown", "refused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """What a witness is asked to do.

    Args:
        logs: the keys of the one log.
        cosigner: this witness's key.
        now: the time that the cosignature states.
        first: there is no memory yet, and that is right.
        expected: the log is known to have at least so many entries.
        others: checkpoints that are known from elsewhere, with where from.
        tags: what git tags saw of the log, with which tag.
        dry_run: judge, but neither cosign nor write anything.
    """

    logs: Sequence[Key]
    cosigner: Cosigner
    now: datetime
    first: bool = False
    expected: int = 0
    others: Sequence[tuple[str, bytes]] = ()
    tags: Sequence[tuple[str, Checkpoint]] = ()
    dry_run: bool = False


@dataclass(kw_only=True, slots=True)
class Report:
    """How a visit ended. `note` is the cosigned checkpoint, empty if there is none.

    `before` is the size seen last time and `since` when; `conflicts` are kept below the folders of the same order.
    """

    outcome: Outcome
    checkpoint: Checkpoint | None = None
    note: bytes = b""
    before: int | None = None
    since: datetime | None = None
    findings: list[Finding] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def run(files: LogFiles, memory: Folder, visit: Visit) -> Report:
    """Visit a log once.

    Raises:
        NotFoundError: there is no memory.
        FormatError: the memory is not this witness's, or a checkpoint known from elsewhere is not the log's.
        ConfigError: there is a memory, and it was said that there is none.
        RefusedError: the newest cosignature is of the future.
    """
    known, since = _remembered(memory, visit)
    others: list[Told] = [_other(where, body, visit.logs) for where, body in visit.others]
    others += [Told(where=where, checkpoint=checkpoint) for where, checkpoint in visit.tags]
    report = Report(outcome="refused", before=known.checkpoint.size if known else None, since=since)
    tree = TreeFiles(files.read)
    try:
        head = seen("the head", tree.must(CHECKPOINT, LARGEST), visit.logs)
    except TlogError as why:
        report.findings = [Finding(kind="signature", message=f"the checkpoint cannot be believed: {why}")]
        return report
    report.checkpoint = head.checkpoint
    judged = judge(head, [*([known] if known else []), *others], tree.tile)
    report.findings, report.conflicts = judged.findings, judged.conflicts
    if head.checkpoint.size < visit.expected:
        message = f"the log shows {head.checkpoint.size} entries, and has {visit.expected}: this is an old copy"
        report.findings.append(Finding(kind="freshness", message=message))
    report.folders = [_folder(conflict) for conflict in report.conflicts]
    if report.findings:
        if not visit.dry_run:
            for folder, conflict in zip(report.folders, report.conflicts, strict=True):
                _keep(memory, folder, conflict)
        return report
    report.outcome = _outcome(known, head)
    if not visit.dry_run:
        report.note = _cosign(memory, head, visit)
    return report


def _remembered(memory: Folder, visit: Visit) -> tuple[Seen | None, datetime | None]:
    body = memory.read(CHECKPOINT, limit=LARGEST)
    if body is None:
        if any(path.startswith((HISTORY, CONFLICT)) for path in memory.paths()):
            raise FormatError(f"the memory has no {CHECKPOINT}, but has seen this log before", hint=LOST)
        if not visit.first:
            raise NotFoundError("the memory has no checkpoint", hint=f"{LOST}; if it never saw one: --first")
        return None, None
    if visit.first:
        raise ConfigError("--first, but this witness has seen the log before", hint="leave the option out")
    try:
        known = seen(MEMORY, body, visit.logs)
        times = cosignatures(parse_note(body), visit.cosigner.key)
    except TlogError as why:
        raise FormatError(f"the memory's {CHECKPOINT} cannot be believed: {why}", hint=LOST) from why
    if not times:
        raise FormatError(
            f"the memory's {CHECKPOINT} is not cosigned by {visit.cosigner.key.name}",
            hint="is it another witness's, or was it replaced? A new key is a new witness, with a memory of its own",
        )
    since = _time(times[-1][0])
    if since > visit.now:
        raise RefusedError(
            f"the newest cosignature is of {since:%Y-%m-%d %H:%M:%S} UTC, which is still to come",
            hint="is the clock right? A cosignature would state less than the one before it",
        )
    return known, since


def _other(where: str, body: bytes, logs: Sequence[Key]) -> Seen:
    try:
        return seen(where, body, logs)
    except TlogError as why:
        raise FormatError(f"{where} is no checkpoint of this log: {why}", hint="which log signed it?") from why


def _outcome(known: Seen | None, head: Seen) -> Outcome:
    if known is None:
        return "first"
    return "unchanged" if known.checkpoint.size == head.checkpoint.size else "grown"


def _cosign(memory: Folder, head: Seen, visit: Visit) -> bytes:
    """Cosign a head and remember it; what is given back is remembered first (tlog-witness, "add-checkpoint")."""
    made = visit.cosigner.sign(head.note.text, time=int(visit.now.timestamp()))
    note = head.note.with_signatures([made]).encode()
    memory.write(CHECKPOINT, note)
    path = f"{HISTORY}{head.checkpoint.size:0{SLOT_DIGITS}d}"
    earlier = _first(memory, path, head, visit.cosigner.key)
    memory.write(path, head.note.with_signatures([*earlier, made]).encode())
    return note


def _first(memory: Folder, path: str, head: Seen, key: Key) -> list[Signature]:
    """Give the first cosignature over a head that was seen before."""
    body = memory.read(path, limit=LARGEST)
    if body is None:
        return []
    try:
        note = parse_note(body)
        return [line for _, line in cosignatures(note, key)[:1]] if note.text == head.note.text else []
    except TlogError as why:
        raise FormatError(f"the memory's {path} cannot be believed: {why}", hint=LOST) from why


def _folder(conflict: Conflict) -> str:
    both = conflict.known.note.encode() + conflict.shown.note.encode()
    return f"{CONFLICT}{digest(both)[:16]}"


def _keep(memory: Folder, folder: str, conflict: Conflict) -> None:
    memory.write(f"{folder}/known", conflict.known.note.encode())
    memory.write(f"{folder}/shown", conflict.shown.note.encode())
    memory.write(f"{folder}/proof", conflict.proof().encode())


def _time(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)
