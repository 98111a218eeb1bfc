"""Inspect keys: hold what IAM and S3 have against what was rendered. Reads only, with the audit key."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from release.core.config import Config
from release.core.identities import BOUNDARY
from release.core.key_findings import ALL_STAGES, Finding, about_bucket, about_holder, about_keys, about_policy
from release.core.keypolicy import LOG_BUCKET, SITE_BUCKET, Policies, Policy
from release.errors import DriftError, PermissionDenied
from release.ports import Clock, KeyDirectory

_LET_LOOK: Final = "use the audit stage's key, and apply its policy and the boundary again"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was looked at, and what is not as it should be."""

    owner: str
    account: str
    identities: str
    stages: tuple[str, ...]
    findings: tuple[Finding, ...]


def run(config: Config, policies: Policies, directory: KeyDirectory, clock: Clock) -> Report:
    """Look at every stage's identity, its policy, the boundary and the buckets' policies.

    What may not be looked at is a finding: it could be anything.

    Raises:
        CredentialError, ServiceError: there was no answer.
    """
    owned = policies.identities
    findings: list[Finding] = []
    for whose, look in _looks(config, policies, directory, clock):
        try:
            findings += look
        except PermissionDenied as error:
            findings.append(Finding(stage=whose, what=f"it cannot be looked at: {error.message}", remedy=_LET_LOOK))
    return Report(
        owner=owned.owner,
        account=owned.account,
        identities=owned.kind,
        stages=owned.stages,
        findings=tuple(findings),
    )


def require_none(findings: Iterable[Finding]) -> None:
    """Refuse findings (DriftError)."""
    if found := list(findings):
        count = "1 thing is" if len(found) == 1 else f"{len(found)} things are"
        lines = "".join(f"\n  {one}\n    next: {one.remedy}" for one in found)
        raise DriftError(
            f"{count} not as the keys should be{lines}", hint="when all is done, run `release keys check` again"
        )


def _looks(
    config: Config, policies: Policies, directory: KeyDirectory, clock: Clock
) -> Iterator[tuple[str, Iterator[Finding]]]:
    """Give each look, not yet taken, and whose identity it is at."""
    owned = policies.identities
    for stage in owned.stages:
        yield stage, _at_holder(config, policies, directory, clock, stage)
        yield stage, _at_policy(directory, stage, owned.policy_arn(stage), policies.stages[stage])
    yield ALL_STAGES, _at_policy(directory, ALL_STAGES, owned.policy_arn(BOUNDARY), policies.boundary)
    for name, bucket in {SITE_BUCKET: config.site.bucket, LOG_BUCKET: config.log.bucket}.items():
        yield ALL_STAGES, _at_bucket(directory, name, bucket, policies.buckets[name])


def _at_holder(
    config: Config, policies: Policies, directory: KeyDirectory, clock: Clock, stage: str
) -> Iterator[Finding]:
    found = directory.holder(policies.identities.name(stage))
    yield from about_holder(policies, stage, found)
    if found is not None:
        yield from about_keys(policies, stage, found.keys, now=clock.now(), days=config.keys.max_age_days)


def _at_policy(directory: KeyDirectory, stage: str, arn: str, wanted: Policy) -> Iterator[Finding]:
    yield from about_policy(stage, arn, directory.policy(arn), wanted)


def _at_bucket(directory: KeyDirectory, name: str, bucket: str, wanted: Policy) -> Iterator[Finding]:
    yield from about_bucket(name, bucket, directory.bucket_policy(bucket), wanted)
