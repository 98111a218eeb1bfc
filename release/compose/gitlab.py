"""What reaches GitLab: the project of a library, with the token that each command may use and no other."""

from typing import TYPE_CHECKING

from release.compose.library import Workspace

if TYPE_CHECKING:
    from release.adapters.gitlab_releases import GitLabReleases


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
