"""Deleting an object of S3 only if it is still the one that was looked at.

In a bucket that keeps versions that puts a delete marker on top, and the bytes stay below it.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from release.adapters.aws_errors import NO_ANSWER, AwsError, error_code
from release.errors import ReleaseError, ServiceError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A concurrent write or delete is answered with 409 (the page above).
_CONFLICTS: Final = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
_LOST: Final = frozenset({"PreconditionFailed", "412"})
_ABSENT: Final = frozenset({"NoSuchKey", "404"})


def deleted(
    client: "S3Client",
    bucket: str,
    key: str,
    etag: str,
    *,
    failure: Callable[[AwsError], ReleaseError],
    sleep: Callable[[float], None],
) -> bool:
    """Delete with `If-Match`; False if another object is there, True if none is any more, whoever deleted it.

    Raises:
        ServiceError: no clear answer, or others kept getting in the way.
        PermissionDenied: the key may not do this.
    """
    for pause in _PAUSES:
        try:
            client.delete_object(Bucket=bucket, Key=key, IfMatch=etag)
        except NO_ANSWER as error:
            raise failure(error) from None
        except ClientError as error:
            code = error_code(error)
            if code in _LOST:
                return False
            if code in _ABSENT:
                return True
            if code not in _CONFLICTS:
                raise failure(error) from None
            sleep(pause)
        else:
            return True
    raise ServiceError(f"other requests for {key} kept getting in the way", hint="run the same command again")
