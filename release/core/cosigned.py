"""What the witnesses of a policy said of a log: how much of it, how lately, and when they saw it with which size.

A cosignature states that, at its time, no larger consistent head had been seen (https://c2sp.org/tlog-cosignature,
"Ed25519 signed message"). Who cosigned a larger head has vouched for what a smaller one covers, too: whoever asks
here proves from the entries that both are of one tree.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final

from release.core.layout import SLOT_DIGITS
from release.core.log_finding import Finding
from release.core.logtree import Read, TreeFiles
from release.core.manifest import digest
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.merkle import EMPTY_ROOT
from release.core.tlog.note import LATEST, MOST_SIGNATURES, Key, Note, parse_note
from release.core.tlog.policy import NONE, Policy

FOLDER: Final = "cosigned"
LARGEST: Final = 4 * 1024
MOST: Final = 4096
"""Cosigned checkpoints that are read: one for each size that a witness saw."""
TOLERANCE: Final = timedelta(minutes=15)
"""How far the clocks of a pipeline and of a witness may be apart."""


@dataclass(kw_only=True, slots=True)
class Witnesses:
    """The cosignatures over heads of one log.

    Attributes:
        anchors: the heads, with where they are from; that they are of one tree is for the caller to prove.
        covered: how many entries the quorum vouches for; None before `judge`, or if there is no quorum.
        seen: when the quorum last saw the log.
    """

    policy: Policy
    anchors: list[tuple[str, Checkpoint]] = field(default_factory=list)
    covered: int | None = None
    seen: datetime | None = None
    _said: list[tuple[int, int, Key]] = field(default_factory=list)

    def take(self, where: str, body: bytes) -> Checkpoint:
        """Take a checkpoint with the cosignatures that it has, which may be none.

        Raises:
            TlogError: the log did not sign it, or a cosignature of a witness of the policy is wrong.
        """
        opened = self.policy.open(body)
        head = parse_checkpoint(opened.text)
        if head.size == 0 and head.root != EMPTY_ROOT:
            raise TlogError("the root of the checkpoint of no entries is not the empty tree's")
        self.anchors.append((where, head))
        self._said += [(head.size, time, key) for key, time in opened.signed if time is not None]
        return head

    def judge(self, head: Checkpoint, now: datetime | None, stale: timedelta) -> Iterator[Finding]:
        """Say whether a quorum vouches for what the head begins with, and has seen it lately."""
        if self.policy.quorum == NONE:
            return
        limit = int((now + TOLERANCE).timestamp()) if now else LATEST
        yield from self._early(limit)
        sizes: dict[Key, int] = {}
        times: dict[Key, int] = {}
        for size, time, witness in self._said:
            if 0 < size <= head.size and time <= limit:
                sizes[witness] = max(size, sizes.get(witness, 0))
                times[witness] = max(time, times.get(witness, 0))
        self.covered = self._reached(sizes)
        if self.covered is None:
            message = f"the checkpoint cannot be believed: no head is cosigned by the quorum {self.policy.quorum}"
            yield Finding(kind="signature", message=message)
            return
        self.seen = datetime.fromtimestamp(self._reached(times) or 0, UTC)
        if now is not None and self.seen < now - stale:
            message = f"no quorum of witnesses has seen this log since {_words(self.seen)}: it may be an old copy"
            facts = (("newest cosignature", self.seen.isoformat()), ("looked at", now.isoformat()))
            yield Finding(kind="freshness", message=message, facts=facts)

    def _reached(self, values: Mapping[Key, int]) -> int | None:
        """Give the largest value that a quorum has reached."""
        for least in sorted(set(values.values()), reverse=True):
            if self.policy.satisfied({witness for witness, value in values.items() if value >= least}):
                return least
        return None

    def _early(self, limit: int) -> Iterator[Finding]:
        future = sorted((time, key.name) for _, time, key in self._said if time > limit)
        for time, name in future[-1:]:
            message = f"{name} says that it saw this log on {_words(_time(time))}, which is still to come"
            yield Finding(kind="freshness", message=message)

    def times(self) -> "Times":
        """Give when entries can have been written, as far as witnesses know."""
        return Times.of(sorted((size, _time(time), key.name) for size, time, key in self._said))


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """By size, in order: until when (`latest`) no larger and from when on (`earliest`) a larger head was seen."""

    sizes: Sequence[int]
    latest: Sequence[tuple[datetime, str]]
    earliest: Sequence[tuple[datetime, str]]

    @classmethod
    def of(cls, said: Sequence[tuple[int, datetime, str]]) -> "Times":
        """Take (size, time, witness), sorted by size."""
        times = [(time, name) for _, time, name in said]
        return cls(
            sizes=[size for size, _, _ in said],
            latest=list(accumulate(times, max)),
            earliest=list(accumulate(reversed(times), min))[::-1],
        )

    def problems(self, index: int, occurred: datetime) -> Iterator[str]:
        """Say what is wrong with the time that an entry claims: it is not in heads of at most `index` entries."""
        at = bisect_right(self.sizes, index)
        if at and occurred < self.latest[at - 1][0] - TOLERANCE:
            time, name = self.latest[at - 1]
            yield (
                f"says that it is of {_words(occurred)}, but {name} saw the log without it on {_words(time)}: "
                "it is back-dated, or its job died and the tree was mended later"
            )
        if at < len(self.sizes) and occurred > self.earliest[at][0] + TOLERANCE:
            time, name = self.earliest[at]
            yield f"says that it is of {_words(occurred)}, but {name} saw the log with it on {_words(time)}"


def in_copy(read: Read, names: Sequence[str]) -> tuple[list[tuple[str, bytes]], list[Finding]]:
    """Read the cosigned heads in a copy of a log, each with its place; gives also what cannot be read."""
    notes: list[tuple[str, bytes]] = []
    problems: list[Finding] = []
    if len(names) > MOST:
        message = f"{FOLDER}/ holds {len(names)} checkpoints, at most {MOST} are read"
        problems.append(Finding(kind="signature", message=message))
    for name in names[:MOST]:
        path = f"{FOLDER}/{name}"
        try:
            notes.append((path, TreeFiles(read).must(path, LARGEST)))
        except TlogError as why:
            problems.append(Finding(kind="signature", message=str(why)))
    return notes, problems


def copied(origin: str, notes: Sequence[tuple[str, bytes]]) -> dict[str, bytes]:
    """Give cosigned heads their places in a copy of a log (TlogError: one is malformed or of another log)."""
    heads: dict[str, bytes] = {}
    for where, body in notes:
        try:
            found = parse_checkpoint(parse_note(body).text, origin=origin)
        except TlogError as why:
            raise TlogError(f"{where} is no head of this log: {why}") from why
        heads[f"{FOLDER}/{found.size:0{SLOT_DIGITS}d}-{digest(body)[:16]}"] = body
    return dict(sorted(heads.items()))


def merged(head: bytes, notes: Sequence[tuple[str, bytes]]) -> bytes:
    """Add to a head the cosignatures of notes that have its very text (TlogError: one is malformed)."""
    note = parse_note(head)
    others = [parse_note(body) for _, body in notes]
    whole = note.with_signatures(line for other in others if other.text == note.text for line in other.signatures)
    return Note(whole.text, whole.signatures[:MOST_SIGNATURES]).encode()


def _words(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _time(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
