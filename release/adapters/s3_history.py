"""An S3 bucket with all versions of its objects, as the ObjectHistory port."""

from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from release.adapters.aws_errors import AWS_ERRORS, AwsError, error_code, translate
from release.core.audit.versions import Lock, ObjectVersion
from release.errors import ReleaseError, ServiceError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Of an object without retention; Ceph's gateway says the second. Where the bucket itself has no Object Lock, it is an
# InvalidRequest that says so: "Bucket is missing Object Lock Configuration".
_NOT_LOCKED: Final = frozenset({"NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"})
_NO_LOCK_AT_ALL: Final = "InvalidRequest"


class S3History:
    """One bucket, looked at with the key of one stage; raises what `aws_errors.translate` gives.

    Args:
        client: an S3 client made by `AwsClients.s3`.
        bucket: the bucket's name.
        stage: the stage whose key the client uses, for errors.
        page: how many versions and markers to ask for at a time; S3 gives 1,000 at most.
    """

    def __init__(self, client: "S3Client", *, bucket: str, stage: str, page: int = 1000) -> None:
        self._client = client
        self._bucket = bucket
        self._stage = stage
        self._page = page

    def versions(self, prefix: str) -> Iterator[ObjectVersion]:
        """Give every version and delete marker below a prefix.

        A page lists the two apart, and may end between those of one key:
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
        """
        for page in self._pages(prefix, {}):
            yield from _sorted(page)

    def folder(self, prefix: str) -> Iterator[str | ObjectVersion]:
        """Give what is directly in a folder."""
        for page in self._pages(prefix, {"Delimiter": "/"}):
            yield from (item["Prefix"].removeprefix(prefix) for item in page.get("CommonPrefixes", []))
            yield from _sorted(page)

    def lock(self, key: str) -> Lock | None:
        """Give the retention of the newest version of an object."""
        try:
            found = self._client.get_object_retention(Bucket=self._bucket, Key=key).get("Retention", {})
        except AWS_ERRORS as error:
            if isinstance(error, ClientError) and _says_unlocked(error):
                return None
            raise self._error(error, "s3:GetObjectRetention", key) from None
        mode, until = found.get("Mode"), found.get("RetainUntilDate")
        if not mode or not until:
            return None
        return Lock(mode=mode, until=until.astimezone(UTC))

    def _pages(self, prefix: str, more: dict[str, str]) -> Iterator[Any]:
        request: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix, "MaxKeys": self._page, **more}
        ask: Any = self._client.list_object_versions
        while True:
            try:
                page = ask(**request)
            except AWS_ERRORS as error:
                reason = self._error(error, "s3:ListBucketVersions", None)
                reason.evidence["s3:prefix"] = prefix
                raise reason from None
            if "IsTruncated" not in page:
                raise ServiceError(f"the answer to s3:ListBucketVersions with s3:prefix {prefix} is not a list")
            yield page
            if not page["IsTruncated"]:
                return
            marks = {"KeyMarker": page.get("NextKeyMarker"), "VersionIdMarker": page.get("NextVersionIdMarker")}
            if not marks["KeyMarker"]:
                raise ServiceError(f"the list of versions below {prefix} does not say how it goes on")
            request = {**request, **{name: mark for name, mark in marks.items() if mark}}

    def _error(self, error: AwsError, action: str, key: str | None) -> ReleaseError:
        bucket = f"arn:{self._client.meta.partition}:s3:::{self._bucket}"
        resource = bucket if key is None else f"{bucket}/{key}"
        region = self._client.meta.region_name
        return translate(error, action=action, resource=resource, stage=self._stage, region=region)


def _says_unlocked(error: ClientError) -> bool:
    code = error_code(error)
    return code in _NOT_LOCKED or (code == _NO_LOCK_AT_ALL and "object lock" in str(error).lower())


def _sorted(page: Any) -> list[ObjectVersion]:  # noqa: ANN401 - an answer of botocore
    found = [_version(item, is_marker=False) for item in page.get("Versions", [])]
    found += [_version(item, is_marker=True) for item in page.get("DeleteMarkers", [])]
    return sorted(found, key=lambda version: version.key.encode())


def _version(item: Any, *, is_marker: bool) -> ObjectVersion:  # noqa: ANN401 - an answer of botocore
    return ObjectVersion(
        key=item["Key"],
        modified=item["LastModified"].astimezone(UTC),
        size=item.get("Size", 0),
        is_marker=is_marker,
        is_latest=item["IsLatest"],
    )
