"""release keys check --try: a right key is refused everywhere, a wide one is found, and nothing ever changes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from release.adapters.embedded.aws import EmbeddedAws
from release.adapters.keyring import Keyring
from release.core.identities import ROTATE, STAGES
from tests.functional.applied_keys import BUCKETS, Applied, applied
from tests.functional.conftest import Run
from tests.functional.library import Library

pytestmark = pytest.mark.moto


@pytest.fixture
def users(library: Library, run: Run) -> Iterator[Applied]:
    with EmbeddedAws() as aws:
        yield applied(aws, library, run)


def state(at: Applied) -> Any:  # noqa: ANN401 - JSON
    """All that an attempt could have changed."""
    objects = [
        [
            (one["Key"], one["ETag"], one["VersionId"])
            for one in at.s3.list_object_versions(Bucket=b).get("Versions", [])
        ]
        for b in BUCKETS.values()
    ]
    identities = at.iam.get_account_authorization_details()
    del identities["ResponseMetadata"]
    return json.dumps([objects, identities], default=str, sort_keys=True)


def all_powerful(at: Applied, stage: str) -> None:
    name = f"tag-{stage}"
    anything = {"Effect": "Allow", "Action": ["s3:*", "iam:*", "cloudfront:*"], "Resource": ["*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [anything]})
    at.iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=policy)
    at.iam.delete_user_permissions_boundary(UserName=name)
    for bucket in BUCKETS.values():
        at.s3.delete_bucket_policy(Bucket=bucket)


def test_a_right_key_is_refused_whatever_is_tried(users: Applied, tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "keys", "tag")
    for stage, key in users.keys.items():
        ring.store(stage, key.id, key.secret)
    before = state(users)
    ended = users.run(
        "keys", "check", "--try", "--json", AWS_ENDPOINT_URL=users.aws.endpoint, RELEASE_KEYS=str(ring.file)
    )
    assert ended.code == 0, ended
    reports = json.loads(ended.out)
    assert [report["stage"] for report in reports] == [*STAGES, ROTATE]
    assert all(report["tried"] > 100 for report in reports)
    assert state(users) == before


@pytest.mark.parametrize("stage", ["publish", "promote", "invalidate"])
def test_an_all_powerful_key_is_found_everywhere_and_changes_nothing(users: Applied, stage: str) -> None:
    all_powerful(users, stage)
    for key in ("tag/1.4.2/tag.min.js", "other/1.4.2/tag.min.js", "tag/latest/tag.min.js"):
        users.s3.put_object(Bucket="site", Key=key, Body=b"precious")
    before = state(users)
    ended = users.as_(users.keys[stage], "keys", "check", "--stage", stage, "--try", "--json")
    (report,) = json.loads(ended.out)
    assert ended.code == 15
    assert len(report["findings"]) == report["tried"]
    assert all("its key may " in finding["what"] for finding in report["findings"])
    assert state(users) == before


def test_one_right_too_many_is_named(users: Applied) -> None:
    more = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::site/other/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [more]})
    users.iam.put_user_policy(UserName="tag-record", PolicyName="more", PolicyDocument=policy)
    users.iam.delete_user_permissions_boundary(UserName="tag-record")
    ended = users.as_(users.keys["record"], "keys", "check", "--stage", "record", "--try")
    assert ended.code == 15
    assert "its key may create a version's file, of another library, and should not: s3:PutObject" in ended.err
    assert "next: run `release keys check` with the audit key" in ended.err
    assert "may read" not in ended.err


def test_a_right_to_read_what_is_not_there_is_no_clear_refusal(users: Applied) -> None:
    more = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::site/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [more]})
    users.iam.put_user_policy(UserName="tag-invalidate", PolicyName="more", PolicyDocument=policy)
    users.iam.delete_user_permissions_boundary(UserName="tag-invalidate")
    ended = users.as_(users.keys["invalidate"], "keys", "check", "--stage", "invalidate", "--try")
    assert ended.code == 15
    assert "no clear answer whether its key may read a version's file: s3:GetObject on" in ended.err
    assert "(AccessDenied for s3:ListBucket)" in ended.err


def test_only_the_stages_own_key_is_tried(users: Applied) -> None:
    ended = users.as_(users.aws.admin, "keys", "check", "--stage", "publish", "--try")
    assert (ended.code, ended.out) == (8, "")
    assert "the key in hand is not the publish stage's" in ended.err


def test_a_disabled_key_names_its_stage_and_the_remedy(users: Applied) -> None:
    users.iam.delete_access_key(UserName="tag-publish", AccessKeyId=users.keys["publish"].id)
    ended = users.as_(users.keys["publish"], "keys", "check", "--stage", "publish", "--try")
    assert (ended.code, ended.out) == (8, "")
    assert "the key of the publish stage was not accepted (InvalidClientTokenId)" in ended.err
    assert "release keys rotate" in ended.err


def test_without_a_stage_it_asks_which(run: Run) -> None:
    ended = run("keys", "check", "--try")
    assert ended.code == 3
    assert "which stage's key shall be tried?" in ended.err
