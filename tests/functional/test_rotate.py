"""`keys rotate` on an embedded AWS: the rotate key's policy and the boundary are enforced."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.adapters.keyring import Keyring
from release.errors import ConfigError, NothingToDoError, PermissionDenied, RefusedError
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import Account, account
from tests.functional.library import Library

pytestmark = pytest.mark.moto


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    with account(library, run, tmp_path / "keys") as opened:
        yield opened


def test_a_stage_gets_a_new_key_from_the_rotate_key_alone(tag: Account) -> None:
    ring, where = Keyring(tag.keys, "tag"), ("--credentials-file", str(tag.keys))

    def rotate(*more: str, key: str = "rotate") -> Ended:
        return tag.as_(key, "keys rotate", *more)

    old = ring.variables("publish")
    assert rotate(*where, "--due").code == NothingToDoError.exit_code
    assert rotate(*where, "--if-due").code == 0
    assert rotate("publish", *where, "--dry-run").code == 0
    assert ring.variables("publish") == old
    ended = rotate("publish", *where, "--json")
    assert ended.code == 0, ended
    new = ring.variables("publish")
    assert new["AWS_ACCESS_KEY_ID"] != old["AWS_ACCESS_KEY_ID"]
    left = json.loads((tag.library.folder / ".release" / "rotation.json").read_bytes())
    (done,) = left["rotated"]
    assert (done["made"], done["disabled"]) == (new["AWS_ACCESS_KEY_ID"], [old["AWS_ACCESS_KEY_ID"]])
    assert new["AWS_SECRET_ACCESS_KEY"] not in ended.out + ended.err + json.dumps(left)
    iam = tag.aws.session().client("iam", endpoint_url=tag.aws.endpoint)
    held = {
        key["AccessKeyId"]: key["Status"] for key in iam.list_access_keys(UserName="tag-publish")["AccessKeyMetadata"]
    }
    assert held == {old["AWS_ACCESS_KEY_ID"]: "Inactive", new["AWS_ACCESS_KEY_ID"]: "Active"}
    assert tag.as_("record", "record rotation").out == "appended log entry 0: keys.rotated keys of publish\n"
    assert tag.as_("record", "record rotation").code == NothingToDoError.exit_code, "what is recorded is not left"
    assert tag.as_("record", "record rotation", "--if-any").code == 0
    assert "keys of publish" in tag.as_("audit", "log show 0").out
    assert rotate("publish", *where, key="publish").code == PermissionDenied.exit_code
    assert rotate("rotate", *where).code == ConfigError.exit_code
    assert rotate("publish").code == ConfigError.exit_code
    elsewhere = rotate("publish", "--credentials-file", str(tag.keys.with_name("elsewhere")))
    assert elsewhere.code == RefusedError.exit_code
    assert "publish" in elsewhere.err
