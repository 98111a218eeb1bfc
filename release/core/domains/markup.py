"""HTML and SVG: elements with their attributes, and the scripts and style sheets in them.

Read as HTML reads them, where what is not closed is still there: a beginning of an element is enough to load.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Final

_TAG: Final = re.compile(r"<(?P<name>[a-zA-Z][^\s/>]{0,100})", re.DOTALL)
_ATTRIBUTE: Final = re.compile(
    r"[\s/]*(?P<name>[^\s/>=][^\s/>=]{0,200})(?:\s*=\s*(?:\"(?P<double>[^\"]*)(?:\"|\Z)|'(?P<single>[^']*)(?:'|\Z)|(?P<bare>[^\s>]*)))?"
)
_RAW: Final = frozenset({"script", "style"})


MOST_TEXT: Final = 8
"""How often the source's own length may be read as scripts and style sheets, where they begin within each other."""


class MarkupError(Exception):
    """Scripts begin within scripts so often that nobody means it."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: where it begins and ends, its attributes, and the text of a script or style sheet with its place."""

    start: int
    end: int
    name: str
    attributes: dict[str, str]
    text: str = ""
    text_start: int = 0


def elements(source: str) -> Iterator[Element]:
    """Give the elements of a text, wherever a browser could see one: in comments, too."""
    at, room = 0, MOST_TEXT * len(source)
    while (tag := _TAG.search(source, at)) is not None:
        name = tag["name"].lower().rpartition(":")[2]
        attributes, at = _attributes(source, tag.end())
        text, start = "", at
        if name in _RAW:
            close = re.compile(rf"</(?:[a-z]+:)?{name}", re.IGNORECASE).search(source, at)
            text = source[at : close.start() if close else len(source)].removeprefix(">")
            start = at + (source[at : at + 1] == ">")
            room -= len(text)
            if room < 0:
                raise MarkupError
        yield Element(tag.start(), at, name, attributes, text, start)
        at = max(at, tag.end())


def _attributes(source: str, at: int) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    while at < len(source):
        match = _ATTRIBUTE.match(source, at)
        if match is None or match.end() == at:
            break
        value = match["double"] or match["single"] or match["bare"] or ""
        found.setdefault(match["name"].lower(), unescape(value))
        at = match.end()
    while at < len(source) and source[at] in " \t\r\n\f/":
        at += 1
    return found, at
