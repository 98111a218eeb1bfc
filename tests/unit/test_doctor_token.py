"""A job's identity token held against the trust policies, as AWS will do."""

import base64
import json
from typing import Any

import pytest

from release.core.config import Config
from release.core.doctor.finding import Finding
from release.core.doctor.token import about_token
from release.core.id_token import claims
from tests.fakes import examples, ready_project

CONFIG = ready_project.config()
# The payload as GitLab documents it, without what nobody here reads.
CLAIMS: dict[str, Any] = {
    "namespace_path": "acme",
    "project_id": "42",
    "project_path": "acme/tag",
    "user_id": "7",
    "pipeline_id": "1212",
    "job_id": "1212",
    "ref": "v1.2.3",
    "ref_type": "tag",
    "ref_protected": "true",
    "environment": "release/publish",
    "environment_protected": "true",
    "runner_id": 1,
    "jti": "235b3a54-b797-45c7-ae9a-f72d7bc6ef5b",
    "iss": "https://gitlab.example.com",
    "iat": 1681395193,
    "nbf": 1681395188,
    "exp": 1681398793,
    "sub": "project_path:acme/tag:ref_type:tag:ref:v1.2.3:environment:release/publish:environment_protected:true",
    "aud": "release-publish",
}


def token(**changes: Any) -> str:  # noqa: ANN401 - any claim
    parts = ({"alg": "RS256", "typ": "JWT"}, CLAIMS | changes)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*encoded, "c2lnbmF0dXJl"))


def look(value: str, config: Config = CONFIG) -> list[Finding]:
    found = list(about_token(config, {"RELEASE_ID_TOKEN": value}))
    assert value not in repr(found)
    return found


def test_a_job_that_gets_its_role_is_told_so() -> None:
    (found,) = look(token())
    assert (found.level, found.what) == ("ok", "AWS gives this job the role of publish")
    audit = "project_path:acme/tag:ref_type:branch:ref:main:environment:release/audit:environment_protected:true"
    assert [f.level for f in look(token(sub=audit, aud=["release-audit"]))] == ["ok"]


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("acme/tag", "acme/fork"),
        ("ref_type:tag", "ref_type:branch"),
        ("ref:v1.2.3", "ref:evil"),
        ("release/publish", "release/record"),
        ("environment_protected:true", "environment_protected:false"),
        (":environment:release/publish:environment_protected:true", ""),
    ],
)
def test_a_job_that_gets_no_role_is_told_which_part_to_compare(part: str, other: str) -> None:
    (found,) = look(token(sub=CLAIMS["sub"].replace(part, other)))
    assert found.level == "missing"
    assert CLAIMS["sub"].replace(part, other) in found.what


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"iss": "https://gitlab.com"}, "issuer is https://gitlab.com"),
        ({"iss": None}, "issuer is None"),
        ({"aud": "https://vault.example.com"}, "audience is https://vault.example.com"),
        ({"aud": ["release-publish", "release-record"]}, "audience is release-publish, release-record"),
        ({"aud": None}, "audience is none"),
        ({"sub": None}, "sub is None"),
    ],
)
def test_a_token_that_no_role_takes_is_said(changes: dict[str, Any], what: str) -> None:
    (found,) = look(token(**changes))
    assert found.level == "missing"
    assert what in found.what


@pytest.mark.parametrize("value", ["canary", "a.b.c", token()[:-20], token().replace(".", ",")])
def test_what_is_no_token_is_unknown(value: str) -> None:
    assert [f.level for f in look(value)] == ["unknown" if claims(value) is None else "ok"]


def test_without_roles_or_a_token_there_is_nothing_to_say() -> None:
    assert look(token(), examples.config()) == []
    assert list(about_token(CONFIG, {})) == []
