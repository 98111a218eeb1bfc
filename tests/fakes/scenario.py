"""A small world to release in, and the stages as one-word steps, so that tests read as stories.

    world = World()
    world.release("1.0.0", "latest")     # build to recorded outcome
    world.publish("1.1.0")               # or step by step, in any order, with any step left out
    world.record("1.1.0")
    world.authorize("latest", "1.1.0")
    world.promote("latest")

The stages are the real ones; only the ports are in memory.
"""

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from release.core.approval import Approval, Request
from release.core.changelog import section_digest
from release.core.config import ApprovalsSection, Config, RetiredKey
from release.core.document import encode as document_of
from release.core.entry import Event
from release.core.epochs import Known
from release.core.evidence import Built
from release.core.gate import Counted, Verdict
from release.core.handover import LARGEST, Order, Pointer, Promotion, Verification, read_pointer
from release.core.layout import MANIFEST
from release.core.log_keys import Former, LogKeys
from release.core.manifest import Manifest, Source, encode
from release.core.provenance import provenance
from release.core.sbom import sbom
from release.core.tlog.note import Signer
from release.core.trust import Trust
from release.core.version import parse_version
from release.effects.choice import order_of, previous_good
from release.effects.gate import Gatekeeper
from release.effects.log_view import LogView
from release.effects.recorder import Recorder, Report
from release.effects.slots import Slots
from release.effects.tree import Tree
from release.errors import ReleaseError, ServiceError
from release.ports import Download, NoteSigner, ObjectStore, PublicSite
from release.stages import approve as approving
from release.stages import collect as deleting
from release.stages import collection as collecting
from release.stages import invalidate as invalidating
from release.stages import promote as promoting
from release.stages import publish as publishing
from release.stages import record as recording
from release.stages import request as asking
from release.stages import review as reviewing
from release.stages import status as looking
from release.stages import verify as verifying
from tests.fakes import examples, people
from tests.fakes.cdn import InMemoryCdn
from tests.fakes.clock import StoppedClock
from tests.fakes.console import RecordingConsole
from tests.fakes.folder import InMemoryFolder
from tests.fakes.log_keys import log_signer
from tests.fakes.object_store import Fault, InMemoryObjectStore
from tests.fakes.public_site import FakePublicSite, Page
from tests.fakes.release_pages import InMemoryPages
from tests.fakes.repository import FakeRepository

REASON = "it breaks the checkout"
CHANGELOG = "# Changelog\n\n## [1.1.0] - 2026-11-24\n\n- a feature\n\n## [1.0.0] - 2026-11-01\n\n- the first\n"


def files(version: str) -> dict[str, bytes]:
    """Give a version's files: two entries, a chunk of its own, a chunk that all versions share."""
    return {
        f"chunks/own-{version}.js": f"export const own = '{version}';\n".encode(),
        "chunks/shared.js": b"export const shared = 1;\n",
        "tag.esm.min.js": f"export * from './chunks/own-{version}.js';\n".encode(),
        "tag.min.js": f"window.tag = '{version}';\n".encode(),
    }


class StoryClock(StoppedClock):
    """A clock that lets things happen while somebody sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self._plans: list[tuple[datetime, Callable[[], object]]] = []

    def after(self, seconds: float, happens: Callable[[], object]) -> None:
        self._plans.append((self.now() + timedelta(seconds=seconds), happens))

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        due = [plan for plan in self._plans if plan[0] <= self.now()]
        for plan in due:
            self._plans.remove(plan)
            plan[1]()


class _Source:
    def __init__(self, counted: Counted | ReleaseError) -> None:
        self._counted = counted

    def count(self, *, version: str, ring: str) -> Counted:
        del version, ring
        if isinstance(self._counted, ReleaseError):
            raise self._counted
        return self._counted


class World:
    """All that a library is released with.

    The CDN is the worst one that is allowed: it keeps whatever it was once asked for, absence
    included, until an invalidation names that very path.

    Attributes:
        journal: every write and every path invalidated, over both buckets and the CDN, in order.
        bundles: what was built, by version.
        promotions: what promote left for later stages, by channel.
        verifications: the same of verify.
        counted: what the rings' error source says of any version.
        collections: the same of collect.
        changelog: with which versions are built that have a section in it.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or examples.config()
        self.journal: list[tuple[str, str]] = []
        self.site = InMemoryObjectStore(journal=self.journal)
        self.log = InMemoryObjectStore(journal=self.journal, beside=self.site)
        self.cdn = InMemoryCdn(journal=self.journal)
        self.clock = StoryClock()
        self.console = RecordingConsole()
        self.repository = FakeRepository()
        self.public = FakePublicSite(self._edge)
        self.announced = InMemoryPages()
        self.bundles: dict[str, InMemoryFolder] = {}
        self.promotions: dict[str, Promotion] = {}
        self.verifications: dict[str, Verification] = {}
        self.collections: dict[str, deleting.Report] = {}
        self.known: Known | None = None
        self.signer: NoteSigner = log_signer(self.config.log.origin)
        self.changelog = ""
        self.counted: Counted | ReleaseError = ServiceError("nobody counted anything")
        self.retired: tuple[Former, ...] = ()
        self._cached: dict[str, tuple[int, Page | None]] = {}

    def twin(self) -> "World":
        """Give another world in which the same has happened up to now, to go on differently."""
        twin = World(self.config)
        for mine, other in ((self.site, twin.site), (self.log, twin.log)):
            for key, body in mine.bodies().items():
                info = mine.describe(key)
                other.put(key, body, info.headers if info else None)
        twin.repository, twin.bundles = copy.deepcopy(self.repository), copy.deepcopy(self.bundles)
        twin.promotions, twin.verifications = dict(self.promotions), dict(self.verifications)
        twin.collections = dict(self.collections)
        if passed := (self.clock.now() - twin.clock.now()).total_seconds():
            twin.clock.sleep(passed)
        twin.cdn.invalidations, twin._cached = list(self.cdn.invalidations), dict(self._cached)
        twin.announced.pages, twin.changelog = dict(self.announced.pages), self.changelog
        return twin

    # The stages.

    def build(self, version: str, content: Mapping[str, bytes] | None = None) -> Manifest:
        """Tag a commit and leave its bundle, as the build stage does."""
        commit = self.repository.commit(f"feat: {version}")
        self.repository.tag(f"v{version}")
        self.repository.push()
        bundle = files(version) if content is None else dict(content)
        section = section_digest(self.changelog, parse_version(version)) if f"[{version}]" in self.changelog else None
        source = Source(commit=commit, commit_time=1_700_000_000, tag=f"v{version}", changelog=section)
        manifest = examples.manifest(version, bundle, source=source)
        self.bundles[version] = InMemoryFolder({**bundle, MANIFEST: encode(manifest)})
        return manifest

    def publish(self, version: str, *, site: ObjectStore | None = None, dry_run: bool = False) -> publishing.Report:
        if version not in self.bundles:
            self.build(version)
        bundle = self.bundles[version]
        prepared = publishing.prepare(self.config, bundle, self.repository)
        return publishing.run(self.config, prepared, bundle, site or self.site, self.console, dry_run=dry_run)

    def record(self, version: str, *, log: ObjectStore | None = None, dry_run: bool = False) -> Report:
        manifest, body = publishing.read_bundle(self.config, self.bundles[version])
        return recording.publish(self.recorder(log), self.site, manifest, body, self.evidence(version), dry_run=dry_run)

    def authorize(
        self,
        channel: str,
        version: str,
        *,
        reason: str | None = None,
        log: ObjectStore | None = None,
        dry_run: bool = False,
        approvals: Sequence[Approval] = (),
        actor: str | None = examples.PIPELINE.actor,
    ) -> Report:
        recorder = dataclasses.replace(
            self.recorder(log),
            approvals=tuple(approvals),
            pipeline=dataclasses.replace(examples.PIPELINE, actor=actor),
        )
        return recording.authorize(
            recorder, self.site, channel, version, reason=reason, rollback=False, dry_run=dry_run
        )

    def roll_back(
        self,
        channel: str,
        to: str | None = None,
        *,
        reason: str | None = REASON,
        dry_run: bool = False,
        approvals: Sequence[Approval] = (),
        verdict: Verdict | None = None,
    ) -> Report:
        """Authorise the way back, by default to what `release rollback` would choose."""
        version = to or previous_good(self.slots(), channel, self.slots().tail(), reason=reason)
        return recording.authorize(
            dataclasses.replace(self.recorder(), approvals=tuple(approvals), repository=None),
            self.site,
            channel,
            version,
            reason=reason,
            rollback=True,
            dry_run=dry_run,
            verdict=verdict,
        )

    def promote(
        self,
        channel: str,
        order: Order | None = None,
        *,
        site: ObjectStore | None = None,
        log: ObjectStore | None = None,
        dry_run: bool = False,
    ) -> promoting.Report:
        """Carry out an order, by default the log's newest word on the channel."""
        report = promoting.run(
            self.config,
            order or self.order(channel),
            self.slots(log),
            site or self.site,
            self.console,
            dry_run=dry_run,
        )
        if not dry_run:
            self.promotions[channel] = report.promotion
        return report

    def invalidate(self, channel: str, *, attempt: int = 1, dry_run: bool = False) -> invalidating.Report:
        return invalidating.run(
            self.config,
            self.promotions[channel],
            self.cdn,
            self.clock,
            self.console,
            attempt=attempt,
            dry_run=dry_run,
        )

    def verify(self, channel: str, *, site: PublicSite | None = None, patience: float = 0) -> verifying.Report:
        order = self.promotions[channel].order
        report = verifying.run(self.config, order, site or self.public, self.clock, self.console, patience=patience)
        self.verifications[channel] = report.verification
        return report

    def conclude(self, channel: str, *, log: ObjectStore | None = None, dry_run: bool = False) -> Report:
        promotion, verification = self.promotions[channel], self.verifications[channel]
        return recording.conclude(self.recorder(log), promotion, verification, dry_run=dry_run)

    # Who may approve, and what is approved.

    def trust(self, epoch: Trust | None = None, *signers: str) -> Known:
        """Put up the next trust epoch; the first one is pinned."""
        number = 0
        while self.log.describe(self.config.log_layout.epoch(number)):
            number += 1
        before = self.known
        made = epoch or people.trust(before)
        self.log.put(self.config.log_layout.epoch(number), people.signed(made, *signers))
        self.known = people.known(made, before=before, by=signers)
        if before is None:
            pinned = ApprovalsSection(required=True, trust=self.known.sha256)
            self.config = dataclasses.replace(self.config, approvals=pinned)
        return self.known

    def ask(self, channel: str, version: str, **changes: Any) -> Request:  # noqa: ANN401 - any field of a wish
        """Ask for approval as `release request` does."""
        whole = asking.Wish(
            channel=channel,
            version=version,
            action="promote",
            emergency=False,
            reason=None,
            hours=24,
            rollback_days=7,
            nonce="c" * 32,
        )
        wish = dataclasses.replace(whole, **changes)
        return asking.run(self.config, self.slots(), self.view(), self.clock, self.repository, wish)

    def view(self, log: ObjectStore | None = None) -> LogView:
        """Give the log's tree as somebody reads it."""
        return self.tree(log).view

    def difference(self, request: Request) -> approving.Difference:
        """Look at what a request would change, as `release approve` does."""
        approval = Approval(request=document_of(request).decode())
        project = InMemoryFolder({"CHANGELOG.md": CHANGELOG.encode()})
        return approving.difference(self.config, self.slots(), self.site, self.repository, project, approval, request)

    def approved(self, channel: str, version: str, *by: str, actor: str = "u:42", **changes: Any) -> Report:  # noqa: ANN401 - any field of a wish
        """Ask, approve and record."""
        approval = people.approval(self.ask(channel, version, **changes), by=by)
        return self.authorize(channel, version, approvals=[approval], actor=actor)

    def sign_with(self, signer: Signer, *, retired: Sequence[Signer] = (), entries: int | None = None) -> None:
        """Let the log be signed with a key, and believe those that signed it before, perhaps only so many entries."""
        self.signer, self.retired = signer, tuple(Former(key=old.key, entries=entries) for old in retired)
        former = tuple(RetiredKey(key=old.key.vkey, entries=entries) for old in retired)
        log = dataclasses.replace(self.config.log, key=signer.key.vkey, retired=former)
        self.config = dataclasses.replace(self.config, log=log)

    @property
    def keys(self) -> LogKeys:
        """The log's keys, as release.toml names them."""
        return LogKeys(current=self.signer.key, retired=self.retired)

    def review(self, index: int, *by: str, finding: str = "it was right", dry_run: bool = False) -> Report:
        """Write down what came out of an emergency's review, let people sign it, and record it."""
        asked = reviewing.ask(self.config, self.slots(), self.view(), index, finding)
        recorder = dataclasses.replace(self.recorder(), approvals=(people.reviewed(asked, by=by or ("lead",)),))
        return recording.review(recorder, index, dry_run=dry_run)

    # What a channel keeps of versions before.

    def order_collection(
        self, channel: str, *, site: ObjectStore | None = None, log: ObjectStore | None = None, dry_run: bool = False
    ) -> collecting.Found:
        return collecting.order(self.recorder(log), site or self.site, channel, dry_run=dry_run)

    def collect(
        self, channel: str, *, site: ObjectStore | None = None, log: ObjectStore | None = None, dry_run: bool = False
    ) -> deleting.Report:
        report = deleting.run(
            self.config, channel, self.slots(log), site or self.site, self.clock, self.console, dry_run=dry_run
        )
        if not dry_run:
            self.collections[channel] = report
        return report

    def finish_collection(self, channel: str, *, log: ObjectStore | None = None) -> Report:
        """Drop what was collected from the CDN, and record that it is gone."""
        collected = self.collections[channel].collected
        invalidating.run(self.config, collected, self.cdn, self.clock, self.console, attempt=1, dry_run=False)
        return collecting.finish(self.recorder(log), self.site, collected, dry_run=False)

    def yank(self, version: str, *, log: ObjectStore | None = None) -> Report:
        return recording.yank(self.recorder(log), version, reason=REASON, dry_run=False)

    def status(self, *, public: PublicSite | None = None) -> looking.Report:
        return looking.run(self.config, self.slots(), self.site, public or self.public)

    def settle(self, channel: str, *, passed: bool = True) -> Report:
        """Record an outcome without a look at the public address."""
        findings = () if passed else ("it is wrong",)
        order = self.promotions[channel].order
        self.verifications[channel] = Verification(order=order, passed=passed, findings=findings)
        return self.conclude(channel)

    # Several of them.

    def release(self, version: str, *channels: str) -> None:
        """Publish a version, and let channels serve it."""
        self.publish(version)
        self.record(version)
        for channel in channels:
            self.serve(channel, version)

    def serve(self, channel: str, version: str) -> None:
        self.authorize(channel, version)
        self.finish(channel)

    def move(self, channel: str, version: str, *, passed: bool = True) -> None:
        """Let a channel serve a version, and record an outcome that nobody looked at."""
        self.authorize(channel, version)
        self.promote(channel)
        self.settle(channel, passed=passed)

    def go_back(self, channel: str, to: str | None = None) -> None:
        self.roll_back(channel, to)
        self.finish(channel)

    def finish(self, channel: str) -> None:
        """Do what follows an authorisation, to the recorded outcome; whatever is not right ends the test."""
        self.promote(channel)
        self.invalidate(channel)
        verifying.require_passed([self.verify(channel)])
        self.conclude(channel)

    # What there is to see.

    def slots(self, log: ObjectStore | None = None) -> Slots:
        return Slots(store=log or self.log, layout=self.config.log_layout, keys=self.keys)

    def recorder(self, log: ObjectStore | None = None) -> Recorder:
        return Recorder(
            config=self.config,
            slots=self.slots(log),
            clock=self.clock,
            pipeline=examples.PIPELINE,
            repository=lambda: self.repository,
            tree=self.tree(log),
            keeper=self._keeper(),
        )

    def _keeper(self) -> Gatekeeper | None:
        """Give who asks the rings' gate, whose source counts what a test says, or fails with it."""
        gate = self.config.rings.gate if self.config.rings else None
        return Gatekeeper(gate=gate, source=lambda: _Source(self.counted), clock=self.clock) if gate else None

    def tree(self, log: ObjectStore | None = None) -> Tree:
        layout, origin = self.config.log_layout, self.config.log.origin
        return Tree(store=log or self.log, layout=layout, origin=origin, signer=self.signer, keys=self.keys)

    def order(self, channel: str) -> Order:
        """Give the log's newest word on a channel."""
        entry = self.slots().tail().state.channels[channel].entry
        return order_of(self.slots().read(entry), self.config.library.name)

    def events(self) -> list[Event]:
        """Read the whole log; it must be one chain."""
        slots = self.slots()
        return list(slots.events(first=0, size=slots.tail().size))

    def actions(self) -> list[str]:
        return [" ".join(filter(None, [e.action, e.version, e.channel])) for e in self.events()]

    def manifest(self, version: str) -> Manifest:
        return publishing.read_bundle(self.config, self.bundles[version])[0]

    def evidence(self, version: str) -> dict[Built, bytes]:
        """Give what build left about a version."""
        manifest = self.manifest(version)
        return {
            "sbom": sbom(manifest, None),
            "provenance": provenance(self.config, manifest, examples.PIPELINE),
        }

    def bundle(self, version: str) -> dict[str, bytes]:
        """Give a version's files without their manifest."""
        return {path: body for path, body in self.bundles[version].files.items() if path != MANIFEST}

    def held(self, folder: str) -> dict[str, bytes]:
        """Give what the site bucket holds of a version or a channel."""
        root = f"{self.config.layout.root}{folder}/"
        return {key.removeprefix(root): body for key, body in self.site.bodies().items() if key.startswith(root)}

    def pointer(self, channel: str) -> Pointer | None:
        key = self.config.layout.pointer(channel)
        body = self.site.bodies().get(key)
        return read_pointer(body, name=key) if body else None

    def differing(self, channel: str, *versions: str) -> set[str]:
        """Give the channel's keys whose bytes are not the same in all these versions, and the pointer's."""
        bundles = [self.bundle(version) for version in versions]
        paths = {path for path in bundles[-1] if len({bundle.get(path) for bundle in bundles}) > 1}
        return {self.config.layout.channel_file(channel, path) for path in paths} | {
            self.config.layout.pointer(channel)
        }

    def requests(self) -> int:
        return self.site.calls["any"] + self.log.calls["any"]

    # What the rest of the world does.

    def visit(self, channel: str) -> None:
        """Let customers ask for all that the channel ever served or will serve: the CDN keeps the answers."""
        paths = {path for version in self.bundles for path in self.bundle(version)}
        for key in [self.config.layout.pointer(channel), *(f"{self.config.layout.root}{channel}/{p}" for p in paths)]:
            self.fetch(f"/{key}")

    def expire(self) -> None:
        """Let the CDN forget everything, as time does in the end."""
        self._cached.clear()

    def fetch(self, path: str) -> Download:
        return self.public.fetch(path, encoding="identity", origin=verifying.ORIGIN, limit=LARGEST)

    def pages(self) -> dict[str, Page]:
        """Give all that a CDN without memory would serve, to be changed by a test."""
        return {f"/{key}": page for key in self.site.bodies() if (page := self._page(key))}

    def _edge(self, path: str) -> Page | None:
        purged = sum(path in invalidation.paths for invalidation in self.cdn.invalidations)
        known = self._cached.get(path)
        if known is None or known[0] < purged:
            known = self._cached[path] = (purged, self._page(path.removeprefix("/")))
        return known[1]

    def _page(self, key: str) -> Page | None:
        found = self.site.read(key, limit=1 << 30)
        if found is None:
            return None
        headers = found.info.headers
        return ({"content-type": headers.content_type, "cache-control": headers.cache_control}, found.body)


def every_fault(operation: str = "any") -> Iterator[Fault]:
    """Give one fault a request, before it and after it, without end: leave the loop when none strikes."""
    nth = 0
    while True:
        nth += 1
        yield Fault(nth=nth, when="before", operation=operation)
        yield Fault(nth=nth, when="after", operation=operation)
