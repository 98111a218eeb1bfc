"""The stages' identities as IAM has them, read with the audit key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from release.adapters.aws_errors import AWS_ERRORS, error_code, translate
from release.core import document
from release.core.identities import Identities
from release.core.key_findings import HeldKey, Holder
from release.core.keypolicy import LARGEST, Policy
from release.errors import ServiceError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client

_Listing = Literal[
    "list_access_keys",
    "list_attached_role_policies",
    "list_attached_user_policies",
    "list_groups_for_user",
    "list_role_policies",
    "list_user_policies",
]


class AwsKeyDirectory:
    """Reads IAM and the buckets' policies; see `KeyDirectory`."""

    def __init__(self, iam: "IAMClient", s3: "S3Client", identities: Identities, *, stage: str = "audit") -> None:
        self._iam = iam
        self._s3 = s3
        self._owned = identities
        self._stage = stage

    def holder(self, name: str) -> Holder | None:
        """Give the user or role of this name."""
        try:
            return self._user(name) if self._owned.kind == "users" else self._role(name)
        except _AbsentError:
            return None

    def policy(self, arn: str) -> Policy | None:
        """Give the default version of a managed policy."""
        try:
            with self._asking("iam:GetPolicy", arn):
                version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            with self._asking("iam:GetPolicyVersion", arn):
                found = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        except _AbsentError:
            return None
        return policy_document(found["Document"], arn)

    def bucket_policy(self, bucket: str) -> Policy | None:
        """Give a bucket's policy."""
        arn = f"arn:{self._owned.partition}:s3:::{bucket}"
        try:
            with self._asking("s3:GetBucketPolicy", arn, absent="NoSuchBucketPolicy"):
                return policy_document(self._s3.get_bucket_policy(Bucket=bucket)["Policy"], arn)
        except _AbsentError:
            return None

    def _user(self, name: str) -> Holder:
        with self._asking("iam:GetUser", name):
            user = self._iam.get_user(UserName=name)["User"]
        return Holder(
            arn=user["Arn"],
            boundary=user.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            attached=tuple(p["PolicyArn"] for p in self._all("list_attached_user_policies", UserName=name)),
            inline=tuple(self._all("list_user_policies", UserName=name)),
            groups=tuple(group["GroupName"] for group in self._all("list_groups_for_user", UserName=name)),
            keys=tuple(
                HeldKey(id_=key["AccessKeyId"], active=key["Status"] == "Active", created=key["CreateDate"])
                for key in self._all("list_access_keys", UserName=name)
            ),
        )

    def _role(self, name: str) -> Holder:
        with self._asking("iam:GetRole", name):
            role = self._iam.get_role(RoleName=name)["Role"]
        return Holder(
            arn=role["Arn"],
            boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            attached=tuple(p["PolicyArn"] for p in self._all("list_attached_role_policies", RoleName=name)),
            inline=tuple(self._all("list_role_policies", RoleName=name)),
            trust=policy_document(role["AssumeRolePolicyDocument"], name),
        )

    def _all(self, operation: _Listing, **whose: str) -> list[Any]:
        """Give the items of all pages of a list."""
        action = "iam:" + "".join(part.capitalize() for part in operation.split("_"))
        paginator: Any = self._iam.get_paginator(operation)
        with self._asking(action, next(iter(whose.values()))):
            pages = list(paginator.paginate(**whose))
        return [item for page in pages for item in page[paginator.result_keys[0].expression]]

    @contextmanager
    def _asking(self, action: str, resource: str, *, absent: str = "NoSuchEntity") -> Iterator[None]:
        try:
            yield
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and error_code(error) == absent:
                raise _AbsentError from None
            raise translate(error, action=action, resource=resource, stage=self._stage) from None


class _AbsentError(Exception):
    """What was asked for certainly does not exist."""


def policy_document(found: object, where: str) -> Policy:
    """Read a policy document; botocore has decoded IAM's, an emulator or S3 gives text."""
    text = found if isinstance(found, str) else json.dumps(found)
    try:
        policy: Policy = document.parse(text.encode(), limit=LARGEST)
    except ValueError as why:
        raise ServiceError(f"the policy of {where} is not readable: {why}") from None
    if not isinstance(policy, dict):
        raise ServiceError(f"the policy of {where} is not a policy")
    return policy
