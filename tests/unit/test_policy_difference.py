import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from release.core.policy_difference import difference, missing
from tests.unit.test_keypolicy import OWNERS, made

POLICIES = [(owner, name) for owner in OWNERS for name in made(OWNERS[owner]).named()]


def shortened(value: object) -> Any:  # noqa: ANN401 - JSON
    """The form in which S3 may give a policy back: lists of one are values, the others have another order."""
    if isinstance(value, dict):
        return {name: item if name == "Statement" else shortened(item) for name, item in reversed(value.items())}
    if isinstance(value, list):
        return shortened(value[0]) if len(value) == 1 else list(reversed(value))
    return value


@pytest.mark.parametrize(("owner", "name"), POLICIES)
def test_order_and_form_are_no_difference(owner: str, name: str) -> None:
    wanted = made(OWNERS[owner]).named()[name]
    statements = [shortened(statement) for statement in reversed(wanted["Statement"])]
    assert difference({"Statement": statements, "Version": "2012-10-17"}, wanted) == []
    assert difference(json.loads(json.dumps(wanted)), wanted) == []


WANTED = made().buckets["site-bucket"]


def sid(name: str) -> int:
    return next(i for i, one in enumerate(WANTED["Statement"]) if one["Sid"].startswith(name))


def setting(name: str, element: str, value: object) -> Callable[[Any], object]:
    return lambda policy: policy["Statement"][sid(name)].__setitem__(element, value)


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "an effect": (setting("TlsOnly", "Effect", "Allow"), "TlsOnly: Effect has besides Allow"),
    "an action more": (
        lambda policy: policy["Statement"][sid("CdnReads")]["Action"].append("s3:PutObject"),
        ": Action has besides s3:PutObject",
    ),
    "an action less": (
        lambda policy: policy["Statement"][sid("NothingIs")]["Action"].remove("s3:DeleteObjectVersion"),
        "NothingIsDeletedReplacedOrShared: Action lacks s3:DeleteObjectVersion",
    ),
    "a resource": (setting("TlsOnly", "Resource", "arn:aws:s3:::site"), "TlsOnly: Resource lacks arn:aws:s3:::site/*"),
    "who": (
        setting("TlsOnly", "Principal", {"AWS": "123456789012"}),
        "TlsOnly: Principal AWS has besides 123456789012",
    ),
    "no condition": (
        lambda policy: policy["Statement"][sid("CdnReads")].pop("Condition"),
        ": Condition StringEquals aws:sourcearn lacks arn:aws:cloudfront::",
    ),
    "another operator": (
        setting("TlsOnly", "Condition", {"BoolIfExists": {"aws:SecureTransport": "false"}}),
        "TlsOnly: Condition Bool aws:securetransport lacks false",
    ),
    "a negated element": (
        setting("TlsOnly", "NotResource", ["arn:aws:s3:::site/tag/*"]),
        "TlsOnly: NotResource has besides arn:aws:s3:::site/tag/*",
    ),
    "an element that IAM does not have": (
        setting("TlsOnly", "Ignore", {"a": 1}),
        'TlsOnly: Ignore has besides {"a": 1}',
    ),
    "a statement less": (lambda policy: policy["Statement"].pop(0), "it lacks the statement CdnReads"),
    "the same Sid twice, once otherwise": (
        lambda policy: policy["Statement"].append({**policy["Statement"][sid("TlsOnly")], "Effect": "Allow"}),
        "TlsOnly: Effect has besides Allow",
    ),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=CHANGES.keys())
def test_every_change_of_our_statements_is_said(change: Callable[[Any], object], said: str) -> None:
    found = copy.deepcopy(WANTED)
    change(found)
    for compare in (difference, missing):
        assert any(said in line for line in compare(found, WANTED)), compare(found, WANTED)


def test_a_statement_more_is_a_difference_but_none_in_a_bucket_that_is_shared() -> None:
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    found = {**WANTED, "Statement": [*WANTED["Statement"], theirs]}
    assert missing(found, WANTED) == []
    assert [line.partition(":")[0] for line in difference(found, WANTED)] == [
        "it has a statement Theirs that is not ours"
    ]
    twice = {**WANTED, "Statement": [*WANTED["Statement"], WANTED["Statement"][0]]}
    assert difference(twice, WANTED)[0].endswith("2 times")


def test_everybody_can_be_written_in_two_ways() -> None:
    found = copy.deepcopy(WANTED)
    found["Statement"][sid("TlsOnly")]["Principal"] = {"AWS": ["*"]}
    assert difference(found, WANTED) == []


def test_another_version_of_the_language_is_a_difference() -> None:
    assert difference({**WANTED, "Version": "2008-10-17"}, WANTED) == ["its Version is 2008-10-17"]


@pytest.mark.parametrize("found", [None, [], "x", {}, {"Statement": "x"}, {"Statement": ["x"]}, {"Statement": None}])
def test_what_is_no_policy_is_said_to_be_none(found: object) -> None:
    assert difference(found, WANTED) == missing(found, WANTED) == ["it is not a policy"]
