"""Whether an approval permits a step: the right people, enough of them, and not who wrote or runs it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from release.core.approval import NAMESPACE, Approval, Before, Direction, Request, Seen, before_of, digest, read_request
from release.core.entry import Approved, ChannelState, Origin, TrustReference
from release.core.epochs import Known
from release.core.signed_by import signed_by
from release.core.sshkey import SshError
from release.core.trust import Approver, Trust
from release.errors import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What is about to be recorded, or was. `authors` are those that the recording job found itself."""

    origin: str
    component: str
    action: Direction
    channel: str
    version: str
    manifest: str
    source: Origin | None
    serves: ChannelState | None
    actor: str | None
    authors: frozenset[str] = frozenset()
    at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """The permission for one step from what the channel `serves`.

    `seen` is what its approvers saw of the log, `evidence` are the blobs to keep, by SHA-256.
    """

    approvals: tuple[Approved, ...]
    trust: TrustReference
    serves: Before | None
    seen: Seen
    review_hours: int | None
    evidence: Mapping[str, bytes]

    @property
    def emergency(self) -> bool:
        """Whether one person approved in an emergency."""
        return self.review_hours is not None


def judge(known: Known, approval: Approval, step: Step) -> Grant:
    """Decide whether an approval permits a step.

    Args:
        known: the trust epoch that decides.
        approval: the request and its signatures, hostile until now.
        step: what is to be recorded, from the log and the bucket and not from the request.

    Raises:
        RefusedError: it does not; the message says why.
        FormatError: the request is malformed.
    """
    trust, request = known.trust, read_request(approval.request.encode(), name="the request")
    for problem in _mismatches(request, step):
        raise _refused(step, problem)
    if not trust.issued <= step.at < trust.expires:
        raise RefusedError(
            f"trust epoch {trust.epoch} was in force from {trust.issued} to {trust.expires}, not at {step.at}",
            hint="its keepers issue the next one: release trust propose",
        )
    approvers = {armored: _approver(trust, approval, armored, step) for armored in approval.signatures}
    _check_count(trust, request, step, {a.principal: a for a in approvers.values()})
    for approver in approvers.values():
        _check_separation(trust, request, step, approver)
    emergency = trust.terms.emergency if request.emergency else None
    texts = (approval.request, *approval.signatures)
    return Grant(
        approvals=tuple(
            Approved(principal=a.principal, role=a.role, request=digest(approval.request), approval=digest(armored))
            for armored, a in sorted(approvers.items(), key=lambda pair: pair[1].principal)
        ),
        trust=TrustReference(epoch=trust.epoch, sha256=known.sha256),
        serves=before_of(step.serves),
        seen=request.seen,
        review_hours=emergency.review_hours if emergency else None,
        evidence={digest(text): text.encode() for text in texts},
    )


def _mismatches(request: Request, step: Step) -> Iterator[str]:
    """Say in what the request is about another step than the one to be recorded."""
    for name in ("origin", "component", "channel"):
        if (asked := getattr(request, name)) != getattr(step, name):
            yield f"it is for {name} {asked}"
    if request.action == "promote" and step.action == "rollback":
        yield from _mismatches_of_way_back(request, step)
        return
    asked, wanted = (request.action, request.version, request.manifest), (step.action, step.version, step.manifest)
    if asked != wanted:
        yield f"it is for {request.action} of {request.version} (manifest {request.manifest[:12]}...)"
    if request.source != step.source:
        yield f"it is for another commit or tag of {request.version}"
    if request.before != before_of(step.serves):
        yield f"it is stale: it starts from {_said(request.before)}, the channel serves {_said(before_of(step.serves))}"
    if not request.not_before <= step.at <= request.expires:
        yield f"it is valid from {request.not_before} to {request.expires}, not at {step.at}"


def _mismatches_of_way_back(request: Request, step: Step) -> Iterator[str]:
    """The same for a rollback that was approved together with its promotion."""
    back, serves = request.before, step.serves
    if back is None or request.rollback_until is None:
        yield "it approves no way back"
    elif (back.version, back.manifest) != (step.version, step.manifest):
        yield f"it approves the way back to {back.version} only"
    elif serves is None or (serves.version, serves.manifest, serves.pointer_version) != (
        request.version,
        request.manifest,
        back.pointer_version + 1,
    ):
        yield f"it approves the way back from {request.version} only, once"
    elif not request.not_before <= step.at <= request.rollback_until:
        yield f"its way back is approved until {request.rollback_until}, not at {step.at}"


def _approver(trust: Trust, approval: Approval, armored: str, step: Step) -> Approver:
    """Verify one signature; gives whose it is."""
    try:
        return signed_by(trust, approval.request, armored, namespace=NAMESPACE, at=step.at)
    except SshError as why:
        raise _refused(step, str(why)) from why


def _check_count(trust: Trust, request: Request, step: Step, people: Mapping[str, Approver]) -> None:
    if request.emergency:
        allowed = trust.terms.emergency
        if allowed is None:
            raise _refused(step, f"trust epoch {trust.epoch} knows no emergencies")
        if not (request.reason or "").strip():
            raise _refused(step, "an emergency needs a reason")
        if not any(approver.role in allowed.roles for approver in people.values()):
            raise _refused(step, f"an emergency needs the approval of {' or '.join(allowed.roles)}")
        return
    thresholds = trust.thresholds_of(step.channel)
    if not thresholds:
        raise _refused(step, f"trust epoch {trust.epoch} does not say who approves for channel {step.channel}")
    for needed in thresholds:
        count = sum(approver.role in needed.roles for approver in people.values())
        if count < needed.approvals:
            roles = " or ".join(needed.roles)
            raise _refused(step, f"it has {count} of the {needed.approvals} approvals by {roles} that are needed")


def _check_separation(trust: Trust, request: Request, step: Step, approver: Approver) -> None:
    """Nobody approves what he wrote, or what he lets run. A way back brings only what was approved before."""
    if not trust.terms.separation or step.action == "rollback":
        return
    if step.actor is None:
        raise _refused(step, "no pipeline says who runs this, so nobody can tell whether it is the approver")
    if step.actor in approver.actors:
        raise _refused(step, f"{approver.principal} approves and runs it: one person cannot do both")
    if set(approver.authors) & {*request.authors, *step.authors}:
        raise _refused(step, f"{approver.principal} approves and wrote some of it: one person cannot do both")


def _said(before: Before | None) -> str:
    return f"{before.version} at pointer version {before.pointer_version}" if before else "nothing"


def _refused(step: Step, problem: str) -> RefusedError:
    return RefusedError(
        f"the approval does not permit {step.action} of {step.version} on {step.channel}: {problem}",
        hint=f"release request {step.channel} {step.version}, then release approve",
    )
