"""Whom the stages' roles trust: which jobs of which pipelines, told apart by `sub` and `aud` alone."""

import re
from collections.abc import Sequence

import pytest

from release.core.identities import STAGES
from release.core.keypolicy import policies
from tests.fakes import examples
from tests.unit.test_keypolicy import ACCOUNT, GITLAB, template_text

DEFAULT = ("project_path", "ref_type", "ref")
SEPARATE = (*DEFAULT, "environment", "environment_protected")


def takes(
    stage: str, sub: str, *, aud: str | None = None, session: str = "release-184-9921", parts: Sequence[str]
) -> bool:
    """Tell whether a stage's role takes a token, as AWS compares it (StringEquals, StringLike)."""
    config = examples.config(keys={"gitlab": {**GITLAB, "subject": list(parts)}})
    trust = policies(config, account=ACCOUNT, template=template_text).trust[stage]
    (statement,) = trust["Statement"]
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.example.com"}
    equals, like = statement["Condition"]["StringEquals"], statement["Condition"]["StringLike"]
    assert set(statement["Condition"]) == {"StringEquals", "StringLike"}
    assert set(equals) == {"gitlab.example.com:aud"}
    assert set(like) == {"gitlab.example.com:sub", "sts:RoleSessionName"}
    subjects = like["gitlab.example.com:sub"]
    return (
        equals["gitlab.example.com:aud"] == (aud or f"release-{stage}")
        and any(_like(sub, pattern) for pattern in subjects)
        and _like(session, like["sts:RoleSessionName"])
    )


def _like(text: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None


def subject(ref: str = "v1.4.2", *, ref_type: str = "tag", project: str = "acme/tag", more: str = "") -> str:
    return f"project_path:{project}:ref_type:{ref_type}:ref:{ref}{more}"


PIPELINE = [stage for stage in STAGES if stage != "audit"]


@pytest.mark.parametrize("stage", PIPELINE)
def test_a_role_takes_a_job_of_its_stage_on_a_release_tag_and_no_other(stage: str) -> None:
    assert takes(stage, subject(), parts=DEFAULT)
    refused = [
        subject("main", ref_type="branch"),
        subject("v1.4.2", ref_type="branch"),
        subject("nightly"),
        subject("vulnerable"),
        subject(project="acme/tag2"),
        subject(project="evil/acme/tag"),
        f"x{subject()}",
    ]
    assert [sub for sub in refused if takes(stage, sub, parts=DEFAULT)] == []
    others = [f"release-{other}" for other in STAGES if other != stage] + ["https://gitlab.example.com", ""]
    assert [aud for aud in others if aud and takes(stage, subject(), aud=aud, parts=DEFAULT)] == []
    assert not takes(stage, subject(), session="laptop", parts=DEFAULT)


def test_the_audit_role_takes_the_protected_branch_only() -> None:
    assert takes("audit", subject("main", ref_type="branch"), parts=DEFAULT)
    assert not takes("audit", subject("main2", ref_type="branch"), parts=DEFAULT)
    assert not takes("audit", subject(), parts=DEFAULT)


@pytest.mark.parametrize("stage", PIPELINE)
def test_with_the_environment_in_sub_a_hostile_job_gets_no_role_but_its_environments(stage: str) -> None:
    """A job that asks for another stage's audience still says which environment GitLab let it run in."""
    own = subject(more=f":environment:release/{stage}:environment_protected:true")
    assert takes(stage, own, parts=SEPARATE)
    for other in PIPELINE:
        if other != stage:
            assert not takes(other, own, aud=f"release-{other}", parts=SEPARATE)
    unprotected = subject(more=f":environment:release/{stage}:environment_protected:false")
    assert not takes(stage, unprotected, parts=SEPARATE)
    assert not takes(stage, subject(), parts=SEPARATE), "a token that lacks what is demanded"


def test_an_unprotected_tag_gets_no_role_where_sub_tells() -> None:
    parts = (*DEFAULT, "ref_protected")
    assert takes("publish", subject(more=":ref_protected:true"), parts=parts)
    assert not takes("publish", subject(more=":ref_protected:false"), parts=parts)
    assert not takes("publish", subject(), parts=parts)
