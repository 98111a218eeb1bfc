"""Attempts at writing, on a real S3 server: let through by rights, stored by none."""

import dataclasses
from collections.abc import Iterator

import pytest

from release.adapters.key_trial import AwsKeyTrial
from release.core.matrix import Call
from tests.fakes.ceph import CephGateway
from tests.functional.keys_on_ceph import Keyring, keyring

pytestmark = [pytest.mark.rgw, pytest.mark.xdist_group("rgw")]


@pytest.fixture(scope="module")
def keys(ceph: CephGateway) -> Iterator[Keyring]:
    with keyring(ceph) as opened:
        yield opened


def writes(keys: Keyring) -> list[Call]:
    return list({str(cell.call): cell.call for cell in keys.cells if cell.call.act in {"create", "replace"}}.values())


def test_an_owner_who_may_do_everything_changes_nothing(ceph: CephGateway, keys: Keyring) -> None:
    trial, before = AwsKeyTrial(ceph.clients(ceph.administrator), stage="owner"), keys.bodies()
    answers = {trial.attempt(call).verdict for call in writes(keys)}
    assert answers == {"permitted"}
    assert keys.bodies() == before


def test_an_attempt_at_a_new_object_makes_none(ceph: CephGateway, keys: Keyring) -> None:
    trial = AwsKeyTrial(ceph.clients(ceph.administrator), stage="owner")
    for call in writes(keys)[:2]:
        new = dataclasses.replace(call, resource=f"{call.resource}.new")
        answer = trial.attempt(new)
        bucket, _, key = new.resource.partition(":::")[2].partition("/")
        assert (answer.verdict, answer.said) in {("permitted", "BadDigest"), ("permitted", "NoSuchKey")}
        assert keys.owner.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 0
