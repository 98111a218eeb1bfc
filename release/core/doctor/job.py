"""Whether the job that asks is one in which keys would be safe. Names of variables are said, values never."""

from collections.abc import Iterator, Mapping
from typing import Final

from release.core.config import Config
from release.core.doctor.finding import Finding, advice, missing, ok, unknown
from release.core.identities import owner
from release.core.key_environment import foreign, surplus

_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ROLE_ARN", "RELEASE_LOG_KEY", "RELEASE_LOG_KEY_FILE")
_LOG_KEYS: Final = frozenset({"RELEASE_LOG_KEY", "RELEASE_LOG_KEY_FILE"})
_SCOPE: Final = "Settings > CI/CD > Variables: scope each key to its stage's environment, and protect it"


def about_job(config: Config, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Judge a job of GitLab by its predefined variables; nothing where this is none.

    https://docs.gitlab.com/ci/variables/predefined_variables/
    """
    if environment.get("GITLAB_CI") != "true":
        return
    yield from _keys(config, environment)
    yield from _ref(environment)
    yield from _runner(environment)


def _keys(config: Config, environment: Mapping[str, str]) -> Iterator[Finding]:
    check, place = "keys in this job", environment.get("CI_ENVIRONMENT_NAME", "")
    stage = place.removeprefix("release/") if place.startswith("release/") else ""
    found = foreign(environment, owner=owner(config), stage=stage)
    found += surplus(environment) if stage else [f"{name} is set" for name in _KEYS if environment.get(name)]
    if stage not in {"", "record"}:
        found += [f"{name} is set" for name in sorted(_LOG_KEYS) if environment.get(name)]
    if found:
        where = place or "no environment"
        yield missing(check, f"a job of {where}: {'; '.join(found)}", "every job like this one has that key", _SCOPE)
    else:
        yield ok(check, "it sees no key that is not its own")


def _ref(environment: Mapping[str, str]) -> Iterator[Finding]:
    check, ref = "protected ref", environment.get("CI_COMMIT_REF_NAME", "this ref")
    protected = environment.get("CI_COMMIT_REF_PROTECTED")
    if protected == "true":
        yield ok(check, f"{ref} is protected")
    elif protected == "false":
        yield advice(
            check,
            f"{ref} is not protected",
            "no release job starts on it and no protected variable reaches it, so this says nothing of keys",
            "run it on the protected branch or a protected tag",
        )
    else:
        yield unknown(check, "CI_COMMIT_REF_PROTECTED is not set", "is this GitLab 11.11 or later?")


def _runner(environment: Mapping[str, str]) -> Iterator[Finding]:
    if environment.get("CI_DEBUG_TRACE", "false").lower() not in {"", "false", "0"}:
        yield missing(
            "debug trace",
            "CI_DEBUG_TRACE is set",
            "GitLab writes all variables, keys too, into the job's log",
            "remove CI_DEBUG_TRACE from the project's variables and from .gitlab-ci.yml",
        )
    if environment.get("CI_SHARED_ENVIRONMENT") == "true" or environment.get("CI_DISPOSABLE_ENVIRONMENT") != "true":
        yield advice(
            "runner",
            "this runner does not make a new environment for each job (shell or ssh executor)",
            "jobs of others may leave programs and files there that a job with a key then runs",
            "use a runner with Docker or Kubernetes, of its own, protected, with tags",
        )
    else:
        yield ok("runner", "each job has a new environment")
