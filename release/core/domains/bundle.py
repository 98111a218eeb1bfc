"""One file of a bundle, judged by what browsers may take it for."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from release.core.domains.address import addresses_in, read_address
from release.core.domains.finding import MOST, Finding, Report
from release.core.domains.judge import Judge
from release.core.domains.lists import KINDS, DomainsSection
from release.core.domains.script import LARGEST, judge_script, parse
from release.core.domains.sourcemap import MapError, read_map

SCRIPTS: Final = frozenset({".js", ".mjs", ".cjs"})
SHEETS: Final = frozenset({".css"})
MARKUP: Final = frozenset({".html", ".htm", ".xhtml", ".xht", ".svg", ".xml"})
JSON: Final = frozenset({".json", ".map", ".webmanifest"})
MAGIC: Final[dict[str, tuple[bytes, ...]]] = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF87a", b"GIF89a"),
    ".webp": (b"RIFF",),
    ".avif": (b"\x00\x00\x00",),
    ".ico": (b"\x00\x00\x01\x00",),
    ".woff": (b"wOFF",),
    ".woff2": (b"wOF2",),
    ".ttf": (b"\x00\x01\x00\x00", b"true"),
    ".otf": (b"OTTO",),
    ".wasm": (b"\x00asm",),
    ".mp3": (b"ID3", b"\xff\xfb"),
    ".mp4": (b"\x00\x00\x00",),
}
"""Browsers take none of these for a script, whatever else is in it: their media types are blocked."""

_BIDI_BYTES: Final = re.compile(rb"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")
_MAP_COMMENT: Final = re.compile(rb"[#@]\s*source(?:Mapping)?URL\s*=\s*([^\s'\"*]{1,500})")


@dataclass(frozen=True, slots=True)
class Item:
    """One file with its bytes, and its source map if there is one."""

    path: str
    body: bytes
    map: bytes | None
    lists: DomainsSection


def judge_file(item: Item) -> list[Finding]:
    """Give what is found in one file, in its order; places in the source are added from the map."""
    report = Report(file=item.path, body=item.body, lists=item.lists)
    _by_kind(report, PurePosixPath(item.path).suffix.lower())
    found = report.distinct()
    if report.left_out:
        found.append(_more(report, (0, min(len(item.body), 1))))
    return _with_origins(sorted(found, key=lambda one: (one.line, one.column, one.rule, one.sink)), item.map)


def _more(report: Report, span: tuple[int, int]) -> Finding:
    one = Report(file=report.file, body=report.body, lists=report.lists)
    one.add(span, "file", "findings", "undecided", f"{report.left_out} more findings than the {MOST} that are listed")
    return replace(one.findings[0], status="refused")


def _by_kind(report: Report, suffix: str) -> None:
    body = report.body
    if suffix in MAGIC:
        if not body.startswith(MAGIC[suffix]):
            _file(report, "content", f"is not what a {suffix} file begins with")
        return
    _characters(report)
    judge = Judge(report=report, script=judge_script)
    if suffix in SCRIPTS:
        _comments(report)
        judge_script(judge, body)
        return
    if len(body) > LARGEST:
        _file(report, "size", f"is {len(body)} bytes long, too much to be read")
        return
    text = body.decode("utf-8", "replace")
    if suffix in SHEETS:
        judge.style(text, (0, len(body)))
        _lines(report, text)
    elif suffix in MARKUP:
        judge.markup(text, None)
        _lines(report, text)
    elif suffix in JSON:
        _json(report, text, said=suffix != ".map")
    else:
        _lines(report, text)
        if not parse(body).root_node.has_error:
            judge_script(judge, body)


def _file(report: Report, sink: str, what: str) -> None:
    report.add((0, min(1, len(report.body))), "file", sink, "undecided", f"the file {what}")


def _characters(report: Report) -> None:
    """Find what is no UTF-8, and characters that make a text look otherwise than it is read."""
    body = report.body
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        _file(report, "encoding", "is UTF-16, and is read as that only by browsers")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as why:
        report.add((why.start, why.end), "file", "encoding", "undecided", "the file is not UTF-8 here")
    for match in _BIDI_BYTES.finditer(body):
        message = "a control character makes the text look otherwise than it is read"
        report.add(match.span(), "file", "bidi", "undecided", message)


def _comments(report: Report) -> None:
    """Find where developer tools are told to load a source map from."""
    for match in _MAP_COMMENT.finditer(report.body):
        at = read_address(match[1].decode("utf-8", "replace"))
        report.address(match.span(), "url", "sourceMappingURL", at, ("text",))


def _lines(report: Report, text: str) -> None:
    """Find the URLs in a text, with their places."""
    start = 0
    for line in text.split("\n"):
        for place, found in addresses_in(line):
            at = start + len(line[:place].encode("utf-8", "replace"))
            report.address((at, at + 1), "url", "text", found, KINDS)
        start += len(line.encode("utf-8", "replace")) + 1


def _json(report: Report, text: str, *, said: bool) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        _file(report, "syntax", "is no JSON")
        return
    if said:
        _lines(report, text)


def _with_origins(findings: list[Finding], source_map: bytes | None) -> list[Finding]:
    if source_map is None or not findings:
        return findings
    try:
        origins = read_map(source_map, {(one.line, one.column) for one in findings})
    except MapError:
        return findings
    return [replace(one, source=origins.get((one.line, one.column))) for one in findings]
