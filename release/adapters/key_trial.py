"""Harmless attempts with one stage's key, and what the services' answers mean."""

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from release.adapters.aws_errors import AWS_ERRORS, error_code, refused_action, translate
from release.core.attempts import Answer
from release.core.matrix import Call
from release.errors import NotFoundError, PermissionDenied, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from release.adapters.aws import AwsClients

_BODY: Final = b"never stored"
_OTHER: Final = b"another body"
_DIGESTS: Final[dict[str, Any]] = {
    "ContentMD5": base64.b64encode(hashlib.md5(_OTHER, usedforsecurity=False).digest()).decode("ascii"),
    "ChecksumSHA256": base64.b64encode(hashlib.sha256(_OTHER).digest()).decode("ascii"),
}
_NO_ETAG: Final = '"00000000000000000000000000000000"'
_NO_INVALIDATION: Final = "I00000000000000"
_NO_KEY: Final = "AKIAAAAAAAAAAAAAAAAA"

# What a service says only once it has let the request through.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_PERMITTED: Final = frozenset(
    {
        "BadDigest",
        "InvalidRange",
        "NoSuchBucketPolicy",
        "NoSuchDistribution",
        "NoSuchEntity",
        "NoSuchInvalidation",
        "NoSuchKey",
        "NoSuchObjectLockConfiguration",
        "PreconditionFailed",
        "XAmzContentChecksumMismatch",
    }
)

_OF_VERSIONS: Final = ("list versions of", "list versions of all in", "list all versions of", "see the names in")


class AwsKeyTrial:
    """Tries the key that the clients have; see `KeyTrial`."""

    def __init__(self, clients: "AwsClients", *, stage: str) -> None:
        self._s3 = clients.s3()
        self._cloudfront = clients.cloudfront()
        self._iam: Any = clients.iam()
        self._stage = stage
        self._ways: Final[Mapping[str, Callable[[Call], object]]] = {
            "create": self._create,
            "replace": self._replace,
            "read": self._read,
            "list": self._list,
            "list all of": self._list,
            **dict.fromkeys(_OF_VERSIONS, self._list_versions),
            "see the lock of": self._see_lock,
            "read the policy of": lambda call: self._s3.get_bucket_policy(Bucket=_place(call)[0]),
            "see how a purge goes at": lambda call: self._cloudfront.get_invalidation(
                DistributionId=_name(call), Id=_NO_INVALIDATION
            ),
            "GetUser": lambda call: self._iam.get_user(UserName=_name(call)),
            "ListAccessKeys": lambda call: self._iam.list_access_keys(UserName=_name(call)),
            "ListAttachedUserPolicies": lambda call: self._iam.list_attached_user_policies(UserName=_name(call)),
            "ListGroupsForUser": lambda call: self._iam.list_groups_for_user(UserName=_name(call)),
            "ListUserPolicies": lambda call: self._iam.list_user_policies(UserName=_name(call)),
            "DeleteAccessKey": lambda call: self._iam.delete_access_key(UserName=_name(call), AccessKeyId=_NO_KEY),
            "UpdateAccessKey": lambda call: self._iam.update_access_key(
                UserName=_name(call), AccessKeyId=_NO_KEY, Status="Inactive"
            ),
            "GetRole": lambda call: self._iam.get_role(RoleName=_name(call)),
            "ListAttachedRolePolicies": lambda call: self._iam.list_attached_role_policies(RoleName=_name(call)),
            "ListRolePolicies": lambda call: self._iam.list_role_policies(RoleName=_name(call)),
            "GetPolicy": lambda call: self._iam.get_policy(PolicyArn=call.resource),
            "GetPolicyVersion": lambda call: self._iam.get_policy_version(PolicyArn=call.resource, VersionId="v1"),
            "ListPolicyVersions": lambda call: self._iam.list_policy_versions(PolicyArn=call.resource),
        }

    def attempt(self, call: Call) -> Answer:
        """Try a call and judge the answer."""
        try:
            self._ways[call.act](call)
        except AWS_ERRORS as error:
            reason = translate(error, action=call.action, resource=call.resource, stage=self._stage)
            if not isinstance(error, ClientError):
                raise reason from None
            code = error_code(error)
            if isinstance(reason, PermissionDenied):
                return _refused(call, refused_action(error), code)
            if code in _PERMITTED:
                return Answer(verdict="permitted", said=code)
            if not isinstance(reason, NotFoundError | ServiceError):
                raise reason from None
            return Answer(verdict="unknown", said=code)
        return Answer(verdict="permitted")

    def _create(self, call: Call) -> None:
        bucket, key = _place(call)
        self._s3.put_object(Bucket=bucket, Key=key, Body=_BODY, IfNoneMatch="*", **_DIGESTS)

    def _replace(self, call: Call) -> None:
        bucket, key = _place(call)
        self._s3.put_object(Bucket=bucket, Key=key, Body=_BODY, IfMatch=_NO_ETAG, **_DIGESTS)

    def _read(self, call: Call) -> None:
        bucket, key = _place(call)
        self._s3.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].close()

    def _list(self, call: Call) -> None:
        self._s3.list_objects_v2(Bucket=_place(call)[0], Prefix=call.context.get("s3:prefix") or "", MaxKeys=1)

    def _list_versions(self, call: Call) -> None:
        prefix, delimiter = (call.context.get(f"s3:{name}") or "" for name in ("prefix", "delimiter"))
        self._s3.list_object_versions(Bucket=_place(call)[0], Prefix=prefix, Delimiter=delimiter, MaxKeys=1)

    def _see_lock(self, call: Call) -> None:
        bucket, key = _place(call)
        self._s3.get_object_retention(Bucket=bucket, Key=key)


def _refused(call: Call, named: str | None, code: str) -> Answer:
    """Judge a 403, which S3 also gives for an object that is not there and may not be listed.

    Then it names s3:ListBucket, if anything (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
    """
    if named == call.action or (named is None and call.act != "read"):
        return Answer(verdict="refused", said=code)
    return Answer(verdict="unknown", said=f"{code} for {named}" if named else f"{code} without a reason")


def _place(call: Call) -> tuple[str, str]:
    """Give bucket and key of an S3 ARN."""
    bucket, _, key = call.resource.partition(":::")[2].partition("/")
    return bucket, key


def _name(call: Call) -> str:
    return call.resource.rpartition("/")[2]
