"""Findings for other tools: SARIF 2.1.0 (OASIS) and GitLab's code quality report."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from release import VERSION
from release.core import document
from release.core.domains.finding import Finding

MEANS: Final[Mapping[str, str]] = {
    "url": "A text holds a URL of a host that is on no list",
    "load": "Something is loaded from a host that is not authorised, or nobody can tell from where",
    "connect": "Something is sent to a host that is not authorised, or nobody can tell where to",
    "navigate": "The page or a window is led to a host that is not authorised, or nobody can tell where to",
    "markup": "Markup is put into the page that is made at run time",
    "style": "A style is set that is made at run time or loads from a host that is not authorised",
    "code": "A text is run as code that nobody can read before",
    "element": "An element is made that brings in code or documents",
    "attribute": "An attribute is set whose name and value are known at run time only",
    "computed": "A property is taken or set whose name is known at run time only",
    "message": "A message is sent to whoever is there",
    "peer": "A connection is made past the browser's rules for requests",
    "text": "A text names a host that is on no list",
    "file": "A file cannot be judged",
    "waiver": "A waiver has expired",
    "secret": "A key or password is in the bundle",
    "private": "A path, a map to the sources or a person's address is in the bundle",
    "size": "Something is larger than its budget",
    "level": "Syntax is newer than the language level that was promised",
    "surface": "A name that pages could use is gone, and the version does not say so",
    "dependency": "A dependency is not as it must be",
}


def sarif(findings: Sequence[Finding], *, folder: str) -> bytes:
    """Give a SARIF log (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""
    used = sorted({one.rule for one in findings})
    driver = {
        "name": "release check",
        "version": VERSION,
        "rules": [{"id": name, "shortDescription": {"text": MEANS[name]}} for name in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, folder) for one in findings],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return document.canonical(log)


def _result(one: Finding, folder: str) -> dict[str, Any]:
    result = {
        "ruleId": one.rule,
        "level": "error",
        "message": {"text": f"{one.message}. {one.advice}"},
        "locations": [_location(f"{folder}/{one.file}", one.line, one.column)],
        "partialFingerprints": {"code/v1": fingerprint(one)},
    }
    if one.source is not None:
        result["relatedLocations"] = [_location(one.source.file, one.source.line, one.source.column)]
    return result


def _location(file: str, line: int, column: int) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": _uri(file)}, "region": {"startLine": line, "startColumn": column}}
    return {"physicalLocation": place}


def _uri(file: str) -> str:
    return "".join(
        char if char.isalnum() or char in "._-/~@+" else "".join(f"%{b:02X}" for b in char.encode("utf-8", "replace"))
        for char in file
    )


def code_quality(findings: Sequence[Finding], *, folder: str) -> bytes:
    """Give a code quality report (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format)."""
    return document.canonical(
        [
            {
                "description": f"{one.message}. {one.advice}",
                "check_name": one.rule,
                "fingerprint": fingerprint(one, place=place),
                "severity": "critical" if one.status == "unauthorised" else "major",
                "location": {"path": f"{folder}/{one.file}", "lines": {"begin": one.line}},
            }
            for place, one in enumerate(findings)
        ]
    )


def fingerprint(one: Finding, *, place: int | None = None) -> str:
    """Name a finding so that it stays the same while the code that it is about does."""
    parts = (one.file, one.rule, one.sink, one.host or "", one.digest, "" if place is None else str(place))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
