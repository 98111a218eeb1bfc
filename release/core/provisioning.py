"""What `keys provision` has to do: from what is there to the list of steps, in the order in which they are safe.

A step is made only for what is missing or differs, so a second run, or one after a crash, does the rest.
A holder (user or role) is made with the boundary in the same call: none ever exists without it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from release.core.identities import BOUNDARY, PROVISION, Identities
from release.core.key_findings import HeldKey
from release.core.keypolicy import LIMITS, Policies, Policy, compact, sid_suffix
from release.core.policy_difference import difference, missing, strangers
from release.errors import ConfigError, NotFoundError, RefusedError

StepKind = Literal["policy", "create", "cap", "attach", "trust", "key", "bucket", "role-variable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A user or role, as far as the provision key sees it; `trust` is a role's."""

    boundary: str | None = None
    attached: frozenset[str] = frozenset()
    trust: Policy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What there is of one stage. `stored` is the key id, or the role's ARN, that its jobs are given now."""

    policy: Policy | None = None
    holder: Made | None = None
    keys: Sequence[HeldKey] = ()
    stored: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One change: of what, for which stage or bucket, from what to what."""

    kind: StepKind
    name: str
    before: Policy | None = None
    after: Policy | None = None

    def __str__(self) -> str:
        """Say it."""
        words = {
            "policy": "create the policy of" if self.before is None else "replace the policy of",
            "create": "create the identity of",
            "cap": "put the boundary on",
            "attach": "attach its policy to",
            "trust": "replace who may take the role of",
            "key": "make and store a key for",
            "bucket": "write the policy of",
            "role-variable": "tell GitLab the role of",
        }
        return f"{words[self.kind]} {self.name}"


def foundation(
    policies: Policies, *, seen: Mapping[str, Policy | None], holder: Seen | None, buckets: Mapping[str, Policy | None]
) -> list[Step]:
    """Plan what needs an administrator: the boundary, the provision key's policy, the buckets' policies.

    Args:
        policies: as they must be.
        seen: the present policies `boundary` and `provision`.
        holder: the provision key's user, None if none is wanted.
        buckets: the buckets' present policies.

    Raises:
        RefusedError: the provision key's user has a key that nobody stored.
        ConfigError: a bucket's policy would be too long.
    """
    steps = [
        Step(kind="policy", name=name, before=seen[name], after=wanted)
        for name, wanted in ((BOUNDARY, policies.boundary), (PROVISION, policies.provision))
        if not _same(seen[name], wanted)
    ]
    for name, wanted in policies.buckets.items():
        suffix = sid_suffix(policies.identities.owner)
        if not is_merged(buckets[name], wanted, suffix=suffix):
            merged = merge(buckets[name], wanted, suffix=suffix, name=name)
            steps.append(Step(kind="bucket", name=name, before=buckets[name], after=merged))
    if holder is not None:
        if holder.holder is None:
            steps.append(Step(kind="create", name=PROVISION))
        if holder.holder is None or policies.identities.policy_arn(PROVISION) not in holder.holder.attached:
            steps.append(Step(kind="attach", name=PROVISION))
        steps += _key(PROVISION, holder)
    return steps


def require_foundation(policies: Policies, boundary: Policy | None, buckets: Mapping[str, Policy | None]) -> None:
    """Refuse to make keys before what caps them is there and right.

    Raises:
        NotFoundError: there is no boundary.
        RefusedError: the boundary or a bucket's policy is not as it must be.
    """
    hint = "an administrator runs `release keys provision --foundation`"
    arn = policies.identities.policy_arn(BOUNDARY)
    if boundary is None:
        raise NotFoundError(f"the permissions boundary {arn} does not exist", hint=hint)
    if not _same(boundary, policies.boundary):
        raise RefusedError(
            f"the permissions boundary {arn} is not as `release keys render boundary` gives it", hint=hint
        )
    for name, wanted in policies.buckets.items():
        if not is_merged(buckets[name], wanted, suffix=sid_suffix(policies.identities.owner)):
            raise RefusedError(f"the bucket policy {name} is not as `release keys render {name}` gives it", hint=hint)


def ordinary(policies: Policies, seen: Mapping[str, Seen], *, tell_gitlab: bool) -> list[Step]:
    """Plan the stages' identities, by what the provision key may do.

    Raises:
        RefusedError: a user has a key that is not the stored one: its secret is lost, or the store is another.
    """
    return [step for stage in policies.stages for step in _stage(policies, stage, seen[stage], tell_gitlab=tell_gitlab)]


def _stage(policies: Policies, stage: str, seen: Seen, *, tell_gitlab: bool) -> Iterator[Step]:
    owned, wanted = policies.identities, policies.stages[stage]
    if not _same(seen.policy, wanted):
        yield Step(kind="policy", name=stage, before=seen.policy, after=wanted)
    trust = policies.trust.get(stage)
    if seen.holder is None:
        yield Step(kind="create", name=stage, after=trust)
    elif seen.holder.boundary != owned.policy_arn(BOUNDARY):
        yield Step(kind="cap", name=stage)
    attached = seen.holder.attached if seen.holder else frozenset()
    if extra := attached - {owned.policy_arn(stage)}:
        raise RefusedError(
            f"{owned.arn(stage)} has policies that are not ours: {', '.join(sorted(extra))}",
            hint="an administrator detaches them; the stage's own policy is all it needs",
        )
    if not attached:
        yield Step(kind="attach", name=stage)
    if seen.holder and trust and not _same(seen.holder.trust, trust):
        yield Step(kind="trust", name=stage, before=seen.holder.trust, after=trust)
    if owned.kind == "users":
        yield from _key(stage, seen)
    elif tell_gitlab and seen.stored != owned.arn(stage):
        yield Step(kind="role-variable", name=stage)


def _key(stage: str, seen: Seen) -> Iterator[Step]:
    stored = next((key for key in seen.keys if key.id_ == seen.stored), None)
    if stored and stored.active:
        return
    if seen.keys:
        found = ", ".join(key.id_ for key in seen.keys)
        what = "is disabled" if stored else "is not the one that is stored; its secret was lost or is kept elsewhere"
        raise RefusedError(
            f"the user of the {stage} stage already has the access key {found}, and it {what}",
            hint="name where that key is kept; or delete it (aws iam delete-access-key) and run this again",
        )
    yield Step(kind="key", name=stage)


def merge(current: Policy | None, wanted: Policy, *, suffix: str, name: str) -> Policy:
    """Put our statements into a bucket's policy; those of others stay as they are.

    Ours are those whose Sid we write now, and those that end with our suffix.

    Raises:
        ConfigError: the policy would be longer than S3 takes.
    """
    ours = {statement["Sid"] for statement in wanted["Statement"]}
    present = (current or {}).get("Statement", [])
    kept = [
        statement
        for statement in (present if isinstance(present, list) else [present])
        if (sid := str(statement.get("Sid", ""))) not in ours and not sid.endswith(suffix)
    ]
    merged = {**(current or {}), **wanted, "Statement": [*wanted["Statement"], *kept]}
    if (size := len(compact(merged))) > LIMITS["bucket"]:
        raise ConfigError(
            f"{name}: with the statements of others the policy has {size} characters, S3 takes {LIMITS['bucket']}",
            hint="give this library a bucket of its own",
        )
    return merged


def is_merged(current: Policy | None, wanted: Policy, *, suffix: str) -> bool:
    """Tell whether a bucket's policy holds our statements as they are to be, and none that we no longer write."""
    if current is None or missing(current, wanted):
        return False
    return not any(str(statement.get("Sid", "")).endswith(suffix) for statement in strangers(current, wanted))


def _same(found: Policy | None, wanted: Policy) -> bool:
    return found is not None and not difference(found, wanted)


def audiences(owned: Identities) -> frozenset[str]:
    """Give the audiences that the issuer of the jobs' tokens must know."""
    return frozenset(f"release-{stage}" for stage in owned.stages)
