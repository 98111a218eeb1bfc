"""Status: what each channel serves, since when, by whose doing, and whether that is what the log says."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from release.core.caching import mutable
from release.core.config import Config
from release.core.entry import ChannelState
from release.core.handover import LARGEST as LARGEST_POINTER
from release.core.handover import read_pointer
from release.core.manifest import LARGEST, decode, digest
from release.effects.readback import sha256_of
from release.effects.slots import Slots
from release.errors import FormatError, NothingToDoError, ReleaseError
from release.ports import ObjectStore, PublicSite

ORIGIN: Final = "https://customer.example"


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
    """All channels of the log, in order of name, and the yanked versions."""

    entries: int
    channels: tuple[ChannelStatus, ...]
    yanked: tuple[str, ...]


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
        drift = [*_bucket_drift(config, site, name, state)]
        if public is not None:
            drift += _public_drift(config, public, name, state)
        rows.append(
            ChannelStatus(
                channel=name,
                version=state.version,
                outcome=state.outcome,
                since=event.occurred_at,
                entry=state.entry,
                pipeline=event.pipeline.url,
                cache_control=_cache_control(config, site, name),
                drift=tuple(drift),
            )
        )
    return Report(entries=tail.size, channels=tuple(rows), yanked=tuple(sorted(tail.state.yanked)))


def _cache_control(config: Config, site: ObjectStore, channel: str) -> str | None:
    info = site.describe(config.layout.pointer(channel))
    return info.headers.cache_control if info else None


def _bucket_drift(config: Config, site: ObjectStore, channel: str, state: ChannelState) -> Iterator[str]:
    if state.outcome == "authorized":
        yield "no outcome is recorded: the promotion is under way or was cut off"
    if state.outcome == "failed":
        yield "its verification failed"
    yield from _pointer_drift(config, site, channel, state)
    yield from _file_drift(config, site, channel, state)


def _pointer_drift(config: Config, site: ObjectStore, channel: str, state: ChannelState) -> Iterator[str]:
    key = config.layout.pointer(channel)
    there = site.read(key, limit=LARGEST_POINTER)
    if there is None:
        yield "its pointer does not exist"
        return
    try:
        pointer = read_pointer(there.body, name=key)
    except FormatError as why:
        yield why.message
        return
    if (pointer.log_index, pointer.manifest) != (state.entry, state.manifest):
        yield f"its pointer follows log entry {pointer.log_index}, the log says {state.entry}"


def _file_drift(config: Config, site: ObjectStore, channel: str, state: ChannelState) -> Iterator[str]:
    manifest_key = config.layout.manifest(state.version)
    manifest = site.read(manifest_key, limit=LARGEST)
    if manifest is None or digest(manifest.body) != state.manifest:
        yield f"{manifest_key} is not the manifest of the log"
        return
    for artifact in decode(manifest.body, name=manifest_key).artifacts:
        key = config.layout.channel_file(channel, artifact.path)
        info = site.describe(key)
        headers = mutable(artifact.media_type, config.cache.lifetime, version=state.version)
        if info is None:
            yield f"{artifact.path} is missing from the channel"
        elif info.size != artifact.bytes or sha256_of(site, key, limit=artifact.bytes) != artifact.sha256:
            yield f"{artifact.path} has other bytes than version {state.version}"
        elif info.headers != headers:
            yield f"{artifact.path} has other headers than release.toml says"


def _public_drift(config: Config, public: PublicSite, channel: str, state: ChannelState) -> Iterator[str]:
    path = "/" + config.layout.pointer(channel)
    try:
        got = public.fetch(path, encoding="identity", origin=ORIGIN, limit=LARGEST_POINTER)
        pointer = read_pointer(got.body, name=path)
    except ReleaseError as why:
        yield f"the public address: {why.message}"
        return
    if pointer.log_index != state.entry:
        yield f"the public address still follows log entry {pointer.log_index} (version {pointer.version})"
