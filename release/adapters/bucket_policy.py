"""The policies of buckets, read and written whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from release.adapters.aws_errors import AWS_ERRORS, error_code, translate
from release.adapters.key_directory import policy_document
from release.core.identities import PROVISION
from release.core.keypolicy import Policy, compact
from release.errors import RefusedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class BucketPolicies:
    """The policies of one account's buckets. `account` is what the buckets must belong to."""

    def __init__(self, s3: "S3Client", *, account: str) -> None:
        self._s3 = s3
        self._account = account

    def read(self, bucket: str) -> Policy | None:
        """Give a bucket's policy; None if it certainly has none.

        Raises:
            NotFoundError: there is no such bucket.
            PermissionDenied: it is another account's, or this key may not.
        """
        with _asking("s3:GetBucketPolicy", bucket):
            try:
                found = self._s3.get_bucket_policy(Bucket=bucket, ExpectedBucketOwner=self._account)["Policy"]
            except ClientError as error:
                if error_code(error) == "NoSuchBucketPolicy":
                    return None
                raise
        return policy_document(found, f"bucket {bucket}")

    def write(self, bucket: str, policy: Policy, *, before: Policy | None) -> None:
        """Replace a bucket's policy, made from the policy `before`.

        S3 has no compare-and-swap here; a second run sees what a race lost.


        Raises:
            RefusedError: somebody else wrote it meanwhile.
        """
        if self.read(bucket) != before:
            raise RefusedError(
                f"the policy of bucket {bucket} was changed meanwhile",
                hint="run the same command again: it starts from what is there now",
            )
        with _asking("s3:PutBucketPolicy", bucket):
            self._s3.put_bucket_policy(Bucket=bucket, Policy=compact(policy), ExpectedBucketOwner=self._account)


@contextmanager
def _asking(action: str, bucket: str) -> Iterator[None]:
    try:
        yield
    except AWS_ERRORS as error:
        raise translate(error, action=action, resource=f"bucket {bucket}", stage=PROVISION) from None
