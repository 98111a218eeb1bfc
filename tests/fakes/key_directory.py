"""IAM and the buckets' policies in memory, right to begin with."""

from dataclasses import dataclass, field

from release.core.config import Config
from release.core.identities import BOUNDARY
from release.core.key_findings import HeldKey, Holder
from release.core.keypolicy import Policies, Policy
from release.errors import PermissionDenied
from tests.fakes.clock import MIDNIGHT


@dataclass(kw_only=True)
class FakeKeyDirectory:
    """What it holds can be changed; what is named in `closed` may not be read."""

    holders: dict[str, Holder] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    buckets: dict[str, Policy] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    def holder(self, name: str) -> Holder | None:
        self._ask(name)
        return self.holders.get(name)

    def policy(self, arn: str) -> Policy | None:
        self._ask(arn)
        return self.policies.get(arn)

    def bucket_policy(self, bucket: str) -> Policy | None:
        self._ask(bucket)
        return self.buckets.get(bucket)

    def _ask(self, name: str) -> None:
        if name in self.closed:
            raise PermissionDenied(f"the key of the audit stage may not look at {name}")


def directory_of(config: Config, policies: Policies) -> FakeKeyDirectory:
    """Give a directory in which all is as rendered, each key made at MIDNIGHT."""
    owned = policies.identities
    key = HeldKey(id_="AKIAEXAMPLEEXAMPLE22", active=True, created=MIDNIGHT)
    documents = {BOUNDARY: policies.boundary, **policies.stages}
    return FakeKeyDirectory(
        holders={
            owned.name(stage): Holder(
                arn=owned.arn(stage),
                boundary=owned.policy_arn(BOUNDARY),
                attached=(owned.policy_arn(stage),),
                inline=(),
                keys=(key,) if owned.kind == "users" else (),
                trust=policies.trust.get(stage),
            )
            for stage in owned.stages
        },
        policies={owned.policy_arn(name): document for name, document in documents.items()},
        buckets={
            config.site.bucket: policies.buckets["site-bucket"],
            config.log.bucket: policies.buckets["log-bucket"],
        },
    )
