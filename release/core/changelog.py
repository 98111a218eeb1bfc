"""CHANGELOG.md after Keep a Changelog 1.1.0 (https://keepachangelog.com/en/1.1.0/), byte for byte.

The file belongs to people: it is cut into pieces that join to the same text, whatever its line ends.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from semver import Version

from release.core.markdown import Kind, Line, join, links_start, read_lines
from release.core.version import parse_version
from release.errors import SourceError

# The names before the version that other tools write, `v1.2.3` and `[1.2.3](address)`, are read too.
_HEADING: Final = re.compile(r"\ufeff? {0,3}##?(?:[ \t]+(.*))?", re.DOTALL)
_NAME: Final = re.compile(r"\[?v?([0-9][0-9A-Za-z.-]*)(?=[\]\s]|$)")
_UNRELEASED: Final = re.compile(r"\[unreleased\]|unreleased$", re.IGNORECASE)
_YANKED: Final = re.compile(r"\s*\[YANKED\]\s*$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A heading of level 1 or 2 with all that follows it. `version` is None if it names none."""

    text: str
    version: Version | None
    unreleased: bool
    yanked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Changelog:
    """A changelog in pieces: what comes before the first section, the sections, the links at the end."""

    preamble: str
    blocks: tuple[Block, ...]
    links: str

    @property
    def text(self) -> str:
        """The file, byte for byte what was parsed."""
        return self.preamble + "".join(block.text for block in self.blocks) + self.links


def parse(text: str) -> Changelog:
    """Cut a changelog into pieces. Every text has some; joined they are the text.

    Headings in code blocks and comments are none. A title of level 1 before the first section is part
    of the preamble.
    """
    lines = read_lines(text)
    tail = links_start(lines)
    starts = [index for index, line in enumerate(lines[:tail]) if _is_heading(line)]
    while starts and _is_title(lines[starts[0]]):
        del starts[0]
    bounds = [*starts, tail]
    return Changelog(
        preamble=join(lines[: bounds[0]]),
        blocks=tuple(_block(lines[start:end]) for start, end in pairwise(bounds)),
        links=join(lines[tail:]),
    )


def find(changelog: Changelog, version: Version) -> int | None:
    """Give the place of a version's section among the blocks, None if it has none.

    Raises:
        SourceError: it has several.
    """
    places = [index for index, block in enumerate(changelog.blocks) if block.version == version]
    if len(places) > 1:
        raise SourceError(f"the changelog has {len(places)} sections for {version}", hint="Keep one of them.")
    return places[0] if places else None


def heading_version(name: str) -> Version | None:
    """Read the version at the start of a heading's or link reference's text, `[1.2.3] - 2026-01-31`."""
    match = _NAME.match(name)
    try:
        return parse_version(match[1]) if match else None
    except SourceError:
        return None


def section_digest(text: str, version: Version) -> str:
    """Give the SHA-256 (hex) of a version's section, for the release log.

    Raises:
        SourceError: the version has no section, or several.
    """
    return hashlib.sha256(section_text(text, version).encode()).hexdigest()


def section_text(text: str, version: Version) -> str:
    """Give a version's section as its digest is taken.

    Line ends, white space at the ends of lines, blank lines and link references at the section's end,
    and a later `[YANKED]` in the heading do not count.

    Raises:
        SourceError: the version has no section, or several.
    """
    changelog = parse(text)
    place = find(changelog, version)
    if place is None:
        raise SourceError(f"the changelog has no section for {version}", hint="Run `release changelog`.")
    lines = read_lines(changelog.blocks[place].text)
    kept = [line.text.rstrip() for line in lines[: links_start(lines)]]
    kept[0] = _YANKED.sub("", kept[0].removeprefix("\ufeff"))
    return "\n".join(kept).rstrip() + "\n"


def yanked_versions(text: str) -> frozenset[Version]:
    """Give the versions whose headings end in `[YANKED]`."""
    return frozenset(block.version for block in parse(text).blocks if block.version and block.yanked)


def _is_heading(line: Line) -> bool:
    match = _HEADING.match(line.text) if line.kind is Kind.TEXT else None
    return match is not None and (match[1] is not None or not line.text[match.end() :].strip())


def _is_title(line: Line) -> bool:
    return not line.text.lstrip("\ufeff ").startswith("##") and heading_version(_title(line)) is None


def _title(line: Line) -> str:
    match = _HEADING.match(line.text)
    return (match[1] or "").strip() if match else ""


def _block(lines: Sequence[Line]) -> Block:
    title = _title(lines[0])
    return Block(
        text=join(lines),
        version=heading_version(title),
        unreleased=_UNRELEASED.match(title) is not None,
        yanked=_YANKED.search(title) is not None,
    )
