"""The people of the tests, what they are trusted with, and what they approve."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from release.core import document, epochs
from release.core.approval import NAMESPACE, REVIEW, Approval, Before, Request, Review, Seen
from release.core.entry import ChannelState, Origin
from release.core.epochs import Known
from release.core.permission import Step
from release.core.trust import (
    Approver,
    ApproverKey,
    Emergency,
    SignedTrust,
    Terms,
    Threshold,
    Trust,
    TrustKey,
    author_id,
)
from tests.fakes import examples
from tests.fakes.ssh import SshKey

ORIGIN: Final = "log.example.com/tag"
NOW: Final = "2026-11-24T12:00:00Z"


def key(name: str) -> SshKey:
    """Give a person's key: `cto`, or another one of his as `cto/2`."""
    return SshKey(name)


def approver(principal: str, role: str, *keys: ApproverKey, **changes: Any) -> Approver:  # noqa: ANN401 - any field
    """Say that somebody may approve, by default with his one key; he pushes and writes under his own name."""
    whole = Approver(
        principal=principal,
        role=role,
        keys=keys or (ApproverKey(key=key(principal).line),),
        actors=(f"u:{principal}",),
        authors=(author_id(ORIGIN, f"{principal}@example.com"),),
    )
    return dataclasses.replace(whole, **changes)


def terms(**changes: Any) -> Terms:  # noqa: ANN401 - any field
    """Let a CTO or lead approve, both for latest; the CTO alone in an emergency. Two of three keepers sign epochs."""
    whole = Terms(
        trust_keys=tuple(TrustKey(principal=p, key=key(p).line) for p in ("ann", "bob", "cyd")),
        threshold=2,
        approvers=(approver("cto", "CTO"), approver("lead", "lead"), approver("dev", "developer")),
        thresholds=(
            Threshold(channels="*", approvals=1, roles=("CTO", "lead")),
            Threshold(channels="latest", approvals=2, roles=("CTO", "lead")),
        ),
        emergency=Emergency(roles=("CTO",)),
    )
    return dataclasses.replace(whole, **changes)


def trust(before: Known | None = None, **changes: Any) -> Trust:  # noqa: ANN401 - any field
    """Give the epoch after `before`, or the first."""
    whole = Trust(
        origin=ORIGIN,
        epoch=before.trust.epoch + 1 if before else 0,
        previous=before.sha256 if before else None,
        issued=before.trust.issued if before else "2026-11-01T00:00:00Z",
        expires="2027-11-01T00:00:00Z",
        terms=terms(),
    )
    return dataclasses.replace(whole, **changes)


def signed(epoch: Trust, *who: str) -> bytes:
    """Let keepers sign an epoch; gives the object of the log bucket."""
    text = document.encode(epoch)
    names = who or ("ann", "bob")
    return document.encode(
        SignedTrust(trust=text.decode(), signatures=tuple(key(n).sign(text, epochs.NAMESPACE) for n in names))
    )


def known(epoch: Trust | None = None, *, before: Known | None = None, by: Sequence[str] = ()) -> Known:
    """Give a verified epoch, by default the first."""
    return epochs.accept(signed(epoch or trust(before), *by), before=before, origin=ORIGIN, name="trust/0.json")


SERVES: Final = ChannelState(
    version="1.4.1", manifest="8" * 64, pointer_version=4, entry=5, outcome="completed", concluded=6
)


def step(**changes: Any) -> Step:  # noqa: ANN401 - any field
    """Give the step from 1.4.1 to 1.4.2 on channel v1, in a pipeline that a developer started."""
    whole = Step(
        origin=ORIGIN,
        component="tag",
        action="promote",
        channel="v1",
        version="1.4.2",
        manifest=examples.DIGEST,
        source=Origin(commit=examples.COMMIT, tag="v1.4.2"),
        serves=SERVES,
        actor="u:dev",
        at=NOW,
    )
    return dataclasses.replace(whole, **changes)


def request(**changes: Any) -> Request:  # noqa: ANN401 - any field
    """Ask for exactly that step."""
    whole = Request(
        origin=ORIGIN,
        action="promote",
        component="tag",
        channel="v1",
        version="1.4.2",
        manifest=examples.DIGEST,
        source=Origin(commit=examples.COMMIT, tag="v1.4.2"),
        before=Before(version="1.4.1", manifest="8" * 64, pointer_version=4),
        seen=Seen(size=7, root="b" * 64),
        authors=(author_id(ORIGIN, "dev@example.com"),),
        nonce="c" * 32,
        not_before="2026-11-24T11:00:00Z",
        expires="2026-11-25T11:00:00Z",
    )
    return dataclasses.replace(whole, **changes)


def reviewed(asked: Review, *, by: Sequence[str | SshKey] = ("lead",), namespace: str = REVIEW) -> Approval:
    """Let people sign a review."""
    text = document.encode(asked)
    keys = [key(who) if isinstance(who, str) else who for who in by]
    return Approval(request=text.decode(), signatures=tuple(k.sign(text, namespace) for k in keys))


def approval(asked: Request | None = None, *, by: Sequence[str | SshKey] = ("cto",)) -> Approval:
    """Let people approve a request, each by his name or with a key."""
    text = document.encode(asked or request())
    keys = [key(who) if isinstance(who, str) else who for who in by]
    return Approval(request=text.decode(), signatures=tuple(k.sign(text, NAMESPACE) for k in keys))
