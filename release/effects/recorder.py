"""What appends to one library's release log, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from release.core.approval import Approval
from release.core.config import Config
from release.core.entry import Event
from release.core.pipeline import Pipeline
from release.core.slot import Invalid
from release.core.succession import Intent, Log, already, follow, restates
from release.effects.gate import Gatekeeper
from release.effects.growth import append
from release.effects.slots import Slots
from release.effects.tree import Tree
from release.ports import Clock, Repository


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The entry, and whether this run wrote it; an earlier run's entry is as good. A dry run writes none.

    `invalid` stands before it in the log and is no entry.
    """

    event: Event
    new: bool
    invalid: tuple[Invalid, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorder:
    """What every recording needs; what follows the pipeline matters only to what lets a channel move."""

    config: Config
    slots: Slots
    tree: Tree
    clock: Clock
    pipeline: Pipeline
    approvals: tuple[Approval, ...] = ()
    repository: Callable[[], Repository] | None = None
    keeper: Gatekeeper | None = None

    @property
    def log(self) -> Log:
        """What all entries of this log share."""
        return Log(
            origin=self.config.log.origin,
            component=self.config.library.name,
            channels=self.config.channels,
            pipeline=self.pipeline,
            rings=self.config.rings,
        )

    def append(self, intent: Intent, *, dry_run: bool) -> Report:
        """Append an event, or say what would be appended.

        Raises:
            RefusedError: a rule forbids it.
            LogError: the log is damaged.
            ServiceError: other jobs were first, too often.
        """
        if not dry_run:
            done = append(self.slots, self.tree, self.log, intent, clock=self.clock)
            return Report(event=done.event, new=done.new, invalid=done.invalid)
        tail = self.slots.tail()
        if (known := already(tail, intent)) is not None and restates(event := self.slots.read(known), intent):
            return Report(event=event, new=False, invalid=tail.invalid)
        event = follow(self.log, tail, intent, at=self.clock.now())
        return Report(event=event, new=False, invalid=tail.invalid)

    def again(self, event: Event, *, dry_run: bool) -> Report:
        """Report an entry that an earlier run wrote, and finish what that run left of the tree if it died."""
        if not dry_run:
            self.tree.repair()
        return Report(event=event, new=False)
