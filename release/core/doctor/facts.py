"""What GitLab says of a project, as far as it matters to releases. No value of a variable is among it.

The shapes are those of https://docs.gitlab.com/api/projects/, api/protected_tags/, api/protected_branches/,
api/protected_environments/, api/environments/, api/project_level_variables/, api/resource_groups/ and
api/project_job_token_scopes/. A setting that GitLab left out is None: it shows some to Maintainers only.
"""

from dataclasses import dataclass
from typing import Final, Literal

NO_ONE: Final = 0
DEVELOPER: Final = 30
MAINTAINER: Final = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """An answer that could not be had. `absent`: there is no such thing, or it is shown to others only."""

    why: str
    mend: str = ""
    absent: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """Who may: everybody with a role, or one user, group or deploy key."""

    level: int | None
    who: Literal["role", "user", "group", "deploy key"] = "role"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProtectedTag:
    """A name or pattern of tags, and who may create them."""

    name: str
    create: tuple[Grant, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProtectedBranch:
    """A name or pattern of branches, and who may push to them."""

    name: str
    push: tuple[Grant, ...]
    force_push: bool
    owners_approve: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProtectedEnvironment:
    """An environment, who may deploy to it, and how many approvals a deployment needs."""

    name: str
    deploy: tuple[Grant, ...]
    approvals: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """A variable without its value."""

    key: str
    scope: str
    protected: bool
    masked: bool
    hidden: bool
    raw: bool
    file: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings of a project. None: not shown to this token."""

    path: str
    visibility: str
    archived: bool
    config_path: str | None
    override_role: str | None
    subject: tuple[str, ...] | None
    forward_deployment: bool | None
    retry_outdated: bool | None
    job_token_pushes: bool | None
    fork_pipelines: bool | None
    public_jobs: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectFacts:
    """All answers about a project. `groups` are the process modes of its resource groups, by their keys."""

    settings: Settings | Unread
    tags: tuple[ProtectedTag, ...] | Unread
    branches: tuple[ProtectedBranch, ...] | Unread
    environments: tuple[str, ...] | Unread
    protected_environments: tuple[ProtectedEnvironment, ...] | Unread
    variables: tuple[Variable, ...] | Unread
    groups: dict[str, str] | Unread
    only_own_job_tokens: bool | Unread
