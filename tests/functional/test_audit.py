"""release audit on the command line, with the audit key alone: fine after a release, each trouble with its code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from release.core.tlog.skey import parse_skey, skey
from tests.functional.conftest import Run
from tests.functional.embedded import PIPELINE, Account, account
from tests.functional.library import Library

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SKEY = skey("log.example.com/tag", bytes(range(32)))
AREAS = ["log", "objects", "progress", "trust", "site", "channels", "cdn", "git", "changelog", "keys"]


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    """A library whose log is signed, with 1.0.0 released."""
    library.sign_log(parse_skey(SKEY).key.vkey)
    with account(library, run, tmp_path / "keys") as opened:
        opened.library.release("1.0.0", "window.tag = 1;\n")
        for stage, command in PIPELINE:
            ended = opened.as_(stage, command, **({"RELEASE_LOG_KEY": SKEY} if stage == "record" else {}))
            assert ended.code == 0, (command, ended)
        yield opened


def owner(tag: Account) -> "S3Client":
    return tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)


def without_policy(tag: Account, bucket: str) -> "S3Client":
    """Be an administrator who first took the bucket's policy away."""
    s3 = owner(tag)
    s3.delete_bucket_policy(Bucket=bucket)
    return s3


@pytest.mark.moto
def test_after_a_release_an_audit_is_fine_and_an_accident_in_each_place_is_found(tag: Account, tmp_path: Path) -> None:
    report = tmp_path / "audit.xml"
    ended = tag.as_("audit", "audit --strict --full --junit", str(report))
    assert ended.code == 0, ended
    assert [line.split(":")[0] for line in ended.out.splitlines() if line.startswith("ok")] == [
        f"ok      {area}" for area in AREAS
    ]
    assert '<testsuite name="release audit" tests="10" failures="0" skipped="0">' in report.read_text()

    tag.library.git("tag", "--delete", "v1.0.0")
    ended = tag.as_("audit", "audit --no-cdn --json")
    found = json.loads(ended.out)
    assert (ended.code, found["exitCode"]) == (15, 15)
    assert {area["area"]: area["state"] for area in found["areas"] if area["state"] != "ok"} == {"git": "drift"}
    tag.library.git("tag", "v1.0.0")

    s3 = without_policy(tag, "site")
    s3.put_object(Bucket="site", Key="tag/6.6.6/tag.min.js", Body=b"evil()")
    assert tag.as_("audit", "audit --only site").code == 0, "it may be on its way"
    ended = tag.as_("audit", "audit --grace 0 --junit", str(report))
    assert ended.code == 15, ended
    assert "6.6.6: the bucket has files that the log knows nothing of (1 objects)" in ended.out
    assert "keys: publish" not in ended.out
    assert "DRIFT   keys" in ended.out, "the bucket's policy is gone"
    assert '<testsuite name="release audit" tests="10" failures="2" skipped="0">' in report.read_text()

    entry = "tag/seq/000000000001"
    log = without_policy(tag, "release-log")
    log.put_object(Bucket="release-log", Key=entry, Body=log.get_object(Bucket="release-log", Key=entry)["Body"].read())
    ended = tag.as_("audit", "audit")
    assert ended.code == 20, ended
    assert f"{entry} has 2 versions" in ended.out


@pytest.mark.moto
def test_what_another_stages_key_may_not_look_at_is_not_fine(tag: Account) -> None:
    ended = tag.as_("publish", "audit --json", "--only", "site", "--only", "git")
    areas = json.loads(ended.out)["areas"]
    assert ended.code == 9, ended
    assert {area["area"]: area["state"] for area in areas} == dict.fromkeys(["log", "site", "git"], "unread")


def test_an_area_that_there_is_not_is_refused(run: Run) -> None:
    assert run("audit", "--only", "everything").code == 3
    assert run("audit", "--only", "cdn", "--no-cdn").code == 3
