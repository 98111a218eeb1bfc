"""Audit of the site bucket: every version and every channel, as the log says."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Final

from release.core.audit.channel_files import about_deleted, about_folders, about_leftover, about_pointer_name
from release.core.audit.finding import Finding, drift, soon
from release.core.audit.said import Published, Said
from release.core.audit.version_files import Listed, about_listing, about_object, about_unlogged, wanted
from release.core.audit.versions import ObjectVersion, by_key, is_hidden
from release.core.channels import is_declared
from release.core.config import Config
from release.core.layout import ChannelKey
from release.core.manifest import LARGEST, LARGEST_ARTIFACT, Manifest, decode, digest
from release.core.plan import CreateObject, pointer_for
from release.effects.channel_drift import file_drift, pointer_drift, recorded_manifest
from release.effects.ordered import list_of
from release.effects.readback import sha256_of
from release.effects.slots import Slots
from release.errors import FormatError, IntegrityError
from release.ports import Console, ObjectHistory, ObjectStore

THREADS: Final = 16
VERSIONS_BEGIN_WITH: Final = "0123456789"


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteAudit:
    """What is asked of the site bucket. `grace` is how long a step may be under way."""

    config: Config
    said: Said
    slots: Slots
    site: ObjectStore
    history: ObjectHistory
    now: datetime
    grace: timedelta

    def versions(self, console: Console) -> Iterator[Finding]:
        """Judge all objects of all versions: those of the log, and those that it knows nothing of."""
        missing = dict(self.said.published)
        with (
            ThreadPoolExecutor(THREADS) as pool,
            console.progress("looking at published versions", len(missing)) as progress,
        ):
            for version, listed in self._listed():
                published = missing.pop(version, None)
                if published is None:
                    yield from about_unlogged(version, listed, now=self.now, grace=self.grace)
                    continue
                yield from self._version(pool, version, published, listed)
                progress.advance()
        for version, published in missing.items():
            yield drift(f"{version}: the bucket has nothing of it, and entry {published.entry} published it")

    def channels(self) -> Iterator[Finding]:
        """Judge what each channel holds, and what else there is beside versions and channels."""
        yield from self._folders()
        for name, state in sorted(self.said.replay.state.channels.items()):
            event = self.said.authorised.get(name)
            if event is None or not is_declared(self.config.channels, name):
                yield drift(f"{name} serves {state.version}, and release.toml does not declare it any more")
                continue
            manifest = recorded_manifest(self.config, self.site, state)
            if manifest is None:
                yield drift(f"{name}: {self.config.layout.manifest(state.version)} is not the manifest of the log")
                continue
            moving = state.outcome == "authorized" and event.occurred_at > f"{self.now - self.grace:%Y-%m-%dT%H:%M:%SZ}"
            pointer = pointer_for(self.config, manifest, event)
            for text in (
                *pointer_drift(self.config, self.site, pointer),
                *file_drift(self.config, self.site, name, manifest),
            ):
                yield soon(f"{name}: {text}; it is being moved") if moving else drift(f"{name}: {text}")
            yield from self._leftovers(name, {artifact.path for artifact in manifest.artifacts})

    def _listed(self) -> Iterator[tuple[str, Listed]]:
        """Give each version in the bucket with all that is below it; keys of one version are together."""
        for digit in VERSIONS_BEGIN_WITH:
            root = self.config.layout.root
            rows = by_key(self.history.versions(f"{root}{digit}"))
            for folder, found in groupby(rows, key=lambda row: row[0].removeprefix(root).partition("/")[0]):
                yield folder, dict(found)

    def _version(
        self, pool: ThreadPoolExecutor, version: str, published: Published, listed: Listed
    ) -> Iterator[Finding]:
        key = self.config.layout.manifest(version)
        try:
            found = self.site.read(key, limit=LARGEST)
            if found is None or digest(found.body) != published.manifest:
                what = "is gone" if found is None else "is not the manifest of the log"
                yield drift(f"{key} {what}: entry {published.entry} says sha256 {published.manifest}")
                return
            expected = wanted(self.config, decode(found.body, name=key), found.body)
        except (IntegrityError, FormatError) as why:
            yield drift(why.message)
            return
        yield from about_listing(expected, listed)
        there = [file for file in expected.values() if file.key in listed]
        for findings in pool.map(self._object, there):
            yield from findings

    def _object(self, file: CreateObject) -> list[Finding]:
        info = self.site.describe(file.key)
        if info is None or info.size != file.size:
            return []  # the listing tells
        try:
            sha256 = info.sha256 or sha256_of(self.site, file.key, limit=file.size)
        except IntegrityError as why:
            return [drift(why.message)]
        return list(about_object(file, sha256, info.headers))

    def _folders(self) -> Iterator[Finding]:
        layout = self.config.layout
        names = []
        for item in self.history.folder(layout.root):
            if isinstance(item, ObjectVersion):
                yield drift(f"{item.key} is no version and no channel")
            else:
                names.append(item)
        yield from about_folders(self.config, self.said, names)
        for key, _ in by_key(self.history.versions(layout.pointers)):
            yield from about_pointer_name(self.config, self.said, key)

    def _leftovers(self, channel: str, served: set[str]) -> Iterator[Finding]:
        """Judge what is left of versions before: pages that loaded them still ask for their chunks."""
        manifests = lru_cache(maxsize=8)(self._manifest)
        ordered: frozenset[str] | None = None
        for key, found in by_key(self.history.versions(f"{self.config.layout.root}{channel}/")):
            parsed = self.config.layout.parse(key)
            path = parsed.path if isinstance(parsed, ChannelKey) else None
            if path in served:
                continue
            if is_hidden(found):
                ordered = self._ordered(channel) if ordered is None else ordered
                yield from about_deleted(key, path, ordered=ordered)
                continue
            info = self.site.describe(key)
            if not isinstance(parsed, ChannelKey) or info is None:
                yield drift(f"{key} is no file of a channel")
                continue
            sha256 = info.sha256 or sha256_of(self.site, key, limit=LARGEST_ARTIFACT)
            of = manifests(info.headers.metadata.get("version", ""))
            yield from about_leftover(key, parsed.path, sha256, info.headers, of)

    def _ordered(self, channel: str) -> frozenset[str]:
        """Give the paths that the log ever ordered deleted; only where something was deleted are the lists read."""
        events = self.said.collected.get(channel, ())
        return frozenset(path for event in events for path in list_of(self.slots, event).paths)

    def _manifest(self, version: str) -> Manifest | None:
        published = self.said.published.get(version)
        if published is None:
            return None
        key = self.config.layout.manifest(version)
        found = self.site.read(key, limit=LARGEST)
        return decode(found.body, name=key) if found and digest(found.body) == published.manifest else None
