"""What the log bucket rests on besides create-only writes: a locked version stays, whoever asks.

On Ceph's S3 gateway, a real server with Object Lock. What AWS does otherwise is named where it is pinned.
"""

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pytest
from botocore.exceptions import ClientError

from release.adapters import resources
from release.adapters.s3 import S3Store
from release.core.keypolicy import LOG_BUCKET, policies
from release.core.layout import ObjectHeaders
from tests.fakes import examples
from tests.fakes.ceph import CephGateway
from tests.fakes.ceph_policies import readable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.rgw, pytest.mark.xdist_group("rgw")]

ENTRY: Final = "tag/seq/000000000000"
JSON: Final = ObjectHeaders(content_type="application/json", cache_control="no-store")


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """A log bucket with one entry, as its owner sees it: nobody may do more."""

    s3: "S3Client"
    bucket: str
    version: str


@pytest.fixture
def log(ceph: CephGateway) -> Iterator[Locked]:
    bucket = f"log-{uuid.uuid4().hex}"
    with closing(ceph.clients(ceph.administrator).s3()) as s3:
        s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        s3.put_object_lock_configuration(
            Bucket=bucket,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
            },
        )
        assert S3Store(s3, bucket=bucket, stage="record").create(ENTRY, b"entry", JSON)
        (version,) = s3.list_object_versions(Bucket=bucket)["Versions"]
        yield Locked(s3=s3, bucket=bucket, version=version["VersionId"])


def test_an_entry_is_locked_without_being_asked_for(log: Locked) -> None:
    retention = log.s3.get_object_retention(Bucket=log.bucket, Key=ENTRY)["Retention"]
    assert retention["Mode"] == "COMPLIANCE"
    assert retention["RetainUntilDate"] > dt.datetime.now(dt.UTC) + dt.timedelta(hours=23)


@pytest.mark.parametrize("bypass", [False, True])
def test_a_locked_version_is_deleted_by_nobody(log: Locked, bypass: bool) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        log.s3.delete_object(Bucket=log.bucket, Key=ENTRY, VersionId=log.version, BypassGovernanceRetention=bypass)
    assert body(log) == b"entry"


@pytest.mark.parametrize("mode", ["COMPLIANCE", "GOVERNANCE"])
def test_a_lock_is_made_shorter_by_nobody(log: Locked, mode: Literal["COMPLIANCE", "GOVERNANCE"]) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    with pytest.raises(ClientError, match="AccessDenied"):
        log.s3.put_object_retention(
            Bucket=log.bucket,
            Key=ENTRY,
            VersionId=log.version,
            Retention={"Mode": mode, "RetainUntilDate": soon},
            BypassGovernanceRetention=True,
        )


def test_a_delete_marker_hides_a_locked_entry_and_makes_room_for_another(log: Locked) -> None:
    """As on AWS, where "delete markers are not WORM-protected": why the bucket's policy refuses s3:DeleteObject."""
    log.s3.delete_object(Bucket=log.bucket, Key=ENTRY)
    store = S3Store(log.s3, bucket=log.bucket, stage="record")
    assert store.describe(ENTRY) is None
    assert store.create(ENTRY, b"forged", JSON)
    # Nothing is lost and nothing is hidden from whoever lists versions.
    assert body(log) == b"entry"
    listed = log.s3.list_object_versions(Bucket=log.bucket)
    assert (len(listed["Versions"]), len(listed["DeleteMarkers"])) == (2, 1)


def test_the_buckets_policy_refuses_the_delete_marker_to_its_owner_too(log: Locked) -> None:
    config = examples.config(log={"bucket": log.bucket})
    made = policies(config, account="123456789012", template=lambda file: resources.text("keys-policy", file))
    log.s3.put_bucket_policy(Bucket=log.bucket, Policy=json.dumps(readable(made.buckets[LOG_BUCKET])))
    with pytest.raises(ClientError, match="AccessDenied"):
        log.s3.delete_object(Bucket=log.bucket, Key=ENTRY)
    assert "DeleteMarkers" not in log.s3.list_object_versions(Bucket=log.bucket)


def test_where_versions_are_kept_this_server_does_not_honour_create_only(log: Locked) -> None:
    """Not as on AWS, where the present version counts. Here the locked one stays beside the new one."""
    assert S3Store(log.s3, bucket=log.bucket, stage="record").create(ENTRY, b"other", JSON)
    assert body(log) == b"entry"


def body(log: Locked) -> bytes:
    with closing(log.s3.get_object(Bucket=log.bucket, Key=ENTRY, VersionId=log.version)["Body"]) as stream:
        return stream.read()
