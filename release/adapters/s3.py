"""An S3 bucket as the ObjectStore port.

Every write is one PutObject (the parts of a multipart upload carry no condition) with the SHA-256
that the server must arrive at, and every answer is believed only where it is clear: a 403 is not
an absence, and neither is the bodiless 404 of a HEAD.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

from release.adapters.aws_errors import AWS_ERRORS, NO_ANSWER, AwsError, error_code, error_status, translate
from release.adapters.s3_answers import described, is_confirmed, received, require_same, sha256_of
from release.adapters.s3_delete import deleted
from release.core.layout import ObjectHeaders
from release.errors import IntegrityError, PermissionDenied, ReleaseError, ServiceError
from release.ports import ObjectInfo, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ListObjectsV2RequestTypeDef, PutObjectRequestTypeDef

# "If a conflicting operation occurs during the upload S3 returns a 409 ConditionalRequestConflict":
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
_CONFLICT: Final = "ConditionalRequestConflict"
_CONFLICT_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
# S3 may say this with status 200 and the error in the body, so the code counts and not the status.
_LOST: Final = frozenset({"PreconditionFailed", "412"})
_ABSENT: Final = "NoSuchKey"
# botocore repeats a request that failed, but not one whose body breaks off while it is read.
_READS: Final = 3
_PAGE: Final = 1000
_SERVER_FAULT: Final = 500


class S3Store:
    """One bucket, used with the key of one stage.

    Besides the errors that each method names, all of them raise what `aws_errors.translate` gives:
    PermissionDenied, CredentialError, ConfigError, NotFoundError (the bucket) and ServiceError.

    Args:
        client: an S3 client made by `AwsClients.s3`.
        bucket: the bucket's name.
        stage: the stage whose key the client uses, for errors.
        sleep: how to wait before a conflicting write is tried again.
    """

    def __init__(
        self,
        client: "S3Client",
        *,
        bucket: str,
        stage: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._stage = stage
        self._sleep = sleep

    def describe(self, key: str) -> ObjectInfo | None:
        """Give the object's metadata, or None if it certainly does not exist."""
        try:
            return described(
                self._bucket, key, self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            )
        except NO_ANSWER as error:
            raise self._error(error, "s3:GetObject", key) from None
        except ClientError as error:
            if error_status(error) >= _SERVER_FAULT:
                raise self._error(error, "s3:GetObject", key) from None
        # A HEAD's errors have no body: this 404 may be the bucket's, a 403 may be a bad signature, a 400 an
        # expired token. A GET says which. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        answer = self._get(key)
        if answer is None:
            return None
        with closing(answer["Body"]):
            return described(self._bucket, key, answer)

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        """Give the object, or None if it certainly does not exist.

        Raises:
            IntegrityError: it is larger than `limit` bytes, or not the bytes of its checksum.
        """
        reason: ReleaseError = ServiceError(f"{key} could not be read")
        for _ in range(_READS):
            answer = self._get(key)
            if answer is None:
                return None
            try:
                return received(self._bucket, key, answer, limit=limit)
            except (HTTPClientError, IncompleteReadError) as error:
                reason = self._error(error, "s3:GetObject", key)
        raise reason

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        """Create the object (`If-None-Match: *`).

        Returns:
            False if the key was taken. That may have been an earlier try of the same request, whose answer was
            lost: compare the bytes.

        Raises:
            IntegrityError: the server arrived at another checksum.
        """
        return self._put(key, body, headers, {"IfNoneMatch": "*"}) is None

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        """Compare and swap: write only over the object with this ETag (None: only if absent).

        On AWS, `If-Match` needs s3:GetObject besides s3:PutObject:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html

        Returns:
            False if somebody else was first. If the request had to be repeated, its first try may have won: then
            the bytes that are there decide.

        Raises:
            IntegrityError: the server arrived at another checksum.
        """
        if etag is None:
            return self._swap(key, body, headers, {"IfNoneMatch": "*"})
        if self._swap(key, body, headers, {"IfMatch": etag}):
            return True
        return self._wants_bare_etag(key, etag) and self._swap(key, body, headers, {"IfMatch": etag.strip('"')})

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> str | None:
        """Copy on the server over the object with the ETag `replacing` (None: only if there is none).

        S3 takes conditions on the target of a copy (API reference, CopyObject, `If-Match`); a server that does
        not know them ignores them, and then the last copy wins.

        Returns:
            The SHA-256 (hex) of the bytes at `target`; None if somebody else wrote there first.

        Raises:
            IntegrityError: `source` is no longer the object described, or the copy has other bytes.
        """
        if source.sha256 is None:
            # A server that keeps no SHA-256 may ignore `x-amz-copy-source-if-match` too, as Ceph's gateway does.
            # Should the source change between this look and the copy, then the digest below tells.
            found = self._beside(source.bucket).describe(source.key)
            if found is None or found.etag != source.etag:
                raise _outdated(source, found)
        try:
            answer = self._client.copy_object(
                Bucket=self._bucket,
                Key=target,
                CopySource={"Bucket": source.bucket, "Key": source.key},
                CopySourceIfMatch=source.etag,
                **({"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing}),  # type: ignore[arg-type]
                MetadataDirective="REPLACE",
                ContentType=headers.content_type,
                CacheControl=headers.cache_control,
                Metadata=headers.metadata,
                ChecksumAlgorithm="SHA256",
            )
        except AWS_ERRORS as error:
            reason = self._copy_error(error, source, target)
            if reason is None:
                return source.sha256 if self._is_copied(source, target, headers) else None
            raise reason from None
        digest = sha256_of(target, answer.get("CopyObjectResult", {})) or self._read_back(target, source.size)
        if source.sha256 not in {None, digest}:
            evidence = {"expected": str(source.sha256), "found": digest}
            raise IntegrityError(f"the copy of {source.key} at {target} has other bytes", evidence=evidence)
        return digest

    def delete(self, key: str, *, etag: str) -> bool:
        """Delete the object if it has this ETag; in a bucket that keeps versions it stays below a delete marker.

        It is looked at first: servers that do not know the condition of a delete ignore it, as moto and Ceph do.
        On AWS, `If-Match` needs s3:GetObject besides s3:DeleteObject.

        Returns:
            False if another object is there; True if none is any more, whoever deleted it.
        """
        found = self.describe(key)
        if found is None or found.etag != etag:
            return found is None
        return self._deleted(key, etag) or (self._wants_bare_etag(key, etag) and self._deleted(key, etag.strip('"')))

    def keys(self, prefix: str, *, after: str = "", most: int = _PAGE) -> Sequence[str]:
        """Give up to `most` keys with this prefix that sort after `after`, in the order of their UTF-8."""
        found: list[str] = []
        request: ListObjectsV2RequestTypeDef = {"Bucket": self._bucket, "Prefix": prefix, "StartAfter": after}
        while len(found) < most:
            request["MaxKeys"] = min(_PAGE, most - len(found))
            try:
                page = self._client.list_objects_v2(**request)
            except AWS_ERRORS as error:
                reason = self._error(error, "s3:ListBucket", None)
                reason.evidence["s3:prefix"] = prefix
                raise reason from None
            if "KeyCount" not in page:
                raise ServiceError(f"the answer to s3:ListBucket with s3:prefix {prefix} is not a list")
            found += [item["Key"] for item in page.get("Contents", [])]
            token = page.get("NextContinuationToken")
            if not page.get("IsTruncated") or not token:
                break
            request["ContinuationToken"] = token
        return found

    def _deleted(self, key: str, etag: str) -> bool:
        def failure(error: AwsError) -> ReleaseError:
            return self._error(error, "s3:DeleteObject", key)

        return deleted(self._client, self._bucket, key, etag, failure=failure, sleep=self._sleep)

    def _swap(self, key: str, body: bytes, headers: ObjectHeaders, condition: dict[str, str]) -> bool:
        lost = self._put(key, body, headers, condition)
        if lost is None:
            return True
        repeated = lost.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
        return repeated and self._holds(key, body)

    def _wants_bare_etag(self, key: str, etag: str) -> bool:
        """Tell whether a swap was refused only for the quotes that belong to an ETag.

        Ceph's gateway compares `If-Match` with the bare value, so that a quoted one never matches. An ETag without
        quotes is malformed (RFC 9110, 8.8.3), and a server may ignore the condition it stands in: it is sent only
        where the server has just said both that this ETag does not match and that it is the object's ETag.
        """
        if etag == etag.strip('"'):
            return False
        found = self.describe(key)
        return found is not None and found.etag == etag

    def _put(self, key: str, body: bytes, headers: ObjectHeaders, condition: dict[str, str]) -> ClientError | None:
        """Write if the condition holds; give the error that says that it does not."""
        digest = hashlib.sha256(body)
        request: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": key,
            "Body": body,
            "ContentType": headers.content_type,
            "CacheControl": headers.cache_control,
            "Metadata": headers.metadata,
            "ChecksumAlgorithm": "SHA256",
            "ChecksumSHA256": base64.b64encode(digest.digest()).decode("ascii"),
            **condition,  # type: ignore[typeddict-item]
        }
        for pause in _CONFLICT_PAUSES:
            try:
                answer = self._client.put_object(**request)
            except NO_ANSWER as error:
                raise self._error(error, "s3:PutObject", key) from None
            except ClientError as error:
                code = error_code(error)
                # If-Match on a key that does not exist is answered with 404.
                if code in _LOST or (code == _ABSENT and "IfMatch" in condition):
                    return error
                if code != _CONFLICT:
                    raise self._error(error, "s3:PutObject", key) from None
                self._sleep(pause)
            else:
                if not is_confirmed(key, answer, body):
                    require_same(key, expected=digest.hexdigest(), found=self._read_back(key, len(body)))
                return None
        raise ServiceError(f"other writes to {key} kept getting in the way", hint="run the same command again")

    def _holds(self, key: str, body: bytes) -> bool:
        info = self.describe(key)
        if info is None or info.size != len(body):
            return False
        try:
            found = self.read(key, limit=len(body))
        except IntegrityError:  # somebody else wrote more there since
            return False
        return found is not None and found.body == body

    def _read_back(self, key: str, size: int) -> str:
        found = self.read(key, limit=size)
        if found is None:
            raise ServiceError(f"{key} was written but cannot be read back")
        return hashlib.sha256(found.body).hexdigest()

    def _get(self, key: str) -> "GetObjectOutputTypeDef | None":
        """Open the object, or give None if it certainly does not exist.

        A key that does not exist is answered with 403 unless the caller may list it:
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except NO_ANSWER as error:
            raise self._error(error, "s3:GetObject", key) from None
        except ClientError as error:
            if error_code(error) == _ABSENT:
                return None
            reason = self._error(error, "s3:GetObject", key)
            if isinstance(reason, PermissionDenied):
                if self._is_unlisted(key):
                    return None
                reason.hint += (
                    "; S3 also says this of a key that does not exist, "
                    f"unless the caller may s3:ListBucket with s3:prefix {key}"
                )
            raise reason from None

    def _is_unlisted(self, key: str) -> bool:
        """Tell whether the bucket may be listed at this key and does not have it.

        A key sorts before all longer keys that begin with it, so one answer is enough.
        """
        try:
            return key not in self.keys(key, most=1)
        except PermissionDenied:
            return False

    def _is_copied(self, source: ObjectInfo, target: str, headers: ObjectHeaders) -> bool:
        """Tell whether the target is the very copy that was asked for: a repeated request meets its own success."""
        found = self.describe(target)
        return found is not None and (found.sha256, found.headers) == (source.sha256, headers)

    def _copy_error(self, error: AwsError, source: ObjectInfo, target: str) -> ReleaseError | None:
        """Find out which half of a copy failed, for S3 does not say; None if the target was not as expected."""
        code = error_code(error) if isinstance(error, ClientError) else ""
        reason = self._error(error, "s3:PutObject", target)
        if code not in _LOST and code != _ABSENT and not isinstance(reason, PermissionDenied):
            return reason
        try:
            found = self._beside(source.bucket).describe(source.key)
        except PermissionDenied as unreadable:
            return unreadable
        if found is None or found.etag != source.etag:
            return _outdated(source, found)
        return reason if isinstance(reason, PermissionDenied) else None

    def _beside(self, bucket: str) -> "S3Store":
        return S3Store(self._client, bucket=bucket, stage=self._stage, sleep=self._sleep)

    def _error(self, error: AwsError, action: str, key: str | None) -> ReleaseError:
        """Translate; `key` None means the bucket itself."""
        bucket = f"arn:{self._client.meta.partition}:s3:::{self._bucket}"
        whole = key is None or (isinstance(error, ClientError) and error_code(error) == "NoSuchBucket")
        resource = bucket if whole else f"{bucket}/{key}"
        region = self._client.meta.region_name
        return translate(error, action=action, resource=resource, stage=self._stage, region=region)


def _outdated(source: ObjectInfo, found: ObjectInfo | None) -> IntegrityError:
    evidence = {"expected": source.etag, "found": found.etag if found else "nothing"}
    return IntegrityError(f"{source.key} is no longer the object that was described", evidence=evidence)
