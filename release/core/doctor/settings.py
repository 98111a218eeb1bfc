"""Whether a project's CI/CD settings keep release jobs apart from all others."""

import re
from collections.abc import Iterator
from typing import Final

from release.core.config import Config
from release.core.doctor.facts import ProjectFacts, Settings, Unread
from release.core.doctor.finding import Finding, advice, missing, ok, unknown

_CI: Final = "Settings > CI/CD"
_VARIABLES: Final = f"{_CI} > Variables > Minimum role to use pipeline variables"
_NOT_SHOWN: Final = "GitLab does not show this setting to the token"
_MAINTAINER: Final = "give RELEASE_GITLAB_TOKEN the scope read_api and the role Maintainer"


def about_settings(config: Config, facts: ProjectFacts) -> Iterator[Finding]:
    """Judge the project's settings, its resource group, and whose job tokens it takes."""
    settings = facts.settings
    if isinstance(settings, Unread):
        yield unknown("project", settings.why, settings.mend)
    else:
        yield from _project(settings)
        yield from _pipeline_variables(settings)
        yield from _subject(config, settings)
        yield from _deployments(settings)
        yield from _switches(settings)
        yield from _group(config, settings, facts.groups)
    tokens = facts.only_own_job_tokens
    if isinstance(tokens, Unread):
        yield unknown("job tokens", tokens.why, tokens.mend)
    elif tokens:
        yield ok("job tokens", "only projects that are listed may use their job tokens here")
    else:
        yield missing(
            "job tokens",
            "jobs of every project may use their job tokens here",
            "a job elsewhere that one of your people starts can read this project and change its releases",
            f"{_CI} > Job token permissions: only this project and those listed",
        )


def _project(settings: Settings) -> Iterator[Finding]:
    if settings.archived:
        yield missing("project", "it is archived", "no pipeline runs", "Settings > General > Advanced: unarchive it")
    if settings.config_path not in {None, "", ".gitlab-ci.yml"}:
        yield unknown(
            "pipeline file",
            f"GitLab runs {settings.config_path}, and what was looked at is .gitlab-ci.yml",
            f"{_CI} > General pipelines > CI/CD configuration file: leave it empty",
        )


def _pipeline_variables(settings: Settings) -> Iterator[Finding]:
    check, role = "pipeline variables", settings.override_role
    if role is None:
        yield unknown(check, _NOT_SHOWN, _MAINTAINER)
    elif role == "no_one_allowed":
        yield missing(
            check,
            "nobody may use them",
            "a rollback cannot be started: it is told by them",
            f"{_VARIABLES}: Maintainer",
        )
    elif role in {"maintainer", "owner"}:
        yield ok(check, f"a {role} may use them")
    else:
        yield missing(
            check,
            f"a {role} may use them",
            "they override the project's variables, AWS_ROLE_ARN too, in a pipeline on a protected tag",
            f"{_VARIABLES}: Maintainer",
        )


def _subject(config: Config, settings: Settings) -> Iterator[Finding]:
    check, gitlab = "sub claim", config.keys.gitlab
    if config.keys.kind != "roles" or gitlab is None:
        return
    if settings.subject is None:
        yield unknown(check, _NOT_SHOWN, f"{_MAINTAINER}; an older GitLab has no such setting")
    elif settings.subject != gitlab.subject:
        yield missing(
            check,
            f"GitLab makes it of {', '.join(settings.subject)}, the trust policies expect {', '.join(gitlab.subject)}",
            "no job gets a role",
            "curl --request PUT --header 'PRIVATE-TOKEN: ...' --header 'Content-Type: application/json' --data '"
            '{"ci_id_token_sub_claim_components": ['
            + ", ".join(f'"{part}"' for part in gitlab.subject)
            + f"]}}' {gitlab.url.rstrip('/')}/api/v4/projects/{settings.path.replace('/', '%2F')}",
        )
    elif "environment" not in gitlab.subject:
        yield advice(
            check,
            f"it is made of {', '.join(settings.subject)}: the same for all jobs of a tag",
            "a hostile job on a protected tag can take any stage's role",
            "docs/gitlab.md, How AWS tells one job from another: add environment and environment_protected",
        )
    else:
        yield ok(check, "it names the environment, and is what the trust policies expect")


def _deployments(settings: Settings) -> Iterator[Finding]:
    check, place = "outdated deployments", f"{_CI} > General pipelines"
    if settings.forward_deployment is None or settings.retry_outdated is None:
        yield unknown(check, _NOT_SHOWN, _MAINTAINER)
    elif settings.forward_deployment and not settings.retry_outdated:
        yield advice(
            check,
            "an older promotion can neither start nor be tried again",
            "a backport is stopped, and a failed promotion needs a new pipeline; the log itself refuses going back",
            f"{place}: allow job retries for rollback deployments, or turn off 'Prevent outdated deployment jobs'",
        )
    elif settings.forward_deployment:
        yield advice(
            check,
            "an older promotion cannot start once a newer one ran",
            "a line that waits for its click (1.3.9 beside 1.4.0) is stopped; the log itself refuses going back",
            f"{place}: turn off 'Prevent outdated deployment jobs' if several lines are released",
        )
    else:
        yield ok(check, "the release log decides about them")


def _switches(settings: Settings) -> Iterator[Finding]:
    switches = (
        (
            *("job token pushes", settings.job_token_pushes, "jobs may push to the repository"),
            "any job can change what is released next",
            f"{_CI} > Job token permissions: do not allow Git push requests",
        ),
        (
            *("fork pipelines", settings.fork_pipelines, "pipelines of forks may run in this project"),
            "code of strangers runs on your runners once a member starts it; protected variables stay away",
            f"{_CI} > General pipelines: do not run pipelines of forks here",
        ),
        (
            "public jobs",
            settings.visibility != "private" and settings.public_jobs,
            "everybody can read the jobs' logs and files",
            "what a job prints by mistake is public at once",
            f"{_CI} > General pipelines: clear 'Project-based pipeline visibility'",
        ),
    )
    for check, on, what, why, mend in switches:
        if on is None:
            yield unknown(check, _NOT_SHOWN, _MAINTAINER)
        elif on:
            yield advice(check, what, why, mend)
        else:
            yield ok(check, "off")


def resource_group(path: str, library: str) -> str:
    """Name the group of all keyed jobs: `$CI_PROJECT_PATH_SLUG-<library>`.

    https://docs.gitlab.com/ci/variables/predefined_variables/, CI_PROJECT_PATH_SLUG: lower case, all but a-z and 0-9
    is a dash, 63 characters, no dash at either end.
    """
    slug = re.sub(r"[^a-z0-9]", "-", path.lower())[:63].strip("-")
    return f"{slug}-{library}"


def _group(config: Config, settings: Settings, groups: dict[str, str] | Unread) -> Iterator[Finding]:
    check, name = "resource group", resource_group(settings.path, config.library.name)
    if isinstance(groups, Unread):
        yield unknown(check, groups.why, groups.mend)
    elif (mode := groups.get(name)) is None:
        yield advice(
            check,
            f"{name} is not there yet",
            "the first keyed job makes it, with the process mode that GitLab takes by default",
            "run release doctor again after the first release",
        )
    elif mode in {"unordered", "oldest_first"}:
        yield ok(check, f"{name} is {mode}")
    else:
        yield missing(
            check,
            f"{name} is {mode}",
            "a job of a release that is under way may wait for ever behind newer ones",
            f"PUT /projects/:id/resource_groups/{name} with process_mode=unordered (GitLab's resource group API)",
        )
