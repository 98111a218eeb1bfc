"""Trust: the next epoch from what its keepers wrote, their signatures, and its place in the log bucket."""

import difflib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from release.core import document, epochs, sshsig
from release.core.approval import stamp
from release.core.caching import LOG
from release.core.config import Config
from release.core.epochs import NAMESPACE, Known
from release.core.shape import camel, plain
from release.core.sshkey import SshError
from release.core.trust import SignedTrust, Trust
from release.core.trust_file import Draft
from release.effects.slots import Slots
from release.errors import ConfigError, RefusedError
from release.ports import Clock


def propose(config: Config, clock: Clock, known: Sequence[Known], draft: Draft) -> SignedTrust:
    """Write the epoch that would follow, for its keepers to sign. Without log keys it lists those of release.toml.

    Raises:
        ConfigError: it makes no sense, such as a threshold that nobody can meet.
    """
    before, now = (known[-1] if known else None), clock.now()
    terms = draft.terms(config.log.origin)
    trust = Trust(
        origin=config.log.origin,
        epoch=before.trust.epoch + 1 if before else 0,
        previous=before.sha256 if before else None,
        issued=stamp(now),
        expires=stamp(now + timedelta(days=draft.expires_days)),
        terms=replace(terms, log_keys=terms.log_keys or _log_keys(config)),
    )
    if problems := list(epochs.problems(trust)):
        raise ConfigError("the epoch makes no sense\n  " + "\n  ".join(problems))
    return SignedTrust(trust=document.encode(trust).decode())


def difference(known: Sequence[Known], trust: Trust) -> list[str]:
    """Show what an epoch changes, as a unified difference of its terms."""
    old = _lines(known[-1].trust) if known else []
    return list(difflib.unified_diff(old, _lines(trust), "in force", f"epoch {trust.epoch}", lineterm="", n=2))


def add(known: Sequence[Known], signed: SignedTrust, armored: str, *, name: str) -> tuple[SignedTrust, str]:
    """Add a keeper's signature; gives also whose it is.

    Raises:
        RefusedError: it is no signature of a keeper, old or new.
        LogError: the epoch is malformed.
    """
    _, trust = epochs.read_signed(document.encode(signed), name=name)
    try:
        key = sshsig.verify(armored, signed.trust.encode(), namespace=NAMESPACE)
    except SshError as why:
        raise RefusedError(f"the signature that ssh-keygen made is not taken: {why}") from why
    keepers = [epochs.approving(epoch, [key]) for epoch in (trust, *(k.trust for k in known[-1:]))]
    if not any(keepers):
        raise RefusedError(f"{key.fingerprint} is no trust key of epoch {trust.epoch}, nor of the one before")
    more = tuple(dict.fromkeys((*signed.signatures, armored)))
    return replace(signed, signatures=more), ", ".join(sorted(set().union(*keepers)))


def apply(config: Config, slots: Slots, known: Sequence[Known], signed: SignedTrust, *, dry_run: bool) -> Known:
    """Put an epoch into the log bucket, once enough of its keepers signed it. It stays there for ever.

    Raises:
        LogError: it does not follow the newest one, or is not signed as it must be.
        RefusedError: somebody put up another one first.
    """
    body = document.encode(signed)
    _, trust = epochs.read_signed(body, name="the epoch")
    if trust.epoch < len(known) and known[trust.epoch].sha256 == hashlib.sha256(signed.trust.encode()).hexdigest():
        return known[trust.epoch]
    before = known[-1] if known else None
    made = epochs.accept(body, before=before, origin=config.log.origin, name="the epoch")
    key = slots.layout.epoch(trust.epoch)
    if not dry_run and not slots.store.create(key, body, LOG):
        raise RefusedError(f"{key} is taken: somebody put up another epoch first", hint="release trust show")
    return made


def _log_keys(config: Config) -> tuple[str, ...]:
    return (config.log.key, *(one.key for one in config.log.retired if one.entries is None))


def _lines(trust: Trust) -> list[str]:
    return json.dumps(plain(trust.terms, naming=camel), indent=2, ensure_ascii=False).splitlines()
