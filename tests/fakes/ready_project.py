"""A GitLab project that is ready to release the library of the examples: as its API shows it, and as facts.

The answers have the shapes of GitLab's documentation, with more than what is read.
"""

from typing import Any, Final

from release.core.config import Config
from release.core.doctor.facts import (
    Grant,
    ProjectFacts,
    ProtectedBranch,
    ProtectedEnvironment,
    ProtectedTag,
    Settings,
    Variable,
)
from tests.fakes import examples

SUBJECT: Final = ("project_path", "ref_type", "ref", "environment", "environment_protected")
STAGES: Final = ("publish", "record", "promote", "invalidate", "collect", "audit")
_MAINTAINERS: Final = {
    "id": 1,
    "access_level": 40,
    "access_level_description": "Maintainers",
    "deploy_key_id": None,
    "user_id": None,
    "group_id": None,
}
_SOMEBODY: Final = {"id": 2, "access_level": 40, "access_level_description": "Ada", "user_id": 7, "group_id": None}


def config(**gitlab: object) -> Config:
    """Give the library's release.toml."""
    named = {"url": "https://gitlab.example.com", "project": "acme/tag", "subject": list(SUBJECT)}
    return examples.config(keys={"gitlab": named | gitlab}, approvals={"required": True})


def answers() -> dict[str, Any]:
    """Give what each endpoint answers, by its path below the project."""
    return {
        "": {
            "id": 42,
            "path_with_namespace": "acme/tag",
            "default_branch": "main",
            "visibility": "private",
            "archived": False,
            "ci_config_path": "",
            "ci_default_git_depth": 20,
            "ci_forward_deployment_enabled": False,
            "ci_forward_deployment_rollback_allowed": True,
            "ci_allow_fork_pipelines_to_run_in_parent_project": False,
            "ci_id_token_sub_claim_components": list(SUBJECT),
            "ci_pipeline_variables_minimum_override_role": "maintainer",
            "ci_push_repository_for_job_token_allowed": False,
            "public_jobs": True,
            "runners_token": "GR1348941canary",
        },
        "/protected_tags": [{"name": "v*", "create_access_levels": [_MAINTAINERS, _SOMEBODY]}],
        "/protected_branches": [
            {
                "id": 100,
                "name": "main",
                "push_access_levels": [{"id": 3, "access_level": 0, "access_level_description": "No one"}],
                "merge_access_levels": [_MAINTAINERS],
                "allow_force_push": False,
                "code_owner_approval_required": True,
            }
        ],
        "/environments": [
            {
                "id": n,
                "name": f"release/{stage}",
                "slug": f"release-{stage}",
                "state": "available",
                "tier": "production",
            }
            for n, stage in enumerate(STAGES)
        ],
        "/protected_environments": [
            {
                "name": f"release/{stage}",
                "deploy_access_levels": [_MAINTAINERS],
                "required_approval_count": 0,
                "approval_rules": [{"id": 1, "access_level": 40, "required_approvals": 1, "group_inheritance_type": 0}],
            }
            for stage in STAGES
        ],
        "/resource_groups": [
            {"id": 3, "key": "acme-tag-tag", "process_mode": "unordered", "created_at": "2026-11-01T08:04:59.650Z"}
        ],
        "/job_token_scope": {"inbound_enabled": True, "outbound_enabled": False},
    }


def variable(key: str, stage: str, **changes: object) -> dict[str, Any]:
    """Give a variable as the list of variables shows it."""
    whole = {
        "variable_type": "env_var",
        "key": key,
        "value": "canary-value",
        "protected": True,
        "masked": False,
        "hidden": False,
        "raw": True,
        "environment_scope": f"release/{stage}",
        "description": None,
    }
    return whole | changes


def variables() -> list[dict[str, Any]]:
    """Give all variables of the project."""
    roles = [variable("AWS_ROLE_ARN", stage) for stage in STAGES]
    return [*roles, variable("RELEASE_LOG_KEY_FILE", "record", variable_type="file")]


def facts(**changes: Any) -> ProjectFacts:  # noqa: ANN401 - any field
    """Give the same as facts."""
    maintainers = (Grant(level=40),)
    whole: dict[str, Any] = {
        "settings": settings(),
        "tags": (ProtectedTag(name="v*", create=(*maintainers, Grant(level=40, who="user"))),),
        "branches": (ProtectedBranch(name="main", push=(Grant(level=0),), force_push=False, owners_approve=True),),
        "environments": tuple(f"release/{stage}" for stage in STAGES),
        "protected_environments": tuple(
            ProtectedEnvironment(name=f"release/{stage}", deploy=maintainers, approvals=1) for stage in STAGES
        ),
        "variables": (*(held("AWS_ROLE_ARN", stage) for stage in STAGES), held("RELEASE_LOG_KEY_FILE", file=True)),
        "groups": {"acme-tag-tag": "unordered"},
        "only_own_job_tokens": True,
    }
    return ProjectFacts(**(whole | changes))


def settings(**changes: Any) -> Settings:  # noqa: ANN401 - any field
    """Give the project's settings."""
    whole: dict[str, Any] = {
        "path": "acme/tag",
        "visibility": "private",
        "archived": False,
        "config_path": "",
        "override_role": "maintainer",
        "subject": SUBJECT,
        "forward_deployment": False,
        "retry_outdated": True,
        "job_token_pushes": False,
        "fork_pipelines": False,
        "public_jobs": True,
    }
    return Settings(**(whole | changes))


def held(key: str, stage: str = "record", **changes: Any) -> Variable:  # noqa: ANN401 - any field
    """Give a variable without its value."""
    whole: dict[str, Any] = {
        "key": key,
        "scope": f"release/{stage}",
        "protected": True,
        "masked": False,
        "hidden": False,
        "raw": True,
        "file": False,
    }
    return Variable(**(whole | changes))
