"""What the stages are in IAM: users with static keys, or roles that GitLab's jobs take.

All of one library, or of one customer's variant of it, lies below one IAM path, so that two
owners in one account never share a name. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from release.core.config import Config
from release.errors import ConfigError

STAGES: Final = ("publish", "record", "promote", "invalidate", "collect", "audit")
ROTATE: Final = "rotate"
PROVISION: Final = "provision"
BOUNDARY: Final = "boundary"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_NAME: Final = 64

_PARTITIONS: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def partition(region: str) -> str:
    """Give the partition of a region: `aws`, `aws-cn` or `aws-us-gov`."""
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")


def owner(config: Config) -> str:
    """Name whose keys these are: `tag`, or `tag@acme` for the customer acme's variant of it."""
    customer = config.site.customer
    return config.library.name if customer is None else f"{config.library.name}@{customer}"


def stages_of(config: Config) -> tuple[str, ...]:
    """Give the stages that have an identity in AWS, see `Identities.stages`."""
    return _stages(config.keys.kind, cloudfront=config.distribution is not None)


def _stages(kind: Literal["users", "roles"], *, cloudfront: bool) -> tuple[str, ...]:
    found = tuple(stage for stage in STAGES if cloudfront or stage != "invalidate")
    return (*found, ROTATE) if kind == "users" else found


@dataclass(frozen=True, kw_only=True, slots=True)
class Identities:
    """The users or roles of one owner, by stage."""

    partition: str
    account: str
    owner: str
    kind: Literal["users", "roles"]
    cloudfront: bool = True

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that have an identity.

        Only static keys need one that rotates them; another cache than CloudFront is purged with a token of its own.
        """
        return _stages(self.kind, cloudfront=self.cloudfront)

    @property
    def path(self) -> str:
        """The IAM path of all that belongs to this owner."""
        return f"/release/{self.owner}/"

    @property
    def noun(self) -> Literal["user", "role"]:
        """What one identity is."""
        return "user" if self.kind == "users" else "role"

    def name(self, stage: str) -> str:
        """Name the user or role of a stage, its policy and its profile."""
        return f"{self.owner}-{stage}"

    def arn(self, stage: str) -> str:
        """Give the ARN of a stage's user or role."""
        return self._iam(f"{self.noun}{self.path}{self.name(stage)}")

    def pathless_arn(self, stage: str) -> str:
        """Give the ARN that IAM takes a stage's user or role for while there is none: a name has no path yet."""
        return self._iam(f"{self.noun}/{self.name(stage)}")

    def policy_arn(self, stage: str) -> str:
        """Give the ARN of a stage's policy, or of the boundary."""
        return self._iam(f"policy{self.path}{self.name(stage)}")

    def tree(self, kind: Literal["user", "role", "policy"]) -> str:
        """Give the pattern of all ARNs of a kind that belong to this owner."""
        return self._iam(f"{kind}{self.path}*")

    def provider_arn(self, host: str) -> str:
        """Give the ARN of an issuer of identity tokens."""
        return self._iam(f"oidc-provider/{host}")

    def stage_of(self, arn: str) -> str | None:
        """Tell whose a principal is, from its ARN or that of its session; None if it is no stage's."""
        session = re.fullmatch(r"(arn:[a-z-]+):sts::(\d{12}):assumed-role/([\w+=,.@-]+)/[^/]+", arn, re.ASCII)
        if session and (session[1], session[2]) == (f"arn:{self.partition}", self.account) and self.kind == "roles":
            return next((stage for stage in self.stages if self.name(stage) == session[3]), None)
        return next((stage for stage in self.stages if self.arn(stage) == arn), None)

    def _iam(self, resource: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:{resource}"


def identities(config: Config, *, account: str) -> Identities:
    """Give the identities of a library's stages.

    Args:
        config: of the library.
        account: the 12 digits of the account that owns the distribution.

    Raises:
        ConfigError: the account is no account number, or is not the one of release.toml; or a name is too long.
    """
    if not re.fullmatch(r"[0-9]{12}", account, re.ASCII):
        raise ConfigError(f"{account!r} is not an account number of 12 digits")
    if config.account not in {None, account}:
        raise ConfigError(
            f"the distribution belongs to account {config.account}, the keys would be of {account}",
            hint="use an administrator's key of that account, or correct [distribution] or [keys] account",
        )
    found = Identities(
        partition=partition(config.site.region),
        account=account,
        owner=owner(config),
        kind=config.keys.kind,
        cloudfront=config.distribution is not None,
    )
    if (longest := len(found.name("invalidate"))) > LONGEST_NAME:
        raise ConfigError(
            f"{found.name('invalidate')} has {longest} characters, IAM takes {LONGEST_NAME} for a name",
            hint="shorten [library] name or [site] customer",
        )
    return found
