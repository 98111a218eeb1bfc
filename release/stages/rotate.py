"""Rotate: give a stage's jobs a new key, and retire the old one. The rotate key does this and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from release.core.approval import stamp
from release.core.handover import Rotated
from release.core.identities import Identities
from release.core.rotation import Plan
from release.errors import CredentialError, RefusedError, ServiceError
from release.ports import Clock, Console, KeyProof, KeyVault, RotatingKeys

_TRIES: Final = 24
_PAUSE: Final = 5.0
# IAM is eventually consistent: one good answer may come from a place that is ahead of the others.
_IN_A_ROW: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotator:
    """What a rotation works with."""

    owned: Identities
    keys: RotatingKeys
    vault: KeyVault
    proof: KeyProof
    clock: Clock
    console: Console


def run(rotator: Rotator, plan: Plan, note: Callable[[Rotated], None]) -> Rotated | None:
    """Carry out a plan. The stored key works at every moment; a second run finishes a first that was cut off.

    Args:
        rotator: what to work with.
        plan: for one stage.
        note: keeps what was done, before the old key is disabled.

    Raises:
        CredentialError: the new key never worked; it is deleted again.
        RefusedError: it is not the stage's; it is deleted again. Or another run stored its own key meanwhile.
    """
    made = None
    for key in plan.delete:
        rotator.keys.disable_key(plan.stage, key)
        rotator.keys.delete_key(plan.stage, key)
    if plan.renew:
        rotator.vault.require_writable()
        made = _renew(rotator, plan.stage)
    if not plan.changes:
        return None
    done = Rotated(
        stage=plan.stage,
        made=made,
        disabled=plan.disable,
        deleted=plan.delete,
        at=stamp(rotator.clock.now()),
    )
    note(done)
    for key in plan.disable:
        rotator.keys.disable_key(plan.stage, key)
    return done


def _renew(rotator: Rotator, stage: str) -> str:
    key, secret = rotator.keys.create_key(stage)
    try:
        _prove(rotator, stage, key, secret)
    except (CredentialError, RefusedError, ServiceError):
        rotator.keys.delete_key(stage, key)
        raise
    rotator.vault.store(stage, key, secret)
    if rotator.vault.key_id(stage) != key:
        raise RefusedError(
            f"another key than {key} is stored for the {stage} stage now",
            hint="run one rotation at a time; run this again",
        )
    rotator.console.say(f"{stage}: {key} works and is stored")
    return key


def _prove(rotator: Rotator, stage: str, key: str, secret: str) -> None:
    good = 0
    for _ in range(_TRIES):
        try:
            arn = rotator.proof.caller(stage, key, secret)
        except CredentialError:
            good = 0
        else:
            if arn != rotator.owned.arn(stage):
                raise RefusedError(f"the new key {key} is {arn}, not {rotator.owned.arn(stage)}")
            good += 1
            if good == _IN_A_ROW:
                return
        rotator.clock.sleep(_PAUSE if good == 0 else 1.0)
    seconds = timedelta(seconds=_TRIES * _PAUSE).seconds
    raise CredentialError(
        f"the new key {key} of the {stage} stage did not work within {seconds} s", hint="run this again"
    )
