"""What a rollback did while the release log could not be written; kept until it is logged."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from release.core import document
from release.core.entry import Outcome
from release.core.layout import CHANNEL, LARGEST_SLOT, LIBRARY, VERSION
from release.core.manifest import SHA256
from release.core.pipeline import Pipeline
from release.core.shape import rule
from release.errors import FormatError

LARGEST: Final = 256 * 1024
MOST: Final = 20
LONGEST_REASON: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One way back. `entry` authorised its version once; `leaves` is the newest entry on the channel, `size` the log's.

    `missing` is the entry that could not be written, `why` what the log bucket answered.
    """

    version: str = rule(pattern=VERSION)
    manifest: str = rule(pattern=SHA256)
    entry: int = rule(minimum=0, maximum=LARGEST_SLOT)
    leaves: int = rule(minimum=0, maximum=LARGEST_SLOT)
    size: int = rule(minimum=1, maximum=LARGEST_SLOT)
    reason: str = rule(longest=LONGEST_REASON)
    at: str = rule(longest=20)
    why: str = rule(longest=2000)
    outcome: Outcome
    pipeline: Pipeline

    @property
    def missing(self) -> tuple[str, ...]:
        """The actions that have no entry."""
        return ("rollback.authorized", *(() if self.outcome == "authorized" else (f"rollback.{self.outcome}",)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Unlogged:
    """`.release/<channel>.unlogged.json`: the moves of one channel that the log does not know, in order."""

    type_: Literal["release-unlogged/v1"] = rule("release-unlogged/v1", required=True)
    library: str = rule(pattern=LIBRARY)
    channel: str = rule(pattern=CHANNEL)
    moves: tuple[Move, ...] = rule(minimum=1, most=MOST)

    @property
    def newest(self) -> Move:
        """What the channel serves now."""
        return self.moves[-1]

    def and_then(self, move: Move) -> "Unlogged":
        """Give the moves with one more; the same one again stays one, with its first time."""
        last = self.newest
        if (last.version, last.leaves) == (move.version, move.leaves):
            return replace(self, moves=(*self.moves[:-1], replace(move, at=last.at)))
        return replace(self, moves=(*self.moves, move)[-MOST:])

    def ended(self, outcome: Outcome) -> "Unlogged":
        """Give the same with how the newest move ended."""
        return replace(self, moves=(*self.moves[:-1], replace(self.newest, outcome=outcome)))

    def told(self, reason: str) -> str:
        """Give a reason that tells also what was done before it could be logged."""
        notes = [f"[to {move.version} since {move.at}, when the log could not be written]" for move in self.moves]
        return " ".join([reason, *notes])[:LONGEST_REASON]


def is_told(logged: str | None, reason: str) -> bool:
    """Tell whether an entry's reason is this one, perhaps with what `Unlogged.told` adds."""
    return logged is not None and (logged == reason or logged.startswith(f"{reason} [to "))


def read_unlogged(body: bytes, *, name: str, library: str) -> Unlogged:
    """Read the moves of a channel; they must be of this library (FormatError)."""
    found = document.decode(Unlogged, body, name=name, limit=LARGEST)
    if found.library != library:
        raise FormatError(f"{name} is for library {found.library}, this is {library}")
    return found
