"""What stands in a slot of the release log: an entry, or anything else that somebody could write there.

Whoever has the record stage's AWS key but not the log's key can take slots, not write entries. What he leaves is a
leaf of the tree like any other, for it stands there; it changes no state, and the next entry follows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from release.core import document
from release.core.entry import LARGEST, Event, decode_signed, leaf_hash
from release.core.shape import rule
from release.core.tlog.note import Key
from release.errors import FormatError, LogError

VOID: Final = "release-log-void/v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Void:
    """The leaf of a slot whose object is larger than a log entry can be (C2SP tlog-tiles: 65,535 bytes).

    Its size, which a slot never changes, is all that is said of the object: to hash it every job would have to read
    as much as somebody could upload, and what it says means nothing.
    """

    type_: Literal["release-log-void/v1"] = VOID
    index: int = rule(minimum=0)
    size: int = rule(minimum=LARGEST + 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Invalid:
    """What stands in a slot and is no entry of this log; `leaf_hash` is that of its leaf."""

    index: int
    problem: str
    leaf_hash: str


def void(index: int, size: int) -> bytes:
    """Give the leaf that stands for an object which is too large."""
    return document.encode(Void(index=index, size=size))


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """An entry, and the key that signed it."""

    event: Event
    key: Key


def examine(body: bytes, *, index: int, keys: Sequence[Key]) -> Event | Invalid:
    """Tell what a leaf is; it never fails."""
    found = examine_signed(body, index=index, keys=keys)
    return found if isinstance(found, Invalid) else found.event


def examine_signed(body: bytes, *, index: int, keys: Sequence[Key]) -> Signed | Invalid:
    """Tell what a leaf is, and who signed it; it never fails."""
    try:
        event, key = decode_signed(body, index=index, keys=keys)
        return Signed(event=event, key=key)
    except LogError as why:
        return Invalid(index=index, problem=_problem(body, index, why.message), leaf_hash=leaf_hash(body))


def _problem(body: bytes, index: int, otherwise: str) -> str:
    try:
        found = document.decode(Void, body, name="void", limit=1024)
    except FormatError:
        return otherwise
    return f"slot {index} holds an object of {found.size} bytes, at most {LARGEST} fit a log entry"
