"""What an answer of S3 says of an object, believed only as far as it is well-formed."""

import base64
import hashlib
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import FlexibleChecksumError, HTTPClientError, ResponseStreamingError
from urllib3.exceptions import HTTPError

from release.adapters.aws_errors import checksum_error
from release.core.layout import ObjectHeaders
from release.errors import IntegrityError, ServiceError
from release.ports import ObjectInfo, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_SHA256_BYTES: Final = 32


def described(bucket: str, key: str, answer: Mapping[str, Any]) -> ObjectInfo:
    """Give the metadata in the answer to a GET or HEAD.

    Raises:
        ServiceError: the answer lacks a size or an ETag, or its checksum is malformed.
    """
    size, etag = answer.get("ContentLength"), answer.get("ETag")
    if size is None or not etag:
        raise ServiceError(f"the server gives no size or no ETag for {key}")
    headers = ObjectHeaders(
        content_type=answer.get("ContentType", ""),
        cache_control=answer.get("CacheControl", ""),
        metadata={name.lower(): value for name, value in answer.get("Metadata", {}).items()},
    )
    return ObjectInfo(bucket=bucket, key=key, size=size, etag=etag, sha256=sha256_of(key, answer), headers=headers)


def sha256_of(key: str, answer: Mapping[str, Any]) -> str | None:
    """Give the SHA-256 (hex) of the whole object, or None if the answer has none.

    A multipart upload has a checksum of its parts' checksums instead, written with their number (`...-3`):
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

    Raises:
        ServiceError: the checksum is malformed.
    """
    checksum = answer.get("ChecksumSHA256")
    if not checksum or answer.get("ChecksumType") == "COMPOSITE" or "-" in checksum:
        return None
    try:
        digest = base64.b64decode(checksum, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != _SHA256_BYTES:
        raise ServiceError(f"the server gives {key} a malformed checksum")
    return digest.hex()


def is_confirmed(key: str, answer: Mapping[str, Any], body: bytes) -> bool:
    """Tell whether the answer to a PUT proves that the server has these bytes.

    S3 repeats the SHA-256 it arrived at. A server that knows nothing of checksums (Ceph's gateway before 19 takes
    any and compares none) gives an ETag that is the MD5 of what it received: enough against accidents, and a server
    that lies could repeat a SHA-256 as well. Neither is no proof: read the object.

    Raises:
        ServiceError: it is no clear confirmation.
        IntegrityError: the server arrived at another SHA-256.
    """
    if not answer.get("ETag"):
        raise ServiceError(f"the server did not confirm that it stored {key}", hint="run the same command again")
    stored = sha256_of(key, answer)
    if stored is None:
        return bool(answer["ETag"].strip('"') == hashlib.md5(body, usedforsecurity=False).hexdigest())
    require_same(key, expected=hashlib.sha256(body).hexdigest(), found=stored)
    return True


def require_same(key: str, *, expected: str, found: str) -> None:
    """Raise IntegrityError unless the server stored what was sent."""
    if found != expected:
        evidence = {"expected": expected, "found": found}
        raise IntegrityError(f"the server stored other bytes at {key}", evidence=evidence)


def received(bucket: str, key: str, answer: "GetObjectOutputTypeDef", *, limit: int) -> StoredObject:
    """Read the body of the answer to a GET, whole but no further than allowed, and check it.

    Raises:
        IntegrityError: it is larger than `limit` bytes, or not the bytes of its checksum.
        ServiceError: the answer is malformed.
        HTTPClientError, IncompleteReadError: the connection broke.
    """
    with closing(answer["Body"]) as stream:
        info = described(bucket, key, answer)
        try:
            body = stream.read(limit + 1) if info.size <= limit else b""
            if info.size > limit or len(body) > limit:
                evidence = {"limit": str(limit), "found": str(info.size)}
                raise IntegrityError(f"{key} is larger than the {limit} bytes allowed", evidence=evidence)
            # Only a read to the end makes botocore compare the length and the checksum.
            stream.read()
        except FlexibleChecksumError as error:
            raise checksum_error(error, key) from None
        except HTTPClientError:
            raise
        except HTTPError as error:  # botocore translates only some of those that urllib3 raises here
            raise ResponseStreamingError(error=type(error).__name__) from None
        except ValueError:
            raise ServiceError(f"the server gives {key} a malformed checksum") from None
    found = hashlib.sha256(body).hexdigest()
    if info.sha256 not in {None, found}:
        evidence = {"expected": str(info.sha256), "found": found}
        raise IntegrityError(f"{key} is not the bytes of its checksum", evidence=evidence)
    return StoredObject(info=info, body=body)
