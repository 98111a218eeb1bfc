"""What Ceph's gateway does otherwise than AWS, each pinned: a test on it proves no more than this leaves.

When a newer gateway fails one of these, it has learnt something: say so here, and let the tests that
worked around it ask for more.
"""

import base64
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from release.adapters import resources
from release.core.config import Config
from release.core.keypolicy import policies
from tests.fakes import examples
from tests.fakes.ceph import CephGateway
from tests.fakes.ceph_policies import CREATE_ONLY, readable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.rgw, pytest.mark.xdist_group("rgw")]

TRAIL: Final[dict[str, object]] = {"trail": {"bucket": "trail"}, "source-ips": ["127.0.0.0/8"]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A bucket of the administrator, and a user whose rights a test gives."""

    ceph: CephGateway
    name: str
    owner: "S3Client"
    user: str
    s3: "S3Client"

    def allow(self, *actions: str, key: str = "*", condition: dict[str, Any] | None = None) -> None:
        """Let the user do this, and nothing else, below this key."""
        resource = f"arn:aws:s3:::{self.name}/{key}"
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, "Condition": condition or {}}
        self.ceph.set_policy(self.user, {"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def bucket(ceph: CephGateway) -> Iterator[Bucket]:
    name = uuid.uuid4().hex
    key = ceph.add_user(f"user-{name}")
    with closing(ceph.clients(ceph.administrator).s3()) as owner, closing(ceph.clients(key).s3()) as s3:
        owner.create_bucket(Bucket=name)
        yield Bucket(ceph=ceph, name=name, owner=owner, user=f"user-{name}", s3=s3)


def all_actions(config: Config) -> set[tuple[str, bool]]:
    """Give every action that a policy of ours names, and whether the gateway is told of it."""
    made = policies(config, account="123456789012", template=lambda file: resources.text("keys-policy", file))
    named = {(action, policy_name) for policy_name, action in _actions(made.named())}
    told = {
        (action, policy_name) for policy_name, action in _actions({n: readable(p) for n, p in made.named().items()})
    }
    return {(action, (action, name) in told) for action, name in named}


def _actions(named: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, policy in named.items():
        for statement in (policy or {"Statement": []})["Statement"]:
            yield from ((name, action) for action in statement["Action"])


def test_it_knows_the_actions_it_is_told_of_and_refuses_a_policy_with_any_other(bucket: Bucket) -> None:
    known = {"iam:*", "iam:ListUserPolicies"}  # but no ARN of iam, as the next test shows
    for action, told in sorted(all_actions(examples.config(keys=TRAIL))):
        try:
            bucket.allow(action)
        except ClientError:
            assert not told, action
        else:
            assert told or action in known, action


@pytest.mark.parametrize(
    "arn",
    ["arn:aws:iam::123456789012:user/release/tag/tag-publish", "arn:aws:cloudfront::123456789012:distribution/E1"],
)
def test_it_knows_no_resources_but_those_of_s3(bucket: Bucket, arn: str) -> None:
    statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [arn]}
    with pytest.raises(ClientError):
        bucket.ceph.set_policy(bucket.user, {"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("asked", ["true", "false"])
@pytest.mark.parametrize("header", [{}, {"IfNoneMatch": "*"}])
def test_null_of_a_key_it_does_not_know_always_holds(bucket: Bucket, asked: str, header: dict[str, Any]) -> None:
    """AWS knows s3:if-none-match, and lets a write through only with the header, or only without."""
    bucket.allow("s3:PutObject", condition={"Null": {"s3:if-none-match": asked}})
    bucket.s3.put_object(Bucket=bucket.name, Key="k", **_checked(b""), **header)
    assert CREATE_ONLY == {"Null": {"s3:if-none-match": "true"}}


def test_a_wildcard_ends_at_the_first_character_that_equals_the_one_after_it(bucket: Bucket) -> None:
    """On AWS v*.json is v1.4.json too: here a key may do less, never more."""
    bucket.allow("s3:PutObject", key="channels/v*.json")
    bucket.s3.put_object(Bucket=bucket.name, Key="channels/v1.json", **_checked(b""))
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.s3.put_object(Bucket=bucket.name, Key="channels/v1.4.json", **_checked(b""))


def test_who_creates_an_object_owns_it_and_may_share_it(bucket: Bucket) -> None:
    """On AWS a bucket has no ACLs by default; here the bucket's policy is what refuses this."""
    bucket.allow("s3:PutObject")
    bucket.s3.put_object(Bucket=bucket.name, Key="k", **_checked(b"x"))
    bucket.s3.put_object_acl(Bucket=bucket.name, Key="k", ACL="public-read")


def test_an_etag_matches_only_without_its_quotes(bucket: Bucket) -> None:
    etag = bucket.owner.put_object(Bucket=bucket.name, Key="k", **_checked(b"one"))["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        bucket.owner.put_object(Bucket=bucket.name, Key="k", **_checked(b"two"), IfMatch=etag)
    bucket.owner.put_object(Bucket=bucket.name, Key="k", **_checked(b"two"), IfMatch=etag.strip('"'))


def test_a_wrong_checksum_is_taken_and_forgotten(bucket: Bucket) -> None:
    """AWS answers BadDigest. S3Store reads back what no server has confirmed (adapters.s3)."""
    wrong = {**_checked(b"one"), "Body": b"two"}
    answer = bucket.owner.put_object(Bucket=bucket.name, Key="k", **wrong)
    assert "ChecksumSHA256" not in answer
    assert "ChecksumSHA256" not in bucket.owner.head_object(Bucket=bucket.name, Key="k", ChecksumMode="ENABLED")


def test_conditions_on_the_target_of_a_copy_are_ignored(bucket: Bucket) -> None:
    for key in ("source", "target"):
        bucket.owner.put_object(Bucket=bucket.name, Key=key, **_checked(key.encode()))
    bucket.owner.copy_object(
        Bucket=bucket.name, Key="target", CopySource=f"{bucket.name}/source", IfMatch='"another"', IfNoneMatch="*"
    )
    with closing(bucket.owner.get_object(Bucket=bucket.name, Key="target")["Body"]) as body:
        assert body.read() == b"source"


def _checked(body: bytes) -> dict[str, Any]:
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {"Body": body, "ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum}
