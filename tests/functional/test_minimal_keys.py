"""No key may do more than its stage does: take any one grant away, and the stage is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from release.core.keypolicy import Policy
from release.errors import PermissionDenied
from tests.functional.stages_on_aws import config, rendered, stages, story

pytestmark = pytest.mark.moto

RENDERED = rendered(config())


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One action on one class of resources (or of prefixes, or of sources of copies) of one statement."""

    stage: str
    sid: str
    action: str
    key: str  # Resource, or the condition key whose list it is
    kind: str

    def __str__(self) -> str:
        return f"{self.stage}-{self.sid}-{self.action}-{self.kind}"


def kind_of(pattern: str) -> str:
    """Name a class: the ten digits a version may begin with are one, and so are all channels."""
    digits = re.sub(r"/[0-9]\*", "/VERSION*", pattern.rpartition(":")[2])
    digits = re.sub(r"distribution/.*", "distribution", digits)
    digits = re.sub(r"tag-(?!boundary)[a-z]+$", "tag-STAGE", digits)
    return re.sub(r"tag/(channels/)?(v\*|v\*\.\*|latest|next)(/\*|\.json)$", r"tag/\1CHANNEL\3", digits)


def grants() -> Iterator[Grant]:
    for stage, policy in RENDERED.stages.items():
        for statement in policy["Statement"]:
            listed = statement["Condition"].get("StringLike", {})
            for key, patterns in {"Resource": statement["Resource"], **listed}.items():
                for kind in dict.fromkeys(map(kind_of, patterns)):
                    for action in statement["Action"]:
                        yield Grant(stage=stage, sid=statement["Sid"], action=action, key=key, kind=kind)


def without(policy: Policy, grant: Grant) -> Policy:
    """Give the policy less one grant; a list that is empty then takes its statement along."""
    kept = []
    for statement in policy["Statement"]:
        if statement["Sid"] != grant.sid:
            kept.append(statement)
            continue
        others = [action for action in statement["Action"] if action != grant.action]
        if others:
            kept.append({**statement, "Action": others})
        less = {**statement, "Sid": f"{grant.sid}Less", "Action": [grant.action]}
        if grant.key == "Resource":
            left = less["Resource"] = [one for one in statement["Resource"] if kind_of(one) != grant.kind]
        else:
            patterns = statement["Condition"]["StringLike"]
            left = [one for one in patterns[grant.key] if kind_of(one) != grant.kind]
            less["Condition"] = {**statement["Condition"], "StringLike": {**patterns, grant.key: left}}
        if left:
            kept.append(less)
    return {**policy, "Statement": kept}


def test_with_the_rendered_policies_nothing_is_refused_and_each_key_uses_all_that_it_may() -> None:
    with stages(lambda _, policy: policy) as opened:
        story(opened)
        used = {stage: actions(opened.holders[stage].calls) for stage in RENDERED.stages}
    granted = {
        stage: {action for statement in policy["Statement"] for action in statement["Action"]}
        for stage, policy in RENDERED.stages.items()
    }
    assert used == granted


def actions(calls: set[str]) -> set[str]:
    """Give the actions that IAM decides these requests by; a HEAD is a GET, a copy reads and writes."""
    s3 = {
        "s3:HeadObject": {"s3:GetObject"},
        "s3:CopyObject": {"s3:GetObject", "s3:PutObject"},
        "s3:ListObjectsV2": {"s3:ListBucket"},
    }
    return {action for call in calls for action in s3.get(call, {call})}


@pytest.mark.parametrize("grant", list(grants()), ids=str)
def test_a_key_with_one_grant_less_is_refused(grant: Grant) -> None:
    def change(stage: str, policy: Policy) -> Policy:
        return without(policy, grant) if stage == grant.stage else policy

    with stages(change, grant.stage) as opened, pytest.raises(PermissionDenied) as refused:
        story(opened, grant.stage)
    assert grant.action.partition(":")[2] in str(refused.value.message) + str(refused.value.evidence)
