"""The release log's tree for who only reads it: its head, and whether that continues what was seen before."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from release.core.layout import LogLayout
from release.core.log_keys import LogKeys
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.merkle import consistency_proof, verify_consistency
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.tile import LARGEST_TILE, WIDTH, Tile, subtree_reader
from release.errors import LogError, TamperedError
from release.ports import ObjectStore

_ALARM: Final = "approve and release nothing; compare with the replica, CloudTrail and other people's copies of the log"


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """A checkpoint that the log's key signed, and the note that proves it."""

    checkpoint: Checkpoint
    note: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class LogView:
    """One library's tree in one bucket, and the keys that may sign it."""

    store: ObjectStore
    layout: LogLayout
    origin: str
    keys: LogKeys

    def head(self) -> Head:
        """Read the newest checkpoint.

        Raises:
            LogError: there is none, or it is not signed by the log's key.
        """
        key = self.layout.checkpoint
        found = self.store.read(key, limit=LARGEST_NOTE)
        if found is None:
            raise LogError(f"there is no {key}: the release log has no head", hint="release log repair")
        try:
            return self.opened(found.body)
        except TlogError as why:
            raise LogError(f"{key} cannot be believed: {why}", hint=_ALARM) from why

    def opened(self, note: bytes) -> Head:
        """Verify a checkpoint of this log (TlogError)."""
        return Head(checkpoint=self.keys.checkpoint(note, origin=self.origin), note=note)

    def require_continued(self, earlier: Checkpoint, head: Head, *, whose: str) -> None:
        """Prove that what the head says continues an earlier checkpoint: nothing before it was altered or withheld.

        Args:
            earlier: the checkpoint that was seen.
            head: the newest one.
            whose: who saw the earlier one, for the error.

        Raises:
            TamperedError: it does not; both are the evidence.
            LogError: the tiles are missing or malformed.
        """
        now = head.checkpoint
        if earlier.size > now.size:
            raise TamperedError(
                f"{whose} has {earlier.size} log entries, the log shows only {now.size}: entries are withheld",
                hint=_ALARM,
                evidence=_both(earlier, now),
            )
        try:
            proof = consistency_proof(earlier.size, now.size, subtree_reader(now.size, lru_cache(64)(self._tile)))
        except TlogError as why:
            raise LogError(f"the log's tree cannot be read: {why}", hint=_ALARM) from why
        try:
            verify_consistency(earlier.size, earlier.root, now.size, now.root, proof)
        except TlogError as why:
            raise TamperedError(
                f"{whose} is of another log: its {earlier.size} entries are not the first {earlier.size} of this one",
                hint=_ALARM,
                evidence=_both(earlier, now),
            ) from why

    def _tile(self, tile: Tile) -> bytes:
        """Read a tile; a partial one that is gone is the beginning of the full one (tlog-tiles, "Partial Tiles")."""
        found = self.store.read(self.layout.tile(tile.path), limit=LARGEST_TILE)
        if found is None and tile.width < WIDTH:
            whole = self.store.read(self.layout.tile(Tile(tile.level, tile.index, WIDTH).path), limit=LARGEST_TILE)
            return whole.body[: tile.width * LARGEST_TILE // WIDTH] if whole else self._missing(tile)
        return found.body if found else self._missing(tile)

    def _missing(self, tile: Tile) -> bytes:
        raise TlogError(f"{self.layout.tile(tile.path)} is missing")


def _both(earlier: Checkpoint, now: Checkpoint) -> dict[str, str]:
    return {"seen": f"{earlier.size} {earlier.root.hex()}", "shown": f"{now.size} {now.root.hex()}"}
