"""For an auditor: every release since the first trust epoch was approved, and every emergency reviewed.

Each approval is an anchor, too: its signers saw a checkpoint, and the log must continue it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from release.core import approved
from release.core.approval import LARGEST, Seen, stamp
from release.core.entry import TRUST_CHANGED, Event, State
from release.core.epochs import Known
from release.core.log_finding import Finding
from release.core.logtree import TreeFiles
from release.core.permission import Grant
from release.core.review import Emergency
from release.core.succession import overdue
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.errors import ReleaseError


@dataclass(kw_only=True, slots=True)
class ApprovalCheck:
    """One check. `known` are the verified trust epochs; none: nothing is judged.

    `anchors` are what the signers of valid approvals saw of the log, with who saw it.
    """

    files: TreeFiles
    known: Sequence[Known]
    anchors: dict[Checkpoint, str] = field(default_factory=dict, init=False)
    _emergencies: dict[int, Emergency] = field(default_factory=dict, init=False)

    def entry(self, event: Event, leaf_hash: str) -> Iterator[Finding]:
        """Judge one entry."""
        if not self.known:
            return
        if event.action == TRUST_CHANGED:
            yield from self._announcement(event)
        elif event.action == "review.completed":
            yield from self._review(event)
        elif event.action.endswith(".authorized"):
            if event.emergency:
                self._emergencies[event.index] = Emergency.of(event, leaf_hash)
            if event.trust is not None or event.occurred_at >= self.known[0].trust.issued:
                yield from self._authorisation(event)

    def _authorisation(self, event: Event) -> Iterator[Finding]:
        try:
            grant = approved.check(event, self.known, self._blob)
        except (ReleaseError, TlogError) as why:
            message = f"entry {event.index} ({event.action} {event.version} on {event.channel}) is not approved: {why}"
            yield Finding(kind="approval", message=message, index=event.index)
            return
        yield from self._deadline(event, grant)
        yield from self._anchor(event, grant.seen, "approving")

    def _deadline(self, event: Event, grant: Grant) -> Iterator[Finding]:
        """Judge until when an emergency may go without a review: the epoch says it, and not the entry."""
        said = event.after.reviews.get(str(event.index))
        at = datetime.fromisoformat(event.occurred_at)
        due = None if grant.review_hours is None else stamp(at + timedelta(hours=grant.review_hours))
        if due is not None and said != due:
            message = f"entry {event.index} was an emergency, and is not to be reviewed by the time that its epoch sets"
            yield Finding(
                kind="approval", message=message, index=event.index, facts=(("set", due), ("said", said or "never"))
            )

    def _review(self, event: Event) -> Iterator[Finding]:
        emergency = self._emergencies.pop(-1 if event.outcome_of is None else event.outcome_of, None)
        if emergency is None:
            return  # that it awaits no review is a broken rule, which the replay finds
        try:
            grant = approved.check_review(event, emergency, self.known, self._blob)
        except (ReleaseError, TlogError) as why:
            message = f"entry {event.index} does not review entry {event.outcome_of}: {why}"
            yield Finding(kind="approval", message=message, index=event.index)
            return
        yield from self._anchor(event, grant.seen, "reviewing")

    def _anchor(self, event: Event, seen: Seen, doing: str) -> Iterator[Finding]:
        names = " and ".join(approval.principal for approval in event.approvals)
        where = f"what {names} saw when {doing} entry {event.index}"
        if seen.size > event.index:
            message = f"{where} has {seen.size} entries: the entry was not there yet, and stands before some of them"
            yield Finding(kind="fork", message=message, index=event.index)
            return
        self.anchors.setdefault(seen.checkpoint(event.origin), where)

    def _announcement(self, event: Event) -> Iterator[Finding]:
        named = event.trust
        found = self.known[named.epoch].sha256 if named and named.epoch < len(self.known) else "no such epoch"
        if named is None or named.sha256 != found:
            facts = (("announced", named.sha256 if named else "nothing"), ("found", found))
            message = f"entry {event.index} announces a trust epoch that is not among the log's files"
            yield Finding(kind="approval", message=message, index=event.index, facts=facts)

    def end(self, state: State, now: datetime | None) -> Iterator[Finding]:
        """Say which epochs no entry announced, and which emergencies should have been reviewed by now."""
        for known in self.known[state.trust.epoch + 1 if state.trust else 0 :]:
            message = f"no entry announces trust epoch {known.trust.epoch}, which is among the log's files"
            yield Finding(kind="approval", message=message, facts=(("epoch", known.sha256),))
        for number in overdue(state.reviews, at=now) if now and self.known else ():
            message = f"entry {number}, approved in an emergency, was to be reviewed by {state.reviews[number]}"
            yield Finding(kind="approval", message=message, index=int(number))

    def _blob(self, sha256: str) -> bytes:
        return self.files.must(f"evidence/sha256/{sha256}", LARGEST)
