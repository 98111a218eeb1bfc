"""What a rotation has to do for one stage: from the user's keys and the stored one to a plan.

AWS allows two keys a user: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html. So the
one that is stored stays while its successor is made and proved; whatever else is there has to make room.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from release.core.key_findings import HeldKey
from release.errors import RefusedError

KEPT_DISABLED: Final = timedelta(days=1)
"""How long a retired key is only disabled, so that a person can take it back."""
_SOON: Final = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """In this order: delete, make and store a new key if `renew`, disable."""

    stage: str
    delete: tuple[str, ...] = ()
    renew: bool = False
    disable: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.delete or self.renew or self.disable)

    def __str__(self) -> str:
        """Say it."""
        parts = [f"delete {key}" for key in self.delete]
        parts += ["make, prove and store a new key"] if self.renew else []
        parts += [f"disable {key}" for key in self.disable]
        parts += [f"{key} stays usable for now" for key in self.waiting]
        return f"{self.stage}: {', '.join(parts) or 'nothing to do'}"


def is_due(keys: Sequence[HeldKey], stored: str | None, *, now: datetime, days: int) -> bool:
    """Tell whether the stored key is, or will be within a week, older than it may be; or does not work."""
    current = next((key for key in keys if key.id_ == stored and key.active), None)
    most = timedelta(days=days)
    return current is None or now - current.created >= most - min(_SOON, most / 4)


def plan(
    stage: str,
    keys: Sequence[HeldKey],
    stored: str | None,
    *,
    others: Mapping[str, str],
    wanted: bool,
    now: datetime,
    grace: timedelta,
) -> Plan:
    """Plan one stage.

    Args:
        stage: whose.
        keys: of its user.
        stored: the id of the key that its jobs get.
        others: the keys of all other stages' users, with their stage.
        wanted: whether a new key is asked for; what an earlier run left is finished in any case.
        now: the time.
        grace: how long a key stays usable after its successor was made.

    Raises:
        RefusedError: what is stored is no key, or another stage's; or nobody can tell which key is in use.
    """
    if stored is None:
        raise RefusedError(
            f"no key of the {stage} stage is stored there",
            hint="is it the right place? `release keys provision` stores the first key",
        )
    if stored in others:
        raise RefusedError(
            f"what is stored for the {stage} stage is {stored}, a key of the {others[stored]} stage",
            hint=f"store the {stage} stage's own key first, and find out who changed it",
        )
    current = next((key for key in keys if key.id_ == stored and key.active), None)
    return _repair(stage, keys, stored, grace) if current is None else _next(stage, keys, current, wanted, now, grace)


def _repair(stage: str, keys: Sequence[HeldKey], stored: str, grace: timedelta) -> Plan:
    """What is stored is disabled or deleted: jobs fail already, so a new key comes first."""
    active = [key.id_ for key in keys if key.active]
    if len(active) > 1:
        raise RefusedError(
            f"the {stage} stage's stored key {stored} is gone, and its user has two others: {', '.join(active)}",
            hint="find out who uses them, and delete at least one",
        )
    dead = tuple(key.id_ for key in keys if not key.active)
    kept = tuple(active)
    return Plan(stage=stage, delete=dead, renew=True, disable=() if grace else kept, waiting=kept if grace else ())


def _next(
    stage: str,
    keys: Sequence[HeldKey],
    current: HeldKey,
    wanted: bool,
    now: datetime,
    grace: timedelta,
) -> Plan:
    # A newer one was made and never stored: its secret is lost.
    stranded = [key.id_ for key in keys if key.created > current.created]
    old = [key for key in keys if key.id_ != current.id_ and key.id_ not in stranded]
    age = now - current.created
    unfinished = age < KEPT_DISABLED and any(key.active for key in old)
    if (wanted and not unfinished) or stranded:  # the store may have half of a stranded one
        delete = (*stranded, *(key.id_ for key in old))
        kept = (current.id_,)
        return Plan(
            stage=stage, delete=delete, renew=True, disable=() if grace else kept, waiting=kept if grace else ()
        )
    active = tuple(key.id_ for key in old if key.active)
    retired = [key.id_ for key in old if not key.active and age >= KEPT_DISABLED]
    return Plan(
        stage=stage,
        delete=(*stranded, *retired),
        disable=active if age >= grace else (),
        waiting=() if age >= grace else active,
    )
