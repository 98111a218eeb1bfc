"""How IAM decides a request: statements in, a decision out.

Follows https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html for
one account: an explicit deny anywhere wins; otherwise the key's own policies must allow the action
and, if there is a permissions boundary, so must that. Resource policies only take away here: what
they grant to other services is outside of this model. Whatever is not understood is refused.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

Policy = Mapping[str, Any]
"""A parsed policy document."""

_ELEMENTS: Final = frozenset(
    {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One thing that somebody asks to do.

    Args:
        principal: ARN of the user or the assumed role.
        action: `service:Action`.
        resource: ARN, or `*` where the action has none.
        context: condition keys in lower case and their values; None where AWS would send none. A key
            that is not listed at all is one that this model knows nothing about.
    """

    principal: str
    action: str
    resource: str
    context: Mapping[str, str | None]


class _NotUnderstoodError(Exception):
    """A policy uses something that this model does not have."""


def refusal(
    request: Request,
    *,
    identity: Sequence[Policy],
    boundary: Policy | None = None,
    resource: Policy | None = None,
) -> str | None:
    """Decide a request.

    Args:
        request: what is asked.
        identity: the policies of the user or role.
        boundary: its permissions boundary.
        resource: the policy of the resource, such as a bucket policy.

    Returns:
        None if the request is permitted, else the reason why it is not.
    """
    try:
        return _refusal(request, identity, boundary, resource)
    except _NotUnderstoodError as error:
        return f"because a policy could not be evaluated: {error}"


def _refusal(
    request: Request, identity: Sequence[Policy], boundary: Policy | None, resource: Policy | None
) -> str | None:
    own = [statement for policy in identity for statement in _statements(policy)]
    limits = list(_statements(boundary)) if boundary is not None else []
    theirs = list(_statements(resource)) if resource is not None else []
    for kind, statements in (
        ("an identity-based policy", own),
        ("a permissions boundary", limits),
        ("a resource-based policy", theirs),
    ):
        for statement in statements:
            if statement.get("Effect") != "Allow" and _applies(statement, request):
                return f"with an explicit deny in {kind}{_sid(statement)}"
    if not _allowing(own, request):
        return f"because no identity-based policy allows the {request.action} action"
    if boundary is not None and not _allowing(limits, request):
        return f"because no permissions boundary allows the {request.action} action"
    return None


def _allowing(statements: Sequence[Mapping[str, Any]], request: Request) -> list[Mapping[str, Any]]:
    """Give all, not the first: that a statement is not understood must not depend on their order."""
    return [statement for statement in statements if statement["Effect"] == "Allow" and _applies(statement, request)]


def _statements(policy: Policy) -> Iterator[Mapping[str, Any]]:
    found = policy.get("Statement", [])
    yield from [found] if isinstance(found, Mapping) else found


def _sid(statement: Mapping[str, Any]) -> str:
    return f", statement {statement['Sid']}" if statement.get("Sid") else ""


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    unknown = set(statement) - _ELEMENTS
    if unknown or statement.get("Effect") not in {"Allow", "Deny"}:
        raise _NotUnderstoodError(f"element {', '.join(sorted(unknown)) or 'Effect'}")
    return (
        _names(statement, "Action", request.action.lower(), str.lower)
        and _names(statement, "Resource", request.resource, str)
        and _is_about(statement.get("Principal", "*"), request.principal)
        and all(
            _holds(operator, key, _listed(expected), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, expected in keys.items()
        )
    )


def _names(statement: Mapping[str, Any], element: str, value: str, fold: Callable[[str], str]) -> bool:
    negated = f"Not{element}"
    if (element in statement) == (negated in statement):
        raise _NotUnderstoodError(f"a statement needs either {element} or {negated}")
    patterns = _listed(statement.get(element, statement.get(negated)))
    return any(_like(value, fold(pattern)) for pattern in patterns) == (element in statement)


def _is_about(principal: object, arn: str) -> bool:
    """Tell whether a Principal element, in any of its forms, includes this user or role."""
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        raise _NotUnderstoodError("Principal")
    _, partition, _, _, account, *_ = arn.split(":")
    everybody_like_it = {"*", arn, account, f"arn:{partition}:iam::{account}:root"}
    return any(named in everybody_like_it for named in _listed(principal.get("AWS", [])))


def _listed(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _like(actual: str, pattern: str) -> bool:
    return _pattern(pattern).fullmatch(actual) is not None


def _in_network(actual: str, expected: str) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(expected, strict=False)


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda actual, expected: actual == expected,
    "StringEqualsIgnoreCase": lambda actual, expected: actual.lower() == expected.lower(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda actual, expected: actual.lower() == expected.lower(),
    "IpAddress": _in_network,
    "NumericEquals": lambda actual, expected: float(actual) == float(expected),
    "NumericLessThan": lambda actual, expected: float(actual) < float(expected),
    "NumericLessThanEquals": lambda actual, expected: float(actual) <= float(expected),
    "NumericGreaterThan": lambda actual, expected: float(actual) > float(expected),
    "NumericGreaterThanEquals": lambda actual, expected: float(actual) >= float(expected),
}
_NEGATED: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
}


def _holds(operator: str, key: str, expected: Sequence[str], context: Mapping[str, str | None]) -> bool:
    """Evaluate one line of a Condition block.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html:
    a key that is absent fails an operator, satisfies a negated one and one that ends in `IfExists`.
    """
    if key.lower() not in context:
        raise _NotUnderstoodError(f"condition key {key}")
    actual = context[key.lower()]
    if operator == "Null":
        return (actual is None) == (expected[0].lower() == "true")
    name = operator.removesuffix("IfExists")
    negated = name in _NEGATED
    test = _OPERATORS.get(_NEGATED.get(name, name))
    if test is None:
        raise _NotUnderstoodError(f"condition operator {operator}")
    if actual is None:
        return negated or name != operator
    return any(test(actual, value) for value in expected) != negated
