"""A GitLab project's settings, as far as they matter to releases, with a token that reads (`read_api`, Maintainer).

Each endpoint is read by itself: one that is refused, not there, or answers otherwise than documented is an `Unread`
and takes no other with it. Values of variables are dropped as they arrive.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from release.adapters.gitlab_api import Place, ProjectApi, Token
from release.core.doctor.facts import (
    Grant,
    ProjectFacts,
    ProtectedBranch,
    ProtectedEnvironment,
    ProtectedTag,
    Settings,
    Unread,
    Variable,
)
from release.errors import NotFoundError, ReleaseError

T = TypeVar("T")

READ_TOKEN: Final = Token(
    header="PRIVATE-TOKEN",
    variable="RELEASE_GITLAB_TOKEN",
    needs="the scope read_api and the role Maintainer: GitLab shows variables and these settings to nobody else",
)
_LARGEST: Final = 4 * 1024 * 1024


class GitLabSettings:
    """Implements `ports.ProjectSettings`.

    Args:
        place: the project.
        token: an access token.
        sleep: waits between attempts; injected by tests.

    Raises:
        CredentialError: the token has characters that no token has.
    """

    def __init__(self, place: Place, *, token: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = ProjectApi(place, READ_TOKEN, token, largest=_LARGEST, sleep=sleep)

    def facts(self) -> ProjectFacts:
        """Read all settings (see the port)."""
        return ProjectFacts(
            settings=self._one("", "the project", _settings),
            tags=self._all("/protected_tags", "protected tags", _tag),
            branches=self._all("/protected_branches", "protected branches", _branch),
            environments=self._all("/environments", "environments", lambda item: _text(item, "name")),
            protected_environments=self._all("/protected_environments", "protected environments", _environment),
            variables=self._all("/variables", "variables", _variable),
            groups=self._groups(),
            only_own_job_tokens=self._one(
                "/job_token_scope", "job token access", lambda item: _flag(item, "inbound_enabled")
            ),
        )

    def _groups(self) -> dict[str, str] | Unread:
        found = self._all(
            "/resource_groups", "resource groups", lambda item: (_text(item, "key"), _text(item, "process_mode"))
        )
        return found if isinstance(found, Unread) else dict(found)

    def _one(self, path: str, about: str, read: Callable[[Mapping[str, Any]], T]) -> T | Unread:
        return self._asked(about, lambda: read(self._api.get(path, about=about)))

    def _all(self, path: str, about: str, read: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...] | Unread:
        return self._asked(about, lambda: tuple(read(item) for item in self._api.listed(path, about=about)))

    def _asked(self, about: str, ask: Callable[[], T]) -> T | Unread:
        try:
            return ask()
        except ReleaseError as why:
            return Unread(why=why.message, mend=why.hint, absent=isinstance(why, NotFoundError))
        except (KeyError, TypeError, ValueError):
            odd = self._api.unexpected(about)
            return Unread(why=odd.message, mend=odd.hint)


def _settings(found: Mapping[str, Any]) -> Settings:
    subject = found.get("ci_id_token_sub_claim_components")
    if subject is not None and not (isinstance(subject, list) and all(isinstance(part, str) for part in subject)):
        raise TypeError
    return Settings(
        path=_text(found, "path_with_namespace"),
        visibility=_text(found, "visibility"),
        archived=_flag(found, "archived"),
        config_path=_text_or_none(found, "ci_config_path"),
        override_role=_text_or_none(found, "ci_pipeline_variables_minimum_override_role"),
        subject=None if subject is None else tuple(subject),
        forward_deployment=_flag_or_none(found, "ci_forward_deployment_enabled"),
        retry_outdated=_flag_or_none(found, "ci_forward_deployment_rollback_allowed"),
        job_token_pushes=_flag_or_none(found, "ci_push_repository_for_job_token_allowed"),
        fork_pipelines=_flag_or_none(found, "ci_allow_fork_pipelines_to_run_in_parent_project"),
        public_jobs=_flag_or_none(found, "public_jobs"),
    )


def _tag(found: Mapping[str, Any]) -> ProtectedTag:
    return ProtectedTag(name=_text(found, "name"), create=_grants(found, "create_access_levels"))


def _branch(found: Mapping[str, Any]) -> ProtectedBranch:
    return ProtectedBranch(
        name=_text(found, "name"),
        push=_grants(found, "push_access_levels"),
        force_push=_flag(found, "allow_force_push"),
        owners_approve=_flag_or_none(found, "code_owner_approval_required"),
    )


def _environment(found: Mapping[str, Any]) -> ProtectedEnvironment:
    rules = found.get("approval_rules") or []
    counts = [_number(rule, "required_approvals") for rule in rules]
    return ProtectedEnvironment(
        name=_text(found, "name"),
        deploy=_grants(found, "deploy_access_levels"),
        approvals=max([found.get("required_approval_count") or 0, *counts]),
    )


def _variable(found: Mapping[str, Any]) -> Variable:
    return Variable(
        key=_text(found, "key"),
        scope=_text(found, "environment_scope"),
        protected=_flag(found, "protected"),
        masked=_flag(found, "masked"),
        hidden=bool(_flag_or_none(found, "hidden")),
        raw=_flag(found, "raw"),
        file=_text(found, "variable_type") == "file",
    )


def _grants(found: Mapping[str, Any], name: str) -> tuple[Grant, ...]:
    return tuple(_grant(level) for level in found[name])


def _grant(found: Mapping[str, Any]) -> Grant:
    level = found["access_level"]
    if level is not None and not isinstance(level, int):
        raise TypeError
    if found.get("deploy_key_id") is not None:
        return Grant(level=level, who="deploy key")
    if found.get("user_id") is not None:
        return Grant(level=level, who="user")
    return Grant(level=level, who="role" if found.get("group_id") is None else "group")


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found[name]
    if not isinstance(value, str):
        raise TypeError
    return value


def _flag(found: Mapping[str, Any], name: str) -> bool:
    value = found[name]
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number(found: Mapping[str, Any], name: str) -> int:
    value = found[name]
    if not isinstance(value, int):
        raise TypeError
    return value


def _text_or_none(found: Mapping[str, Any], name: str) -> str | None:
    return None if found.get(name) is None else _text(found, name)


def _flag_or_none(found: Mapping[str, Any], name: str) -> bool | None:
    return None if found.get(name) is None else _flag(found, name)
