"""That the policies which Ceph's gateway runs are ours, and nowhere wider.

Each statement stands for one of ours: the same effect, conditions and principals, with fewer actions and
resources or not at all. What is left out of an Allow narrows; what is left out of a Deny is written here.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.ceph_policies import readable

GOLDEN = Path(__file__).parent / "golden"
REVIEWED = {f"{path.parent.name}/{path.stem}": json.loads(path.read_text()) for path in sorted(GOLDEN.rglob("*.json"))}
IDENTITY = {name: policy for name, policy in REVIEWED.items() if not name.partition("/trust")[1]}

UNSAID = {
    "NothingIsDeletedReplacedOrShared": {
        "s3:ObjectOwnerOverrideToBucketOwner",
        "s3:ReplicateDelete",
        "s3:ReplicateObject",
        "s3:ReplicateTags",
    },
    "VersionsAreCreateOnly": {"s3:PutObject"},
    "EntriesAreCreateOnly": {"s3:PutObject"},
    "TheHeadIsNeverOverwrittenBlindly": {"s3:PutObject"},
    "OnlyWhatIsUnchangedIsDeleted": {"s3:DeleteObject"},
    "TlsOnly": {"cloudfront:*", "iam:*"},
    "OnlyFromOurAddresses": {"cloudfront:*", "iam:*"},
}
"""Every action that a Deny of ours forbids and this server is not told of, by the statement's Sid."""


def statements(policy: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    return {statement["Sid"]: statement for statement in (policy or {"Statement": []})["Statement"]}


@pytest.mark.parametrize("name", IDENTITY)
def test_a_policy_is_ours_and_nowhere_wider(name: str) -> None:
    ours, told = statements(IDENTITY[name]), statements(readable(IDENTITY[name]))
    for sid, statement in told.items():
        whole = ours[sid]
        element = "Resource" if "Resource" in whole else "NotResource"
        assert {**statement, "Action": whole["Action"], element: whole[element]} == whole
        assert set(statement["Action"]) <= set(whole["Action"])
        assert set(statement[element]) <= set(whole[element])
        assert element == "Resource" or statement == whole, "less of what is left out would be more"
    for sid, statement in ours.items():
        unsaid = set(statement["Action"]) - set(told.get(sid, {"Action": []})["Action"])
        if statement["Effect"] == "Deny" and unsaid:
            assert unsaid == next(actions for start, actions in UNSAID.items() if sid.startswith(start))


@pytest.mark.parametrize("owner", ["users", "customer"])
@pytest.mark.parametrize("stage", ["publish", "record", "promote", "collect"])
def test_what_these_stages_run_with_is_the_very_policy(owner: str, stage: str) -> None:
    policy = IDENTITY[f"{owner}/{stage}"]
    assert readable(policy) == policy


@pytest.mark.parametrize("name", IDENTITY)
def test_no_right_in_s3_is_left_out(name: str) -> None:
    ours, told = statements(IDENTITY[name]), statements(readable(IDENTITY[name]))
    for sid, statement in ours.items():
        allowed = {action for action in statement["Action"] if action.startswith("s3:")}
        if statement["Effect"] == "Allow" and allowed:
            assert set(told[sid]["Action"]) == allowed


def test_of_keys_that_have_nothing_to_do_with_s3_nothing_is_left() -> None:
    assert readable(IDENTITY["users/invalidate"]) is None
    assert readable(IDENTITY["users/rotate"]) is None
