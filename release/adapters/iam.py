"""One IAM user per stage, with one managed policy and one access key.

Run once, by a human with an administrator's key; nothing here ever runs in a pipeline.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from release.adapters.aws_errors import AWS_ERRORS, error_code, translate
from release.core.identities import Identities
from release.errors import RefusedError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
MOST_VERSIONS: Final = 5


class StageUsers:
    """The users that hold the stages' keys; the clients have an administrator's key."""

    def __init__(self, iam: "IAMClient", identities: Identities) -> None:
        self._iam = iam
        self._path = identities.path
        self._policies = f"arn:{identities.partition}:iam::{identities.account}:policy{identities.path}"

    def policy(self, name: str) -> dict[str, Any] | None:
        """Read a stage's policy as IAM has it; None if it certainly has none."""
        arn = self._policies + name
        with _asking("iam:GetPolicy", name):
            try:
                version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            except ClientError as error:
                if error_code(error) == "NoSuchEntity":
                    return None
                raise
            found: object = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        # botocore decodes the document; an emulator may not.
        return json.loads(found) if isinstance(found, str) else dict(found)  # type: ignore[call-overload,no-any-return]

    def apply(self, name: str, policy: Mapping[str, Any]) -> None:
        """Create the user and the policy if need be, give the policy this content and the user the policy."""
        arn = self._policies + name
        with _asking("iam:CreateUser", name), _unless("EntityAlreadyExists"):
            self._iam.create_user(UserName=name, Path=self._path)
        document = json.dumps(policy)
        current = self.policy(name)
        if current is None:
            with _asking("iam:CreatePolicy", name):
                self._iam.create_policy(PolicyName=name, Path=self._path, PolicyDocument=document)
        elif current != policy:
            with _asking("iam:CreatePolicyVersion", name):
                self._make_room(arn)
                self._iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
        with _asking("iam:AttachUserPolicy", name):
            self._iam.attach_user_policy(UserName=name, PolicyArn=arn)

    def key_ids(self, name: str) -> list[str]:
        """List the ids of a user's access keys; none if there certainly is no such user."""
        with _asking("iam:ListAccessKeys", name):
            try:
                found = self._iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
            except ClientError as error:
                if error_code(error) == "NoSuchEntity":
                    return []
                raise
        return [key["AccessKeyId"] for key in found]

    def create_key(self, name: str) -> tuple[str, str]:
        """Make a user's one access key; gives (id, secret).

        Raises:
            RefusedError: it has one already, whose secret nobody can read again.
        """
        if existing := self.key_ids(name):
            raise RefusedError(
                f"user {name} already has the access key {existing[0]}, and it is not in your credentials file",
                hint="find that file, or delete the key in IAM and run this again",
            )
        with _asking("iam:CreateAccessKey", name):
            key = self._iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def _make_room(self, arn: str) -> None:
        versions = self._iam.list_policy_versions(PolicyArn=arn)["Versions"]
        if len(versions) >= MOST_VERSIONS:
            oldest = min((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"])
            self._iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])


@contextmanager
def _asking(action: str, resource: str) -> Iterator[None]:
    try:
        yield
    except AWS_ERRORS as error:
        raise translate(error, action=action, resource=resource, stage="provision") from error


@contextmanager
def _unless(code: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error_code(error) != code:
            raise
