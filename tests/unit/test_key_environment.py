import base64
import json

import pytest

from release.core.key_environment import foreign, require_protected, surplus
from release.errors import CredentialError

STATIC = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE22", "AWS_SECRET_ACCESS_KEY": "canary-secret"}
ROLE = {
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/release/tag/tag-publish",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/tmp/token",  # noqa: S108 - it is not opened
    "AWS_ROLE_SESSION_NAME": "release-1-2",
}


def token(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.c2lnbmF0dXJl"


@pytest.mark.parametrize("environment", [STATIC, ROLE, {"AWS_PROFILE": "tag-publish"}, {"RELEASE_KEYS": "keys"}, {}])
def test_one_key_of_the_stage_itself_is_right(environment: dict[str, str]) -> None:
    environment = environment | {"AWS_REGION": "eu-west-1", "RELEASE_ID_TOKEN": token({"aud": "release-publish"})}
    assert foreign(environment, owner="tag", stage="publish") == []
    assert surplus(environment) == []


@pytest.mark.parametrize(
    "environment",
    [{}, {"CI": "true"}, {"GITLAB_CI": ""}, {"GITLAB_CI": "true", "CI_COMMIT_REF_PROTECTED": "true"}],
    ids=["nowhere", "another CI", "empty", "protected"],
)
def test_a_key_may_be_used_outside_gitlab_and_on_a_protected_ref(environment: dict[str, str]) -> None:
    require_protected(environment, what="a stage")


@pytest.mark.parametrize("protected", [{}, *({"CI_COMMIT_REF_PROTECTED": said} for said in ("", "false", "True", "1"))])
@pytest.mark.parametrize("job", ["true", "false", "1"])
def test_in_a_gitlab_job_nothing_but_true_means_protected(job: str, protected: dict[str, str]) -> None:
    with pytest.raises(CredentialError, match="the publish stage does not start") as error:
        require_protected({"GITLAB_CI": job, **protected}, what="the publish stage")
    assert "Protect variable" in error.value.hint


FOREIGN = {
    "a role": ({"AWS_ROLE_ARN": ROLE["AWS_ROLE_ARN"]}, "AWS_ROLE_ARN is the role of the publish stage"),
    "a profile": ({"AWS_PROFILE": "tag-publish"}, "AWS_PROFILE is the profile of the publish stage"),
    "a token": ({"T": token({"aud": "release-publish"})}, "T is a token for the publish stage"),
    "a token for several": ({"T": token({"aud": ["x", "release-rotate"]})}, "T is a token for the rotate stage"),
}


@pytest.mark.parametrize(("environment", "said"), FOREIGN.values(), ids=FOREIGN.keys())
def test_another_stages_credentials_are_seen(environment: dict[str, str], said: str) -> None:
    assert foreign(environment, owner="tag", stage="promote") == [said]


def test_another_librarys_stage_is_not_taken_for_ones_own() -> None:
    assert foreign(ROLE, owner="other", stage="promote") == []
    assert foreign({"AWS_PROFILE": "tag-publish"}, owner="tag@acme", stage="promote") == []


@pytest.mark.parametrize(
    "value",
    [
        "a.b.c",
        "a.!!.c",
        token([1]),
        token({"aud": 7}),
        token({"aud": {"x": 1}}),
        token({}),
        "a." + "W1tb" * 3000 + ".c",
        "x" * 99999,
    ],
)
def test_what_only_looks_like_a_token_is_none(value: str) -> None:
    assert foreign({"T": value}, owner="tag", stage="promote") == []


SURPLUS = {
    "a static key and a role": (STATIC | ROLE, "AWS_ACCESS_KEY_ID and AWS_ROLE_ARN are set"),
    "half a static key and a role": (
        {"AWS_SECRET_ACCESS_KEY": "canary-secret"} | ROLE,
        "AWS_SECRET_ACCESS_KEY and AWS_ROLE_ARN are set",
    ),
    "a profile and a static key": (STATIC | {"AWS_PROFILE": "x"}, "AWS_ACCESS_KEY_ID and AWS_PROFILE are set"),
    "a file of keys and a static key": (STATIC | {"RELEASE_KEYS": "x"}, "AWS_ACCESS_KEY_ID and RELEASE_KEYS are set"),
    "a file of keys and a profile": ({"AWS_PROFILE": "x", "RELEASE_KEYS": "x"}, "AWS_PROFILE and RELEASE_KEYS are set"),
    "a container's role and a static key": (
        STATIC | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1"},
        "AWS_ACCESS_KEY_ID and AWS_CONTAINER_CREDENTIALS_FULL_URI are set",
    ),
    "an id under another name": (STATIC | {"PROMOTE_KEY": "ASIA222222222EXAMPLE"}, "PROMOTE_KEY holds the id"),
    "a secret under another name": (
        STATIC | {"promote_aws_secret_access_key": "canary-secret"},
        "promote_aws_secret_access_key is named like an AWS secret",
    ),
}


@pytest.mark.parametrize(("environment", "said"), SURPLUS.values(), ids=SURPLUS.keys())
def test_a_second_key_is_seen_and_not_shown(environment: dict[str, str], said: str) -> None:
    (found,) = surplus(environment)
    assert found.startswith(said)
    assert not any(value in found for value in environment.values() if len(value) > 1)
