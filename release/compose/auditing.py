"""What an audit looks at: each area with the ports that it needs, all with the audit key."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from release.compose.library import Workspace
from release.core import changelog_check
from release.core.audit.finding import AREAS, Area, Finding, drift, soon, unjudged
from release.core.audit.said import Said
from release.core.audit.tags import about_tags
from release.core.audit.under_way import about_collections, about_outcomes
from release.core.config import Config
from release.core.handover import Order
from release.core.log_finding import Kind
from release.effects.history import require_whole_history
from release.effects.slots import Slots
from release.errors import EvidenceError, LogError, ReleaseError, VerificationError
from release.ports import Clock, Console, Folder, ObjectHistory, ObjectStore, PublicSite, Repository
from release.stages import inspect_keys
from release.stages import verify as verifying

if TYPE_CHECKING:
    from release.stages.audit import Look
    from release.stages.audit_log import Question
    from release.stages.audit_site import SiteAudit


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What an audit reaches. What is behind a call is opened when it is looked at: it may be out of reach."""

    config: Config
    clock: Clock
    console: Console
    project: Folder
    slots: Callable[[], Slots]
    site: Callable[[], ObjectStore]
    history: Callable[[str], ObjectHistory]
    public: Callable[[], PublicSite]
    repository: Callable[[], Repository]
    keys: Callable[[], inspect_keys.Report]


def reach(work: Workspace) -> Reach:
    """Give what an audit of a workspace reaches, with the audit key."""

    def keys() -> inspect_keys.Report:
        account = work.clients("audit").account()
        return inspect_keys.run(work.config, work.key_policies(account), work.key_directory(account), work.clock)

    return Reach(
        config=work.config,
        clock=work.clock,
        console=work.console,
        project=work.project,
        slots=lambda: work.slots("audit"),
        site=lambda: work.site("audit"),
        history=lambda bucket: work.history("audit", bucket),
        public=work.public,
        repository=work.repository,
        keys=keys,
    )


@dataclass(kw_only=True, slots=True)
class Audit:
    """One audit of a library.

    Args:
        reach: the library and what it is held against.
        grace: how long a step may be under way.
        newest: how many of the newest entries are looked at one by one; None for all, and for all versions at the CDN.
        errors: the error that each kind of a log verifier's findings amounts to.
    """

    reach: Reach
    grace: timedelta
    newest: int | None
    errors: Mapping[Kind, type[ReleaseError]]
    _said: Said = field(default_factory=Said)
    _now: datetime = field(init=False)
    _why_unknown: type[ReleaseError] = LogError

    def __post_init__(self) -> None:
        self._now = self.reach.clock.now()

    def looks(self, wanted: frozenset[Area]) -> "list[tuple[Area, Look]]":
        """Give each wanted area with how to look at it; the log comes with all that is held against it."""
        every: dict[Area, Look] = {
            "log": self._log,
            "objects": self._objects,
            "progress": self._progress,
            "trust": self._trust,
            "site": self._versions,
            "channels": self._channels,
            "cdn": self._cdn,
            "git": self._git,
            "changelog": self._changelog,
            "keys": self._keys,
        }
        needed = wanted if wanted <= {"keys"} else wanted | {"log"}
        return [(area, every[area]) for area in AREAS if area in needed]

    def _log(self) -> Iterator[Finding]:
        from release.stages import audit_log  # noqa: PLC0415 - loads the cryptography

        try:
            yield from audit_log.read(self.reach.slots(), self._question(), self._said, self.reach.console)
        except ReleaseError as why:
            self._why_unknown = type(why)
            raise

    def _objects(self) -> Iterator[Finding]:
        from release.stages import audit_log  # noqa: PLC0415 - loads the cryptography

        known, history = self._known(), self.reach.history(self.reach.config.log.bucket)
        yield from audit_log.look_at_objects(self.reach.slots(), history, self._question(), known)

    def _progress(self) -> Iterator[Finding]:
        yield from about_outcomes(self._known(), now=self._now, grace=self.grace)
        yield from about_collections(self._known(), now=self._now)

    def _trust(self) -> Iterator[Finding]:
        from release.stages import audit_log  # noqa: PLC0415 - loads the cryptography

        known = self._known()
        yield from audit_log.look_at_trust(self.reach.slots(), self._question(), known)

    def _versions(self) -> Iterator[Finding]:
        yield from self._site().versions(self.reach.console)

    def _channels(self) -> Iterator[Finding]:
        yield from self._site().channels()

    def _cdn(self) -> Iterator[Finding]:
        reach, said = self.reach, self._known()
        site = reach.public()
        served = set()
        for name, state in sorted(said.replay.state.channels.items()):
            order = self._order(name, state.version, state.manifest, state.entry)
            served.add(state.version)
            report = verifying.run(reach.config, order, site, reach.clock, reach.console, patience=0)
            moving = state.outcome == "authorized" and not self._is_late(name)
            for text in report.verification.findings:
                yield soon(f"{text}; it is being moved") if moving else drift(text, VerificationError)
        others = [version for version in said.published if version not in served]
        if self.newest is not None:
            if others:
                yield unjudged(f"the files of {len(others)} versions that no channel serves: --full loads them too")
            return
        for version in others:
            published = said.published[version]
            order = self._order("none", version, published.manifest, published.entry)
            for text in verifying.of_version(reach.config, order, site).verification.findings:
                yield drift(text, VerificationError)

    def _git(self) -> Iterator[Finding]:
        said = self._known()
        repository = self.reach.repository()
        require_whole_history(repository)
        yield from about_tags(
            said,
            repository.tags(),
            prefix=self.reach.config.library.tag_prefix,
            commit_time=repository.commit_time,
            now=self._now,
            grace=self.grace,
        )

    def _changelog(self) -> Iterator[Finding]:
        replay, name = self._known().replay, self.reach.config.library.changelog
        body = self.reach.project.read(name, limit=changelog_check.LARGEST)
        if body is None and not any(replay.changelogs.values()):
            yield unjudged(f"there is no {name}, and the log recorded nothing of one")
            return
        for finding in changelog_check.changelog_findings((body or b"").decode("utf-8", "replace"), replay):
            facts = "".join(f"; {title}: {fact}" for title, fact in finding.facts)
            yield drift(finding.message + facts, EvidenceError)

    def _keys(self) -> Iterator[Finding]:
        for finding in self.reach.keys().findings:
            yield drift(f"{finding}; next: {finding.remedy}")

    def _question(self) -> "Question":
        from release.stages.audit_log import Question  # noqa: PLC0415 - loads the cryptography

        return Question(
            config=self.reach.config,
            now=self._now,
            grace=self.grace,
            newest=self.newest,
            errors=self.errors,
        )

    def _site(self) -> "SiteAudit":
        from release.stages.audit_site import SiteAudit  # noqa: PLC0415 - only audits list versions

        return SiteAudit(
            config=self.reach.config,
            said=self._known(),
            slots=self.reach.slots(),
            site=self.reach.site(),
            history=self.reach.history(self.reach.config.site.bucket),
            now=self._now,
            grace=self.grace,
        )

    def _known(self) -> Said:
        if not self._said.size:
            raise self._why_unknown("the log could not be read, so that there is nothing to hold this against")
        return self._said

    def _is_late(self, channel: str) -> bool:
        event = self._said.authorised.get(channel)
        return event is None or datetime.fromisoformat(event.occurred_at) <= self._now - self.grace

    def _order(self, channel: str, version: str, manifest: str, entry: int) -> Order:
        return Order(
            kind="promote",
            library=self.reach.config.library.name,
            channel=channel,
            version=version,
            manifest=manifest,
            entry=entry,
        )
