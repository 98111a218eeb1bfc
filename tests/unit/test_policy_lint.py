"""Every policy under a linter that knows IAM's actions, resources and condition keys, and under our own rules."""

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from release.core.keypolicy import Policy
from tests.unit.test_keypolicy import ACCOUNT, OWNERS, REVIEWED, made

with warnings.catch_warnings():
    # It leaves the files of its data open, and asks pkg_resources where they are.
    warnings.simplefilter("ignore")
    from parliament import analyze_policy_string

Finding = tuple[str, str]
"""What is found, and the actions or the detail that it is about."""

MAKES_KEYS: Final = "makes the stages' keys: that is its work, and the boundary and its list of users cap it"
CAPS: Final = "the boundary grants nothing; it leaves this to the rotate key alone, and not on itself"
NO_RESOURCE: Final = "a trust policy is about the role that has it: IAM allows no Resource there"
ANY_ISSUER: Final = "the linter knows SAML and four public issuers; any issuer of tokens is one to IAM"
TRUST: Final[Mapping[Finding, str]] = {
    ("MALFORMED", "Statement contains neither Resource nor NotResource"): NO_RESOURCE,
    ("UNKNOWN_FEDERATION_SOURCE", f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.example.com"): ANY_ISSUER,
}
_ROTATES: Final = "iam:createaccesskey iam:deleteaccesskey iam:updateaccesskey"
_ROTATION: Final[tuple[Finding, ...]] = (
    ("CREDENTIALS_EXPOSURE", "iam:createaccesskey iam:updateaccesskey"),
    ("PERMISSIONS_MANAGEMENT_ACTIONS", _ROTATES),
    ("PRIVILEGE_ESCALATION", "iam:createaccesskey"),
)
_WRITES: Final = "iam:createpolicy iam:createpolicyversion"
_CAPS_USER: Final = "iam:deletepolicyversion iam:putuserpermissionsboundary"
_CAPS_ROLE: Final = "iam:deletepolicyversion iam:putrolepermissionsboundary"
REASONED: Final[Mapping[tuple[str, str], Mapping[Finding, str]]] = {
    ("users", "rotate"): dict.fromkeys(_ROTATION, MAKES_KEYS),
    ("users", "boundary"): dict.fromkeys(_ROTATION, CAPS),
    ("users", "provision"): {
        ("CREDENTIALS_EXPOSURE", "iam:createaccesskey"): MAKES_KEYS,
        (
            "PERMISSIONS_MANAGEMENT_ACTIONS",
            f"iam:attachuserpolicy iam:createaccesskey {_WRITES} iam:createuser {_CAPS_USER}",
        ): MAKES_KEYS,
        ("PRIVILEGE_ESCALATION", "iam:createaccesskey"): MAKES_KEYS,
        ("PRIVILEGE_ESCALATION", "iam:createpolicyversion"): MAKES_KEYS,
        ("PRIVILEGE_ESCALATION", "iam:attachuserpolicy"): MAKES_KEYS,
    },
    ("roles", "provision"): {
        (
            "PERMISSIONS_MANAGEMENT_ACTIONS",
            f"iam:attachrolepolicy {_WRITES} iam:createrole {_CAPS_ROLE} iam:updateassumerolepolicy",
        ): MAKES_KEYS,
        ("PRIVILEGE_ESCALATION", "iam:createpolicyversion"): MAKES_KEYS,
    },
}
"""By kind of identity and policy: what may be found, and why. What is listed and not found is an error too."""


def findings(policy: Mapping[str, Any]) -> set[Finding]:
    analyzed = analyze_policy_string(json.dumps(policy), include_community_auditors=True)
    return {(finding.issue, _subject(finding.detail, finding.location)) for finding in analyzed.findings}


def _subject(detail: object, location: Mapping[str, Any]) -> str:
    return " ".join(sorted(location["actions"])) if "actions" in location else str(detail)


def reasoned(owner: str, name: str) -> set[Finding]:
    if name.startswith("trust-"):
        return set(TRUST)
    return set(REASONED.get((OWNERS[owner].keys.kind, name), {}))


@pytest.mark.parametrize(("owner", "name"), REVIEWED)
def test_the_linter_finds_nothing_but_what_has_a_reason(owner: str, name: str) -> None:
    assert findings(made(OWNERS[owner]).named()[name]) == reasoned(owner, name)


SEEDED: Final[Mapping[str, tuple[Mapping[str, object], str]]] = {
    "an action that S3 does not have": ({"Action": ["s3:PutObjekt"]}, "UNKNOWN_ACTION"),
    "all resources": ({"Resource": ["*"]}, "RESOURCE_STAR"),
    "a bucket for an object": ({"Resource": ["arn:aws:s3:::site"]}, "RESOURCE_MISMATCH"),
    "a condition that the action never has": (
        {"Condition": {"StringLike": {"s3:prefix": ["tag/*"]}}},
        "UNKNOWN_CONDITION_FOR_ACTION",
    ),
    "a misspelt operator": ({"Condition": {"IpAddres": {"aws:SourceIp": ["192.0.2.0/24"]}}}, "UNKNOWN_OPERATOR"),
    "a way to other rights": (
        {"Action": ["iam:PassRole"], "Resource": ["arn:aws:iam::123456789012:role/x"]},
        "PERMISSIONS_MANAGEMENT_ACTIONS",
    ),
    "a way to the bucket's policy": (
        {"Action": ["s3:PutBucketPolicy"], "Resource": ["arn:aws:s3:::site"]},
        "RESOURCE_POLICY_PRIVILEGE_ESCALATION",
    ),
}


@pytest.mark.parametrize(("changes", "issue"), SEEDED.values(), ids=SEEDED.keys())
def test_the_linter_finds_what_is_wrong(changes: Mapping[str, object], issue: str) -> None:
    policy = made().stages["publish"]
    statement = {**policy["Statement"][1], **changes}
    assert issue in {found for found, _ in findings({**policy, "Statement": [statement]})}


def too_wide(policy: Policy) -> Iterator[str]:
    """Give each action and resource of an Allow that is, or that begins as, anything at all."""
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow":
            yield from (action for action in statement["Action"] if set("*?") & set(action))
            yield from (one for one in statement.get("Resource", ()) if not one.startswith("arn:") or _open(one))
            yield from (element for element in statement if element.startswith("Not"))


def _open(arn: str) -> bool:
    """Tell whether a wildcard stands in the account, the bucket, or for all of a kind."""
    return bool(set("*?") & set(arn.partition("/")[0])) or arn.partition("/")[2].startswith("*")


@pytest.mark.parametrize(("owner", "name"), REVIEWED)
def test_no_policy_allows_any_action_or_names_any_resource(owner: str, name: str) -> None:
    found = list(too_wide(made(OWNERS[owner]).named()[name]))
    # The CDN, and nobody else, reads the whole of the site's bucket: it is what it serves.
    assert found == (["arn:aws:s3:::site/*"] if name == "site-bucket" else [])


@pytest.mark.parametrize(
    "changes",
    [
        *({"Action": [action]} for action in ("*", "s3:*", "s3:Get*", "s3:?etObject")),
        *({"Resource": [one]} for one in ("*", "arn:aws:s3:::*", "arn:aws:s3:::site/*", "arn:aws:s3:::s?te/tag/1*")),
        {"NotAction": ["s3:GetObject"]},
        {"NotResource": ["arn:aws:s3:::site/tag/1*"]},
    ],
    ids=str,
)
def test_a_policy_that_is_too_wide_is_seen(changes: Mapping[str, object]) -> None:
    policy = made().stages["publish"]
    assert list(too_wide({**policy, "Statement": [{**policy["Statement"][0], **changes}]}))
