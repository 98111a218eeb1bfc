"""What of a log can be judged one bundle of entries at a time, without the ones before: nearly all the work there is.

A judge and what it is given and gives can be handed to another process.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from release.core.slot import Invalid, Signed, examine_signed
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.merkle import leaf_hash
from release.core.tlog.note import Key, open_note
from release.core.tlog.tile import Tile, split_bundle


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """A bundle as it was read, and the archived checkpoint of each size in it that has one.

    `problem`, and text in the place of a checkpoint, say why something could not be read.
    """

    tile: Tile
    body: bytes = b""
    archived: Sequence[tuple[int, bytes | str]] = ()
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Archived:
    """A checkpoint and the keys that signed it."""

    checkpoint: Checkpoint
    keys: frozenset[Key]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a bundle amounts to; text in the place of a checkpoint says why there is none."""

    tile: Tile
    leaves: Sequence[bytes] = ()
    entries: Sequence[Signed | Invalid] = ()
    archived: Sequence[tuple[int, Archived | str]] = ()
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """Judges bundles by all keys that a log ever had; `entries` says whether to look into the entries."""

    keys: Sequence[Key]
    origin: str
    entries: bool

    def __call__(self, given: Given) -> Judged:
        """Judge a bundle; it never fails."""
        archived = [(size, self.checkpoint(note)) for size, note in given.archived]
        try:
            bodies = [] if given.problem else split_bundle(given.tile, given.body)
        except TlogError as why:
            return Judged(tile=given.tile, archived=archived, problem=str(why))
        numbered = enumerate(bodies if self.entries else (), start=given.tile.start)
        return Judged(
            tile=given.tile,
            leaves=[leaf_hash(body) for body in bodies],
            entries=[examine_signed(body, index=index, keys=self.keys) for index, body in numbered],
            archived=archived,
            problem=given.problem,
        )

    def checkpoint(self, note: bytes | str) -> Archived | str:
        """Open an archived checkpoint, or say why it cannot be believed."""
        if isinstance(note, str):
            return note
        try:
            opened = open_note(note, self.keys)
            keys = frozenset(key for key, _ in opened.signed)
            return Archived(checkpoint=parse_checkpoint(opened.text, origin=self.origin), keys=keys)
        except TlogError as why:
            return str(why)
