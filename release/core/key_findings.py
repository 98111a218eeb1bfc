"""What is wrong with the stages' identities as IAM has them: each finding with its stage and its remedy."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from release.core.identities import BOUNDARY
from release.core.keypolicy import Policies, Policy
from release.core.policy_difference import difference, listed, missing, strangers

ALL_STAGES: Final = "all stages"
"""Whose a finding is that is about the boundary or a bucket."""

_APPLY: Final = "run `release keys provision`, or apply again what `release keys render` prints"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldKey:
    """One access key of a user."""

    id_: str
    active: bool
    created: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A user or a role as IAM has it. A user has no trust policy, a role no groups and no keys."""

    arn: str
    boundary: str | None
    attached: tuple[str, ...]
    inline: tuple[str, ...]
    groups: tuple[str, ...] = ()
    keys: tuple[HeldKey, ...] = ()
    trust: Policy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    stage: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.stage}: {self.what}"


def about_holder(policies: Policies, stage: str, found: Holder | None) -> Iterator[Finding]:
    """Judge a stage's user or role, but for its keys."""
    owned = policies.identities
    if found is None:
        yield Finding(stage=stage, what=f"there is no {owned.noun} {owned.name(stage)}", remedy=_APPLY)
        return

    for what, remedy in _unlike(policies, stage, found):
        yield Finding(stage=stage, what=what, remedy=remedy)


def _unlike(policies: Policies, stage: str, found: Holder) -> Iterator[tuple[str, str]]:
    owned = policies.identities
    name, policy, cap = owned.name(stage), owned.policy_arn(stage), owned.policy_arn(BOUNDARY)
    if found.arn != owned.arn(stage):
        yield f"its {owned.noun} is {found.arn}, not {owned.arn(stage)}", _APPLY
    if found.boundary != cap:
        yield f"its permissions boundary is {found.boundary or 'missing'}, not {cap}", _APPLY
    if policy not in found.attached:
        yield f"its policy {policy} is not attached", _APPLY
    for more in found.attached:
        if more != policy:
            yield f"it has another policy besides its own: {more}", f"detach it from {name}"
    yield from ((f"it has an inline policy: {inline}", f"delete it from {name}") for inline in found.inline)
    for group in found.groups:
        yield f"it is in the group {group}, with all that the group may do", f"take {name} out of it"
    if stage in policies.trust:
        for line in difference(found.trust, policies.trust[stage]):
            yield f"who may take its role: {line}", _APPLY


def about_keys(
    policies: Policies, stage: str, keys: tuple[HeldKey, ...], *, now: datetime, days: int
) -> Iterator[Finding]:
    """Judge the static keys of a stage's user."""
    if policies.identities.kind == "roles":
        return
    renew = f"run `release keys rotate {stage}`"
    active = [key for key in keys if key.active]
    if not active:
        yield Finding(stage=stage, what="it has no active key", remedy=renew)
    if len(active) > 1:
        ids = ", ".join(key.id_ for key in active)
        yield Finding(stage=stage, what=f"it has {len(active)} active keys: {ids}", remedy=f"{renew}, or delete one")
    for key in keys:
        if not key.active:
            yield Finding(stage=stage, what=f"its key {key.id_} is disabled and still there", remedy="delete the key")
        elif now - key.created > timedelta(days=days):
            age = (now - key.created).days
            yield Finding(
                stage=stage, what=f"its key {key.id_} is {age} days old, at most {days} are allowed", remedy=renew
            )
        elif key.created - now > timedelta(days=1):
            yield Finding(stage=stage, what=f"its key {key.id_} is from the future", remedy="set this machine's clock")


def about_policy(stage: str, arn: str, found: Policy | None, wanted: Policy) -> Iterator[Finding]:
    """Judge a managed policy: its default version must be the rendered one."""
    if found is None:
        yield Finding(stage=stage, what=f"there is no policy {arn}", remedy=_APPLY)
        return
    for line in difference(found, wanted):
        yield Finding(
            stage=stage, what=f"the policy {arn.rpartition('/')[2]} is not the rendered one: {line}", remedy=_APPLY
        )


def about_bucket(name: str, bucket: str, found: Policy | None, wanted: Policy) -> Iterator[Finding]:
    """Judge a bucket's policy: it must hold our statements, and nobody else's may let write."""
    remedy = f"apply again what `release keys render {name}` prints, together with the bucket's other statements"
    if found is None:
        yield Finding(stage=ALL_STAGES, what=f"the bucket {bucket} has no policy", remedy=remedy)
        return
    for line in missing(found, wanted):
        yield Finding(stage=ALL_STAGES, what=f"the policy of the bucket {bucket}: {line}", remedy=remedy)
    for statement in strangers(found, wanted):
        writes = [action for action in listed(statement, "Action") if not action.startswith(("s3:Get", "s3:List"))]
        if statement.get("Effect") == "Allow" and (writes or "NotAction" in statement):
            sid = statement.get("Sid", "without Sid")
            what = (
                f"the policy of the bucket {bucket} lets others {', '.join(writes) or 'do too much'} (statement {sid})"
            )
            yield Finding(stage=ALL_STAGES, what=what, remedy="take the statement out, or make it read only")
