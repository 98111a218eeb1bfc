"""For an auditor: every release since the first trust epoch was approved, and every emergency reviewed.

Each approval is an anchor, too: its signers saw a checkpoint, and the log must continue it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from release.core import approved
from release.core.approval import LARGEST
from release.core.entry import TRUST_CHANGED, Event, State
from release.core.epochs import Known
from release.core.log_finding import Finding
from release.core.logtree import TreeFiles
from release.core.succession import overdue
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.trust import LARGEST as LARGEST_EPOCH
from release.errors import ReleaseError


@dataclass(kw_only=True, slots=True)
class ApprovalCheck:
    """One check. `pinned` is the SHA-256 of the first trust epoch, which the auditor knows from elsewhere.

    `anchors` are what the signers of valid approvals saw of the log, with who saw it.
    """

    files: TreeFiles
    pinned: str
    anchors: dict[Checkpoint, str] = field(default_factory=dict, init=False)
    _known: Sequence[Known] = field(default=(), init=False)

    def begin(self, origin: str) -> Iterator[Finding]:
        """Read the trust epochs of a log."""
        try:
            self._known = approved.read_epochs(
                lambda path: self.files.read(path, LARGEST_EPOCH),
                name=lambda number: f"trust/{number}.json",
                origin=origin,
            )
        except (ReleaseError, TlogError) as why:
            yield Finding(kind="approval", message=f"the trust epochs cannot be believed: {why}")
            return
        found = self._known[0].sha256 if self._known else "no epoch at all"
        if found != self.pinned:
            self._known = ()
            facts = (("named", self.pinned), ("found", found))
            yield Finding(kind="approval", message="the first trust epoch is not the one that was named", facts=facts)

    def entry(self, event: Event) -> Iterator[Finding]:
        """Judge one entry."""
        if self._known and event.action == TRUST_CHANGED:
            yield from self._announcement(event)
        if not self._known or not event.action.endswith(".authorized"):
            return
        if event.trust is None and event.occurred_at < self._known[0].trust.issued:
            return
        try:
            seen = approved.check(event, self._known, self._blob).seen
        except (ReleaseError, TlogError) as why:
            message = f"entry {event.index} ({event.action} {event.version} on {event.channel}) is not approved: {why}"
            yield Finding(kind="approval", message=message, index=event.index)
            return
        if seen is None:
            return
        names = " and ".join(approval.principal for approval in event.approvals)
        where = f"what {names} saw when approving entry {event.index}"
        if seen.size > event.index:
            message = f"{where} has {seen.size} entries: the entry was not there yet, and stands before some of them"
            yield Finding(kind="fork", message=message, index=event.index)
            return
        self.anchors.setdefault(seen.checkpoint(event.origin), where)

    def _announcement(self, event: Event) -> Iterator[Finding]:
        named = event.trust
        found = self._known[named.epoch].sha256 if named and named.epoch < len(self._known) else "no such epoch"
        if named is None or named.sha256 != found:
            facts = (("announced", named.sha256 if named else "nothing"), ("found", found))
            message = f"entry {event.index} announces a trust epoch that is not among the log's files"
            yield Finding(kind="approval", message=message, index=event.index, facts=facts)

    def end(self, state: State, now: datetime | None) -> Iterator[Finding]:
        """Say which epochs no entry announced, and which emergencies should have been reviewed by now."""
        for known in self._known[state.trust.epoch + 1 if state.trust else 0 :]:
            message = f"no entry announces trust epoch {known.trust.epoch}, which is among the log's files"
            yield Finding(kind="approval", message=message, facts=(("epoch", known.sha256),))
        for number in overdue(state.reviews, at=now) if now and self._known else ():
            message = f"entry {number}, approved in an emergency, was to be reviewed by {state.reviews[number]}"
            yield Finding(kind="approval", message=message, index=int(number))

    def _blob(self, sha256: str) -> bytes:
        return self.files.must(f"evidence/sha256/{sha256}", LARGEST)
