"""A bucket that is not there, a key that is not accepted: one clear error, and the log untouched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.conftest import Ended, Run
from tests.functional.embedded import Account, account
from tests.functional.library import SIGNING, Library

pytestmark = pytest.mark.moto


@pytest.fixture
def built(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    with account(library, run, tmp_path / "keys") as opened:
        library.release("1.0.0", "window.tag = 1;\n")
        assert opened.as_("", "build").code == 0
        yield opened


def as_administrator(built: Account, *arguments: str, **changes: str) -> Ended:
    key = {"AWS_ACCESS_KEY_ID": built.aws.admin.id, "AWS_SECRET_ACCESS_KEY": built.aws.admin.secret}
    return built.run(*arguments, **{**built.endpoint, **key, **changes})


def test_a_bucket_that_does_not_exist_is_named(built: Account) -> None:
    toml = built.library.folder / "release.toml"
    toml.write_text(toml.read_text().replace('bucket = "site"', 'bucket = "no-such-site"'))
    ended = as_administrator(built, "publish")
    assert ended.code == 10
    assert "no-such-site" in ended.err
    assert "next: " in ended.err


def test_a_wrong_secret_is_said_and_not_shown(built: Account) -> None:
    ended = as_administrator(built, "publish", AWS_SECRET_ACCESS_KEY="canary-8d2e")
    assert ended.code == 8
    assert "canary-8d2e" not in ended.err + ended.out


def test_half_a_key_is_no_key(built: Account) -> None:
    ended = built.run("publish", **built.endpoint, AWS_ACCESS_KEY_ID="AKIAEXAMPLE")
    assert ended.code == 8
    assert "AWS_SECRET_ACCESS_KEY" in ended.err


def test_a_server_that_is_not_there_is_no_absence(built: Account) -> None:
    nowhere = {**SIGNING, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    ended = as_administrator(built, "record", "promote", "--version", "1.0.0", **nowhere)
    assert ended.code == 11
    assert "no connection could be made" in ended.err


def test_an_unfinished_upload_is_finished_by_the_same_command(built: Account) -> None:
    """What a crash after the first object leaves behind."""
    s3 = built.aws.session().client("s3", endpoint_url=built.aws.endpoint)
    body = (built.library.folder / "dist" / "tag.min.js").read_bytes()
    s3.put_object(Bucket="site", Key="tag/1.0.0/tag.min.js", Body=body, IfNoneMatch="*")
    ended = built.as_("publish", "publish")
    assert (ended.code, ended.out) == (0, "published 1.0.0: 1 created, 1 already there\n")


def test_a_foreign_object_in_the_way_stops_it_with_both_digests(built: Account) -> None:
    s3 = built.aws.session().client("s3", endpoint_url=built.aws.endpoint)
    s3.put_object(Bucket="site", Key="tag/1.0.0/tag.min.js", Body=b"window.evil=1;", IfNoneMatch="*")
    ended = built.as_("publish", "publish")
    assert ended.code == 7
    assert "tag/1.0.0/tag.min.js is already published with other bytes" in ended.err
    assert "ours: " in ended.err
    assert "published: " in ended.err
    assert built.as_("record", "record publish").code == 10
