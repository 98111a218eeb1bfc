"""How a channel in the site bucket differs from what the log says of it."""

from collections.abc import Iterator

from release.core import document
from release.core.caching import DOCUMENT, left_unlogged, mutable
from release.core.config import Config
from release.core.entry import ChannelState
from release.core.handover import LARGEST as LARGEST_POINTER
from release.core.handover import Pointer, read_pointer
from release.core.manifest import LARGEST, Manifest, decode, digest
from release.effects.readback import sha256_of
from release.errors import FormatError, IntegrityError
from release.ports import ObjectStore


def recorded_manifest(config: Config, site: ObjectStore, state: ChannelState) -> Manifest | None:
    """Read the manifest of what a channel is to serve; None if it is not there, or not the one of the log."""
    key = config.layout.manifest(state.version)
    body = _read(site, key, LARGEST)
    return decode(body, name=key) if body is not None and digest(body) == state.manifest else None


def pointer_drift(config: Config, site: ObjectStore, pointer: Pointer) -> Iterator[str]:
    """Compare a channel's pointer."""
    key = config.layout.pointer(pointer.channel)
    body = _read(site, key, LARGEST_POINTER)
    if body is None:
        yield "its pointer does not exist, or nobody could read it"
    elif body != document.encode(pointer):
        yield f"its pointer {says(body, key)}, the log says entry {pointer.log_index}"
    info = site.describe(key)
    if info and (left := left_unlogged(info.headers)) is not None:
        version = info.headers.metadata.get("version")
        yield f"it was rolled back from entry {left} to {version}, and that is not logged yet: release rollback, again"
    elif info and info.headers != mutable(DOCUMENT, config.cache.lifetime, version=pointer.version):
        yield "its pointer has other headers than release.toml says"


def file_drift(config: Config, site: ObjectStore, channel: str, manifest: Manifest) -> Iterator[str]:
    """Compare a channel's files with the version that it is to serve."""
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


def says(body: bytes, name: str) -> str:
    """Say what a pointer says."""
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
