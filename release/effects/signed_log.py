"""A signed log, read entry by entry: each with the proof that it is in the log, from its bucket or from a copy."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from release.core.logtree import Read, TreeFiles
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.merkle import Frontier, leaf_hash
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.policy import Policy
from release.core.tlog.proof import Proof, prove
from release.core.tlog.tile import LARGEST_TILE, WIDTH, Tile, bundles_of, split_bundle
from release.errors import LogError, NotFoundError, NothingToDoError
from release.ports import LogFiles

HEAD: Final = "checkpoint"
_ALARM: Final = "compare with the replica, with CloudTrail and with other copies"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedLog:
    """A log whose head was believed.

    Attributes:
        note: the head as it was signed.
        head: what it says.
        policy: the keys by which it was believed.
    """

    files: TreeFiles
    note: bytes
    head: Checkpoint
    policy: Policy

    @classmethod
    def opened(cls, files: LogFiles, policy: Policy) -> Self:
        """Read and verify the head.

        Raises:
            NothingToDoError: there is none, or it covers no entry.
            LogError: it cannot be believed.
        """
        try:
            note = files.read(HEAD, LARGEST_NOTE)
            if note is None:
                raise NothingToDoError("the release log has no head", hint="release log repair")
            head = parse_checkpoint(policy.verify(note).text)
        except TlogError as why:
            raise LogError(f"the log's checkpoint cannot be believed: {why}", hint=_ALARM) from why
        if not head.size:
            raise NothingToDoError("the release log is empty", hint="release record publish")
        return cls(files=TreeFiles(_remembering(files)), note=note, head=head, policy=policy)

    def entry(self, index: int) -> bytes:
        """Read one entry, proven to be in the log.

        Raises:
            NotFoundError: the head covers no such entry.
            LogError: what stands there is another one.
        """
        return self.proven(index)[0]

    def proven(self, index: int) -> tuple[bytes, Proof]:
        """Read one entry and its proof: its bundle, and one tile a level.

        Raises:
            NotFoundError: the head covers no such entry.
            LogError: what stands there is another one, or a file is missing.
        """
        if not 0 <= index < self.head.size:
            raise NotFoundError(
                f"the log's head covers {self.head.size} entries, there is no entry {index}",
                hint="release log list; release log repair brings new entries under the head",
            )
        try:
            bundle = Tile(None, index // WIDTH, min(WIDTH, self.head.size - index // WIDTH * WIDTH))
            body = split_bundle(bundle, self.files.tile(bundle))[index % WIDTH]
            proof = prove(index, self.head.size, self.note, self.files.tile)
            proof.verify(body, self.policy)
        except TlogError as why:
            raise LogError(f"log entry {index} cannot be proven: {why}", hint=_ALARM) from why
        return body, proof

    def bodies(self) -> Iterator[tuple[int, bytes]]:
        """Read all entries in order, and at the end hold the tree that they amount to against the head.

        Raises:
            LogError: a file is missing or malformed, or the entries are others than the head's.
        """
        frontier = Frontier()
        for bundle in bundles_of(self.head.size):
            try:
                bodies = split_bundle(bundle, self.files.tile(bundle))
            except TlogError as why:
                raise LogError(f"log entries from {bundle.start} on cannot be read: {why}", hint=_ALARM) from why
            frontier = frontier.extended(map(leaf_hash, bodies))
            yield from enumerate(bodies, start=bundle.start)
        if frontier.root() != self.head.root:
            raise LogError(
                "the log's entries are not those that its checkpoint is of",
                hint=_ALARM,
                evidence={"signed": self.head.root.hex(), "computed": frontier.root().hex()},
            )


def _remembering(files: LogFiles) -> Read:
    """Read what is small once; of what is large, the newest only."""
    small, large = lru_cache(maxsize=256)(files.read), lru_cache(maxsize=1)(files.read)
    return lambda path, limit: (small if limit <= LARGEST_TILE else large)(path, limit)
