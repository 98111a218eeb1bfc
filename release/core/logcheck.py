"""Verify a release log offline: from its files alone, trusting the keys of one policy, or the first trust epoch.

Every file is believed to come from an attacker. Nothing is held but one bundle of entries, the tree's frontier
and the replayed state, whatever the size of the log.

    0  each trust epoch follows from the pinned one (`core.epoch_files`): whose keys count when (`core.log_signers`)
    1  the checkpoint is signed; the quorum cosigned it or one before it, and lately (`core.cosigned`)
    2  the root is computed again from all entries; every tile agrees
    3  every checkpoint archived, cosigned, remembered from elsewhere or seen by approvers is of this very tree
    4  every entry is signed, well-formed, follows the one before it, and obeys the release rules (`core.replay`)
    5  every release was approved, where the first trust epoch is known (`core.approval_check`)
    6  the evidence that an entry names is there, byte for byte; a gate's answer is about what the entry rests on
    7  the changelog says what was recorded, and names what was yanked
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from release.core import changelog_check
from release.core.approval_check import ApprovalCheck
from release.core.bundle_check import Archived, Given, Judge, Judged
from release.core.cosigned import Times, Witnesses
from release.core.entry import Event
from release.core.epoch_files import read_pinned
from release.core.gate_check import gate_problems
from release.core.layout import SLOT_DIGITS
from release.core.log_finding import Finding
from release.core.log_signers import LogSigners
from release.core.logtree import HEAD, Marks, TreeFiles, compare
from release.core.manifest import digest
from release.core.replay import Replay
from release.core.slot import Invalid, Signed
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.merkle import Frontier
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.policy import NONE, Policy
from release.core.tlog.tile import bundles_of

CHECKPOINT: Final = "checkpoint"
ARCHIVE: Final = "checkpoints/"
LARGEST_EVIDENCE: Final = 64 * 1024 * 1024
_NOBODY: Final = Policy((), {}, {}, NONE)
STALE: Final = timedelta(days=7)

Each = Callable[[Judge, Iterable[Given]], Iterator[Judged]]


@dataclass(kw_only=True, slots=True)
class Verifier:
    """One verification.

    Args:
        files: of the log.
        policy: the keys to trust; None: those of the trust epochs.
        now: the time to judge freshness by; None: freshness is not judged.
        anchors: checkpoints that are known from elsewhere, with where from.
        archived: the sizes for which there is an archived checkpoint.
        cosigned: checkpoints that witnesses cosigned, with where from.
        stale: how long ago a quorum of witnesses may have seen the log.
        entries: whether to look into the entries, or at hashes only.
        evidence_from: the first entry whose evidence is read.
        trust: the SHA-256 of the first trust epoch; None: approvals are not judged, and `policy` must be given.
        each: how to let bundles be judged, in order; several at once are several in memory.

    Attributes:
        checkpoint: the verified head; None until `run` got that far.
        whole: whether every entry could be read.
        replay: what the entries amount to.
        witnesses: what they said of this log.
    """

    files: TreeFiles
    policy: Policy | None
    now: datetime | None = None
    anchors: Sequence[tuple[str, Checkpoint]] = ()
    archived: Sequence[int] = ()
    cosigned: Sequence[tuple[str, bytes]] = ()
    stale: timedelta = STALE
    entries: bool = True
    evidence_from: int = 0
    trust: str | None = None
    checkpoint: Checkpoint | None = None
    whole: bool = False
    replay: Replay = field(default_factory=Replay)
    each: Each = map
    seen: Callable[[Event], object] = lambda _: None
    advance: Callable[[], object] = lambda: None
    _approvals: ApprovalCheck | None = field(default=None, init=False)
    witnesses: Witnesses = field(default_factory=lambda: Witnesses(policy=_NOBODY), init=False)
    _times: Times = field(default_factory=lambda: Times.of(()), init=False)
    _signers: LogSigners = field(default_factory=LogSigners, init=False)

    def run(self) -> Iterator[Finding]:
        """Verify everything; gives what is wrong, in the order in which it is found."""
        known, problems = read_pinned(self.files, self.trust) if self.trust else ((), ())
        self._signers = LogSigners(named=self.policy, known=known)
        yield from (*problems, *self._signers.problems())
        if not self._signers.newest:
            return
        try:
            yield from self._head()
        except TlogError as why:
            yield Finding(kind="signature", message=f"the checkpoint cannot be believed: {why}")
        if self.checkpoint is None:
            return
        if self.entries:
            self._approvals = ApprovalCheck(files=self.files, known=known)
        yield from self._tree(self.checkpoint)
        yield from self._signers.late()
        if self._approvals:
            yield from self.files.continues(self._approvals.anchors, self.checkpoint)
            yield from self._approvals.end(self.replay.state, self.now)
        if self.entries:
            yield from self._changelog()

    def _head(self) -> Iterator[Finding]:
        body = self.files.must(CHECKPOINT, LARGEST_NOTE)
        self.checkpoint = self._signers.head(body)
        judges = [Witnesses(policy=policy) for policy in self._signers.witnessing]
        for judge in judges:
            judge.take(HEAD, body)
            judge.anchors.clear()
        for where, note in self.cosigned:
            try:
                self._signers.cosigned(note, where, origin=self.checkpoint.origin)
                for judge in judges:
                    judge.take(where, note)
            except TlogError as why:
                yield Finding(kind="signature", message=f"{where} cannot be believed: {why}")
        for judge in judges:
            yield from judge.judge(self.checkpoint, self.now, self.stale)
        self.witnesses = max(judges, key=lambda judge: judge.policy.quorum != NONE)
        self._times = self.witnesses.times()

    def _tree(self, head: Checkpoint) -> Iterator[Finding]:
        marks = self._marks(head)
        yield from marks.problems
        judge = Judge(keys=self._signers.ever, origin=head.origin, entries=self.entries)
        for size in self.archived:
            if size > head.size:
                yield from self._archive(size, judge.checkpoint(self._archived(size)), head, marks)
        frontier = Frontier()
        for judged in self.each(judge, self._bundles(head)):
            self.advance()
            for size, checkpoint in judged.archived:
                yield from self._archive(size, checkpoint, head, marks)
            start, leaves = judged.tile.start, judged.leaves
            if judged.problem:
                yield Finding(kind="tree", message=f"entries from {start} on cannot be read: {judged.problem}")
                return
            yield from self.files.same_leaves(judged.tile, leaves)
            for size, expected in marks.within(start, start + len(leaves)):
                frontier = frontier.extended(leaves[frontier.size - start : size - start])
                yield from compare(frontier, expected)
            frontier = frontier.extended(leaves[frontier.size - start :])
            for index, found in enumerate(judged.entries, start=start):
                yield from self._entry(index, found, leaves[index - start].hex())
        yield from compare(frontier, [(HEAD, head)])
        yield from self.files.upper_tiles(head.size)
        self.whole = True

    def _bundles(self, head: Checkpoint) -> Iterator[Given]:
        """Read all bundles, up to one that cannot be read."""
        waiting = deque(size for size in self.archived if size <= head.size)
        for tile in bundles_of(head.size):
            archived = []
            while waiting and waiting[0] <= tile.start + tile.width:
                archived.append((size := waiting.popleft(), self._archived(size)))
            try:
                yield Given(tile=tile, body=self.files.tile(tile), archived=archived)
            except TlogError as why:
                yield Given(tile=tile, archived=archived, problem=str(why))
                return

    def _archive(self, size: int, found: Archived | str, head: Checkpoint, marks: Marks) -> Iterator[Finding]:
        """Take an archived checkpoint as one that the tree must agree with."""
        where = archived_path(size)
        if isinstance(found, str):
            yield Finding(kind="signature", message=f"{where} cannot be believed: {found}")
        elif found.checkpoint.size != size:
            yield Finding(kind="fork", message=f"{where} is of a tree of {found.checkpoint.size} entries")
        else:
            self._signers.signed(where, size, found.keys)
            known = len(marks.problems)
            marks.add(where, found.checkpoint, head)
            yield from marks.problems[known:]

    def _archived(self, size: int) -> bytes | str:
        try:
            return self.files.must(archived_path(size), LARGEST_NOTE)
        except TlogError as why:
            return str(why)

    def _entry(self, index: int, signed: Signed | Invalid, leaf: str) -> Iterator[Finding]:
        event = self._signers.take(signed, index, leaf)
        if isinstance(event, Invalid):
            self.replay.skip(index, leaf)
            yield Finding(kind="entry", message=f"{event.problem}; it changes nothing", index=index)
            return
        self.seen(event)
        occurred = datetime.fromisoformat(event.occurred_at)
        for problem in (*self.replay.take(event, leaf), *self._times.problems(index, occurred)):
            yield Finding(kind="rule", message=f"entry {index} ({event.action} {event.version}) {problem}", index=index)
        if self._approvals:
            yield from self._approvals.entry(event, leaf)
        for item in event.evidence if index >= self.evidence_from else ():
            yield from self._evidence(event, item.kind, item.sha256)

    def _evidence(self, event: Event, kind: str, sha256: str) -> Iterator[Finding]:
        index, path = event.index, f"evidence/sha256/{sha256}"
        try:
            body = self.files.must(path, LARGEST_EVIDENCE)
        except TlogError as why:
            yield Finding(kind="evidence", message=f"the {kind} of entry {index} cannot be read: {why}", index=index)
            return
        if (found := digest(body)) != sha256:
            yield Finding(
                kind="evidence",
                message=f"the {kind} of entry {index} is not the one that was recorded",
                index=index,
                facts=(("recorded", sha256), ("found", found)),
            )
        elif kind == "gate":
            for problem in gate_problems(event, body, self.replay.state):
                yield Finding(kind="evidence", message=f"the gate's answer of entry {index} {problem}", index=index)

    def _changelog(self) -> Iterator[Finding]:
        try:
            body = self.files.read(changelog_check.FILE, changelog_check.LARGEST)
        except TlogError as why:
            yield Finding(kind="changelog", message=f"{changelog_check.FILE} cannot be read: {why}")
            return
        if body is not None:
            yield from changelog_check.changelog_findings(body.decode("utf-8", "replace"), self.replay)

    def _marks(self, head: Checkpoint) -> Marks:
        """Collect the checkpoints that others know."""
        marks = Marks()
        for where, anchor in (*self.anchors, *self.witnesses.anchors):
            if anchor.origin != head.origin:
                marks.problems.append(Finding(kind="fork", message=f"{where} is of the log {anchor.origin}"))
            else:
                marks.add(where, anchor, head)
        return marks


def archived_path(size: int) -> str:
    """Give the path of the checkpoint of so many entries."""
    return f"{ARCHIVE}{size:0{SLOT_DIGITS}d}"


def archived_sizes(paths: Sequence[str]) -> list[int]:
    """Give the sizes of all archived checkpoints among a log's paths."""
    pattern = re.compile(rf"{ARCHIVE}([0-9]{{{SLOT_DIGITS}}})", re.ASCII)
    return sorted(int(match[1]) for path in paths if (match := pattern.fullmatch(path)))


def claimed(read: Callable[[str, int], bytes | None]) -> int:
    """Give the size that a log's head claims, unverified: for the progress, and for what to look for; 0 for none."""
    try:
        body = read(CHECKPOINT, LARGEST_NOTE) or b""
        return min(parse_checkpoint(body.partition(b"\n\n")[0] + b"\n").size, 10**9)
    except (TlogError, UnicodeDecodeError):
        return 0
