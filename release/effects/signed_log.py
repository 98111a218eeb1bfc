"""A signed log, read entry by entry: each with the proof that it is in the log, from its bucket or from a copy."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from release.core.copy_check import blob_of
from release.core.logtree import Read, TreeFiles, bodies_of
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.policy import Policy
from release.core.tlog.proof import Proof, prove
from release.core.tlog.tile import LARGEST_TILE, WIDTH, Tile, split_bundle
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
        except TlogError as why:
            raise LogError(f"the log's checkpoint cannot be read: {why}", hint=_ALARM) from why
        if note is None:
            raise NothingToDoError("the release log has no head", hint="release log repair")
        return cls.below(note, files, policy)

    @classmethod
    def below(cls, note: bytes, files: LogFiles, policy: Policy) -> Self:
        """Verify a head that was read already.

        Raises:
            NothingToDoError: it covers no entry.
            LogError: it cannot be believed.
        """
        try:
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
        except TlogError as why:
            raise LogError(f"log entry {index} cannot be proven: {why}", hint=_ALARM) from why
        return body, self.proof(index, body)

    def proof(self, index: int, body: bytes) -> Proof:
        """Prove an entry whose bytes are at hand (LogError: it is not that entry, or a tile is missing)."""
        try:
            proof = prove(index, self.head.size, self.note, self.files.tile)
            proof.verify(body, self.policy)
        except TlogError as why:
            raise LogError(f"log entry {index} cannot be proven: {why}", hint=_ALARM) from why
        return proof

    def bodies(self) -> Iterator[tuple[int, bytes]]:
        """Read all entries in order, and at the end hold the tree that they amount to against the head.

        Raises:
            LogError: a file is missing or malformed, or the entries are others than the head's.
        """
        try:
            yield from bodies_of(self.files, self.head)
        except TlogError as why:
            raise LogError(f"the log's entries cannot be read: {why}", hint=_ALARM) from why

    def blob(self, sha256: str) -> bytes:
        """Read evidence by its digest.

        Raises:
            LogError: it is missing, or holds other bytes than its name says.
        """
        return blob_of(self.files, sha256)


def _remembering(files: LogFiles) -> Read:
    """Read what is small once; of what is large, the newest only."""
    small, large = lru_cache(maxsize=256)(files.read), lru_cache(maxsize=1)(files.read)
    return lambda path, limit: (small if limit <= LARGEST_TILE else large)(path, limit)
