"""Where two files that should be the same begin to differ, and what the difference looks like."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_AROUND: Final = 40
_BLOCK: Final = 64 * 1024
# Whole numbers of seconds or milliseconds since 1970, from 2001 to 2286; ISO dates; hours and minutes.
_TIME: Final = re.compile(
    rb"(?<![0-9A-Fa-f])[1-9][0-9]{9}([0-9]{3})?(?![0-9A-Fa-f])|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}:[0-9]{2}"
)
_RANDOM: Final = re.compile(rb"[0-9a-fA-F]{16,}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The first byte that differs.

    Attributes:
        offset: of that byte, from 0; the length of the shorter file if one begins with the other.
        first: what the one file has around it, printable.
        second: what the other has.
        cause: what the difference looks like.
    """

    offset: int
    first: str
    second: str
    cause: str


def first_difference(first: bytes, second: bytes, *, known: Iterable[tuple[str, str]] = ()) -> Difference | None:
    """Compare two files.

    Args:
        first: the one.
        second: the other.
        known: (word, what it is) that only one of the two builds could know, such as its folder.

    Returns:
        None if they are the same.
    """
    if first == second:
        return None
    offset = _offset(first, second)
    around = slice(max(0, offset - _AROUND), offset + _AROUND)
    return Difference(
        offset=offset,
        first=_shown(first[around]),
        second=_shown(second[around]),
        cause=_cause(first, second, around, tuple(known)),
    )


def _offset(first: bytes, second: bytes) -> int:
    shorter = min(len(first), len(second))
    for start in range(0, shorter, _BLOCK):
        one, other = first[start : start + _BLOCK], second[start : start + _BLOCK]
        if one != other:
            pairs = enumerate(zip(one, other, strict=False))
            return start + next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
    return shorter


def _cause(first: bytes, second: bytes, around: slice, known: tuple[tuple[str, str], ...]) -> str:
    for word, meaning in known:
        if word and (word.encode() in first) != (word.encode() in second):
            return f"the bundle holds {meaning}"
    one, other = first[around], second[around]
    if _sole(_TIME, one) != _sole(_TIME, other):
        return "a date or time of day: take SOURCE_DATE_EPOCH in its place"
    if _sole(_RANDOM, one) != _sole(_RANDOM, other):
        return "an id or digest that every build makes anew: make it of the content"
    if sorted(first) == sorted(second):
        return "the same bytes in another order: sort what the build reads from a folder or gets from several workers"
    return "unknown: build twice and compare; parallel work and unpinned tools are usual"


def _sole(pattern: re.Pattern[bytes], text: bytes) -> list[bytes]:
    return [found[0] for found in pattern.finditer(text)]


def _shown(text: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in text)  # noqa: PLR2004 - ASCII
