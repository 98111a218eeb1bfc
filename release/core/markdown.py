"""As much of Markdown (https://spec.commonmark.org/0.31.2/) as it takes to edit a file and not break it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from release.core.commits import clean

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_OPENERS: Final = ("```", "~~~", "<!--")
_FENCE: Final = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_COMMENT: Final = re.compile(r" {0,3}<!--")
_LINK: Final = re.compile(r" {0,3}\[(?!\^)([^\[\]]+)\]:[ \t]*\S")

# An underscore within a word emphasises nothing (CommonMark section 6.2, rules 2 and 4).
_ANYWHERE: Final = re.compile(r"[\\`*\[\]~|$@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_AT_START: Final = re.compile(r"[#+=:-]|[0-9]+(?=[.)](?: |$))")
_ENTITY: Final = re.compile(r"&(?=[#A-Za-z])")


class Kind(Enum):
    """What a line is a part of (CommonMark sections 4.5 and 4.6)."""

    TEXT = auto()
    CODE = auto()
    COMMENT_START = auto()
    COMMENT = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line with its line end."""

    text: str
    kind: Kind

    @property
    def blank(self) -> bool:
        """Whether there is nothing but spaces and tabs (CommonMark section 2.1)."""
        return not self.text.strip(" \t\r\n")

    @property
    def link(self) -> str | None:
        """The name that a link reference definition gives (CommonMark section 4.7)."""
        match = _LINK.match(self.text) if self.kind is Kind.TEXT else None
        return match[1] if match else None


class Trusted(str):
    """Markdown that this program made itself: `escape` leaves it as it is."""

    __slots__ = ()


def read_lines(text: str) -> tuple[Line, ...]:
    r"""Split at LF only, which is where the text joins again, and tell code and comments from text."""
    lines = []
    fence, comment = "", False
    for match in _LINE.finditer(text):
        line = match[0]
        kind = Kind.TEXT
        if fence:
            kind = Kind.CODE
            stripped = line.strip()
            closes = stripped.startswith(fence) and not stripped.strip(fence[0])
            fence = "" if closes else fence
        elif comment:
            kind = Kind.COMMENT
            comment = "-->" not in line
        elif line.lstrip(" ").startswith(_OPENERS):
            if opening := _FENCE.match(line.rstrip()):
                kind = Kind.CODE
                fence = opening[1]
            elif _COMMENT.match(line):
                kind = Kind.COMMENT_START
                comment = "-->" not in line
        lines.append(Line(text=line, kind=kind))
    return tuple(lines)


def is_closed(text: str) -> bool:
    """Tell whether what follows the text is neither in a code block nor in a comment of it."""
    return read_lines(text + "\nx")[-1].kind is Kind.TEXT


def join(lines: Sequence[Line]) -> str:
    """Give the text that was split."""
    return "".join(line.text for line in lines)


def links_start(lines: Sequence[Line]) -> int:
    """Give the index of the first line of the link references at the end; the length if there are none."""
    start = len(lines)
    for index in reversed(range(len(lines))):
        if lines[index].link is not None:
            start = index
        elif not (lines[index].blank and lines[index].kind is Kind.TEXT):
            break
    return start


def escape(value: object) -> str:
    """Make a value plain text in Markdown, wherever in a line it is put.

    The result is one line without control and bidirectional characters, HTML, links, code, emphasis,
    mentions, math or tables, and does not begin a heading, list, quote or underline. None is empty.
    It is not enough inside an HTML tag or a link's address: a template that puts values there is refused.
    """
    if isinstance(value, Trusted):
        return str(value)
    text = "" if value is None else clean(str(value), limit=10_000)
    text = _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
    text = _ANYWHERE.sub(r"\\\g<0>", text)
    start = _AT_START.match(text)
    if start is None:
        return text
    return f"{start[0]}\\{text[start.end() :]}" if start[0].isdigit() else f"\\{text}"
