"""Who may approve what: the trust epochs, `trust/<epoch>.json` in the log bucket.

How one follows another is the matter of `core.epochs`.
"""

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal

from release.core import sshkey, sshsig
from release.core.manifest import SHA256
from release.core.shape import rule

LARGEST: Final = 256 * 1024
MOST_EPOCHS: Final = 1000
TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
AUTHOR: Final = r"a:[0-9a-f]{32}"

PRINCIPAL: Final = {"pattern": r"[a-z0-9][a-z0-9._-]{0,63}", "means": "a name of a-z, 0-9, '.', '_' and '-'"}
ROLE: Final = {"pattern": r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", "means": "a role such as CTO"}
_KEY = {"longest": 1500}
_TIME = {"pattern": TIME, "means": "a time such as 2026-11-24T00:12:33Z"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustKey:
    """A key that may sign epochs, and whose it is."""

    principal: str = rule(**PRINCIPAL)
    key: str = rule(**_KEY)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApproverKey:
    """An SSH public key, and from when until when it may approve."""

    key: str = rule(**_KEY)
    valid_after: str | None = rule(None, **_TIME)
    valid_before: str | None = rule(None, **_TIME)


@dataclass(frozen=True, kw_only=True, slots=True)
class Approver:
    """Somebody who may approve. `actors` are his ids as a pipeline's actor, `authors` as an author of commits."""

    principal: str = rule(**PRINCIPAL)
    role: str = rule(**ROLE)
    keys: tuple[ApproverKey, ...] = rule(minimum=1, most=20)
    actors: tuple[str, ...] = rule((), most=20, longest=128)
    authors: tuple[str, ...] = rule((), most=50, longest=320)


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """How many people of which roles must approve a release to these channels; `*` stands for anything."""

    channels: str = rule(pattern=r"[a-z0-9.*-]{1,48}", means="a channel's name, perhaps with *")
    approvals: int = rule(minimum=1, maximum=10)
    roles: tuple[str, ...] = rule(minimum=1, most=20, **ROLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Emergency:
    """Who may approve alone, and within how many hours that must be reviewed."""

    roles: tuple[str, ...] = rule(minimum=1, most=20, **ROLE)
    review_hours: int = rule(48, minimum=1, maximum=720)


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What an epoch lays down. All thresholds that match a channel must be met; none that matches: refused."""

    trust_keys: tuple[TrustKey, ...] = rule(minimum=1, most=20)
    threshold: int = rule(minimum=1, maximum=20)
    approvers: tuple[Approver, ...] = rule(minimum=1, most=200)
    thresholds: tuple[Threshold, ...] = rule(minimum=1, most=50)
    revoked: tuple[str, ...] = rule((), pattern=r"SHA256:[A-Za-z0-9+/]{43}", means="a fingerprint of ssh-keygen -l")
    separation: bool = True
    emergency: Emergency | None = None
    log_keys: tuple[str, ...] = rule((), most=20, **_KEY)
    witnesses: tuple[str, ...] = rule((), most=20, **_KEY)
    quorum: int = rule(0, minimum=0, maximum=20)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """One epoch. `previous` is the SHA-256 of the epoch before."""

    type_: Literal["release-trust/v1"] = rule("release-trust/v1", required=True)
    origin: str = rule(longest=200)
    epoch: int = rule(minimum=0, maximum=MOST_EPOCHS - 1)
    previous: str | None = rule(None, pattern=SHA256, means="a SHA-256 in hex")
    issued: str = rule(**_TIME)
    expires: str = rule(**_TIME)
    terms: Terms

    def approver(self, key: sshkey.PublicKey) -> tuple[Approver, ApproverKey] | None:
        """Find whose key this is."""
        found = ((a, k) for a in self.terms.approvers for k in a.keys if k.key == key.line)
        return next(found, None)

    def thresholds_of(self, channel: str) -> list[Threshold]:
        """Give all thresholds that a release to a channel must meet."""
        return [t for t in self.terms.thresholds if fnmatchcase(channel, t.channels)]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedTrust:
    """`trust/<epoch>.json`: the epoch as the text that was signed, and armored SSH signatures over it."""

    type_: Literal["release-trust-signed/v1"] = rule("release-trust-signed/v1", required=True)
    trust: str = rule(longest=LARGEST)
    signatures: tuple[str, ...] = rule((), most=40, longest=sshsig.LARGEST)


def author_id(origin: str, email: str) -> str:
    """Give the opaque id of a commit's author: an epoch can never be erased, so it names nobody's address."""
    whose = f"{origin}\n{email.strip().lower()}"
    return f"a:{hashlib.sha256(whose.encode()).hexdigest()[:32]}"
