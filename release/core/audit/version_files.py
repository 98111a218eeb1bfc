"""What is below one version in the site bucket, held against its manifest."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from release.core.audit.finding import Finding, drift, soon
from release.core.audit.versions import ObjectVersion, about_one_version
from release.core.config import Config
from release.core.layout import MANIFEST, ObjectHeaders
from release.core.manifest import Manifest
from release.core.plan import CreateObject
from release.core.plan import publish as plan_of
from release.errors import DriftError

Listed = Mapping[str, Sequence[ObjectVersion]]
"""All versions of each key below one version."""


def wanted(config: Config, manifest: Manifest, body: bytes) -> dict[str, CreateObject]:
    """Give the objects that a manifest stands for, itself among them, by key."""
    return {
        action.key: action
        for group in plan_of(config, manifest, body)
        for action in group
        if isinstance(action, CreateObject)
    }


def about_listing(expected: Mapping[str, CreateObject], listed: Listed) -> Iterator[Finding]:
    """Judge which keys there are, how often, and of what size."""
    for key, found in listed.items():
        yield from about_one_version(key, found, DriftError)
        if key not in expected:
            yield drift(f"{key} is there, and no manifest names it")
    for key, file in expected.items():
        bodies = [version for version in listed.get(key, ()) if not version.is_marker]
        if not bodies:
            yield drift(f"{key} is gone")
        elif len(bodies) == 1 and bodies[0].size != file.size:
            yield drift(f"{key} has {bodies[0].size} bytes, its manifest says {file.size}")


def about_object(file: CreateObject, sha256: str | None, headers: ObjectHeaders) -> Iterator[Finding]:
    """Judge an object's bytes and what browsers are told of it."""
    if sha256 != file.sha256:
        yield drift(f"{file.key} has other bytes: sha256 {sha256}, its manifest says {file.sha256}")
    for name, found, expected in (
        ("Content-Type", headers.content_type, file.headers.content_type),
        ("Cache-Control", headers.cache_control, file.headers.cache_control),
        ("metadata", dict(headers.metadata), dict(file.headers.metadata)),
    ):
        if found != expected:
            yield drift(f"{file.key}: its {name} is {found!r}, not {expected!r}")


def about_unlogged(version: str, listed: Listed, *, now: datetime, grace: timedelta) -> Iterator[Finding]:
    """Judge a version that the log does not know: one that is being published, or a release behind the log's back."""
    whole = any(key.endswith(f"/{version}/{MANIFEST}") for key in listed)
    newest = max(version.modified for found in listed.values() for version in found)
    what = "a whole version" if whole else "files"
    if newest > now - grace:
        yield soon(f"{version}: {what} of {newest:%Y-%m-%dT%H:%M:%SZ} in the bucket, not in the log yet")
    else:
        yield drift(f"{version}: the bucket has {what} that the log knows nothing of ({len(listed)} objects)")
