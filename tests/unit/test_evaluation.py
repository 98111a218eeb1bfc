"""Requests are decided as IAM does, or refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from release.core.evaluation import Request, refusal

USER = "arn:aws:iam::123456789012:user/release/publish"
CONTEXT: Mapping[str, str | None] = {
    "aws:securetransport": "true",
    "aws:sourceip": "203.0.113.7",
    "s3:if-none-match": "*",
    "s3:if-match": None,
    "s3:max-keys": "100",
}


def put(
    key: str = "tag/1.0.0/tag.js",
    context: Mapping[str, str | None] = CONTEXT,
    *,
    action: str = "s3:PutObject",
) -> Request:
    return Request(principal=USER, action=action, resource=f"arn:aws:s3:::site/{key}", context=context)


def policy(effect: str = "Allow", **elements: object) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::site/*", **elements}
    return {"Version": "2012-10-17", "Statement": [statement]}


def allowed(request: Request, *identity: dict[str, Any]) -> bool:
    return refusal(request, identity=identity) is None


def test_nothing_is_allowed_by_default() -> None:
    assert refusal(put(), identity=[]) == "because no identity-based policy allows the s3:PutObject action"


@pytest.mark.parametrize(
    ("action", "matches"),
    [
        ("s3:PutObject", True),
        ("S3:putobject", True),
        ("s3:Put*", True),
        ("s3:PutObjec?", True),
        (["s3:GetObject", "s3:PutObject"], True),
        ("*", True),
        ("s3:PutObjectAcl", False),
        ("s3:GetObject", False),
        ([], False),
    ],
)
def test_actions_are_matched_without_case_and_with_wildcards(action: object, matches: bool) -> None:
    assert allowed(put(), policy(Action=action)) is matches


@pytest.mark.parametrize(
    ("resource", "matches"),
    [
        ("arn:aws:s3:::site/tag/1.0.0/*", True),
        ("arn:aws:s3:::site/*/tag.js", True),
        ("*", True),
        ("arn:aws:s3:::site", False),
        ("arn:aws:s3:::site/TAG/*", False),
        ("arn:aws:s3:::site.tag/*", False),
        ("arn:aws:s3:::site/tag/1x0.0/*", False),
    ],
)
def test_resources_are_matched_with_case_and_dots_are_dots(resource: str, matches: bool) -> None:
    assert allowed(put(), policy(Resource=resource)) is matches


def test_not_action_and_not_resource_are_everything_else() -> None:
    everything_but_get = {"Effect": "Allow", "NotAction": "s3:GetObject", "NotResource": "arn:aws:s3:::log/*"}
    assert allowed(put(), {"Statement": everything_but_get})
    assert not allowed(put(action="s3:GetObject"), {"Statement": everything_but_get})


def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    deny = policy("Deny", Sid="Never")
    reason = "with an explicit deny in {}, statement Never"
    assert refusal(put(), identity=[policy(), deny]) == reason.format("an identity-based policy")
    assert refusal(put(), identity=[policy()], boundary=deny) == reason.format("a permissions boundary")
    assert refusal(put(), identity=[policy()], resource=deny) == reason.format("a resource-based policy")


def test_a_boundary_caps_and_grants_nothing() -> None:
    assert refusal(put(), identity=[policy()], boundary=policy()) is None
    assert refusal(put(), identity=[], boundary=policy()) is not None
    only_get = policy(Action="s3:GetObject")
    assert refusal(put(), identity=[policy()], boundary=only_get) == (
        "because no permissions boundary allows the s3:PutObject action"
    )


def test_a_resource_policy_grants_nothing_here() -> None:
    assert refusal(put(), identity=[], resource=policy(Principal="*")) is not None


@pytest.mark.parametrize(
    ("principal", "denied"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": [USER]}, True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, True),
        ({"AWS": "123456789012"}, True),
        ({"AWS": "arn:aws:iam::123456789012:user/other"}, False),
        ({"Service": "cloudfront.amazonaws.com"}, False),
    ],
)
def test_a_resource_policy_is_about_its_principals(principal: object, denied: bool) -> None:
    deny = policy("Deny", Principal=principal)
    assert (refusal(put(), identity=[policy()], resource=deny) is not None) is denied


CONDITIONS: dict[str, tuple[dict[str, Any], bool]] = {
    "create only, header sent": ({"Null": {"s3:if-none-match": "false"}}, True),
    "header that was not sent": ({"Null": {"s3:if-match": "false"}}, False),
    "header that must not be sent": ({"Null": {"s3:if-match": "true"}}, True),
    "keys have no case": ({"Bool": {"AWS:SecureTransport": "true"}}, True),
    "a JSON boolean": ({"Bool": {"aws:SecureTransport": True}}, True),
    "the other boolean": ({"Bool": {"aws:SecureTransport": "false"}}, False),
    "address in the network": ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "203.0.113.0/24"]}}, True),
    "address elsewhere": ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
    "not that network": ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, True),
    "neither of two networks": ({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "203.0.113.7/32"]}}, False),
    "equal": ({"StringEquals": {"s3:if-none-match": "*"}}, True),
    "absent is not equal": ({"StringEquals": {"s3:if-match": "*"}}, False),
    "absent satisfies a negation": ({"StringNotEquals": {"s3:if-match": "*"}}, True),
    "absent satisfies IfExists": ({"StringEqualsIfExists": {"s3:if-match": "*"}}, True),
    "present does not": ({"StringEqualsIfExists": {"aws:SourceIp": "*"}}, False),
    "like": ({"StringLike": {"aws:SourceIp": "203.*"}}, True),
    "number": ({"NumericLessThanEquals": {"s3:max-keys": "100"}}, True),
    "all lines must hold": ({"Bool": {"aws:SecureTransport": "true"}, "Null": {"s3:if-match": "false"}}, False),
}


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions_decide_whether_a_statement_applies(condition: dict[str, Any], holds: bool) -> None:
    assert allowed(put(), policy(Condition=condition)) is holds
    assert allowed(put(), policy(), policy("Deny", Condition=condition)) is not holds


NOT_UNDERSTOOD: dict[str, dict[str, Any]] = {
    "operator": {"Condition": {"ForAllValues:StringEquals": {"aws:SourceIp": "x"}}},
    "key": {"Condition": {"Bool": {"aws:RequestTag/stage": "x"}}},
    "element": {"NotPrincipal": "*"},
    "effect": {"Effect": "Permit"},
    "two elements for one": {"NotAction": "s3:GetObject"},
}


@pytest.mark.parametrize("elements", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_what_is_not_understood_is_refused_in_an_allow_and_in_a_deny(elements: dict[str, Any]) -> None:
    for strange in (policy(**elements), policy(**{"effect": "Deny", **elements})):
        reason = refusal(put(), identity=[policy(), strange])
        assert reason is not None
        assert reason.startswith("because a policy could not be evaluated: ")
