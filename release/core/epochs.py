"""How one trust epoch follows another.

An epoch is signed by a threshold of its own trust keys and, but for the first, by a threshold of the trust
keys of the epoch before. Whoever knows the SHA-256 of the first epoch can therefore follow all later ones; that
digest is what release.toml and an auditor pin. The rules are those of TUF's root role:
https://theupdateframework.github.io/specification/latest/#key-management-and-migration
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from release.core import document, sshkey, sshsig
from release.core.epoch_policy import policy_of
from release.core.sshkey import SshError
from release.core.tlog import TlogError
from release.core.tlog.note import COSIGNATURE, ED25519, parse_vkey
from release.core.trust import AUTHOR, LARGEST, SignedTrust, Terms, Trust
from release.errors import LogError

NAMESPACE: Final = "release-trust"


@dataclass(frozen=True, slots=True)
class Known:
    """A verified epoch and the SHA-256 of its text."""

    trust: Trust
    sha256: str


def read_signed(body: bytes, *, name: str) -> tuple[SignedTrust, Trust]:
    """Read an epoch without believing it.

    Raises:
        LogError: it is malformed.
    """
    signed = document.decode(SignedTrust, body, name=name, limit=LARGEST, error=LogError)
    text = signed.trust.encode("utf-8", "surrogatepass")
    return signed, document.decode(Trust, text, name=name, limit=LARGEST, error=LogError)


def accept(body: bytes, *, before: Known | None, origin: str, name: str) -> Known:
    """Verify the epoch that follows `before` (None: the first).

    Raises:
        LogError: it is malformed, does not follow, makes no sense, or is not signed as it must be.
    """
    signed, trust = read_signed(body, name=name)
    place = (origin, before.trust.epoch + 1 if before else 0, before.sha256 if before else None)
    if (trust.origin, trust.epoch, trust.previous) != place:
        raise LogError(
            f"{name} does not follow the epoch before it",
            evidence={"must be": str(place), "is": str((trust.origin, trust.epoch, trust.previous))},
        )
    if before and trust.issued < before.trust.issued:
        raise LogError(f"{name} was issued before the epoch that it follows")
    for problem in problems(trust):
        raise LogError(f"{name}: {problem}")
    keys = signers(signed, name=name)
    for epoch in (before.trust, trust) if before else (trust,):
        if (count := len(approving(epoch, keys))) < epoch.terms.threshold:
            raise LogError(
                f"{name} is signed by {count} of the {epoch.terms.threshold} trust keys of epoch {epoch.epoch} it needs"
            )
    return Known(trust, hashlib.sha256(signed.trust.encode()).hexdigest())


def signers(signed: SignedTrust, *, name: str) -> list[sshkey.PublicKey]:
    """Verify all signatures of an epoch; gives the keys (LogError)."""
    try:
        return [sshsig.verify(s, signed.trust.encode(), namespace=NAMESPACE) for s in signed.signatures]
    except SshError as why:
        raise LogError(f"{name}: {why}") from why


def approving(trust: Trust, keys: Iterable[sshkey.PublicKey]) -> set[str]:
    """Give the people among an epoch's trust keys to whom these keys belong; revoked keys are nobody's."""
    fresh = {key.line for key in keys if key.fingerprint not in trust.terms.revoked}
    return {trusted.principal for trusted in trust.terms.trust_keys if trusted.key in fresh}


def problems(trust: Trust) -> Iterator[str]:
    """Say what makes no sense in an epoch: keys that are none, thresholds that nobody can meet."""
    terms = trust.terms
    if trust.expires <= trust.issued:
        yield "it expires before it is issued"
    if (trust.epoch == 0) is not (trust.previous is None):
        yield "only the first epoch follows none"
    approver_keys = [k.key for a in terms.approvers for k in a.keys]
    yield from _key_problems([t.key for t in terms.trust_keys])
    yield from _key_problems(approver_keys)
    if any(not re.fullmatch(AUTHOR, author, re.ASCII) for a in terms.approvers for author in a.authors):
        yield "an author is not named by an opaque id"
    names = [a.principal for a in terms.approvers]
    if len(set(names)) != len(names):
        yield "an approver is listed twice: give him several keys instead"
    yield from _threshold_problems(terms)
    yield from _vkey_problems(trust)


def _threshold_problems(terms: Terms) -> Iterator[str]:
    usable = {t.principal for t in terms.trust_keys if not _is_revoked(t.key, terms)}
    if len(usable) < terms.threshold:
        yield f"{terms.threshold} people must sign an epoch, {len(usable)} could"
    for needed in terms.thresholds:
        if (count := _count(terms, needed.roles)) < needed.approvals:
            yield f"channel {needed.channels} needs {needed.approvals} approvals, {count} people could give one"
    if terms.emergency and not _count(terms, terms.emergency.roles):
        yield "nobody has a role that may approve in an emergency"


def _count(terms: Terms, roles: Sequence[str]) -> int:
    able = (a for a in terms.approvers if any(not _is_revoked(k.key, terms) for k in a.keys))
    return sum(approver.role in roles for approver in able)


def _is_revoked(line: str, terms: Terms) -> bool:
    try:
        return sshkey.parse_line(line).fingerprint in terms.revoked
    except SshError:
        return True


def _key_problems(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        try:
            if sshkey.parse_line(line).line != line:
                yield f"the key {line[:40]!r}... has a comment or is not written in the one way"
        except SshError as why:
            yield f"the key {line[:40]!r}...: {why}"
    if len(set(lines)) != len(lines):
        yield "two people share a key"


def _vkey_problems(trust: Trust) -> Iterator[str]:
    terms = trust.terms
    for vkeys, kind in ((terms.log_keys, ED25519), (terms.witnesses, COSIGNATURE)):
        for vkey in vkeys:
            try:
                key = parse_vkey(vkey)
            except TlogError as why:
                yield f"{vkey[:60]!r}: {why}"
                continue
            if key.kind != kind:
                yield f"{vkey[:60]!r} is a key of another type"
            elif kind == ED25519 and key.name != trust.origin:
                yield f"{vkey[:60]!r} is a key of another log"
    for names in (terms.log_keys, terms.witnesses):
        if len(set(names)) != len(names):
            yield "a key is listed twice"
    if terms.quorum > len(terms.witnesses):
        yield f"a quorum of {terms.quorum} cannot be reached by {len(terms.witnesses)} witnesses"
    try:
        policy_of(trust)
    except TlogError as why:
        yield f"its keys are no policy: {why}"
