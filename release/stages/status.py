"""Status: what each channel serves, since when, by whose doing, and whether that is what the log says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from release.core import document
from release.core import plan as planning
from release.core.caching import DOCUMENT, mutable
from release.core.config import Config
from release.core.entry import ChannelState, Event
from release.core.handover import LARGEST as LARGEST_POINTER
from release.core.handover import Pointer, read_pointer
from release.core.manifest import LARGEST, Manifest, decode, digest
from release.effects.readback import sha256_of
from release.effects.slots import Slots
from release.errors import FormatError, IntegrityError, NothingToDoError, ReleaseError
from release.ports import ObjectStore, PublicSite

ORIGIN: Final = "https://customer.example"
OK: Final = 200  # RFC 9110, 15.3.1


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelStatus:
    """One channel. `since` is RFC 3339; `drift` says how the world differs from the log."""

    channel: str
    version: str
    outcome: str
    since: str
    entry: int
    pipeline: str | None
    cache_control: str | None
    drift: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All channels of the log, in order of name, the yanked versions, and what awaits a review until when."""

    entries: int
    channels: tuple[ChannelStatus, ...]
    yanked: tuple[str, ...]
    reviews: Mapping[str, str]


def run(config: Config, slots: Slots, site: ObjectStore, public: PublicSite | None) -> Report:
    """Compare the log, the bucket and (unless `public` is None) the public address.

    Raises:
        NothingToDoError: nothing was ever promoted.
    """
    tail = slots.tail()
    if not tail.state.channels:
        raise NothingToDoError("no channel serves anything yet", hint="release record promote, release promote")
    rows = []
    for name, state in sorted(tail.state.channels.items()):
        event = slots.read(state.entry)
        rows.append(
            ChannelStatus(
                channel=name,
                version=state.version,
                outcome=state.outcome,
                since=event.occurred_at,
                entry=state.entry,
                pipeline=event.pipeline.url,
                cache_control=_cache_control(config, site, name),
                drift=tuple(_drift(config, site, public, event, state)),
            )
        )
    return Report(
        entries=tail.size, channels=tuple(rows), yanked=tuple(sorted(tail.state.yanked)), reviews=tail.state.reviews
    )


def _cache_control(config: Config, site: ObjectStore, channel: str) -> str | None:
    info = site.describe(config.layout.pointer(channel))
    return info.headers.cache_control if info else None


def _drift(
    config: Config, site: ObjectStore, public: PublicSite | None, authorised: Event, state: ChannelState
) -> Iterator[str]:
    if state.outcome == "authorized":
        yield "no outcome is recorded: the promotion is under way or was cut off"
    if state.outcome == "failed":
        yield "its verification failed"
    manifest_key = config.layout.manifest(state.version)
    body = _read(site, manifest_key, LARGEST)
    if body is None or digest(body) != state.manifest:
        yield f"{manifest_key} is not the manifest of the log"
        return
    manifest = decode(body, name=manifest_key)
    pointer = planning.pointer_for(config, manifest, authorised)
    yield from _pointer_drift(config, site, pointer)
    yield from _file_drift(config, site, pointer.channel, manifest)
    if public is not None:
        yield from _public_drift(config, public, pointer)


def _pointer_drift(config: Config, site: ObjectStore, pointer: Pointer) -> Iterator[str]:
    key = config.layout.pointer(pointer.channel)
    body = _read(site, key, LARGEST_POINTER)
    if body is None:
        yield "its pointer does not exist, or nobody could read it"
    elif body != document.encode(pointer):
        yield f"its pointer {_says(body, key)}, the log says entry {pointer.log_index}"
    info = site.describe(key)
    if info and info.headers != mutable(DOCUMENT, config.cache.lifetime, version=pointer.version):
        yield "its pointer has other headers than release.toml says"


def _file_drift(config: Config, site: ObjectStore, channel: str, manifest: Manifest) -> Iterator[str]:
    for artifact in manifest.artifacts:
        key = config.layout.channel_file(channel, artifact.path)
        info = site.describe(key)
        headers = mutable(artifact.media_type, config.cache.lifetime, version=manifest.version)
        if info is None:
            yield f"{artifact.path} is missing from the channel"
        elif info.size != artifact.bytes or sha256_of(site, key, limit=artifact.bytes) != artifact.sha256:
            yield f"{artifact.path} has other bytes than version {manifest.version}"
        elif info.headers != headers:
            yield f"{artifact.path} has other headers than release.toml says"


def _public_drift(config: Config, public: PublicSite, pointer: Pointer) -> Iterator[str]:
    path = "/" + config.layout.pointer(pointer.channel)
    try:
        got = public.fetch(path, encoding="identity", origin=ORIGIN, limit=LARGEST_POINTER)
    except ReleaseError as why:
        yield f"the public address: {why.message}"
        return
    if got.status != OK:
        yield f"the public address: HTTP {got.status}"
    elif got.body != document.encode(pointer):
        yield f"the public address still {_says(got.body, path)}"


def _says(body: bytes, name: str) -> str:
    try:
        found = read_pointer(body, name=name)
    except FormatError as why:
        return f"has what is no pointer: {why.message}"
    return f"follows log entry {found.log_index} (version {found.version})"


def _read(site: ObjectStore, key: str, limit: int) -> bytes | None:
    """Give an object's bytes; None if it is absent or too large to be what it should be."""
    try:
        found = site.read(key, limit=limit)
    except IntegrityError:
        return None
    return found.body if found else None
