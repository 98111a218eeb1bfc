"""A project's settings as GitLab's API shows them, and all the ways in which it does not."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest

from release.adapters.gitlab_api import of_config
from release.adapters.gitlab_settings import GitLabSettings
from release.core.doctor.facts import Grant, ProjectFacts, Unread
from release.core.key_section import GitLab
from release.errors import CredentialError
from tests.fakes import ready_project
from tests.fakes.gitlab_project import JOB_TOKEN, TOKEN, Bad, Project
from tests.fakes.web_server import serving

PATHS = {
    "settings": "",
    "tags": "/protected_tags",
    "branches": "/protected_branches",
    "environments": "/environments",
    "protected_environments": "/protected_environments",
    "variables": "/variables",
    "groups": "/resource_groups",
    "only_own_job_tokens": "/job_token_scope",
}


@pytest.fixture
def project() -> Iterator[Project]:
    with serving(Project()) as server:
        server.answers = ready_project.answers()
        for one in ready_project.variables():
            server.variables[one["key"], one["environment_scope"]] = one
        yield server


def facts(project: Project, *, token: str = TOKEN, path: str = "acme/tag") -> ProjectFacts:
    place = of_config(GitLab(url=project.url, project=path))
    return GitLabSettings(place, token=token, sleep=lambda _: None).facts()


def unread(found: ProjectFacts) -> dict[str, str]:
    values = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return {name: value.why for name, value in values.items() if isinstance(value, Unread)}


def test_all_settings_are_read_and_no_value_of_a_variable_is_kept(project: Project) -> None:
    found = facts(project)
    assert found == ready_project.facts()
    assert "canary" not in repr(found)
    assert all(one.startswith("GET ") for one in project.asked)


def test_lists_are_read_to_their_end(project: Project) -> None:
    project.page = 2
    assert facts(project) == ready_project.facts()
    assert project.asked.count("GET /api/v4/projects/acme/tag/variables") == 4


def test_users_groups_and_keys_are_told_from_roles(project: Project) -> None:
    project.answers["/protected_tags"] = [
        {
            "name": "v*",
            "create_access_levels": [
                {"id": 1, "access_level": 40, "access_level_description": "Maintainers"},
                {"id": 2, "access_level": 40, "access_level_description": "Deploy key", "deploy_key_id": 1},
                {"id": 3, "access_level": None, "user_id": 10, "group_id": None, "access_level_description": "Ada"},
                {"id": 4, "access_level": None, "user_id": None, "group_id": 20, "access_level_description": "Team"},
            ],
        }
    ]
    found = facts(project).tags
    assert not isinstance(found, Unread)
    assert found[0].create == (
        Grant(level=40),
        Grant(level=40, who="deploy key"),
        Grant(level=None, who="user"),
        Grant(level=None, who="group"),
    )


def test_what_a_token_of_a_developer_does_not_see_is_not_taken_for_off(project: Project) -> None:
    kept = {"id", "path_with_namespace", "visibility", "archived"}
    project.answers[""] = {key: value for key, value in ready_project.answers()[""].items() if key in kept}
    project.bad_at["/variables"] = (403, {}, b'{"message":"403 Forbidden"}')
    found = facts(project)
    assert not isinstance(found.settings, Unread)
    assert (found.settings.override_role, found.settings.subject, found.settings.public_jobs) == (None, None, None)
    assert isinstance(found.variables, Unread)
    assert (found.variables.absent, "Maintainer" in found.variables.mend) == (False, True)


BAD: dict[str, Bad] = {
    "not accepted": (401, {}, b"{}"),
    "forbidden": (403, {}, b"{}"),
    "not found": (404, {}, b"{}"),
    "busy for ever": (429, {"Retry-After": "1"}, b""),
    "down": (502, {}, b"<html>Bad gateway</html>"),
    "a login page": (200, {}, b"<html>Sign in</html>"),
    "elsewhere": (302, {"Location": "http://127.0.0.1:9/"}, b""),
    "cut off": (200, {"Content-Length": "500"}, b'[{"name": "v'),
    "cut JSON": (200, {"X-Next-Page": ""}, b'[{"name": "v'),
    "huge": (200, {"X-Next-Page": ""}, b"[" + b" " * 4_200_000 + b"]"),
    "nested": (200, {"X-Next-Page": ""}, b"[" * 100_000),
    "no object": (200, {"X-Next-Page": ""}, b'["v*", 3]'),
    "another shape": (200, {"X-Next-Page": ""}, b'[{"name": 7}]'),
    "a table": (200, {"X-Next-Page": ""}, b'{"key": {}, "name": [], "archived": "yes"}'),
    "null": (200, {"X-Next-Page": ""}, b"null"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_answer_makes_one_fact_unknown_and_no_other(project: Project, bad: Bad) -> None:
    for name, path in PATHS.items():
        project.bad_at = {path: bad}
        found = unread(facts(project))
        assert list(found) == [name]
        assert TOKEN not in found[name]


@pytest.mark.parametrize("headers", [{}, {"X-Next-Page": "many"}, {"X-Next-Page": "1"}])
def test_a_list_that_does_not_say_where_it_ends_is_not_whole(project: Project, headers: dict[str, str]) -> None:
    body = json.dumps(project.answers["/protected_tags"]).encode()
    project.bad_at = {"/protected_tags": (200, headers, body)}
    assert list(unread(facts(project))) == ["tags"]


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("", {"ci_id_token_sub_claim_components": "project_path"}),
        ("", {"ci_id_token_sub_claim_components": [1]}),
        ("", {"ci_pipeline_variables_minimum_override_role": True}),
        ("", {"public_jobs": "no"}),
        ("/job_token_scope", {"inbound_enabled": None}),
    ],
)
def test_a_setting_of_another_type_makes_it_unknown(project: Project, path: str, change: dict[str, Any]) -> None:
    project.answers[path] = {**ready_project.answers()[path], **change}
    assert len(unread(facts(project))) == 1


def test_nothing_is_known_without_the_right_token_or_project(project: Project) -> None:
    for found in (facts(project, token=JOB_TOKEN), facts(project, path="acme/other")):
        assert set(unread(found)) == set(PATHS)
    with pytest.raises(CredentialError, match="RELEASE_GITLAB_TOKEN holds no access token"):
        facts(project, token="two\nlines")
