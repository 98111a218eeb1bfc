"""The calls of the matrix (`release.core.matrix`) as real requests to an S3 server, and what it answers."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from release.core.matrix import Call

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE: Final = "s3:x-amz-copy-source"
EVIL: Final = b"window.evil = 1;\n"
ANYBODY: Final = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}'
)

Send = Callable[["S3Client", str, str, Call], Any]


def put(client: "S3Client", bucket: str, key: str, body: bytes = EVIL, **more: Any) -> Any:  # noqa: ANN401 - botocore's
    """Write an object as the program does: one request, with its checksum."""
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return client.put_object(
        Bucket=bucket, Key=key, Body=body, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum, **more
    )


def _copy(client: "S3Client", bucket: str, key: str, call: Call) -> Any:  # noqa: ANN401
    source = str(call.context[SOURCE])
    return client.copy_object(Bucket=bucket, Key=key, CopySource=source, MetadataDirective="REPLACE")


_EXPIRY: Final[Any] = {
    "Rules": [{"ID": "soon", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
}
_SENT: Final[Mapping[str, Send]] = {
    "create": lambda s3, bucket, key, _: put(s3, bucket, key, IfNoneMatch="*"),
    "replace": lambda s3, bucket, key, call: put(s3, bucket, key, IfMatch=str(call.context["s3:if-match"])),
    "overwrite": lambda s3, bucket, key, _: put(s3, bucket, key),
    "fill from a published file": _copy,
    "fill from a recorded pointer": _copy,
    "fill from elsewhere": _copy,
    "read": lambda s3, bucket, key, _: s3.get_object(Bucket=bucket, Key=key)["Body"].close(),
    "delete": lambda s3, bucket, key, call: s3.delete_object(
        Bucket=bucket, Key=key, IfMatch=str(call.context["s3:if-match"])
    ),
    "delete blindly": lambda s3, bucket, key, _: s3.delete_object(Bucket=bucket, Key=key),
    "delete a version of": lambda s3, bucket, key, _: s3.delete_object(Bucket=bucket, Key=key, VersionId="null"),
    "share": lambda s3, bucket, key, _: s3.put_object_acl(Bucket=bucket, Key=key, ACL="public-read"),
    "shorten the lock of": lambda s3, bucket, key, _: s3.put_object_retention(
        Bucket=bucket, Key=key, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": "2026-01-01T00:00:00Z"}
    ),
    "see the lock of": lambda s3, bucket, key, _: s3.get_object_retention(Bucket=bucket, Key=key),
    **dict.fromkeys(
        ("list versions of", "list versions of all in", "list all versions of", "see the names in"),
        lambda s3, bucket, _, call: s3.list_object_versions(
            Bucket=bucket,
            Prefix=str(call.context.get("s3:prefix", "")),
            Delimiter=str(call.context.get("s3:delimiter", "")),
        ),
    ),
    "list": lambda s3, bucket, _, call: s3.list_objects_v2(Bucket=bucket, Prefix=str(call.context["s3:prefix"])),
    "list all of": lambda s3, bucket, *_: s3.list_objects_v2(Bucket=bucket),
    "read the policy of": lambda s3, bucket, *_: s3.get_bucket_policy(Bucket=bucket),
    "change the policy of": lambda s3, bucket, *_: s3.put_bucket_policy(Bucket=bucket, Policy=ANYBODY),
    "drop the policy of": lambda s3, bucket, *_: s3.delete_bucket_policy(Bucket=bucket),
    "change versioning of": lambda s3, bucket, *_: s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
    ),
    "let things expire in": lambda s3, bucket, *_: s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration=_EXPIRY
    ),
}


def sent(client: "S3Client", call: Call) -> int:
    """Make a call of the matrix; gives the status of the answer.

    Raises:
        KeyError: there is no request for it yet.
    """
    bucket, _, key = call.resource.rpartition(":")[2].partition("/")
    return status(lambda: _SENT[call.act](client, bucket, key, call))


def status(request: Callable[[], Any]) -> int:
    """Make a request; gives the status of the answer."""
    try:
        request()
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return 200
