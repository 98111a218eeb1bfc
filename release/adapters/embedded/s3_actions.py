"""Which IAM actions an S3 request needs, where moto and AWS disagree. No IO.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from collections.abc import Collection, Mapping
from typing import Final

# By method and query parameter: what moto files under the default action of the method.
_BUCKET_ACTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("GET", "object-lock"): "s3:GetBucketObjectLockConfiguration",
    ("PUT", "object-lock"): "s3:PutBucketObjectLockConfiguration",
    ("GET", "publicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("PUT", "publicAccessBlock"): "s3:PutBucketPublicAccessBlock",
    ("GET", "encryption"): "s3:GetEncryptionConfiguration",
    ("PUT", "encryption"): "s3:PutEncryptionConfiguration",
    ("GET", "replication"): "s3:GetReplicationConfiguration",
    ("PUT", "replication"): "s3:PutReplicationConfiguration",
    ("GET", "ownershipControls"): "s3:GetBucketOwnershipControls",
    ("PUT", "ownershipControls"): "s3:PutBucketOwnershipControls",
}
_OBJECT_ACTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("HEAD", "versionId"): "s3:GetObjectVersion",
    ("GET", "attributes"): "s3:GetObjectAttributes",
    ("GET", "retention"): "s3:GetObjectRetention",
    ("PUT", "retention"): "s3:PutObjectRetention",
    ("GET", "legal-hold"): "s3:GetObjectLegalHold",
    ("PUT", "legal-hold"): "s3:PutObjectLegalHold",
}
_WITH_HEADER: Final[Mapping[str, str]] = {
    "x-amz-acl": "s3:PutObjectAcl",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-tagging": "s3:PutObjectTagging",
}


def needed_actions(
    action: str, method: str, *, of_object: bool, query: Collection[str], headers: Collection[str]
) -> list[str]:
    """List the actions that must all be allowed on the bucket or object itself.

    Args:
        action: what moto takes the request for.
        method: of the request.
        of_object: whether it is about an object, not a bucket.
        query: names of the request's query parameters.
        headers: names of the request's headers, in lower case.
    """
    table = _OBJECT_ACTIONS if of_object else _BUCKET_ACTIONS
    special = [table[method, name] for name in query if (method, name) in table]
    if special:
        action = special[0]
    elif action == "s3:HeadBucket":  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
        action = "s3:ListBucket"
    written = of_object and method == "PUT"
    return [action, *(more for name, more in _WITH_HEADER.items() if written and name in headers)]
