"""Known vulnerabilities: records in the OSV format (https://ossf.github.io/osv-schema/), read strictly.

npm's ranges are of type SEMVER; a record that cannot be judged affects every version, so that it is looked at.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from semver import Version

from release.errors import FormatError

ECOSYSTEM: Final = "npm"
LARGEST: Final = 4 * 1024 * 1024
_SHOWN: Final = 120
_BEFORE_ALL: Final = Version(0, 0, 0, "0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Vulnerability:
    """One known vulnerability of a package. `fixed` is the least version above the one asked for without it."""

    id_: str
    package: str
    version: str
    summary: str
    fixed: str | None


def affecting(body: bytes, packages: Mapping[str, set[str]], *, name: str) -> list[Vulnerability]:
    """Give the vulnerabilities of these packages that one record speaks of.

    Args:
        body: the record, hostile until now.
        packages: versions in use, by package name.
        name: what to call the record in an error.

    Raises:
        FormatError: it is no OSV record.
    """
    try:
        record = json.loads(body)
        if record.get("withdrawn"):
            return []
        affected = [one for one in record["affected"] if one["package"]["ecosystem"] == ECOSYSTEM]
        found: dict[tuple[str, str], Vulnerability] = {}
        for one in affected:
            for vulnerability in _of(record, one, packages):
                found.setdefault((vulnerability.package, vulnerability.version), vulnerability)
        return [found[key] for key in sorted(found)]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as why:
        raise FormatError(
            f"{name[:_SHOWN]!r} is no OSV record", hint="the file of osv.dev for npm is what is expected"
        ) from why


def _of(
    record: Mapping[str, Any], affected: Mapping[str, Any], packages: Mapping[str, set[str]]
) -> Iterator[Vulnerability]:
    package = str(affected["package"]["name"])
    for version in sorted(packages.get(package, ())):
        ranges = [one for one in affected.get("ranges", ()) if one["type"] == "SEMVER"]
        listed = version in affected.get("versions", ())
        unclear = not affected.get("ranges") and not affected.get("versions")
        if listed or unclear or any(_within(version, one["events"]) for one in ranges):
            yield Vulnerability(
                id_=_text(record["id"]),
                package=package,
                version=version,
                summary=_text(record.get("summary") or ""),
                fixed=_fixed(version, ranges),
            )


def _within(version: str, events: list[Mapping[str, str]]) -> bool:
    """Tell whether a version is affected (the schema's "Evaluation"); one that is no SemVer is."""
    if not Version.is_valid(version):
        return True
    mine, inside = Version.parse(version), False
    for event in sorted(events, key=_place):
        if "introduced" in event:
            inside = inside or mine >= _bound(event["introduced"])
        elif "fixed" in event:
            inside = inside and mine < _bound(event["fixed"])
        elif "last_affected" in event:
            inside = inside and mine <= _bound(event["last_affected"])
    return inside


def _place(event: Mapping[str, str]) -> tuple[Version, bool]:
    bound = next(str(event[kind]) for kind in ("introduced", "fixed", "last_affected", "limit") if kind in event)
    return (_bound(bound) if bound != "*" else Version(10**16), "introduced" not in event)


def _bound(text: str) -> Version:
    return _BEFORE_ALL if text == "0" else Version.parse(text)


def _fixed(version: str, ranges: list[Mapping[str, Any]]) -> str | None:
    if not Version.is_valid(version):
        return None
    fixes = [Version.parse(event["fixed"]) for one in ranges for event in one["events"] if "fixed" in event]
    above = [fix for fix in fixes if fix > Version.parse(version)]
    return str(min(above)) if above else None


def _text(value: object) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(value)[:_SHOWN])
