"""Review: what somebody other than its approver found when he looked at an emergency afterwards, for him to sign."""

from collections.abc import Iterator
from dataclasses import dataclass

from release.core.approval import REVIEW, Approval, Review, Seen, digest, read_request
from release.core.config import Config
from release.core.entry import Event
from release.core.review import Emergency, is_about, unfit
from release.core.signed_by import signed_by
from release.core.sshkey import SshError
from release.effects.log_view import LogView
from release.effects.slots import Slots
from release.effects.trusted import Trusted
from release.errors import ConfigError, RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What a reviewer decides on: the entry, why it was one person's, its review, and until when it is due."""

    review: Review
    sha256: str
    entry: Event
    reason: str
    due: str
    emergency: Emergency


def ask(config: Config, slots: Slots, view: LogView, index: int, finding: str) -> Review:
    """Write down what came out, for the reviewer to sign.

    Raises:
        RefusedError: the entry awaits no review.
        ConfigError: there is no finding.
    """
    if not finding.strip():
        raise ConfigError("a review needs a finding", hint="say what came out: --reason '...'")
    head = view.head().checkpoint
    _due(slots, index)
    return Review(
        origin=config.log.origin,
        component=config.library.name,
        entry=index,
        leaf_hash=slots.leaf_hash(index),
        finding=finding,
        seen=Seen(size=head.size, root=head.root.hex()),
    )


def look(trusted: Trusted, approval: Approval, review: Review) -> Looked:
    """Read the entry that a review is about, and the request that was approved.

    Raises:
        LogError: the evidence is missing.
        RefusedError: the review is about another log or entry, or the entry awaits none.
    """
    slots = trusted.slots
    entry, due = slots.read(review.entry), _due(slots, review.entry)
    emergency = Emergency.of(entry, slots.leaf_hash(review.entry))
    if not is_about(review, emergency):
        raise RefusedError(
            f"the review is of another entry {review.entry} than this log's",
            hint=f"write it again: release request --review {review.entry} --reason '...'",
        )
    request = read_request(trusted.of_entry(entry).request.encode(), name=f"the request of entry {entry.index}")
    return Looked(
        review=review,
        sha256=digest(approval.request),
        entry=entry,
        reason=request.reason or "",
        due=due,
        emergency=emergency,
    )


def signer(trusted: Trusted, looked: Looked, approval: Approval, armored: str, *, at: str) -> str:
    """Check a signature that was just made; gives whose it is.

    Raises:
        RefusedError: it is wrong, or whose it is may not review this.
    """
    if trusted.newest is None:
        raise RefusedError("this log has no trust epoch, so nobody can review", hint="release trust propose")
    trust = trusted.newest.trust
    try:
        found = signed_by(trust, approval.request, armored, namespace=REVIEW, at=at)
    except SshError as why:
        raise RefusedError(f"the signature is not taken: {why}", hint="release trust show lists who may") from why
    for problem in unfit(trust, found, looked.emergency):
        raise RefusedError(f"this review would not count: {problem}", hint="let another approver review it")
    return f"{found.principal} ({found.role})"


def lines(looked: Looked) -> Iterator[str]:
    """Say what a reviewer decides on."""
    entry = looked.entry
    people = ", ".join(f"{a.principal} ({a.role})" for a in entry.approvals)
    yield f"== review of log entry {entry.index}, an emergency: {entry.action} of {entry.version} on {entry.channel}"
    yield f"approved by {people} alone, at {entry.occurred_at}; the review is due until {looked.due}"
    yield f"because: {looked.reason}"
    yield f"what came out: {looked.review.finding}"
    yield f"review {looked.sha256}"


def _due(slots: Slots, index: int) -> str:
    due = slots.tail().state.reviews.get(str(index))
    if due is None:
        raise RefusedError(
            f"log entry {index} awaits no review", hint="it was no emergency, or is reviewed: release log list"
        )
    return due
