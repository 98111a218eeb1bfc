"""Approvals: what somebody is asked to approve, and his signature under it. Whether it counts: core.permission.

A request is canonical JSON; an approval is that text with armored SSH signatures over it. The request binds the
exact step: the manifest, and the pointer version from which it starts. Each pointer version of a channel is used
once, so an approval can be used once.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from release.core import document, sshsig
from release.core.entry import ChannelState, Origin
from release.core.layout import CHANNEL, LARGEST_SLOT, LIBRARY, VERSION
from release.core.manifest import SHA256
from release.core.shape import rule
from release.core.tlog.checkpoint import Checkpoint
from release.core.trust import AUTHOR, TIME
from release.errors import FormatError

NAMESPACE: Final = "release-approval"
REVIEW: Final = "release-review"
"""The namespace of a review's signature: whoever reviews an emergency approves nothing."""
LARGEST: Final = 64 * 1024
Direction = Literal["promote", "rollback"]

_TIME: Final = {"pattern": TIME, "means": "a time such as 2026-11-24T00:12:33Z"}
_DIGEST: Final = {"pattern": SHA256, "means": "a SHA-256 in hex"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """What the channel serves before the step."""

    version: str = rule(pattern=VERSION, means="a version")
    manifest: str = rule(**_DIGEST)
    pointer_version: int = rule(minimum=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """The log's checkpoint that was verified when the request was made: every approval is an anchor of the log."""

    size: int = rule(minimum=1)
    root: str = rule(**_DIGEST)

    def checkpoint(self, origin: str) -> Checkpoint:
        """Give it as the log's."""
        return Checkpoint(origin, self.size, bytes.fromhex(self.root))


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is to be approved. With `rollback_until`, the way back to `before` is approved with it, until then.

    `authors` are the opaque ids of who wrote the commits between the two versions.
    """

    type_: Literal["release-request/v1"] = rule("release-request/v1", required=True)
    origin: str = rule(longest=200)
    action: Direction
    component: str = rule(pattern=LIBRARY, means="a library's name")
    channel: str = rule(pattern=CHANNEL, means="a channel's name")
    version: str = rule(pattern=VERSION, means="a version")
    manifest: str = rule(**_DIGEST)
    source: Origin | None = None
    before: Before | None = None
    seen: Seen
    authors: tuple[str, ...] = rule((), most=500, pattern=AUTHOR, means="an author's opaque id")
    emergency: bool = False
    reason: str | None = rule(None, longest=2000)
    nonce: str = rule(pattern=r"[0-9a-f]{32}", means="32 hex digits")
    not_before: str = rule(**_TIME)
    expires: str = rule(**_TIME)
    rollback_until: str | None = rule(None, **_TIME)


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """What came out when an emergency was looked at. Who looked at it is who signs this."""

    type_: Literal["release-review/v1"] = rule("release-review/v1", required=True)
    origin: str = rule(longest=200)
    component: str = rule(pattern=LIBRARY, means="a library's name")
    entry: int = rule(minimum=0, maximum=LARGEST_SLOT, doc="The log entry that one person approved.")
    leaf_hash: str = rule(**_DIGEST)
    finding: str = rule(longest=2000)
    seen: Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """The request as the text that was signed, and the signatures."""

    type_: Literal["release-approval/v1"] = rule("release-approval/v1", required=True)
    request: str = rule(longest=LARGEST)
    signatures: tuple[str, ...] = rule((), most=10, longest=sshsig.LARGEST)


def stamp(at: datetime) -> str:
    """Write a time as documents do. Such times sort as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_request(body: bytes, *, name: str) -> Request:
    """Read a request (FormatError)."""
    return document.decode(Request, body, name=name, limit=LARGEST)


def read_asked(body: bytes, *, name: str) -> Request | Review:
    """Read what somebody is asked to sign (FormatError)."""
    try:
        value = document.parse(body, limit=LARGEST)
    except ValueError:
        value = None
    if isinstance(value, dict) and value.get("type") == "release-review/v1":
        return document.decode(Review, body, name=name, limit=LARGEST)
    return read_request(body, name=name)


def read_approval(body: bytes, *, name: str) -> tuple[Approval, Request | Review]:
    """Read an approval, or a signed review, without believing it (FormatError)."""
    approval = document.decode(Approval, body, name=name, limit=LARGEST)
    return approval, read_asked(approval.request.encode("utf-8", "surrogatepass"), name=name)


def digest(text: str) -> str:
    """Give the SHA-256 (hex) by which evidence is found."""
    return hashlib.sha256(text.encode()).hexdigest()


def before_of(state: ChannelState | None) -> Before | None:
    """Give what a channel serves as requests say it."""
    if state is None:
        return None
    return Before(version=state.version, manifest=state.manifest, pointer_version=state.pointer_version)


def merge(first: Approval, second: Approval) -> Approval:
    """Put the signatures of two approvals of one request together.

    Raises:
        FormatError: they are of different requests.
    """
    if first.request != second.request:
        raise FormatError("the two approvals are of different requests")
    return Approval(request=first.request, signatures=tuple(dict.fromkeys((*first.signatures, *second.signatures))))
