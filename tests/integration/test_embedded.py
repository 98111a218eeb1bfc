"""The embedded AWS refuses and allows what AWS would, and its edge serves what CloudFront would."""

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import urllib3
from botocore.exceptions import ClientError

from release.adapters.embedded.aws import AccessKey, EmbeddedAws
from release.adapters.embedded.edge import EmbeddedEdge
from release.adapters.embedded.provision import CACHING_OPTIMIZED, SIMPLE_CORS, Site, provision
from release.adapters.public_site import HttpSite
from release.errors import ConfigError, MissingToolError, PermissionDenied, RefusedError

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts.type_defs import AssumeRoleResponseTypeDef

pytestmark = pytest.mark.moto

SCRIPT = b"console.log('tag');" * 100
PAGE = "https://shop.example"


class Account:
    """Clients of the embedded AWS by key, and what became of their requests."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.s3 = self.s3_of(aws.admin)
        self.cloudfront = self.cloudfront_of(aws.admin)

    def s3_of(self, key: AccessKey) -> "S3Client":
        return self.aws.session(key).client("s3", endpoint_url=self.aws.endpoint)

    def cloudfront_of(self, key: AccessKey) -> "CloudFrontClient":
        return self.aws.session(key).client("cloudfront", endpoint_url=self.aws.endpoint)

    def iam_of(self, key: AccessKey) -> "IAMClient":
        return self.aws.session(key).client("iam", endpoint_url=self.aws.endpoint)

    def key(self, *statements: dict[str, object], name: str = "stage") -> AccessKey:
        return self.aws.add_user(name, statements)

    def invalidate(self, key: AccessKey, site: Site, *paths: str, reference: str = "r") -> str:
        made = self.cloudfront_of(key).create_invalidation(
            DistributionId=site.distribution,
            InvalidationBatch={
                "CallerReference": reference,
                "Paths": {"Quantity": len(paths), "Items": list(paths)},
            },
        )
        return made["Invalidation"]["Id"]


@pytest.fixture
def account() -> Iterator[Account]:
    with EmbeddedAws() as aws:
        yield Account(aws)


@pytest.fixture
def site(account: Account) -> Site:
    return provision(account.aws.session(), bucket="site", log_bucket="log", endpoint=account.aws.endpoint)


def allow(action: str | Sequence[str], resource: str = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | Sequence[str], resource: str = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def distribution_arn(distribution: str) -> str:
    return f"arn:aws:cloudfront::123456789012:distribution/{distribution}"


@contextmanager
def refused(code: str = "AccessDenied", message: str | None = None) -> Iterator[None]:
    """Expect a service to answer with this error code."""
    with pytest.raises(ClientError, match=message) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code


# Starting and stopping.


def test_nothing_is_said_and_nothing_stays(capfd: pytest.CaptureFixture[str]) -> None:
    with EmbeddedAws() as aws:
        Account(aws).s3.create_bucket(Bucket="site", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        first = aws.admin
    with EmbeddedAws(region="us-east-1") as aws:
        account = Account(aws)
        assert account.s3.list_buckets()["Buckets"] == []
        assert [user["UserName"] for user in account.iam_of(aws.admin).list_users()["Users"]] == ["administrator"]
        with refused("InvalidAccessKeyId"):
            account.s3_of(first).list_buckets()
    assert capfd.readouterr() == ("", "")


def test_only_one_is_open_at_a_time(account: Account) -> None:
    with pytest.raises(RuntimeError, match="already open"), EmbeddedAws():
        pass
    assert account.s3.list_buckets()["Buckets"] == []


def test_without_moto_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in list(sys.modules):
        if module == "moto" or module.startswith("moto."):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "moto", None)
    for _ in range(2):
        with pytest.raises(MissingToolError, match="needs moto") as caught, EmbeddedAws():
            pass
        assert caught.value.hint == "pip install '.[demo]' in this project's folder"


def test_the_secret_is_not_in_the_representation(account: Account) -> None:
    assert account.aws.admin.secret not in repr(account.aws.admin)


# Keys.


def test_a_wrong_secret_is_refused(account: Account) -> None:
    wrong = AccessKey(id=account.aws.admin.id, secret="x" * 40)
    with refused("SignatureDoesNotMatch"):
        account.s3_of(wrong).list_buckets()
    with refused("SignatureDoesNotMatch"):
        account.cloudfront_of(wrong).list_distributions()


def test_nobody_without_a_key_is_let_in(account: Account, site: Site) -> None:
    account.s3.put_object(Bucket=site.bucket, Key="t.js", Body=SCRIPT)
    for path in ("/site/t.js", "/site/other.js", "/site", "/"):
        assert urllib3.request("GET", account.aws.endpoint + path, retries=False).status == 403


def test_a_refusal_says_who_may_not_do_what_and_why(account: Account, site: Site) -> None:
    key = account.key(allow("s3:GetObject", "arn:aws:s3:::site/*"), name="reader")
    message = (
        r"User: arn:aws:iam::123456789012:user/reader is not authorized to perform: s3:PutObject on resource: "
        r'"arn:aws:s3:::site/t.js" because no identity-based policy allows the s3:PutObject action'
    )
    with refused(message=message):
        account.s3_of(key).put_object(Bucket=site.bucket, Key="t.js", Body=b"")


def test_a_prefix_is_the_limit_of_a_key(account: Account, site: Site) -> None:
    s3 = account.s3_of(account.key(allow("s3:PutObject", "arn:aws:s3:::site/tag/1.0.0/*")))
    s3.put_object(Bucket=site.bucket, Key="tag/1.0.0/t.js", Body=SCRIPT)
    attempts: list[Callable[[], object]] = [
        lambda: s3.put_object(Bucket=site.bucket, Key="tag/1.0.0", Body=b""),
        lambda: s3.put_object(Bucket=site.bucket, Key="tag/latest/t.js", Body=b""),
        lambda: s3.put_object(Bucket=site.log_bucket, Key="tag/1.0.0/t.js", Body=b""),
        lambda: s3.get_object(Bucket=site.bucket, Key="tag/1.0.0/t.js"),
        lambda: s3.delete_object(Bucket=site.bucket, Key="tag/1.0.0/t.js"),
        lambda: s3.list_objects_v2(Bucket=site.bucket),
        s3.list_buckets,
    ]
    for attempt in attempts:
        with refused():
            attempt()


def test_a_condition_on_the_create_only_header_is_enforced(account: Account, site: Site) -> None:
    only_create = {"Null": {"s3:if-none-match": "false"}}
    s3 = account.s3_of(account.key(allow("s3:PutObject", "arn:aws:s3:::site/*", Condition=only_create)))
    with refused():
        s3.put_object(Bucket=site.bucket, Key="t.js", Body=b"")
    s3.put_object(Bucket=site.bucket, Key="t.js", Body=SCRIPT, IfNoneMatch="*")
    with refused("PreconditionFailed"):
        s3.put_object(Bucket=site.bucket, Key="t.js", Body=b"", IfNoneMatch="*")


def test_a_bucket_policy_binds_even_the_administrator(account: Account, site: Site) -> None:
    statements = [
        deny("s3:*", "arn:aws:s3:::site/*", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        deny(
            "s3:PutObject",
            "arn:aws:s3:::site/*",
            Principal={"AWS": "*"},
            Condition={"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
        ),
    ]
    account.s3.put_bucket_policy(
        Bucket=site.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements})
    )
    with refused(message="explicit deny in a resource-based policy"):
        account.s3.put_object(Bucket=site.bucket, Key="t.js", Body=b"")
    account.s3.put_object(Bucket=site.bucket, Key="t.js", Body=SCRIPT, IfNoneMatch="*")
    assert account.s3.get_object(Bucket=site.bucket, Key="t.js")["Body"].read() == SCRIPT


def test_an_address_range_is_enforced(account: Account, site: Site) -> None:
    elsewhere = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    here = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
    inside = account.key(allow("s3:ListBucket", "arn:aws:s3:::site", Condition=here), name="inside")
    outside = account.key(allow("s3:ListBucket", "arn:aws:s3:::site", Condition=elsewhere), name="outside")
    account.s3_of(inside).list_objects_v2(Bucket=site.bucket)
    with refused():
        account.s3_of(outside).list_objects_v2(Bucket=site.bucket)


def test_listing_can_be_limited_to_a_prefix(account: Account, site: Site) -> None:
    own = {"StringLike": {"s3:prefix": "tag/customers/a/*"}}
    s3 = account.s3_of(account.key(allow("s3:ListBucket", "arn:aws:s3:::site", Condition=own)))
    s3.list_objects_v2(Bucket=site.bucket, Prefix="tag/customers/a/")
    for prefix in ("tag/customers/b/", "tag/", ""):
        with refused():
            s3.list_objects_v2(Bucket=site.bucket, Prefix=prefix)


def test_an_absent_object_is_forbidden_to_those_who_may_not_list(account: Account, site: Site) -> None:
    reads = allow("s3:GetObject", "arn:aws:s3:::site/*")
    blind = account.s3_of(account.key(reads, name="blind"))
    seeing = account.s3_of(account.key(reads, allow("s3:ListBucket", "arn:aws:s3:::site"), name="seeing"))
    with refused():
        blind.get_object(Bucket=site.bucket, Key="t.js")
    with refused("403"):
        blind.head_object(Bucket=site.bucket, Key="t.js")
    with refused("NoSuchKey"):
        seeing.get_object(Bucket=site.bucket, Key="t.js")
    with refused("404"):
        seeing.head_object(Bucket=site.bucket, Key="t.js")
    account.s3.put_object(Bucket=site.bucket, Key="t.js", Body=SCRIPT)
    blind.head_object(Bucket=site.bucket, Key="t.js")


def test_a_copy_needs_to_read_its_source(account: Account, site: Site) -> None:
    account.s3.put_object(Bucket=site.bucket, Key="tag/1.0.0/t.js", Body=SCRIPT)
    writes = allow("s3:PutObject", "arn:aws:s3:::site/tag/latest/*")
    reads = allow("s3:GetObject", "arn:aws:s3:::site/tag/1.0.0/*")
    source = f"{site.bucket}/tag/1.0.0/t.js"
    with refused(message="s3:GetObject"):
        account.s3_of(account.key(writes, name="writes")).copy_object(
            Bucket=site.bucket, Key="tag/latest/t.js", CopySource=source
        )
    account.s3_of(account.key(writes, reads, name="both")).copy_object(
        Bucket=site.bucket, Key="tag/latest/t.js", CopySource=source
    )


def test_what_a_copy_may_read_can_be_limited(account: Account, site: Site) -> None:
    for key in ("tag/1.0.0/t.js", "tag/latest/old.js"):
        account.s3.put_object(Bucket=site.bucket, Key=key, Body=SCRIPT)
    published = {"StringLike": {"s3:x-amz-copy-source": "site/tag/1*"}}
    s3 = account.s3_of(
        account.key(
            allow("s3:PutObject", "arn:aws:s3:::site/tag/latest/*", Condition=published),
            allow("s3:GetObject", "arn:aws:s3:::site/*"),
        )
    )
    s3.copy_object(Bucket=site.bucket, Key="tag/latest/t.js", CopySource="site/tag/1.0.0/t.js")
    with refused():
        s3.copy_object(Bucket=site.bucket, Key="tag/latest/t.js", CopySource="site/tag/latest/old.js")
    with refused():
        s3.put_object(Bucket=site.bucket, Key="tag/latest/t.js", Body=b"never published")


def test_a_lock_needs_a_right_of_its_own(account: Account, site: Site) -> None:
    writes = allow("s3:PutObject", "arn:aws:s3:::log/*")
    locks = allow("s3:PutObjectRetention", "arn:aws:s3:::log/*")
    until = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)

    def put_locked(key: AccessKey) -> None:
        account.s3_of(key).put_object(
            Bucket=site.log_bucket,
            Key="seq/1",
            Body=b"{}",
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=until,
        )

    with refused(message="s3:PutObjectRetention"):
        put_locked(account.key(writes, name="writes"))
    put_locked(account.key(writes, locks, name="locks"))


def test_asking_for_a_bucket_is_listing_it(account: Account, site: Site) -> None:
    account.s3_of(account.key(allow("s3:ListBucket", "arn:aws:s3:::site"), name="lists")).head_bucket(
        Bucket=site.bucket
    )
    with refused("403"):
        account.s3_of(account.key(allow("s3:HeadBucket"), name="heads")).head_bucket(Bucket=site.bucket)


def test_a_role_is_for_whom_it_trusts_and_for_what_it_may(account: Account, site: Site) -> None:
    iam = account.iam_of(account.aws.admin)
    job = account.key(allow("sts:AssumeRole"), name="job")
    stranger = account.key(allow("sts:AssumeRole"), name="stranger")
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::123456789012:user/job"},
    }
    iam.create_role(
        RoleName="publish", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    iam.put_role_policy(
        RoleName="publish",
        PolicyName="p",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [allow("s3:PutObject", "arn:aws:s3:::site/*")]}
        ),
    )

    def assume(key: AccessKey) -> "AssumeRoleResponseTypeDef":
        sts = account.aws.session(key).client("sts", endpoint_url=account.aws.endpoint)
        return sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/publish", RoleSessionName="job-1")

    with refused(message="no role trust policy allows the sts:AssumeRole action"):
        assume(stranger)
    given = assume(job)["Credentials"]
    s3 = account.aws.session().client(
        "s3",
        endpoint_url=account.aws.endpoint,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    s3.put_object(Bucket=site.bucket, Key="t.js", Body=SCRIPT)
    with refused():
        s3.delete_object(Bucket=site.bucket, Key="t.js")


def test_a_permissions_boundary_caps_what_policies_grant(account: Account, site: Site) -> None:
    iam = account.iam_of(account.aws.admin)
    document = {"Version": "2012-10-17", "Statement": [allow("s3:PutObject", "arn:aws:s3:::site/*")]}
    boundary = iam.create_policy(PolicyName="boundary", Path="/release/", PolicyDocument=json.dumps(document))
    iam.create_user(UserName="capped", Path="/release/", PermissionsBoundary=boundary["Policy"]["Arn"])
    iam.put_user_policy(
        UserName="capped",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]}),
    )
    made = iam.create_access_key(UserName="capped")["AccessKey"]
    s3 = account.s3_of(AccessKey(id=made["AccessKeyId"], secret=made["SecretAccessKey"]))
    s3.put_object(Bucket=site.bucket, Key="t.js", Body=SCRIPT)
    with refused(message="no permissions boundary allows the s3:ListBucket action"):
        s3.list_objects_v2(Bucket=site.bucket)
    shown = iam.get_user(UserName="capped")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert shown == "arn:aws:iam::123456789012:policy/release/boundary"
    iam.delete_user_permissions_boundary(UserName="capped")
    s3.list_objects_v2(Bucket=site.bucket)
    iam.put_user_permissions_boundary(UserName="capped", PermissionsBoundary="arn:aws:iam::123456789012:policy/gone")
    with refused():
        s3.list_objects_v2(Bucket=site.bucket)


def test_a_key_for_users_can_be_limited_to_a_path_and_to_a_boundary(account: Account) -> None:
    boundary = "arn:aws:iam::123456789012:policy/release/boundary"
    rotates = account.key(
        allow(["iam:CreateAccessKey"], "arn:aws:iam::123456789012:user/release/*"),
        allow(
            "iam:CreateUser",
            "arn:aws:iam::123456789012:user/release/*",
            Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}},
        ),
        name="rotate",
    )
    iam = account.iam_of(rotates)
    iam.create_user(UserName="publish", Path="/release/", PermissionsBoundary=boundary)
    iam.create_access_key(UserName="publish")
    attempts: list[Callable[[], object]] = [
        lambda: iam.create_user(UserName="x", Path="/release/"),
        lambda: iam.create_user(UserName="x", Path="/release/", PermissionsBoundary="arn:aws:iam::aws:policy/Other"),
        lambda: iam.create_user(UserName="x", PermissionsBoundary=boundary),
        lambda: iam.create_access_key(UserName="administrator"),
        lambda: iam.create_access_key(UserName="rotate"),
        iam.create_access_key,
        lambda: iam.delete_user_permissions_boundary(UserName="publish"),
    ]
    for attempt in attempts:
        with refused():
            attempt()


# CloudFront.


def test_a_key_for_one_distribution_is_for_no_other(account: Account, site: Site) -> None:
    actions = ["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"]
    own = account.key(allow(actions, distribution_arn(site.distribution)), name="own")
    foreign = account.key(allow(actions, distribution_arn("EDFDVBD632BHDS5")), name="foreign")
    made = account.invalidate(own, site, "/t.js")
    account.cloudfront_of(own).get_invalidation(DistributionId=site.distribution, Id=made)
    with refused(message="cloudfront:CreateInvalidation on resource: .*distribution/"):
        account.invalidate(foreign, site, "/t.js", reference="other")
    with refused():
        account.cloudfront_of(foreign).get_invalidation(DistributionId=site.distribution, Id=made)
    for attempt in (
        lambda: account.cloudfront_of(own).list_invalidations(DistributionId=site.distribution),
        lambda: account.cloudfront_of(own).get_distribution(Id=site.distribution),
        lambda: account.cloudfront_of(own).list_distributions(),
    ):
        with refused():
            attempt()


def test_the_same_reference_is_one_invalidation(account: Account, site: Site) -> None:
    first = account.invalidate(account.aws.admin, site, "/a", "/b")
    assert account.invalidate(account.aws.admin, site, "/a", "/b") == first
    assert account.invalidate(account.aws.admin, site, "/a", "/b", reference="again") != first
    with refused("InvalidationBatchAlreadyExists"):
        account.invalidate(account.aws.admin, site, "/a")
    assert account.aws.purged_paths(site.distribution, after=0) == [("/a", "/b"), ("/a", "/b")]
    assert account.aws.purged_paths(site.distribution, after=1) == [("/a", "/b")]


def test_the_waiter_knows_when_an_invalidation_is_completed(account: Account, site: Site) -> None:
    made = account.invalidate(account.aws.admin, site, "/t.js")
    account.cloudfront.get_waiter("invalidation_completed").wait(
        DistributionId=site.distribution, Id=made, WaiterConfig={"Delay": 1, "MaxAttempts": 1}
    )


# Provisioning.


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_provisioning_makes_two_buckets_and_a_distribution(region: str) -> None:
    with EmbeddedAws(region=region) as aws:
        account = Account(aws)
        site = provision(aws.session(), bucket="site", log_bucket="log", endpoint=aws.endpoint, retention_days=7)
        for bucket in ("site", "log"):
            assert account.s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
            blocked = account.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
            assert set(blocked.values()) == {True}
        (cors,) = account.s3.get_bucket_cors(Bucket="site")["CORSRules"]
        assert (cors["AllowedMethods"], cors["AllowedOrigins"]) == (["GET", "HEAD"], ["*"])
        lock = account.s3.get_object_lock_configuration(Bucket="log")["ObjectLockConfiguration"]
        assert lock["ObjectLockEnabled"] == "Enabled"
        retention = lock["Rule"]["DefaultRetention"]
        assert (retention["Mode"], retention["Days"]) == ("COMPLIANCE", 7)
        found = account.cloudfront.get_distribution(Id=site.distribution)["Distribution"]
        behavior = found["DistributionConfig"]["DefaultCacheBehavior"]
        assert found["DomainName"] == site.domain
        assert (behavior["CachePolicyId"], behavior["ResponseHeadersPolicyId"]) == (CACHING_OPTIMIZED, SIMPLE_CORS)
        assert behavior["ViewerProtocolPolicy"] == "https-only"
        (origin,) = found["DistributionConfig"]["Origins"]["Items"]
        assert [header["HeaderName"] for header in origin["CustomHeaders"]["Items"]] == ["Origin"]


def test_provisioning_twice_is_provisioning_once(account: Account, site: Site) -> None:
    again = provision(account.aws.session(), bucket="site", log_bucket="log", endpoint=account.aws.endpoint)
    assert again == site
    assert len(account.s3.list_buckets()["Buckets"]) == 2
    assert account.cloudfront.list_distributions()["DistributionList"]["Quantity"] == 1
    assert account.cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Quantity"] == 1


def test_two_sites_have_two_distributions(account: Account, site: Site) -> None:
    other = provision(account.aws.session(), bucket="site2", log_bucket="log2", endpoint=account.aws.endpoint)
    assert other.distribution != site.distribution


def test_a_log_bucket_without_object_lock_is_refused(account: Account) -> None:
    account.s3.create_bucket(Bucket="log", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with pytest.raises(RefusedError, match="without Object Lock"):
        provision(account.aws.session(), bucket="site", log_bucket="log", endpoint=account.aws.endpoint)


def test_a_distribution_that_serves_the_bucket_differently_is_refused(account: Account, site: Site) -> None:
    answer = account.cloudfront.get_distribution_config(Id=site.distribution)
    config = answer["DistributionConfig"]
    config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all"
    account.cloudfront.update_distribution(Id=site.distribution, IfMatch=answer["ETag"], DistributionConfig=config)
    with pytest.raises(RefusedError, match=f"distribution {site.distribution} serves site in another way") as caught:
        provision(account.aws.session(), bucket="site", log_bucket="log", endpoint=account.aws.endpoint)
    assert caught.value.evidence == {
        "found": '{"ViewerProtocolPolicy": "allow-all"}',
        "expected": '{"ViewerProtocolPolicy": "https-only"}',
    }


def test_a_key_that_may_not_provision_is_told_so(account: Account) -> None:
    key = account.key(allow("s3:GetObject"))
    with pytest.raises(PermissionDenied, match="s3:CreateBucket"):
        provision(account.aws.session(key), bucket="site", log_bucket="log", endpoint=account.aws.endpoint)


# The edge.


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def edge(account: Account, site: Site, clock: Clock) -> Iterator[EmbeddedEdge]:
    with EmbeddedEdge(account.aws, site, now=clock) as edge:
        yield edge


@pytest.fixture
def web(edge: EmbeddedEdge) -> Iterator[HttpSite]:
    with HttpSite(edge.url) as web:
        yield web


def put(account: Account, site: Site, key: str, body: bytes, cache_control: str) -> None:
    account.s3.put_object(
        Bucket=site.bucket,
        Key=key,
        Body=body,
        ContentType="text/javascript; charset=utf-8",
        CacheControl=cache_control,
        Metadata={"version": "1.0.0"},
    )


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
def test_a_private_bucket_is_served_to_pages_of_any_origin(
    account: Account, site: Site, web: HttpSite, encoding: str
) -> None:
    put(account, site, "tag/1.0.0/t.js", SCRIPT, "public, max-age=31536000, immutable, no-transform")
    got = web.fetch("/tag/1.0.0/t.js", encoding=encoding, origin=PAGE, limit=10_000)
    assert (got.status, got.body, got.encoding) == (200, SCRIPT, encoding)
    assert got.headers["access-control-allow-origin"] == "*"
    assert got.headers["cache-control"] == "public, max-age=31536000, immutable, no-transform"
    assert got.headers["content-type"] == "text/javascript; charset=utf-8"
    assert got.headers["x-amz-meta-version"] == "1.0.0"
    assert got.headers["etag"].startswith('"' if encoding == "identity" else 'W/"')
    assert "last-modified" in got.headers
    assert got.headers["x-cache"] == "Miss from edge"
    plain = web.fetch("/tag/1.0.0/t.js", encoding=encoding, origin="", limit=10_000)
    assert plain.headers["access-control-allow-origin"] == "*", "a browser keeps this for pages with crossorigin"
    again = web.fetch("/tag/1.0.0/t.js", encoding=encoding, origin=PAGE, limit=10_000)
    assert (again.headers["x-cache"], again.body) == ("Hit from edge", SCRIPT)


def test_a_promotion_is_seen_after_its_invalidation_and_not_before(
    account: Account, site: Site, web: HttpSite, clock: Clock
) -> None:
    def served(path: str) -> bytes:
        return web.fetch(path, encoding="br", origin=PAGE, limit=10_000).body

    channel = "public, max-age=60, s-maxage=3600, no-transform"
    for key in ("tag/latest/t.js", "tag/v1/t.js"):
        put(account, site, key, b"old", channel)
        assert served(f"/{key}") == b"old"
        put(account, site, key, b"new", channel)
    clock.seconds += 3599
    assert served("/tag/latest/t.js") == b"old"
    account.invalidate(account.aws.admin, site, "/tag/latest/t.js")
    assert served("/tag/latest/t.js") == b"new"
    assert served("/tag/v1/t.js") == b"old"
    clock.seconds += 1
    assert served("/tag/v1/t.js") == b"new"


def test_an_absent_object_is_404_for_a_while_or_403(account: Account, site: Site, web: HttpSite, clock: Clock) -> None:
    def status(viewer: HttpSite) -> int:
        return viewer.fetch("/t.js", encoding="br", origin=PAGE, limit=10_000).status

    with EmbeddedEdge(account.aws, site, tells_absence=False) as other, HttpSite(other.url) as blind:
        assert (status(web), status(blind)) == (404, 403)
        put(account, site, "t.js", SCRIPT, "max-age=60")
        assert (status(web), status(blind)) == (404, 200)
        clock.seconds += 10
        assert status(web) == 200


def test_head_is_get_without_the_body_and_nothing_else_is_allowed(
    account: Account, site: Site, edge: EmbeddedEdge
) -> None:
    put(account, site, "t.js", SCRIPT, "max-age=60")
    with urllib3.PoolManager() as pool:
        head = pool.request("HEAD", f"{edge.url}/t.js")
        assert (head.status, head.data, head.headers["content-length"]) == (200, b"", str(len(SCRIPT)))
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert pool.request(method, f"{edge.url}/t.js", body=b"").status == 403


def test_keys_with_unusual_characters_are_served(account: Account, site: Site, web: HttpSite) -> None:
    for key in ("a b.js", "ä/ö.js", "a+b@c.js", "a%20b.js", "q?x#y.js"):
        put(account, site, key, key.encode(), "max-age=60")
        assert web.fetch(f"/{key}", encoding="br", origin=PAGE, limit=100).body == key.encode()


def test_a_distribution_with_other_policies_is_not_imitated(account: Account, site: Site) -> None:
    answer = account.cloudfront.get_distribution_config(Id=site.distribution)
    config = answer["DistributionConfig"]
    config["DefaultCacheBehavior"]["CachePolicyId"] = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    account.cloudfront.update_distribution(Id=site.distribution, IfMatch=answer["ETag"], DistributionConfig=config)
    with pytest.raises(ConfigError, match="does not know the policies"), EmbeddedEdge(account.aws, site):
        pass
