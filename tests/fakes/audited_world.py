"""A world that is audited: everything right, until a test does what should not happen."""

from datetime import timedelta
from typing import TYPE_CHECKING

from release.commands.log_verify import CHECKED
from release.compose.auditing import Audit, Reach
from release.core.audit.finding import AREAS, Area
from release.core.audit.versions import Lock
from release.core.config import Config
from release.errors import ReleaseError
from release.ports import ObjectHistory
from release.stages import audit as auditing
from release.stages import inspect_keys
from tests.fakes import examples
from tests.fakes.clock import MIDNIGHT
from tests.fakes.folder import InMemoryFolder
from tests.fakes.log_keys import log_signer
from tests.fakes.object_history import FakeHistory
from tests.fakes.scenario import CHANGELOG, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release.core.key_findings import Finding as KeyFinding

SIGNER = log_signer("log.example.com/tag")
LOCKED = Lock(mode="COMPLIANCE", until=MIDNIGHT + timedelta(days=60))
GRACE = timedelta(hours=4)


class AuditedWorld(World):
    """A world whose log is signed and locked.

    Attributes:
        site_history, log_history: where versions and locks are, for accidents.
        project: the working copy.
        wrong_keys: what an inspection of the keys finds, or the error that it ends with.
    """

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config or examples.config(log={"key": SIGNER.key.vkey, "lock-days": 30}))
        self.signer = SIGNER
        self.changelog = CHANGELOG
        self.site_history = FakeHistory(self.site)
        self.log_history = FakeHistory(self.log, lock=LOCKED)
        self.project = InMemoryFolder({"CHANGELOG.md": CHANGELOG.encode()})
        self.wrong_keys: Sequence[KeyFinding] | ReleaseError = ()

    def history(self, bucket: str) -> ObjectHistory:
        return self.log_history if bucket == self.config.log.bucket else self.site_history

    def inspect(self) -> inspect_keys.Report:
        if isinstance(self.wrong_keys, ReleaseError):
            raise self.wrong_keys
        return inspect_keys.Report(
            owner="tag", account="123456789012", identities="users", stages=(), findings=tuple(self.wrong_keys)
        )

    def lose(self, prefix: str) -> None:
        """Lose all objects of the site below a prefix."""
        for key in [key for key in self.site.bodies() if key.startswith(prefix)]:
            self.site.remove(key)

    def later(self, **time: float) -> None:
        """Let time pass."""
        self.clock.sleep(timedelta(**time).total_seconds())

    def audit(self, *only: Area, newest: int | None = 256) -> auditing.Report:
        """Audit all areas, or some."""
        reach = Reach(
            config=self.config,
            clock=self.clock,
            console=self.console,
            project=self.project,
            slots=self.slots,
            site=lambda: self.site,
            history=self.history,
            public=lambda: self.public,
            repository=lambda: self.repository,
            keys=self.inspect,
        )
        errors = {kind: error for kind, (_, error) in CHECKED.items()}
        made = Audit(reach=reach, grace=GRACE, newest=newest, errors=errors)
        return auditing.run(made.looks(frozenset(only or AREAS)), self.console)

    def found(self, *only: Area, newest: int | None = 256) -> dict[Area, list[str]]:
        """Give all drift by area, and why an area could not be looked at."""
        found = {}
        for area in self.audit(*only, newest=newest).areas:
            texts = [finding.what for finding in area.of("drift")]
            if area.unread:
                texts.append(f"unread: {area.unread.message}")
            if texts:
                found[area.area] = texts
        return found

    def soon(self) -> list[str]:
        return [finding.what for area in self.audit().areas for finding in area.of("soon")]


def audited() -> AuditedWorld:
    """Give a world with two versions, of which the newer is served, released a day ago."""
    world = AuditedWorld()
    world.release("1.0.0", "latest", "v1")
    world.release("1.1.0", "latest", "v1")
    world.later(days=1)
    written = MIDNIGHT
    world.site_history = FakeHistory(world.site, written=written)
    world.log_history = FakeHistory(world.log, written=written, lock=LOCKED)
    return world
