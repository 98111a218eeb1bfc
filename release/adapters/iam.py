"""IAM as the key commands use it: one owner's users or roles, their managed policies and their access keys."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError

from release.adapters.aws_errors import AWS_ERRORS, error_code, translate
from release.adapters.key_directory import policy_document
from release.core.identities import BOUNDARY, PROVISION, Identities
from release.core.key_findings import HeldKey
from release.core.keypolicy import Policy, compact
from release.core.provisioning import Made
from release.errors import RefusedError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

T = TypeVar("T")

# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
MOST_VERSIONS: Final = 5


class IamIdentities:
    """One owner's identities in IAM. `caller` is whose key asks; errors name it."""

    def __init__(self, iam: "IAMClient", identities: Identities, *, caller: str = PROVISION) -> None:
        self._iam = iam
        self._owned = identities
        self._caller = caller

    def policy(self, name: str) -> Policy | None:
        """Read the managed policy of a stage, or the boundary, as IAM has it; None if there certainly is none."""
        arn = self._owned.policy_arn(name)

        def ask() -> Any:  # noqa: ANN401 - JSON
            version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            return self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]

        with self._asking("iam:GetPolicy", arn):
            found = _unless_absent(ask)
        return None if found is None else policy_document(found, arn)

    def write_policy(self, name: str, document: Policy) -> None:
        """Create the managed policy or give it this content; the oldest version makes room if need be."""
        arn, text = self._owned.policy_arn(name), compact(document)
        with self._asking("iam:CreatePolicyVersion", arn):
            versions = _unless_absent(lambda: self._iam.list_policy_versions(PolicyArn=arn)["Versions"])
            if versions is None:
                self._iam.create_policy(PolicyName=self._owned.name(name), Path=self._owned.path, PolicyDocument=text)
                return
            if len(versions) >= MOST_VERSIONS:
                oldest = min((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
                self._iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
            self._iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)

    def holder(self, stage: str) -> Made | None:
        """Read a stage's user or role; None if there certainly is none.

        Raises:
            RefusedError: one of this name is there, at another path.
        """
        name, role = self._owned.name(stage), self._is_role(stage)

        def ask() -> Any:  # noqa: ANN401 - a user or a role
            return self._iam.get_role(RoleName=name)["Role"] if role else self._iam.get_user(UserName=name)["User"]

        with self._asking("iam:GetRole" if role else "iam:GetUser", self._owned.arn(stage)):
            found = _unless_absent(ask)
            if found is None:
                return None
            if found["Path"] != self._owned.path:
                raise RefusedError(
                    f"{found['Arn']} has the name that the {stage} stage needs, and is not at {self._owned.path}",
                    hint="names are unique in an account: remove it, or rename the library",
                )
            trust = found.get("AssumeRolePolicyDocument")
            return Made(
                boundary=found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
                attached=frozenset(self._attached(name, role=role)),
                trust=None if trust is None else policy_document(trust, name),
            )

    def create(self, stage: str, trust: Policy | None) -> None:
        """Create a stage's user or role, with the boundary from its first moment (the provision key's has none)."""
        name, path = self._owned.name(stage), self._owned.path
        boundary: Any = {} if stage == PROVISION else {"PermissionsBoundary": self._owned.policy_arn(BOUNDARY)}
        if self._is_role(stage):
            with self._asking("iam:CreateRole", self._owned.arn(stage)):
                self._iam.create_role(
                    RoleName=name, Path=path, AssumeRolePolicyDocument=compact(trust or {}), **boundary
                )
        else:
            with self._asking("iam:CreateUser", self._owned.arn(stage)):
                self._iam.create_user(UserName=name, Path=path, **boundary)

    def cap(self, stage: str) -> None:
        """Put the boundary on a stage's user or role that lacks it or has another."""
        name, boundary = self._owned.name(stage), self._owned.policy_arn(BOUNDARY)
        if self._is_role(stage):
            with self._asking("iam:PutRolePermissionsBoundary", self._owned.arn(stage)):
                self._iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
        else:
            with self._asking("iam:PutUserPermissionsBoundary", self._owned.arn(stage)):
                self._iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=boundary)

    def attach(self, stage: str) -> None:
        """Attach a stage's policy to its user or role."""
        name, arn = self._owned.name(stage), self._owned.policy_arn(stage)
        if self._is_role(stage):
            with self._asking("iam:AttachRolePolicy", self._owned.arn(stage)):
                self._iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        else:
            with self._asking("iam:AttachUserPolicy", self._owned.arn(stage)):
                self._iam.attach_user_policy(UserName=name, PolicyArn=arn)

    def set_trust(self, stage: str, trust: Policy) -> None:
        """Say who may take a stage's role."""
        with self._asking("iam:UpdateAssumeRolePolicy", self._owned.arn(stage)):
            self._iam.update_assume_role_policy(RoleName=self._owned.name(stage), PolicyDocument=compact(trust))

    def issuer_audiences(self, host: str) -> frozenset[str] | None:
        """Give the audiences that the issuer of tokens is registered with; None if it certainly is not."""
        arn = self._owned.provider_arn(host)
        with self._asking("iam:GetOpenIDConnectProvider", arn):
            found = _unless_absent(lambda: self._iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn))
        return None if found is None else frozenset(found["ClientIDList"])

    def keys(self, stage: str) -> list[HeldKey]:
        """List a user's access keys, oldest first; none if there certainly is no such user."""
        with self._asking("iam:ListAccessKeys", self._owned.arn(stage)):
            found = _unless_absent(
                lambda: self._iam.list_access_keys(UserName=self._owned.name(stage))["AccessKeyMetadata"]
            )
        keys = [
            HeldKey(id_=key["AccessKeyId"], active=key["Status"] == "Active", created=key["CreateDate"])
            for key in found or []
        ]
        return sorted(keys, key=lambda key: (key.created, key.id_))

    def create_key(self, stage: str) -> tuple[str, str]:
        """Make an access key for a user; gives (id, secret)."""
        with self._asking("iam:CreateAccessKey", self._owned.arn(stage)):
            key = self._iam.create_access_key(UserName=self._owned.name(stage))["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def disable_key(self, stage: str, key_id: str) -> None:
        """Make a user's key useless, in a way that can be taken back."""
        with self._asking("iam:UpdateAccessKey", self._owned.arn(stage)):
            self._iam.update_access_key(UserName=self._owned.name(stage), AccessKeyId=key_id, Status="Inactive")

    def delete_key(self, stage: str, key_id: str) -> None:
        """Delete a user's key; one that is gone already is fine."""
        with self._asking("iam:DeleteAccessKey", self._owned.arn(stage)):
            _unless_absent(lambda: self._iam.delete_access_key(UserName=self._owned.name(stage), AccessKeyId=key_id))

    def _is_role(self, stage: str) -> bool:
        return self._owned.kind == "roles" and stage != PROVISION

    def _attached(self, name: str, *, role: bool) -> list[str]:
        if role:
            found = self._iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        else:
            found = self._iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
        return [policy["PolicyArn"] for policy in found]

    @contextmanager
    def _asking(self, action: str, resource: str) -> Iterator[None]:
        try:
            yield
        except AWS_ERRORS as error:
            raise translate(error, action=action, resource=resource, stage=self._caller) from None


def _unless_absent(ask: Callable[[], T]) -> T | None:
    """Ask; None if IAM says that there is no such thing."""
    try:
        return ask()
    except ClientError as error:
        if error_code(error) == "NoSuchEntity":
            return None
        raise
