"""What IAM and S3 have to hold for one owner's keys, whatever tool puts it there.

`keys provision` needs `provision`'s policy; a platform team that applies a template with its own tools does
not, so no template holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from release.core.config import Config
from release.core.identities import BOUNDARY, Identities
from release.core.keypolicy import LOG_BUCKET, SITE_BUCKET, Policies, Policy
from release.errors import ConfigError

SHARED_BUCKETS: Final = (
    "A bucket has one policy and this resource replaces it whole. Where libraries share a bucket, switch it off "
    "and apply one policy that holds the statements of all: those with the same Sid are the same, keep one of each; "
    "the Sid of every other ends with its owner."
)
"""What a template must say beside a bucket policy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketPolicy:
    """The policy of one bucket."""

    bucket: str
    document: Policy


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyResources:
    """All or a part of what has to be there.

    Attributes:
        identities: of the owner.
        boundary: the managed policy that caps every stage; None if it is not part of this.
        stages: by stage, the managed policy of its user or role.
        trust: by stage, who may take its role; empty where the stages are users.
        buckets: by name of the policy.
    """

    identities: Identities
    boundary: Policy | None
    stages: Mapping[str, Policy]
    trust: Mapping[str, Policy]
    buckets: Mapping[str, BucketPolicy]


def key_resources(config: Config, policies: Policies, only: str | None = None) -> KeyResources:
    """Collect what has to be there.

    Args:
        config: of the library.
        policies: its policies.
        only: a stage, `boundary`, or the name of a bucket's policy; all if None.

    Raises:
        ConfigError: `only` names nothing that a template can hold alone.
    """
    buckets = {SITE_BUCKET: config.site.bucket, LOG_BUCKET: config.log.bucket}
    names = (*policies.stages, BOUNDARY, *buckets)
    if only is not None and only not in names:
        raise ConfigError(f"no template holds {only!r} alone", hint=f"there are: {', '.join(names)}")
    wanted = names if only is None else (only,)
    return KeyResources(
        identities=policies.identities,
        boundary=policies.boundary if BOUNDARY in wanted else None,
        stages={stage: policy for stage, policy in policies.stages.items() if stage in wanted},
        trust={stage: policy for stage, policy in policies.trust.items() if stage in wanted},
        buckets={
            name: BucketPolicy(bucket=bucket, document=policies.buckets[name])
            for name, bucket in buckets.items()
            if name in wanted
        },
    )
