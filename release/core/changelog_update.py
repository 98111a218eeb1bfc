"""Put a version's section into a changelog, or bring it up to date, and leave every other byte alone.

## [1.2.3] - 2026-01-31

Whatever people wrote.

<!-- commits sha256:0123456789abcdef -->
what was made from the commits
<!-- /commits -->
"""

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from semver import Version

from release.core.changelog import Block, Changelog, find, heading_version, parse
from release.core.markdown import Kind, Line, Trusted, is_closed, join, read_lines
from release.errors import ConfigError, SourceError

NEW_FILE: Final = """\
# Changelog

All notable changes to this project are documented in this file. The format is based on
[Keep a Changelog](https://keepachangelog.com/en/1.1.0/), and this project adheres to
[Semantic Versioning](https://semver.org/spec/v2.0.0.html).

## [Unreleased]
"""

_BEGIN: Final = re.compile(r"<!-- commits sha256:([0-9a-f]{16}) -->\s*")
_END: Final = re.compile(r"<!-- /commits -->\s*")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REPOSITORY: Final = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~-]+)+", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """What the changelog shall say of a version.

    Attributes:
        version: the version.
        date: its date as YYYY-MM-DD; used only when the section is created.
        body: the generated part, in Markdown with LF line ends.
        url: where its heading leads, or "" for nowhere.
        takes_unreleased: whether a new section takes over what is written under `[Unreleased]`.
    """

    version: Version
    date: str
    body: str
    url: str = ""
    takes_unreleased: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """The whole new text; `note` says what was left alone and why, or is empty."""

    text: str
    changed: bool
    note: str


def web_address(repository_url: str, *parts: str) -> Trusted:
    """Give an address below a GitLab project's or GitHub repository's own, or "" if that is unknown.

    Args:
        repository_url: such as `https://gitlab.example/group/library`, with or without `.git`; or "".
        parts: what comes below, such as `commit` and a hash, or `compare` and `v1.2.2...v1.2.3`.

    Raises:
        ConfigError: it is no plain HTTPS address; one with a password is none.
    """
    if not repository_url:
        return Trusted("")
    address = repository_url.rstrip("/").removesuffix(".git")
    if not _REPOSITORY.fullmatch(address):
        raise ConfigError(
            "the repository's address is not like https://gitlab.example/group/library",
            hint="Give the project's web address, without user name, password, query or spaces.",
        )
    below = [] if address.startswith("https://github.com/") else ["-"]
    return Trusted("/".join([address, *below, *(quote(part, safe="") for part in parts)]))


def update(text: str, section: Section) -> Update:
    """Put a version's section into a changelog, or replace the generated part of it.

    A new section goes where its version belongs, newest first and below `[Unreleased]`; what people
    wrote there comes above the generated part. The generated part carries its own digest: while that
    matches, the part is replaced; once somebody has edited it, it stays and the note says so. The same
    call again changes nothing. An empty text becomes a new file.

    Raises:
        ConfigError: the date is none, or the body would break the changelog's structure.
        SourceError: the version has two sections, or a code block or comment above it has no end.
    """
    _check(section)
    changelog = parse(text or NEW_FILE)
    newline = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    place = find(changelog, section.version)
    note = ""
    if place is None:
        changelog = _with_section(changelog, section, newline)
    else:
        block = changelog.blocks[place]
        part = _generated_part(block)
        if isinstance(part, str):
            note = f"the section of {section.version} is left alone: {part}"
        elif _digest(section.body) != _digest(part[1]):
            new = part[0] + _enclosed(section.body, newline) + part[2]
            changelog = _with_block(changelog, place, replace(block, text=new))
    result = _with_link(changelog, section, newline).text
    if not note:
        _check_result(result, section)
    return Update(text=result, changed=result != text, note=note)


def _check(section: Section) -> None:
    if not _DATE.fullmatch(section.date):
        raise ConfigError(f"{section.date[:20]!r} is not a date like 2026-01-31")
    lines = read_lines(section.body)
    marks = any(_BEGIN.match(line.text) or _END.match(line.text) for line in lines)
    if parse(section.body).blocks or marks or not is_closed(section.body):
        raise ConfigError(
            "what the changelog's template gives would break the changelog",
            hint="Use headings of level 3 and below, and close every code block and comment.",
        )


def _check_result(text: str, section: Section) -> None:
    changelog = parse(text)
    place = find(changelog, section.version)
    part = None if place is None else _generated_part(changelog.blocks[place])
    if part is None or isinstance(part, str) or _digest(part[1]) != _digest(section.body):
        raise SourceError(
            f"the section of {section.version} would not be readable as a section",
            hint="Close the code block or comment, or remove the commits mark, above it in the changelog.",
        )


def _digest(text: str) -> str:
    """Give the digest of a generated part. Blank lines do not count: formatters move them."""
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _enclosed(body: str, newline: str) -> str:
    inside = body.strip("\n") + "\n"
    text = f"<!-- commits sha256:{_digest(body)} -->\n{inside}<!-- /commits -->\n"
    return text.replace("\n", newline)


def _generated_part(block: Block) -> tuple[str, str, str] | str:
    """Give what comes before, in and after the comments; or say why there is nothing to replace."""
    lines = read_lines(block.text)
    starts = [match for line in lines if (match := _mark(_BEGIN, line))]
    begins = [index for index, line in enumerate(lines) if _mark(_BEGIN, line)]
    ends = [index for index, line in enumerate(lines) if _mark(_END, line)]
    if not begins and not ends:
        return "it was written by hand"
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        return "the comments around its generated part are damaged"
    inside = join(lines[begins[0] + 1 : ends[0]])
    if starts[0][1] != _digest(inside):
        return "its generated part was edited by hand"
    return join(lines[: begins[0]]), inside, join(lines[ends[0] + 1 :])


def _mark(pattern: re.Pattern[str], line: Line) -> re.Match[str] | None:
    return pattern.fullmatch(line.text) if line.kind is Kind.COMMENT_START else None


def _with_block(changelog: Changelog, place: int, block: Block) -> Changelog:
    blocks = changelog.blocks
    return replace(changelog, blocks=(*blocks[:place], block, *blocks[place + 1 :]))


def _gap(before: str, newline: str) -> str:
    """Give what is missing for a blank line after `before`."""
    if not before.strip("\ufeff") or before.endswith(("\n\n", "\n\r\n")):
        return ""
    return newline if before.endswith("\n") else newline * 2


def _place(changelog: Changelog, version: Version) -> int:
    """Find where a new section goes: before the first lower version, else after the last one."""
    place = 0
    for index, block in enumerate(changelog.blocks):
        if block.version is not None and block.version < version:
            return index
        if block.version is not None or block.unreleased:
            place = index + 1
    return place or len(changelog.blocks)


def _with_section(changelog: Changelog, section: Section, newline: str) -> Changelog:
    place = _place(changelog, section.version)
    written = ""
    unreleased = [index for index, block in enumerate(changelog.blocks[:place]) if block.unreleased]
    if unreleased and section.takes_unreleased:
        block, written = _emptied(changelog.blocks[unreleased[0]], newline)
        changelog = _with_block(changelog, unreleased[0], block)
    blocks = changelog.blocks
    above = changelog.preamble + "".join(block.text for block in blocks[:place])
    below = "".join(block.text for block in blocks[place:]) + changelog.links
    heading = f"## [{section.version}] - {section.date}{newline * 2}"
    new = _gap(above, newline) + heading + written + _enclosed(section.body, newline)
    return parse(above + new + (newline if below else "") + below)


def _emptied(block: Block, newline: str) -> tuple[Block, str]:
    """Take out what people wrote under a heading; it ends in a blank line, unless there is nothing."""
    heading, *lines = read_lines(block.text)
    while lines and lines[0].blank:
        del lines[0]
    while lines and lines[-1].blank:
        del lines[-1]
    if not lines:
        return block, ""
    written = join(lines)
    return replace(block, text=heading.text + newline), written + _gap(written, newline)


def _with_link(changelog: Changelog, section: Section, newline: str) -> Changelog:
    """Add the link reference of a section's heading, newest first, unless there is one."""
    name = str(section.version)
    place = find(changelog, section.version)
    heading = changelog.blocks[place].text.partition("\n")[0] if place is not None else ""
    known = {line.link.lower() for line in read_lines(changelog.text) if line.link}
    if not section.url or name.lower() in known or not re.search(rf"\[{re.escape(name)}\](?!\()", heading):
        return changelog
    reference = f"[{name}]: {section.url}{newline}"
    lines = read_lines(changelog.links)
    if not lines:
        above = changelog.text
        if not is_closed(above):
            raise SourceError(
                "a code block or comment at the end of the changelog has no end",
                hint="Close it: link references go below it.",
            )
        return parse(above + _gap(above, newline) + reference)
    versions = [heading_version(line.link or "") for line in lines]
    lower = [index for index, other in enumerate(versions) if other is not None and other < section.version]
    last = max(index for index, line in enumerate(lines) if line.link is not None) + 1
    at = lower[0] if lower else last
    above = join(lines[:at])
    if above and not above.endswith("\n"):
        above += newline
    return replace(changelog, links=above + reference + join(lines[at:]))
