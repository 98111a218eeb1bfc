"""Whether an entry of the log was approved: from the entry, the trust epochs and the evidence, and nothing else."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from release.core import epochs, permission
from release.core.approval import Approval
from release.core.entry import Event
from release.core.epochs import Known
from release.core.permission import Grant, Step
from release.core.review import Emergency, judge_review
from release.core.trust import MOST_EPOCHS
from release.errors import LogError, RefusedError


def read_epochs(read: Callable[[str], bytes | None], *, name: Callable[[int], str], origin: str) -> list[Known]:
    """Read and verify all trust epochs: each follows the one before, the first is its own witness.

    Args:
        read: gives a file of the log bucket, None if there certainly is none.
        name: gives the file of an epoch.
        origin: of the log.

    Raises:
        LogError: one is malformed, or not signed as it must be.
    """
    found: list[Known] = []
    for number in range(MOST_EPOCHS):
        body = read(name(number))
        if body is None:
            break
        found.append(epochs.accept(body, before=found[-1] if found else None, origin=origin, name=name(number)))
    return found


def approval_of(event: Event, blob: Callable[[str], bytes]) -> Approval:
    """Put an entry's approval together again; `blob` gives evidence by its SHA-256.

    Raises:
        LogError: it is not what the entry names.
    """
    requests = {approved.request for approved in event.approvals}
    if len(requests) != 1:
        raise LogError(f"log entry {event.index} has approvals of {len(requests)} requests, there must be one")

    def text(sha256: str) -> str:
        body = blob(sha256)
        if hashlib.sha256(body).hexdigest() != sha256:
            raise LogError(f"evidence {sha256} holds other bytes than its name says", hint="compare with the replica")
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError as why:
            raise LogError(f"evidence {sha256} is no text") from why

    signatures = tuple(text(approved.approval) for approved in event.approvals)
    return Approval(request=text(requests.pop()), signatures=signatures)


def check(event: Event, known: Sequence[Known], blob: Callable[[str], bytes], *, revoked: Sequence[str] = ()) -> Grant:
    """Prove that an authorising entry was approved; gives the permission that it had.

    Args:
        event: the entry.
        known: all trust epochs.
        blob: gives evidence by its SHA-256.
        revoked: fingerprints that do not count, besides those of the entry's own epoch.

    Raises:
        RefusedError: it was not approved, or not by the right people.
        LogError: the evidence is missing, or the entry says something else than it.
    """
    if event.trust is None or not event.approvals:
        raise RefusedError(
            f"log entry {event.index} was authorised without an approval",
            hint=f"release request {event.channel} {event.version}, approve it, and record it again",
        )
    own = _epoch_of(event, known)
    terms = replace(own.trust.terms, revoked=(*own.trust.terms.revoked, *revoked))
    strict = Known(replace(own.trust, terms=terms), own.sha256)
    grant = permission.judge(strict, approval_of(event, blob), step_of(event))
    if (grant.approvals, grant.emergency) != (event.approvals, event.emergency):
        raise LogError(f"log entry {event.index} says something else about its approval than the evidence")
    return grant


def check_review(event: Event, emergency: Emergency, known: Sequence[Known], blob: Callable[[str], bytes]) -> Grant:
    """Prove that a review was signed by somebody who may; gives the permission that it had.

    Raises:
        RefusedError: it was not.
        LogError: the evidence is missing, or the entry says something else than it.
    """
    if event.trust is None or not event.approvals:
        raise RefusedError(f"log entry {event.index} is a review that nobody signed")
    own = _epoch_of(event, known)
    review, grant = judge_review(own, approval_of(event, blob), emergency, at=event.occurred_at)
    if (grant.approvals, review.finding) != (event.approvals, event.reason):
        raise LogError(f"log entry {event.index} says something else about its review than the evidence")
    return grant


def _epoch_of(event: Event, known: Sequence[Known]) -> Known:
    named, force = event.trust, event.after.trust
    own = next((k for k in known if named and k.trust.epoch == named.epoch), None)
    if own is None or named is None or own.sha256 != named.sha256:
        raise LogError(f"log entry {event.index} was approved by a trust epoch that is not in the log bucket")
    if force is None or (force.epoch, force.sha256) != (named.epoch, named.sha256):
        raise LogError(f"log entry {event.index} was judged by another trust epoch than the one in force")
    return own


def step_of(event: Event) -> Step:
    """Give the step that an authorising entry recorded."""
    return Step(
        origin=event.origin,
        component=event.component,
        action="rollback" if event.action == "rollback.authorized" else "promote",
        channel=event.channel or "",
        version=event.version,
        manifest=event.manifest,
        source=event.source,
        serves=event.before,
        actor=event.pipeline.actor,
        at=event.occurred_at,
    )
