"""Who the stages are: users and roles, their policies, and the places where their keys are kept."""

from collections.abc import Sequence
from typing import Protocol

from release.core.key_findings import HeldKey
from release.core.keypolicy import Policy
from release.core.provisioning import Made


class KeyVault(Protocol):
    """Where the stages' static keys are kept for the jobs that use them: secrets go in and never come out."""

    def require_writable(self) -> None:
        """Make sure that a key can be stored, before one is made.

        Raises:
            ConfigError or CredentialError: it cannot.
        """
        ...

    def key_id(self, stage: str) -> str | None:
        """Give the id of the key that a stage uses now, or None if it certainly has none."""
        ...

    def store(self, stage: str, key_id: str, secret: str) -> None:
        """Keep a key as the one that a stage uses, in place of any other."""
        ...


class IdentityStore(Protocol):
    """One owner's users or roles in IAM, by stage; `BOUNDARY` and `PROVISION` are names of policies too."""

    def policy(self, name: str) -> Policy | None:
        """Give a managed policy, or None if it certainly does not exist."""
        ...

    def write_policy(self, name: str, document: Policy) -> None:
        """Create a managed policy or replace its content."""
        ...

    def holder(self, stage: str) -> Made | None:
        """Give a stage's user or role, or None if it certainly does not exist."""
        ...

    def create(self, stage: str, trust: Policy | None) -> None:
        """Create a stage's user or role, capped by the boundary."""
        ...

    def cap(self, stage: str) -> None:
        """Put the boundary on a stage's user or role."""
        ...

    def attach(self, stage: str) -> None:
        """Attach a stage's policy to it."""
        ...

    def set_trust(self, stage: str, trust: Policy) -> None:
        """Say who may take a stage's role."""
        ...

    def issuer_audiences(self, host: str) -> frozenset[str] | None:
        """Give the audiences that an issuer of tokens is registered with, None if it certainly is not."""
        ...

    def keys(self, stage: str) -> Sequence[HeldKey]:
        """List a user's access keys, oldest first."""
        ...

    def create_key(self, stage: str) -> tuple[str, str]:
        """Make an access key; gives its id and its secret, which nobody can read again."""
        ...


class RotatingKeys(Protocol):
    """The access keys of the stages' users, as far as the rotate key may touch them."""

    def keys(self, stage: str) -> Sequence[HeldKey]:
        """List a user's access keys, oldest first."""
        ...

    def create_key(self, stage: str) -> tuple[str, str]:
        """Make an access key; gives its id and its secret, which nobody can read again."""
        ...

    def disable_key(self, stage: str, key_id: str) -> None:
        """Make a key useless, in a way that can be taken back."""
        ...

    def delete_key(self, stage: str, key_id: str) -> None:
        """Delete a key; one that is gone already is fine."""
        ...


class KeyProof(Protocol):
    """Tries a key."""

    def caller(self, stage: str, key_id: str, secret: str) -> str:
        """Give the ARN that AWS takes this key for.

        Raises:
            CredentialError: AWS does not accept it, or not yet.
        """
        ...


class BucketPolicyStore(Protocol):
    """The policies of buckets."""

    def read(self, bucket: str) -> Policy | None:
        """Give a bucket's policy, or None if it certainly has none."""
        ...

    def write(self, bucket: str, policy: Policy, *, before: Policy | None) -> None:
        """Replace a bucket's policy that was `before` when it was read.

        Raises:
            RefusedError: somebody else wrote it meanwhile.
        """
        ...


class RoleVariables(Protocol):
    """Where the stages' jobs learn which role to take."""

    def role(self, stage: str) -> str | None:
        """Give the ARN that a stage's jobs get now, or None."""
        ...

    def store_role(self, stage: str, arn: str) -> None:
        """Tell a stage's jobs which role to take."""
        ...
