"""Verify a release log offline, and remember it for the next time."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, get_args

from release.core import changelog_check
from release.core.copy_check import PROOFS, CopyCheck
from release.core.cosigned import FOLDER, in_copy
from release.core.entry import ChannelState, Event
from release.core.epoch_files import read_pinned
from release.core.log_finding import Finding, Kind
from release.core.log_signers import LogSigners
from release.core.logcheck import ARCHIVE, CHECKPOINT, STALE, Verifier, archived_sizes, claimed
from release.core.logtree import TreeFiles
from release.core.population import SIDECAR
from release.core.sshkey import PublicKey
from release.core.tag_check import TagCheck
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.policy import NONE, Policy
from release.core.tlog.tile import WIDTH
from release.effects.tagged import read_tags
from release.errors import FormatError
from release.ports import Console, LogFiles, Repository, Workers

MUCH: Final = 4000
"""From how many entries on other processes save more time than it takes to start them."""
MOST_FINDINGS: Final = 1000
REMEMBERED: Final = "what was seen here before"
_UNSOUND: Final = frozenset({"signature", "tree", "fork"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of a log.

    Args:
        policy: the keys to trust; None: those of the trust epochs.
        now: the time to judge freshness by.
        entries: whether to look into the entries, or at hashes only.
        remembered: the checkpoint note of an earlier verification.
        at: the time whose channels are wanted; None: the newest.
        trust: the SHA-256 of the first trust epoch; None: approvals are not judged.
        signers: whose git tags count, with their names; None: anybody's.
        cosigned: checkpoints that witnesses cosigned, with where from, besides those among the log's files.
        stale: how long ago a quorum of witnesses may have seen the log.
    """

    policy: Policy | None
    now: datetime
    entries: bool = True
    remembered: bytes | None = None
    at: datetime | None = None
    trust: str | None = None
    signers: Mapping[PublicKey, str] | None = None
    cosigned: Sequence[tuple[str, bytes]] = ()
    stale: timedelta = STALE


@dataclass(kw_only=True, slots=True)
class Report:
    """What a log is: its head if that can be believed, what is wrong, and what was live.

    `skipped` says why something was not looked at. `proof` are two checkpoints that the log signed and that cannot
    both be true: whoever has its key misbehaved. `covered` says how many entries a quorum of witnesses vouches for,
    `seen` when it last saw the log.
    """

    checkpoint: Checkpoint | None = None
    note: bytes = b""
    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    channels: dict[str, ChannelState] = field(default_factory=dict)
    proof: tuple[bytes, ...] = ()
    covered: int | None = None
    seen: datetime | None = None
    skipped: dict[Kind, str] = field(default_factory=dict)


def run(
    files: LogFiles,
    question: Question,
    console: Console,
    repository: Repository | None = None,
    workers: Workers | None = None,
) -> Report:
    """Verify a log.

    Args:
        files: of the log.
        question: what is asked.
        console: for the progress.
        repository: the library's, to hold its tags against the log.
        workers: who share the work, if there is much of it.

    Raises:
        FormatError: what is remembered is no checkpoint of a trusted log.
        SourceError: the repository's history is cut off.
    """
    known = read_pinned(TreeFiles(files.read), question.trust)[0] if question.trust else ()
    signers = LogSigners(named=question.policy, known=known)
    report = Report(skipped=_skipped(files, question, signers, repository))
    tags = TagCheck(signers=question.signers)
    anchors = _anchors(question, signers)
    size = claimed(files.read)
    in_the_copy, unread = in_copy(files.read, files.names(FOLDER))
    cosigned = [*question.cosigned, *in_the_copy]

    def see(event: Event) -> None:
        report.entries += 1
        tags.see(event)
        if question.at is None or datetime.fromisoformat(event.occurred_at) <= question.at:
            report.channels = dict(event.after.channels)

    with console.progress("verifying the release log", size // WIDTH + 1) as progress:
        verifier = Verifier(
            files=TreeFiles(files.read),
            policy=question.policy,
            now=question.now,
            anchors=anchors,
            archived=archived_sizes([f"{ARCHIVE}{name}" for name in files.names(ARCHIVE.rstrip("/"))]),
            cosigned=cosigned,
            stale=question.stale,
            entries=question.entries,
            trust=question.trust,
            each=workers.each if workers and question.entries and size >= MUCH else map,
            seen=see,
            advance=progress.advance,
        )
        report.findings = [*unread, *_few(verifier.run())]
    report.skipped |= _not_reached(verifier, report)
    report.checkpoint = verifier.checkpoint
    if verifier.checkpoint is not None and repository is not None and question.entries:
        report.findings += tags.judge(read_tags(repository, tags), verifier.checkpoint.origin)
        report.findings += TreeFiles(files.read).continues(tags.anchors, verifier.checkpoint)
    report.covered, report.seen = verifier.witnesses.covered, verifier.witnesses.seen
    if verifier.checkpoint is not None:
        report.note = files.read(CHECKPOINT, LARGEST_NOTE) or b""
        if any(finding.kind in _UNSOUND for finding in report.findings):
            report.skipped["copy"] = "the log itself is not sound"
        elif "copy" not in report.skipped:
            report.findings += _added(files, signers.witnessing[-1], verifier.checkpoint, report.note)
    report.proof = _proof(report, [*cosigned, *([(REMEMBERED, question.remembered)] if question.remembered else [])])
    return report


def _not_reached(verifier: Verifier, report: Report) -> dict[Kind, str]:
    """Say of what had no finding why: a check that never ran found nothing either."""
    found = {finding.kind for finding in report.findings}
    unread: dict[Kind, str] = {}
    if not verifier.whole:
        why = "the checkpoint cannot be believed" if verifier.checkpoint is None else "not every entry could be read"
        unread = dict.fromkeys(get_args(Kind), why)
    elif "signature" in found:
        unread = {"freshness": "not every signature can be believed"}
    return {kind: why for kind, why in unread.items() if kind not in found | set(report.skipped)}


def _few(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Keep so many findings of a kind and count the others: a log may be nothing but garbage, and it may be long.

    All forks are kept: each may be what proves that the log's key was misused.
    """
    seen: Counter[Kind] = Counter()
    for finding in findings:
        seen[finding.kind] += 1
        if seen[finding.kind] <= MOST_FINDINGS or finding.kind == "fork":
            yield finding
    for kind, count in seen.items():
        if count > MOST_FINDINGS and kind != "fork":
            yield Finding(kind=kind, message=f"{count - MOST_FINDINGS} more findings of this kind are not listed")


def _proof(report: Report, known: Sequence[tuple[str, bytes]]) -> tuple[bytes, ...]:
    """Give two heads that cannot both be true; an older head than was known is none: anybody can serve a copy."""
    forks = [finding.message for finding in report.findings if finding.kind == "fork"]
    for where, note in known:
        if any(message.startswith(f"{where} is of another log") for message in forks):
            return (note, report.note)
    return ()


def _skipped(
    files: LogFiles, question: Question, signers: LogSigners, repository: Repository | None
) -> dict[Kind, str]:
    found: dict[Kind, str] = {}
    if not question.entries:
        asked: tuple[Kind, ...] = ("entry", "rule", "approval", "evidence", "changelog", "repository", "copy")
        found |= dict.fromkeys(asked, "only hashes were asked for")
    elif changelog_check.FILE not in files.names(""):
        found["changelog"] = f"there is no {changelog_check.FILE}"
    if question.entries and not (files.names(PROOFS) or SIDECAR in files.names("")):
        found["copy"] = "there are none"
    if question.entries and question.trust is None:
        found["approval"] = "no trust epoch was named: --trust"
    if repository is None:
        found["repository"] = "no clone of the library was named: --repository"
    if not signers.witnessed:
        found["freshness"] = "the keys name no witness"
    return found


def _added(files: LogFiles, policy: Policy, head: Checkpoint, note: bytes) -> list[Finding]:
    """Judge what was added with every key that the log ever had: whose counted when is judged of the log itself."""
    judged = replace(policy, quorum=NONE)  # the quorum may stand below another head than the proofs'
    check = CopyCheck(files=TreeFiles(files.read), proofs=files.names(PROOFS), policy=judged, head=head, note=note)
    return list(check.run())


def _anchors(question: Question, signers: LogSigners) -> Sequence[tuple[str, Checkpoint]]:
    if question.remembered is None:
        return ()
    try:
        return ((REMEMBERED, parse_checkpoint(signers.opened(question.remembered).text)),)
    except TlogError as why:
        raise FormatError(
            f"the checkpoint remembered from an earlier verification cannot be believed: {why}",
            hint="is it of this log, and are these its keys? Keep the file: it may be evidence",
        ) from why
