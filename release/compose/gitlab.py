"""What reaches GitLab: the project of a library, with the token that each command may use and no other."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from release.adapters.directory import Directory
from release.compose.library import Workspace
from release.core.doctor.finding import Finding, advice, unknown
from release.errors import CredentialError, ReleaseError
from release.ports import ProjectSettings

if TYPE_CHECKING:
    from release.adapters.gitlab_releases import GitLabReleases
    from release.stages.doctor import Patient


def release_pages(work: Workspace, *, needed: bool) -> "GitLabReleases | None":
    """Open the project's releases with the job's token; None without a token, if none is needed.

    Raises:
        ConfigError: it is not said which project.
        CredentialError: there is no token.
    """
    from release.adapters.gitlab_api import place_of  # noqa: PLC0415 - only who asks GitLab loads what asks
    from release.adapters.gitlab_releases import JOB_TOKEN, GitLabReleases  # noqa: PLC0415

    token = work.environment.get(JOB_TOKEN.variable, "")
    if not token and not needed:
        return None
    return GitLabReleases(place_of(work.config.keys.gitlab, work.environment), token=token)


def patient(work: Workspace) -> "Patient":
    """Gather what a look at a project reads: its files, its tags, this environment, and GitLab if there is a token."""
    from release.stages.doctor import Patient  # noqa: PLC0415 - one command looks at a project

    root, tags = _repository(work)
    inside = work.folder.resolve().relative_to(root.resolve()).as_posix()
    return Patient(
        config=work.config,
        root=Directory(root),
        folder="" if inside == "." else f"{inside}/",
        tags=tags,
        environment=work.environment,
        project=_project(work),
    )


def _repository(work: Workspace) -> tuple[Path, Mapping[str, str] | str]:
    """Give the top of the repository and its tags; the library's own folder and a reason if there is none."""
    try:
        repository = work.repository()
        root = repository.root()
        return root, "history is cut off, tags too" if repository.is_shallow() else repository.tags()
    except ReleaseError as why:
        return work.folder, why.message


def _project(work: Workspace) -> ProjectSettings | Finding:
    """Open the project's settings. This token can do much: it goes to the address of release.toml and no other."""
    from release.adapters.gitlab_api import of_config  # noqa: PLC0415 - only who asks GitLab loads what asks
    from release.adapters.gitlab_settings import READ_TOKEN, GitLabSettings  # noqa: PLC0415

    token, gitlab = work.environment.get(READ_TOKEN.variable, ""), work.config.keys.gitlab
    if not token:
        why = "protection of tags, variables and settings were not looked at"
        return advice(
            "project", "GitLab was not asked", why, f"set {READ_TOKEN.variable} to a token: {READ_TOKEN.needs}"
        )
    if gitlab is None:
        return unknown("project", "release.toml does not say which one", "write [keys.gitlab] url and project")
    try:
        return GitLabSettings(of_config(gitlab), token=token)
    except CredentialError as why:
        return unknown("project", why.message, why.hint)
