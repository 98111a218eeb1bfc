"""Garbage in a channel: files of versions that it served once, and that none has which it served lately."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from release.core.approval import stamp
from release.core.collection import MOST, Collection, Leftover, Served
from release.core.config import Config
from release.core.entry import ChannelState
from release.core.layout import ChannelKey
from release.core.manifest import LARGEST, LARGEST_ARTIFACT, Manifest, decode, digest
from release.effects.published import published_manifest
from release.effects.readback import sha256_of
from release.effects.slots import Slots
from release.errors import IntegrityError
from release.ports import ObjectInfo, ObjectStore

THREADS: Final = 16
PAGE: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Strange:
    """A file of a channel that no version left there of those that it ever was to serve: drift, and not garbage."""

    key: str
    why: str

    def __str__(self) -> str:
        return f"{self.key} {self.why}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A channel as its garbage is judged.

    Attributes:
        served: the versions that it served in the period of grace, or serves.
        needed: all files of those, by path, each with a version that has it.
        ever: the manifests (SHA-256) of all versions that it ever was to serve, by version.
        since: when the period of grace began.
    """

    config: Config
    site: ObjectStore
    name: str
    state: ChannelState
    served: tuple[Served, ...]
    needed: Mapping[str, str]
    ever: Mapping[str, frozenset[str]]
    since: str

    def judge(self, key: str, manifests: Callable[[str], Manifest | None]) -> Leftover | Strange | None:
        """Judge one object of the channel; None if it is needed, or not there."""
        place = self.config.layout.parse(key)
        if not isinstance(place, ChannelKey):
            return Strange(key=key, why="is no file of a channel")
        info = None if place.path in self.needed else self.site.describe(key)
        return self._origin(place.path, info, manifests) if info else None

    def _origin(self, path: str, info: ObjectInfo, manifests: Callable[[str], Manifest | None]) -> Leftover | Strange:
        """Find out which version left a file."""
        key, version = info.key, info.headers.metadata.get("version", "")
        try:
            sha256 = info.sha256 or sha256_of(self.site, key, limit=LARGEST_ARTIFACT)
        except IntegrityError as why:
            return Strange(key=key, why=f"is no release's: {why.message}")
        of = manifests(version)
        if of is None:
            return Strange(key=key, why=f"is of {version or 'no version'}, which {self.name} was never to serve")
        if sha256 is None or sha256 not in {file.sha256 for file in of.artifacts if file.path == path}:
            return Strange(key=key, why=f"is no file of version {version}, which it says it is of")
        return Leftover(path=path, sha256=sha256, etag=info.etag, bytes=info.size, version=version)

    def judged(self, keys: Iterator[str]) -> list[Leftover | Strange]:
        """Judge many at the same time, in order."""
        manifests = lru_cache(maxsize=64)(self._manifest)
        with ThreadPoolExecutor(THREADS) as pool:
            return [found for found in pool.map(lambda key: self.judge(key, manifests), keys) if found is not None]

    def keys(self) -> Iterator[str]:
        """List the channel."""
        prefix, after = f"{self.config.layout.root}{self.name}/", ""
        while page := self.site.keys(prefix, after=after, most=PAGE):
            yield from page
            after = page[-1]

    def _manifest(self, version: str) -> Manifest | None:
        recorded = self.ever.get(version)
        if recorded is None:
            return None
        key = self.config.layout.manifest(version)
        found = self.site.read(key, limit=LARGEST)
        return decode(found.body, name=key) if found and digest(found.body) in recorded else None


def channel_of(
    config: Config, slots: Slots, site: ObjectStore, name: str, state: ChannelState, *, at: datetime
) -> Channel:
    """Find out from the log what a channel served, and since when not any more.

    The number of requests grows with the channel's moves: each entry names the move before it.

    Raises:
        IntegrityError: the manifest of a version that was served lately is not the one of the log.
        NotFoundError: it is gone.
    """
    since = stamp(at - timedelta(days=config.collect.grace_days))
    served: dict[str, Served] = {}
    ever: dict[str, set[str]] = {}
    move: ChannelState | None = state
    replaced = ""  # when a later version was seen to be served; until then this one may still have been
    while move is not None:
        if not replaced or replaced > since:
            served.setdefault(f"{move.version} {move.manifest}", Served(version=move.version, manifest=move.manifest))
            if move.outcome == "completed" and move.concluded is not None:
                replaced = slots.read(move.concluded).occurred_at
        ever.setdefault(move.version, set()).add(move.manifest)
        move = slots.read(move.entry).before
    needed = {
        file.path: version.version
        for version in served.values()
        for file in published_manifest(config, site, version.version, version.manifest).artifacts
    }
    return Channel(
        config=config,
        site=site,
        name=name,
        state=state,
        served=tuple(served.values()),
        needed=needed,
        ever={version: frozenset(recorded) for version, recorded in ever.items()},
        since=since,
    )


def collection_of(channel: Channel) -> tuple[Collection | None, list[Strange]]:
    """Give what there is to collect (None: nothing), and what is no garbage though nothing needs it."""
    found = channel.judged(channel.keys())
    files = [one for one in found if isinstance(one, Leftover)]
    strange = [one for one in found if isinstance(one, Strange)]
    if not files:
        return None, strange
    made = Collection(
        library=channel.config.library.name,
        channel=channel.name,
        entry=channel.state.entry,
        since=channel.since,
        grace_days=channel.config.collect.grace_days,
        served=channel.served,
        files=tuple(files[:MOST]),
        left=len(files[MOST:]),
    )
    return made, strange
