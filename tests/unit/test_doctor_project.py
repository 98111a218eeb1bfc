"""What GitLab's settings of a project amount to: a ready one, and each thing that is not as it should be."""

import dataclasses
from typing import Any

import pytest

from release.core.config import Config
from release.core.doctor.facts import Grant, ProjectFacts, ProtectedBranch, ProtectedEnvironment, ProtectedTag, Unread
from release.core.doctor.finding import Finding, gravest
from release.core.doctor.protection import about_protection, covers
from release.core.doctor.settings import about_settings, resource_group
from release.core.doctor.variables import about_variables
from tests.fakes import examples, ready_project
from tests.fakes.ready_project import STAGES, facts, held, settings

ROLES = ready_project.config()
USERS = examples.config(approvals={"required": True})
UNREAD = Unread(why="GitLab gave HTTP 502", mend="run the same command again")


def judge(found: ProjectFacts, config: Config = ROLES) -> list[Finding]:
    return [
        *about_protection(config, found),
        *about_variables(config, found.variables),
        *about_settings(config, found),
    ]


def bad(found: ProjectFacts, config: Config = ROLES) -> dict[str, str]:
    """Give the checks that are not ok, with their levels."""
    return {finding.check: finding.level for finding in judge(found, config) if finding.level != "ok"}


def test_a_ready_project_has_nothing_to_mend() -> None:
    found = judge(facts())
    assert gravest(found) == "ok"
    assert len(found) > 15
    assert all(finding.what for finding in found)


def test_whatever_is_not_ok_says_why_and_how_to_mend_it() -> None:
    worst = facts(
        settings=settings(override_role="developer", subject=("project_path",), forward_deployment=True),
        tags=(),
        branches=(),
        environments=(),
        protected_environments=(),
        variables=(held("AWS_ROLE_ARN", "publish", protected=False), held("RELEASE_GITLAB_TOKEN", "publish")),
        groups={"acme-tag-tag": "newest_first"},
        only_own_job_tokens=False,
    )
    findings = [finding for finding in judge(worst) if finding.level != "ok"]
    assert len(findings) > 12
    for finding in findings:
        assert finding.why, finding
        assert finding.mend, finding


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(ProjectFacts)])
def test_an_answer_that_could_not_be_had_is_unknown_and_never_ok(name: str) -> None:
    found = [finding for finding in judge(facts(**{name: UNREAD})) if finding.level == "unknown"]
    assert len(found) == 1
    assert found[0].why == UNREAD.why
    assert gravest(judge(facts(**{name: UNREAD}))) == "unknown"


@pytest.mark.parametrize(
    ("setting", "checks"),
    [
        ("override_role", {"pipeline variables"}),
        ("subject", {"sub claim"}),
        ("forward_deployment", {"outdated deployments"}),
        ("retry_outdated", {"outdated deployments"}),
        ("job_token_pushes", {"job token pushes"}),
        ("fork_pipelines", {"fork pipelines"}),
    ],
)
def test_a_setting_that_is_not_shown_is_unknown(setting: str, checks: set[str]) -> None:
    assert bad(facts(settings=settings(**{setting: None}))) == dict.fromkeys(checks, "unknown")


def test_public_jobs_of_a_project_that_is_not_private_must_be_known() -> None:
    assert bad(facts(settings=settings(visibility="public", public_jobs=None))) == {"public jobs": "unknown"}
    assert bad(facts(settings=settings(visibility="internal"))) == {"public jobs": "advice"}
    assert bad(facts(settings=settings(public_jobs=None))) == {}


# Tags and the branch.


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("v*", "v1.2.3", True),
        ("v1.2.3", "v1.2.3", True),
        ("v1.*.3", "v1x2x3", False),
        ("*", "anything/at\nall", True),
        ("V*", "v1", False),
        ("v", "v1", False),
        ("*-stable", "a-stable", True),
        ("(v.*", "v1", False),
    ],
)
def test_patterns_are_those_of_gitlab(pattern: str, name: str, expected: bool) -> None:
    assert covers(pattern, name) is expected


def tag(name: str, *grants: Grant) -> ProtectedTag:
    return ProtectedTag(name=name, create=grants or (Grant(level=40),))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ((), {"protected tags": "missing"}),
        ((tag("release-*"),), {"protected tags": "missing"}),
        ((tag("v1.*"),), {"protected tags": "missing"}),
        ((tag("v1*"), tag("v*.*")), {}),
        ((tag("*"),), {}),
        ((tag("v*", Grant(level=30)),), {"who may tag": "missing"}),
        ((tag("v*"), tag("v1.*", Grant(level=30))), {"who may tag": "missing"}),
        ((tag("v*"), tag("x*", Grant(level=30))), {}),
        ((tag("v*", Grant(level=30, who="group")),), {}),
        ((tag("v*", Grant(level=40), Grant(level=40, who="deploy key")),), {"who may tag": "advice"}),
        ((tag("v*", Grant(level=0)),), {"who may tag": "advice"}),
        ((tag("v*", Grant(level=0), Grant(level=None, who="user")),), {}),
    ],
)
def test_every_tag_that_releases_is_protected_and_few_may_make_it(
    tags: tuple[ProtectedTag, ...], expected: dict[str, str]
) -> None:
    assert bad(facts(tags=tags)) == expected


def test_the_prefix_of_release_toml_decides_which_tags_count() -> None:
    config = dataclasses.replace(ROLES, library=dataclasses.replace(ROLES.library, tag_prefix="tag-v"))
    assert bad(facts(), config) == {"protected tags": "missing"}
    assert bad(facts(tags=(tag("tag-v*"),)), config) == {}


def branch(**changes: Any) -> tuple[ProtectedBranch, ...]:  # noqa: ANN401 - any field
    whole: dict[str, Any] = {"name": "main", "push": (Grant(level=0),), "force_push": False, "owners_approve": True}
    return (ProtectedBranch(**(whole | changes)),)


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        ((), {"protected branch": "missing"}),
        (branch(name="release/*"), {"protected branch": "missing"}),
        (branch(name="ma*"), {}),
        (branch(force_push=True), {"protected branch": "missing"}),
        (branch(push=(Grant(level=30),)), {"protected branch": "advice"}),
        (branch(owners_approve=None), {"code owners": "advice"}),
        (branch(owners_approve=False), {"code owners": "advice"}),
        (branch() + branch(name="*", force_push=True), {"protected branch": "missing"}),
        (branch() + branch(name="*", push=(Grant(level=40), Grant(level=30))), {"protected branch": "advice"}),
        (branch() + branch(name="*", owners_approve=False), {}),
    ],
)
def test_the_branch_that_releases_must_be_on_is_protected(
    branches: tuple[ProtectedBranch, ...], expected: dict[str, str]
) -> None:
    assert bad(facts(branches=branches)) == expected


# Environments.


def environment(stage: str, *, approvals: int = 1, level: int = 40) -> ProtectedEnvironment:
    return ProtectedEnvironment(name=f"release/{stage}", deploy=(Grant(level=level),), approvals=approvals)


def test_environments_that_roles_rest_on_must_be_protected() -> None:
    assert bad(facts(environments=())) == {"environments": "advice"}
    some = tuple(environment(stage) for stage in STAGES[1:])
    assert bad(facts(protected_environments=some)) == {"protected environments": "missing"}
    plain = ready_project.config(subject=["project_path", "ref_type", "ref"])
    found = facts(protected_environments=some, settings=settings(subject=("project_path", "ref_type", "ref")))
    assert bad(found, plain) == {"protected environments": "advice", "sub claim": "advice"}


def test_a_gitlab_that_protects_no_environments_is_advice_only_where_nothing_rests_on_it() -> None:
    gone = Unread(why="404", absent=True)
    assert bad(facts(protected_environments=gone)) == {"protected environments": "unknown"}
    assert bad(users(protected_environments=gone), USERS) == {"protected environments": "advice"}
    named = dataclasses.replace(USERS, keys=dataclasses.replace(ROLES.keys, identities="users"))
    assert bad(users(protected_environments=gone), named) == {"protected environments": "advice"}


def test_who_may_click_matters() -> None:
    wide = tuple(environment(stage, level=30 if stage == "promote" else 40) for stage in STAGES)
    assert bad(facts(protected_environments=wide)) == {"who may deploy": "advice"}
    mixed = dataclasses.replace(environment("promote"), deploy=(Grant(level=40), Grant(level=30)))
    some = tuple(mixed if stage == "promote" else environment(stage) for stage in STAGES)
    assert bad(facts(protected_environments=some)) == {"who may deploy": "advice"}
    alone = tuple(environment(stage, approvals=0) for stage in STAGES)
    assert bad(facts(protected_environments=alone)) == {}, "release.toml asks for signed approvals"
    open_ = dataclasses.replace(ROLES, approvals=dataclasses.replace(ROLES.approvals, required=False))
    assert bad(facts(protected_environments=alone), open_) == {"who may promote": "advice"}


# Variables.


def users(**changes: Any) -> ProjectFacts:  # noqa: ANN401 - any field
    """Give the facts of a ready project whose stages have static keys."""
    stages = (*STAGES, "rotate")
    keys = [held("AWS_ACCESS_KEY_ID", stage) for stage in stages]
    keys += [held("AWS_SECRET_ACCESS_KEY", stage, masked=True, hidden=True) for stage in stages]
    whole: dict[str, Any] = {
        "variables": (
            *keys,
            held("RELEASE_LOG_KEY", masked=True),
            held("RELEASE_GITLAB_TOKEN", "rotate", masked=True),
        ),
        "environments": tuple(f"release/{stage}" for stage in stages),
        "protected_environments": tuple(environment(stage) for stage in stages),
    }
    return facts(**(whole | changes))


def test_static_keys_of_all_stages_and_of_rotate_are_ready_too() -> None:
    assert bad(users(), USERS) == {}


def with_variables(*more: Any, without: str = "") -> ProjectFacts:  # noqa: ANN401 - variables
    given = facts().variables
    assert not isinstance(given, Unread)
    return facts(variables=(*(v for v in given if f"{v.key} {v.scope}" != without), *more))


def test_a_stage_without_its_key_is_said() -> None:
    assert bad(with_variables(without="AWS_ROLE_ARN release/promote")) == {"key of promote": "missing"}
    both = with_variables(held("AWS_SECRET_ACCESS_KEY", "promote", masked=True))
    assert bad(both) == {"key of promote": "missing"}


@pytest.mark.parametrize(
    "stray",
    [
        held("AWS_ROLE_ARN", scope="*"),
        held("AWS_ROLE_ARN", scope="release/*"),
        held("AWS_ROLE_ARN", "rotate"),
        held("AWS_ACCESS_KEY_ID", scope="production"),
        held("AWS_SESSION_TOKEN", "publish", masked=True),
        held("AWS_PROFILE", scope="*"),
        held("RELEASE_LOG_KEY", "promote", masked=True),
        held("RELEASE_GITLAB_TOKEN", scope="*", masked=True),
    ],
    ids=lambda v: f"{v.key} {v.scope}",
)
def test_a_key_that_other_jobs_see_is_said(stray: Any) -> None:  # noqa: ANN401 - a variable
    assert bad(with_variables(stray)) == {"keys elsewhere": "missing"}


def test_variables_that_are_no_keys_are_nobodys_business() -> None:
    assert bad(with_variables(held("NPM_TOKEN", scope="*", protected=False))) == {}


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        (held("RELEASE_LOG_KEY_FILE", file=False), {"log key": "missing"}),
        (held("RELEASE_LOG_KEY", masked=True, raw=False), {"log key": "missing"}),
        (held("RELEASE_LOG_KEY", masked=True), {}),
        (held("RELEASE_LOG_KEY"), {"masked variables": "missing"}),
        (held("RELEASE_LOG_KEY_FILE", file=True, protected=False), {"protected variables": "missing"}),
    ],
)
def test_the_logs_key_is_there_once_in_a_form_that_works(
    variable: Any,  # noqa: ANN401 - a variable
    expected: dict[str, str],
) -> None:
    assert bad(with_variables(variable, without="RELEASE_LOG_KEY_FILE release/record")) == expected


def test_two_log_keys_or_none_are_said() -> None:
    assert bad(with_variables(held("RELEASE_LOG_KEY", masked=True))) == {"log key": "missing"}
    assert bad(with_variables(without="RELEASE_LOG_KEY_FILE release/record")) == {"log key": "missing"}


# Settings.


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"override_role": "developer"}, {"pipeline variables": "missing"}),
        ({"override_role": "no_one_allowed"}, {"pipeline variables": "missing"}),
        ({"override_role": "a new role"}, {"pipeline variables": "missing"}),
        ({"override_role": "owner"}, {}),
        ({"subject": ("project_path", "ref_type", "ref")}, {"sub claim": "missing"}),
        ({"subject": tuple(reversed(ready_project.SUBJECT))}, {"sub claim": "missing"}),
        ({"forward_deployment": True}, {"outdated deployments": "advice"}),
        ({"forward_deployment": True, "retry_outdated": False}, {"outdated deployments": "advice"}),
        ({"job_token_pushes": True}, {"job token pushes": "advice"}),
        ({"fork_pipelines": True}, {"fork pipelines": "advice"}),
        ({"archived": True}, {"project": "missing"}),
        ({"config_path": "ci.yml@tools/ci"}, {"pipeline file": "unknown"}),
        ({"config_path": ".gitlab-ci.yml"}, {}),
    ],
)
def test_a_setting_that_matters_is_judged(change: dict[str, Any], expected: dict[str, str]) -> None:
    assert bad(facts(settings=settings(**change))) == expected


def test_the_same_setting_may_be_wrong_in_two_ways() -> None:
    def told(**change: Any) -> str:  # noqa: ANN401 - any setting
        return next(f.what + f.why for f in judge(facts(settings=settings(**change))) if f.level != "ok")

    assert "a rollback cannot be started" in told(override_role="no_one_allowed")
    assert "they override" in told(override_role="developer")
    assert "tried again" in told(forward_deployment=True, retry_outdated=False)
    assert "tried again" not in told(forward_deployment=True)


def test_users_have_no_sub_claim_to_judge() -> None:
    named = dataclasses.replace(USERS, keys=dataclasses.replace(ROLES.keys, identities="users"))
    assert bad(users(settings=settings(subject=("project_path",))), named) == {}


def test_how_to_mend_the_sub_claim_is_a_command_that_can_be_run() -> None:
    found = judge(facts(settings=settings(subject=("project_path",))))
    (mend,) = [finding.mend for finding in found if finding.check == "sub claim"]
    assert '\'{"ci_id_token_sub_claim_components": ["project_path", "ref_type", "ref", "environment", ' in mend
    assert mend.endswith("]}' https://gitlab.example.com/api/v4/projects/acme%2Ftag")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("unordered", {}),
        ("oldest_first", {}),
        ("newest_first", {"resource group": "missing"}),
        ("newest_ready_first", {"resource group": "missing"}),
    ],
)
def test_no_newer_job_may_starve_one_that_waits(mode: str, expected: dict[str, str]) -> None:
    assert bad(facts(groups={"acme-tag-tag": mode, "other": "newest_first"})) == expected
    assert bad(facts(groups={})) == {"resource group": "advice"}


def test_the_groups_name_is_what_the_templates_make_it() -> None:
    assert resource_group("Acme/Visitor_Tag.js", "tag") == "acme-visitor-tag-js-tag"
    assert resource_group("a" * 70, "tag") == "a" * 63 + "-tag"


def test_job_tokens_of_strangers_are_not_taken() -> None:
    assert bad(facts(only_own_job_tokens=False)) == {"job tokens": "missing"}
