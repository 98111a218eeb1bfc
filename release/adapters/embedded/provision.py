"""The two buckets and the distribution that a library is served from. Also runs against AWS."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import ClientError

from release.adapters.aws_errors import AWS_ERRORS, error_code, translate
from release.errors import RefusedError

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_cloudfront.type_defs import DistributionConfigUnionTypeDef
    from mypy_boto3_s3 import S3Client

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_OPTIMIZED: Final = "658327ea-f89d-4fab-a63d-7e88639e58f6"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
SIMPLE_CORS: Final = "60669652-455b-4ae9-85a4-c4c02393f86c"
# Sent to the bucket with every request: S3 names CORS only to who sends an Origin, and a browser keeps what it got
# without for pages that need it. "You can configure CloudFront to always add the Origin header":
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
SENT_ORIGIN: Final = "https://release.invalid"


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where a library lives."""

    bucket: str
    log_bucket: str
    distribution: str
    domain: str


def provision(
    session: boto3.Session,
    *,
    bucket: str,
    log_bucket: str,
    endpoint: str | None = None,
    retention_days: int | None = None,
) -> Site:
    """Make what is missing; change nothing that is there and right.

    The site bucket keeps versions and lets pages of any origin read it. The log bucket is made with
    Object Lock, which cannot be taken back
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html). Neither is public: the
    distribution reads the site bucket through an origin access control, which the bucket's policy has
    to admit (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html).

    Args:
        session: with the administrator's key and the buckets' region.
        bucket: the site bucket's name.
        log_bucket: the log bucket's name.
        endpoint: where to find the services, if not at AWS.
        retention_days: how long every object in the log bucket is locked by default, in compliance
            mode; by default no object is.

    Returns:
        The site. A new distribution takes AWS some minutes; this does not wait for it.

    Raises:
        RefusedError: a bucket or a distribution is there already and is not as it has to be.
        PermissionDenied: the key may not do this.
        CredentialError: the key is not accepted.
        ServiceError: there was no clear answer.
    """
    s3 = session.client("s3", endpoint_url=endpoint)
    cloudfront = session.client("cloudfront", endpoint_url=endpoint)
    region = session.region_name
    _make_bucket(s3, bucket, region, locked=False)
    _allow_any_origin(s3, bucket)
    _make_bucket(s3, log_bucket, region, locked=True)
    _lock(s3, log_bucket, retention_days)
    access = _origin_access(cloudfront, bucket)
    distribution, domain = _distribution(cloudfront, bucket, region, access)
    return Site(bucket=bucket, log_bucket=log_bucket, distribution=distribution, domain=domain)


@contextmanager
def _asking(action: str, resource: str) -> Iterator[None]:
    try:
        yield
    except AWS_ERRORS as error:
        raise translate(error, action=action, resource=resource, stage="provision") from None


def _make_bucket(s3: "S3Client", name: str, region: str, *, locked: bool) -> None:
    with _asking("s3:CreateBucket", f"arn:aws:s3:::{name}"):
        try:
            # us-east-1 is the one region that must not be named:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
            where: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked, **where)
        except ClientError as error:
            if error_code(error) == "BucketAlreadyExists":
                raise RefusedError(
                    f"the bucket name {name} belongs to another account", hint="choose another name"
                ) from None
            if error_code(error) != "BucketAlreadyOwnedByYou":
                raise
    with _asking("s3:PutBucketPublicAccessBlock", f"arn:aws:s3:::{name}"):
        s3.put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
    with _asking("s3:PutBucketVersioning", f"arn:aws:s3:::{name}"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _allow_any_origin(s3: "S3Client", name: str) -> None:
    """Subresource Integrity needs a CORS answer: https://www.w3.org/TR/SRI/#cross-origin-data-leakage."""
    with _asking("s3:PutBucketCORS", f"arn:aws:s3:::{name}"):
        s3.put_bucket_cors(
            Bucket=name,
            CORSConfiguration={
                "CORSRules": [{"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 3600}]
            },
        )


def _lock(s3: "S3Client", name: str, retention_days: int | None) -> None:
    with _asking("s3:GetBucketObjectLockConfiguration", f"arn:aws:s3:::{name}"):
        try:
            s3.get_object_lock_configuration(Bucket=name)
        except ClientError as error:
            if error_code(error) != "ObjectLockConfigurationNotFoundError":
                raise
            raise RefusedError(
                f"the bucket {name} exists and was made without Object Lock",
                hint="a log needs a bucket of its own: choose another name",
            ) from None
    if retention_days is not None:
        with _asking("s3:PutBucketObjectLockConfiguration", f"arn:aws:s3:::{name}"):
            s3.put_object_lock_configuration(
                Bucket=name,
                ObjectLockConfiguration={
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": retention_days}},
                },
            )


def _pages(ask: Callable[..., Any], result: str) -> Iterator[Any]:
    """Give the items of all pages of a CloudFront list."""
    marker: dict[str, str] = {}
    while True:
        page = ask(**marker)[result]
        yield from page.get("Items", [])
        if not page["IsTruncated"]:
            return
        marker = {"Marker": page["NextMarker"]}


def _origin_access(cloudfront: "CloudFrontClient", bucket: str) -> str:
    with _asking("cloudfront:ListOriginAccessControls", "*"):
        for found in _pages(cloudfront.list_origin_access_controls, "OriginAccessControlList"):
            if found["Name"] == bucket:
                return str(found["Id"])
    with _asking("cloudfront:CreateOriginAccessControl", "*"):
        made = cloudfront.create_origin_access_control(
            OriginAccessControlConfig={
                "Name": bucket,
                "SigningProtocol": "sigv4",
                "SigningBehavior": "always",
                "OriginAccessControlOriginType": "s3",
            }
        )
    return made["OriginAccessControl"]["Id"]


def _distribution(cloudfront: "CloudFrontClient", bucket: str, region: str, access: str) -> tuple[str, str]:
    wanted = _config(bucket, region, access)
    behavior: dict[str, object] = dict(wanted["DefaultCacheBehavior"])
    origin = f"{bucket}.s3.{region}.amazonaws.com"
    with _asking("cloudfront:ListDistributions", "*"):
        for found in _pages(cloudfront.list_distributions, "DistributionList"):
            if origin not in [each["DomainName"] for each in found["Origins"]["Items"]]:
                continue
            other = {
                name: found["DefaultCacheBehavior"].get(name)
                for name, value in behavior.items()
                if found["DefaultCacheBehavior"].get(name) != value
            }
            if other:
                raise RefusedError(
                    f"the distribution {found['Id']} serves {bucket} in another way",
                    hint="correct its default cache behavior, or use another bucket",
                    evidence={"found": json.dumps(other), "expected": json.dumps({n: behavior[n] for n in other})},
                )
            return found["Id"], found["DomainName"]
    with _asking("cloudfront:CreateDistribution", "*"):
        made = cloudfront.create_distribution(DistributionConfig=wanted)["Distribution"]
    return made["Id"], made["DomainName"]


def _config(bucket: str, region: str, access: str) -> "DistributionConfigUnionTypeDef":
    """Describe the distribution.

    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html. The same
    CallerReference cannot make a second one, whatever races.
    """
    return {
        "CallerReference": f"js-release/{bucket}",
        "Comment": f"js-release: {bucket}",
        "Enabled": True,
        "HttpVersion": "http2and3",
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "site",
                    "DomainName": f"{bucket}.s3.{region}.amazonaws.com",
                    "OriginAccessControlId": access,
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                    "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "Origin", "HeaderValue": SENT_ORIGIN}]},
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "https-only",
            "Compress": True,
            "CachePolicyId": CACHING_OPTIMIZED,
            "ResponseHeadersPolicyId": SIMPLE_CORS,
        },
    }
