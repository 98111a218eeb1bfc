"""What a stage is going to do, decided before it does anything.

A plan is groups of actions: the actions of a group may run in any order, a group starts
only when the one before it is done. A dry run prints the same plan that would be executed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from release.core import document
from release.core.caching import immutable, media_type, mutable
from release.core.config import Config
from release.core.entry import Event
from release.core.handover import PointedFile, Pointer
from release.core.layout import MANIFEST, ObjectHeaders
from release.core.manifest import Artifact, Manifest, digest


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateObject:
    """Create an immutable object; its bytes are a file of the bundle."""

    key: str
    path: str
    sha256: str
    size: int
    headers: ObjectHeaders


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyObject:
    """Copy a published object to a channel, over the object with this ETag (None: if there is none)."""

    source: str
    key: str
    sha256: str
    headers: ObjectHeaders
    etag: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MovePointer:
    """Copy the pointer that was recorded in the log bucket over the one with this ETag (None: if still absent)."""

    source: str
    key: str
    sha256: str
    headers: ObjectHeaders
    etag: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteObject:
    """Delete a file of a channel, if it is still the object with this ETag."""

    key: str
    sha256: str
    etag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AppendEntry:
    """Append to the release log; the index is known only when the slot is won."""

    action: str
    version: str
    channel: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Invalidate:
    """Drop exactly these paths from the CDN; the reference makes asking twice harmless."""

    paths: tuple[str, ...]
    reference: str


Action = CreateObject | CopyObject | MovePointer | DeleteObject | AppendEntry | Invalidate
Plan = tuple[tuple[Action, ...], ...]


def publish(config: Config, manifest: Manifest, manifest_body: bytes) -> Plan:
    """Plan the upload of a version: all artifacts, then the manifest, which makes it complete."""
    layout = config.layout
    artifacts = tuple(
        CreateObject(
            key=layout.artifact(manifest.version, artifact.path),
            path=artifact.path,
            sha256=artifact.sha256,
            size=artifact.bytes,
            headers=immutable(artifact.media_type),
        )
        for artifact in manifest.artifacts
    )
    last = CreateObject(
        key=layout.manifest(manifest.version),
        path=MANIFEST,
        sha256=digest(manifest_body),
        size=len(manifest_body),
        headers=immutable(media_type(MANIFEST)),
    )
    return (artifacts, (last,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What one key of a channel holds now, as far as a plan cares."""

    sha256: str | None
    headers: ObjectHeaders
    etag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelNow:
    """What a channel holds now: its files by key, and its pointer (all None: there is none)."""

    files: Mapping[str, Served]
    pointer: bytes | None
    pointer_headers: ObjectHeaders | None
    pointer_etag: str | None


def promote(
    config: Config, manifest: Manifest, pointer: Pointer, now: ChannelNow, *, leaves: int | None = None
) -> Plan:
    """Plan a channel's move: chunks, then entries, then the pointer; what is already right stays.

    `leaves` is the log entry that a rollback leaves which could not be logged: the pointer says so.
    """

    def copies(artifacts: tuple[Artifact, ...]) -> Iterator[Action]:
        for artifact in artifacts:
            key = config.layout.channel_file(pointer.channel, artifact.path)
            headers = mutable(artifact.media_type, config.cache.lifetime, version=manifest.version)
            there = now.files.get(key)
            if there is None or (there.sha256, there.headers) != (artifact.sha256, headers):
                source = config.layout.artifact(manifest.version, artifact.path)
                etag = there.etag if there else None
                yield CopyObject(source=source, key=key, sha256=artifact.sha256, headers=headers, etag=etag)

    body = document.encode(pointer)
    move = MovePointer(
        source=config.log_layout.pointer(pointer.log_index),
        key=config.layout.pointer(pointer.channel),
        sha256=digest(body),
        headers=mutable(media_type(MANIFEST), config.cache.lifetime, version=manifest.version, leaves=leaves),
        etag=now.pointer_etag,
    )
    last: tuple[Action, ...] = () if now.pointer == body and now.pointer_headers == move.headers else (move,)
    return (tuple(copies(manifest.chunks)), tuple(copies(manifest.entries)), last)


def pointer_for(config: Config, manifest: Manifest, authorised: Event) -> Pointer:
    """Give the pointer that says what a channel serves after the log entry that authorised it."""
    channel = authorised.channel or ""
    issued = datetime.fromisoformat(authorised.occurred_at)
    expires = issued + timedelta(days=config.log.pointer_days)
    return Pointer(
        origin=config.log.origin,
        channel=channel,
        pointer_version=authorised.after.channels[channel].pointer_version,
        version=manifest.version,
        manifest=authorised.manifest,
        log_index=authorised.index,
        issued=authorised.occurred_at,
        expires=expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        files=pointed_files(manifest),
    )


def pointed_files(manifest: Manifest) -> tuple[PointedFile, ...]:
    """List a version's files as a pointer does."""
    return tuple(PointedFile(path=a.path, integrity=a.integrity, bytes=a.bytes) for a in manifest.artifacts)


def rewritten(plan: Plan, now: ChannelNow) -> tuple[str, ...]:
    """List the files of a channel that get other bytes or cache headers; the version in the metadata is no change."""

    def seen_by_caches(sha256: str | None, headers: ObjectHeaders) -> tuple[str | None, ...]:
        return (sha256, headers.content_type, headers.cache_control)

    copies = [action for group in plan for action in group if isinstance(action, CopyObject)]
    return tuple(
        copy.key
        for copy in copies
        if (there := now.files.get(copy.key)) is None
        or seen_by_caches(there.sha256, there.headers) != seen_by_caches(copy.sha256, copy.headers)
    )


def describe(plan: Plan) -> list[str]:
    """Write a plan for people, one action a line."""
    return [_line(action) for group in plan for action in group]


def _line(action: Action) -> str:
    match action:
        case CreateObject():
            return f"create   {action.key}  {action.size:,} bytes  sha256 {action.sha256[:12]}"
        case CopyObject():
            return f"copy     {action.source} -> {action.key}  sha256 {action.sha256[:12]}"
        case MovePointer():
            return f"move     {action.key} to {action.source}  if it is still {action.etag or 'absent'}"
        case DeleteObject():
            return f"delete   {action.key}  sha256 {action.sha256[:12]}  if it is still {action.etag}"
        case AppendEntry():
            where = f" on {action.channel}" if action.channel else ""
            why = f": {action.reason}" if action.reason else ""
            return f"append   {action.action} {action.version}{where}{why}"
        case Invalidate():
            return "\n".join(f"drop     {path}" for path in action.paths)


def as_json(plan: Plan) -> list[dict[str, Any]]:
    """Give a plan for machines: a list of actions in order, each with the number of its group."""
    return [
        {"group": number, "action": _NAMES[type(action)], **_facts(action)}
        for number, group in enumerate(plan)
        for action in group
    ]


_NAMES: Mapping[type, str] = {
    CreateObject: "create",
    CopyObject: "copy",
    MovePointer: "move",
    DeleteObject: "delete",
    AppendEntry: "append",
    Invalidate: "invalidate",
}


def _facts(action: Action) -> dict[str, Any]:
    match action:
        case CreateObject():
            return {"key": action.key, "bytes": action.size, "sha256": action.sha256}
        case CopyObject() | MovePointer():
            return {"key": action.key, "source": action.source, "sha256": action.sha256, "ifMatch": action.etag}
        case DeleteObject():
            return {"key": action.key, "sha256": action.sha256, "ifMatch": action.etag}
        case AppendEntry():
            return {"event": action.action, "version": action.version, "channel": action.channel}
        case Invalidate():
            return {"paths": list(action.paths), "reference": action.reference}
