"""What a bucket that keeps versions says of its objects: an object that must not change has one version and no marker.

S3 honours `If-None-Match: *` over a delete marker, and Object Lock protects no key from one
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html): so a locked object can be
hidden and another put before it, and only the list of versions tells.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from release.core.audit.finding import Finding, drift
from release.errors import ReleaseError

# Clocks differ, and S3 stamps an object when it begins to take it.
_SLACK: Final = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectVersion:
    """One version of an object, or one delete marker, which has no size. Only the latest is served."""

    key: str
    modified: datetime
    size: int = 0
    is_marker: bool = False
    is_latest: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """An object's retention."""

    mode: str
    until: datetime


def by_key(versions: Iterable[ObjectVersion]) -> Iterator[tuple[str, list[ObjectVersion]]]:
    """Put the versions and markers of one key together; they come one after the other."""
    for key, found in groupby(versions, key=lambda version: version.key):
        yield key, list(found)


def is_hidden(found: Sequence[ObjectVersion]) -> bool:
    """Tell whether a key reads as absent: its latest version is a delete marker."""
    return any(version.is_marker and version.is_latest for version in found)


def about_one_version(key: str, found: Sequence[ObjectVersion], error: type[ReleaseError]) -> Iterator[Finding]:
    """Judge a key that may be written once."""
    markers = [version for version in found if version.is_marker]
    bodies = len(found) - len(markers)
    if markers:
        yield drift(f"{key} has a delete marker of {_at(markers[0].modified)}", error)
    if bodies > 1:
        newest = max(version.modified for version in found if not version.is_marker)
        yield drift(f"{key} has {bodies} versions, the newest of {_at(newest)}: somebody wrote over it", error)


def about_lock(key: str, modified: datetime, lock: Lock | None, *, days: int) -> Iterator[Finding]:
    """Judge the retention of an object that must be locked for so many days since it was written."""
    if lock is None:
        yield drift(f"{key} is not locked, and must be for {days} days")
        return
    if lock.mode != "COMPLIANCE":
        yield drift(f"{key} is locked in the mode {lock.mode}, which some users may bypass")
    if lock.until < modified + timedelta(days=days) - _SLACK:
        yield drift(f"{key} is locked until {_at(lock.until)} only, and must be for {days} days")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
