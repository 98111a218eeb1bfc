"""The credentials file: one profile a stage, for its owner's eyes only."""

from pathlib import Path

import pytest
from botocore.session import Session

from release.adapters.keyring import Keyring
from release.errors import CredentialError


def test_a_key_that_was_stored_is_what_a_stage_gets(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "deep" / "keys", "tag")
    ring.store("publish", "AKIAONE", "s3cr3t/+=%(x)s")
    ring.store("record", "AKIATWO", "other")
    assert ring.variables("publish") == {"AWS_ACCESS_KEY_ID": "AKIAONE", "AWS_SECRET_ACCESS_KEY": "s3cr3t/+=%(x)s"}
    assert (ring.key_id("record"), ring.key_id("promote")) == ("AKIATWO", None)


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "keys", "tag")
    ring.store("publish", "AKIAONE", "secret")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["keys"]


def test_a_place_that_cannot_be_written_is_said_before_a_key_is_made(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    with pytest.raises(CredentialError, match=r"cannot be written|is not a credentials file"):
        Keyring(tmp_path / "keys", "tag").require_writable()
    assert [p.name for p in tmp_path.iterdir()] == ["keys"]


def test_the_aws_tools_read_the_same_file(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "keys", "tag")
    ring.store("publish", "AKIAONE", "secret")
    session = Session(profile="tag-publish")
    session.set_config_variable("credentials_file", str(tmp_path / "keys"))
    credentials = session.get_credentials()
    assert credentials is not None
    assert (credentials.access_key, credentials.secret_key) == ("AKIAONE", "secret")


def test_two_libraries_share_a_file_and_no_key(tmp_path: Path) -> None:
    Keyring(tmp_path / "keys", "one").store("publish", "AKIAONE", "secret")
    with pytest.raises(CredentialError, match="has no key for the stage publish"):
        Keyring(tmp_path / "keys", "two").variables("publish")


def test_a_damaged_file_is_said_to_be_one_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("aws_secret_access_key = canary-5d5d\n")
    with pytest.raises(CredentialError, match="is not a credentials file") as caught:
        Keyring(tmp_path / "keys", "tag").variables("publish")
    assert "canary" not in str(caught.value) + str(caught.value.evidence)
