"""A log's bucket is given up, and the log comes back from a replica, copied object by object by an administrator."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from release.adapters.keyring import Keyring
from tests.functional.conftest import Run
from tests.functional.embedded import PROVISION, Account, account
from tests.functional.library import VKEY, Library

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedMultipartUploadTypeDef

pytestmark = pytest.mark.moto


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    with account(library, run, tmp_path / "keys") as opened:
        yield opened


def copied(s3: "S3Client", source: str, target: str, *, view: bool = True) -> None:
    """Copy objects in several parts, so that ETags and checksums are not those of the originals."""
    s3.create_bucket(Bucket=target, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=target, VersioningConfiguration={"Status": "Enabled"})
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=source)
    for key in sorted((item["Key"] for page in pages for item in page["Contents"]), reverse=True):
        if not view and (key.startswith("tag/tile/") or key == "tag/checkpoint"):
            continue
        old = s3.get_object(Bucket=source, Key=key)
        upload = s3.create_multipart_upload(
            Bucket=target,
            Key=key,
            ContentType=old["ContentType"],
            CacheControl=old["CacheControl"],
            Metadata=old["Metadata"],
        )["UploadId"]
        part = s3.upload_part(Bucket=target, Key=key, UploadId=upload, PartNumber=1, Body=old["Body"].read())
        parts: CompletedMultipartUploadTypeDef = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        new = s3.complete_multipart_upload(Bucket=target, Key=key, UploadId=upload, MultipartUpload=parts)
        assert new["ETag"] != old["ETag"]
        assert new["VersionId"] != old["VersionId"]


def answers(tag: Account, tmp_path: Path) -> list[object]:
    """Ask everything that can be asked of a log."""
    copy, vkey = tmp_path / "log.tar", tmp_path / "log.vkey"
    vkey.write_text(VKEY)
    copy.unlink(missing_ok=True)
    asked = [tag.as_("audit", command) for command in ("status --json", "log list --last 0 --json", "log show 3")]
    asked += [tag.as_("audit", "log export --json", str(copy))]
    asked += [tag.run("log", "verify", str(copy), "--key", str(vkey), "--remember", str(tmp_path / "seen"))]
    assert [ended.code for ended in asked] == [0] * len(asked), asked
    return [copy.read_bytes(), *(ended.out for ended in asked)]


def move(tag: Account, old: str, new: str) -> None:
    """Let the library use another log bucket, and its keys too."""
    toml = (tag.library.folder / "release.toml").read_text()
    tag.library.write("release.toml", toml.replace(f'"{old}"', f'"{new}"'))
    mine = tag.keys.with_name("provision-key")
    administrator = {"AWS_ACCESS_KEY_ID": tag.aws.admin.id, "AWS_SECRET_ACCESS_KEY": tag.aws.admin.secret}
    assert tag.run(*PROVISION, str(mine), "--foundation", **tag.endpoint, **administrator).code == 0
    assert tag.run(*PROVISION, str(tag.keys), **tag.endpoint, **Keyring(mine, "tag").variables("provision")).code == 0


def test_a_log_that_came_back_from_its_replica_gives_the_same_answers_and_goes_on(tag: Account, tmp_path: Path) -> None:
    tag.pipeline("1.0.0", "window.tag = 1;\n")
    tag.pipeline("1.1.0", "window.tag = 2;\n")
    before = answers(tag, tmp_path)
    s3 = tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)

    copied(s3, "release-log", "restored")
    move(tag, "release-log", "restored")
    assert answers(tag, tmp_path) == before

    # What is derived from the entries need not be in a replica at all.
    copied(s3, "release-log", "rebuilt", view=False)
    move(tag, "restored", "rebuilt")
    assert tag.as_("audit", "log export", str(tmp_path / "none.tar")).code == 14
    ended = tag.as_("record", "log repair")
    assert (ended.code, "covers 10" in ended.out) == (0, True), ended
    assert answers(tag, tmp_path) == before

    ended = tag.as_("record", "record rollback latest --reason broken")
    assert ended.code == 0, ended
    tag.pipeline("1.2.0", "window.tag = 3;\n")
    assert "latest serves 1.2.0" in str(answers(tag, tmp_path)[-1])
