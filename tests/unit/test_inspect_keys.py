"""Keys held against what was rendered: nothing to say when all is right, and each drift said with its remedy."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from release.core.key_findings import Finding, HeldKey
from release.errors import DriftError
from release.stages import inspect_keys
from tests.fakes import examples
from tests.fakes.clock import MIDNIGHT, StoppedClock
from tests.fakes.key_directory import FakeKeyDirectory, directory_of
from tests.unit.test_keypolicy import OWNERS, made

Change = Callable[[FakeKeyDirectory], object]


def inspected(directory: FakeKeyDirectory, owner: str = "users") -> tuple[Finding, ...]:
    return inspect_keys.run(OWNERS[owner], made(OWNERS[owner]), directory, StoppedClock()).findings


def right(owner: str = "users") -> FakeKeyDirectory:
    return directory_of(OWNERS[owner], made(OWNERS[owner]))


def holder(stage: str, **changes: Any) -> Change:  # noqa: ANN401 - any field
    def change(directory: FakeKeyDirectory) -> None:
        name = f"tag-{stage}"
        directory.holders[name] = dataclasses.replace(directory.holders[name], **changes)

    return change


def key(**changes: Any) -> HeldKey:  # noqa: ANN401 - any field
    return dataclasses.replace(HeldKey(id_="AKIAEXAMPLEEXAMPLE22", active=True, created=MIDNIGHT), **changes)


@pytest.mark.parametrize("owner", OWNERS)
def test_what_is_as_rendered_has_no_finding(owner: str) -> None:
    assert inspected(right(owner), owner) == ()


ARN = made().identities.policy_arn
DRIFTS: dict[str, tuple[Change, str, str]] = {
    "no user": (lambda d: d.holders.pop("tag-audit"), "audit: there is no user tag-audit", "keys provision"),
    "a user elsewhere": (
        holder("audit", arn="arn:aws:iam::123456789012:user/tag-audit"),
        "audit: its user is arn:aws:iam::123456789012:user/tag-audit, not",
        "keys provision",
    ),
    "another boundary": (
        holder("publish", boundary=ARN("publish")),
        f"publish: its permissions boundary is {ARN('publish')}, not {ARN('boundary')}",
        "keys provision",
    ),
    "an attached policy more": (
        holder("publish", attached=(ARN("publish"), "arn:aws:iam::aws:policy/AdministratorAccess")),
        "publish: it has another policy besides its own: arn:aws:iam::aws:policy/AdministratorAccess",
        "detach it from tag-publish",
    ),
    "an inline policy": (holder("record", inline=("x",)), "record: it has an inline policy: x", "delete it"),
    "a group": (holder("record", groups=("g",)), "record: it is in the group g", "take tag-record out"),
    "no key": (holder("promote", keys=()), "promote: it has no active key", "keys rotate promote"),
    "two keys": (
        holder("promote", keys=(key(), key(id_="AKIA2"))),
        "promote: it has 2 active keys: AKIAEXAMPLEEXAMPLE22, AKIA2",
        "keys rotate promote",
    ),
    "an old key": (
        holder("promote", keys=(key(created=MIDNIGHT - timedelta(days=90, seconds=1)),)),
        "promote: its key AKIAEXAMPLEEXAMPLE22 is 90 days old, at most 90 are allowed",
        "keys rotate promote",
    ),
    "a disabled key": (
        holder("promote", keys=(key(), key(id_="AKIA2", active=False))),
        "promote: its key AKIA2 is disabled and still there",
        "delete the key",
    ),
    "a key of tomorrow": (
        holder("promote", keys=(key(created=MIDNIGHT + timedelta(days=2)),)),
        "promote: its key AKIAEXAMPLEEXAMPLE22 is from the future",
        "clock",
    ),
    "no policy": (lambda d: d.policies.pop(ARN("invalidate")), "invalidate: there is no policy arn:", "keys provision"),
    "no boundary": (lambda d: d.policies.pop(ARN("boundary")), "all stages: there is no policy arn:", "keys provision"),
    "no bucket policy": (
        lambda d: d.buckets.pop("site"),
        "all stages: the bucket site has no policy",
        "keys render site-bucket",
    ),
    "what may not be looked at": (
        lambda d: d.closed.add("tag-record"),
        "record: it cannot be looked at: the key of the audit stage may not look at tag-record",
        "audit stage's key",
    ),
}


@pytest.mark.parametrize(("change", "said", "remedy"), DRIFTS.values(), ids=DRIFTS.keys())
def test_each_drift_is_said_once_with_its_remedy(change: Change, said: str, remedy: str) -> None:
    directory = right()
    change(directory)
    (finding,) = inspected(directory)
    assert str(finding).startswith(said)
    assert remedy in finding.remedy
    with pytest.raises(DriftError, match="1 thing is not as the keys should be") as caught:
        inspect_keys.require_none([finding])
    assert f"{finding}\n    next: {finding.remedy}" in caught.value.message


def test_a_key_of_exactly_the_greatest_age_is_still_right() -> None:
    directory = right()
    holder("promote", keys=(key(created=MIDNIGHT - timedelta(days=90)),))(directory)
    assert inspected(directory) == ()


def test_a_role_that_another_project_may_take_is_found() -> None:
    directory, other = (
        right("roles"),
        examples.config(keys={"gitlab": {"url": "https://gitlab.example.com", "project": "x/y"}}),
    )
    holder("promote", trust=made(other).trust["promote"])(directory)
    findings = inspected(directory, "roles")
    assert findings
    assert all(str(one).startswith("promote: who may take its role: ") for one in findings)
    holder("promote", trust=None)(directory)
    assert [one.what for one in inspected(directory, "roles")] == ["who may take its role: it is not a policy"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ({"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"]}, "lets others s3:PutObject (statement X)"),
        ({"Effect": "Allow", "Action": "*"}, "lets others * (statement X)"),
        ({"Effect": "Allow", "NotAction": "s3:GetObject"}, "lets others do too much (statement X)"),
    ],
)
def test_a_bucket_that_lets_others_write_is_found(statement: dict[str, object], said: str) -> None:
    directory = right()
    policy = directory.buckets["site"]
    directory.buckets["site"] = {**policy, "Statement": [*policy["Statement"], {"Sid": "X", **statement}]}
    (finding,) = inspected(directory)
    assert finding.what == f"the policy of the bucket site {said}"


def test_a_bucket_may_hold_other_libraries_statements() -> None:
    directory, other = right(), made(examples.config(library={"name": "other"})).buckets["site-bucket"]
    ours = {statement["Sid"] for statement in directory.buckets["site"]["Statement"]}
    more = [statement for statement in other["Statement"] if statement["Sid"] not in ours]
    assert more
    directory.buckets["site"]["Statement"] += more
    assert inspected(directory) == ()
