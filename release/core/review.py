"""Whether a review of an emergency counts: signed by somebody who may approve such a release and did not approve it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from release.core.approval import REVIEW, Approval, Review, digest, merge, read_asked
from release.core.entry import Approved, Event, TrustReference
from release.core.epochs import Known
from release.core.permission import Grant
from release.core.signed_by import signed_by
from release.core.sshkey import SshError
from release.core.trust import Approver, Trust
from release.errors import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Emergency:
    """What of an entry that one person approved its review depends on."""

    origin: str
    component: str
    index: int
    leaf_hash: str
    channel: str
    approved_by: frozenset[str]

    @classmethod
    def of(cls, event: Event, leaf_hash: str) -> "Emergency":
        """Take it from the entry."""
        return cls(
            origin=event.origin,
            component=event.component,
            index=event.index,
            leaf_hash=leaf_hash,
            channel=event.channel or "",
            approved_by=frozenset(approved.principal for approved in event.approvals),
        )


def is_about(review: Review, emergency: Emergency) -> bool:
    """Tell whether a review is of this very entry."""
    named = (review.origin, review.component, review.entry, review.leaf_hash)
    return named == (emergency.origin, emergency.component, emergency.index, emergency.leaf_hash)


def review_of(given: Sequence[Approval], emergency: Emergency) -> Approval | None:
    """Choose the review of an entry among what a job was handed; signatures under one text count together."""
    found: Approval | None = None
    for approval in given:
        asked = read_asked(approval.request.encode(), name="the review")
        if isinstance(asked, Review) and is_about(asked, emergency):
            found = merge(found, approval) if found and found.request == approval.request else approval
    return found


def judge_review(known: Known, approval: Approval, emergency: Emergency, *, at: str) -> tuple[Review, Grant]:
    """Decide whether a review counts; gives it, and the permission to record it.

    Args:
        known: the trust epoch that decides.
        approval: the review and its signatures, hostile until now.
        emergency: what it must be about, from the log.
        at: when it is recorded.

    Raises:
        RefusedError: it does not; the message says why.
        FormatError: the review is malformed.
    """
    trust, review = known.trust, read_asked(approval.request.encode(), name="the review")
    if not isinstance(review, Review) or not is_about(review, emergency):
        raise _refused(emergency, "it is of something else")
    if not review.finding.strip():
        raise _refused(emergency, "it has no finding")
    if not trust.issued <= at < trust.expires:
        valid = f"trust epoch {trust.epoch} was in force from {trust.issued} to {trust.expires}"
        raise _refused(emergency, f"{valid}, not at {at}")
    if not approval.signatures:
        raise _refused(emergency, "nobody signed it")
    people = {armored: _reviewer(trust, approval, armored, emergency, at) for armored in approval.signatures}
    grant = Grant(
        approvals=tuple(
            Approved(principal=p.principal, role=p.role, request=digest(approval.request), approval=digest(armored))
            for armored, p in sorted(people.items(), key=lambda pair: pair[1].principal)
        ),
        trust=TrustReference(epoch=trust.epoch, sha256=known.sha256),
        serves=None,
        review_hours=None,
        evidence={digest(text): text.encode() for text in (approval.request, *approval.signatures)},
        seen=review.seen,
    )
    return review, grant


def _reviewer(trust: Trust, approval: Approval, armored: str, emergency: Emergency, at: str) -> Approver:
    try:
        found = signed_by(trust, approval.request, armored, namespace=REVIEW, at=at)
    except SshError as why:
        raise _refused(emergency, str(why)) from why
    for problem in unfit(trust, found, emergency):
        raise _refused(emergency, problem)
    return found


def unfit(trust: Trust, reviewer: Approver, emergency: Emergency) -> Iterator[str]:
    """Say why somebody may not review an emergency."""
    if reviewer.principal in emergency.approved_by:
        yield f"{reviewer.principal} approved it: one person cannot do both"
    roles = {role for needed in trust.thresholds_of(emergency.channel) for role in needed.roles}
    if reviewer.role not in roles:
        yield f"{reviewer.principal} ({reviewer.role}) may not approve releases to {emergency.channel}"


def _refused(emergency: Emergency, problem: str) -> RefusedError:
    return RefusedError(
        f"the review of entry {emergency.index} does not count: {problem}",
        hint=f"release request --review {emergency.index} --reason '...', then release approve, by another approver",
    )
