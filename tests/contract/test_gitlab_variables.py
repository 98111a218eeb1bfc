"""Keys kept as variables of a GitLab project."""

from collections.abc import Iterator

import pytest

from release.adapters.gitlab_variables import KEY_ID, SECRET, GitLabVariables
from release.core.key_section import GitLab
from release.errors import (
    ConfigError,
    CredentialError,
    NotFoundError,
    PermissionDenied,
    ReleaseError,
    ServiceError,
)
from tests.fakes.gitlab_project import TOKEN, Project
from tests.fakes.web_server import serving


@pytest.fixture
def project() -> Iterator[Project]:
    with serving(Project()) as server:
        yield server


def variables(project: Project, *, path: str = "acme/tag", token: str = TOKEN) -> GitLabVariables:
    waited: list[float] = []
    made = GitLabVariables(GitLab(url=project.url, project=path), token=token, seconds=1, sleep=waited.append)
    made.waited = waited  # type: ignore[attr-defined]
    return made


def test_a_key_is_kept_for_its_stage_only_protected_and_its_secret_hidden(project: Project) -> None:
    vault = variables(project)
    vault.require_writable()
    assert vault.key_id("publish") is None
    vault.store("publish", "AKIAONE", "first secret")
    vault.store("record", "AKIATWO", "second secret")
    vault.store("publish", "AKIATHREE", "third secret")
    assert vault.key_id("publish") == "AKIATHREE"
    assert vault.key_id("record") == "AKIATWO"
    secret, key = project.variables[SECRET, "release/publish"], project.variables[KEY_ID, "release/publish"]
    assert (secret["value"], secret["hidden"], secret["masked"], secret["protected"]) == (
        "third secret",
        True,
        True,
        True,
    )
    assert (key["value"], key["protected"], key["raw"]) == ("AKIATHREE", True, True)


def test_a_secret_that_was_stored_without_its_id_counts_as_no_key(project: Project) -> None:
    project.variables[KEY_ID, "release/publish"] = {
        "key": KEY_ID,
        "environment_scope": "release/publish",
        "value": "AKIAONE",
        "hidden": False,
    }
    assert variables(project).key_id("publish") is None


def test_a_role_is_told_without_any_secret(project: Project) -> None:
    vault = variables(project)
    assert vault.role("audit") is None
    vault.store_role("audit", "arn:aws:iam::123456789012:role/release/tag/tag-audit")
    assert vault.role("audit") == "arn:aws:iam::123456789012:role/release/tag/tag-audit"
    assert [scope for _, scope in project.variables] == ["release/audit"]


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (401, {}, b"{}", CredentialError),
        (403, {}, b"{}", PermissionDenied),
        (302, {"Location": "http://127.0.0.1:9/"}, b"", ConfigError),
        (200, {}, b"<html>Sign in</html>", ServiceError),
        (200, {}, b"[" * 70_000, ServiceError),
        (200, {}, b'{"key": "OTHER", "environment_scope": "*", "value": "x"}', ServiceError),
        (418, {}, TOKEN.encode(), ServiceError),
    ],
)
def test_a_bad_answer_is_one_error_that_never_repeats_the_token(
    project: Project, status: int, headers: dict[str, str], body: bytes, expected: type[ReleaseError]
) -> None:
    project.bad = [(status, headers, body)]
    with pytest.raises(expected) as refused:
        variables(project).key_id("publish")
    assert TOKEN not in f"{refused.value.message} {refused.value.hint} {refused.value.evidence}"
    assert len(project.asked) == 1


def test_a_project_that_is_not_there_or_hidden_is_not_an_absent_variable(project: Project) -> None:
    with pytest.raises(NotFoundError, match="acme/other"):
        variables(project, path="acme/other").key_id("publish")
    with pytest.raises(CredentialError, match="not accepted"):
        variables(project, token="glpat-wrong").require_writable()


def test_a_busy_gitlab_is_asked_again_after_the_pause_it_names(project: Project) -> None:
    project.bad = [(429, {"Retry-After": "7"}, b""), (503, {}, b""), (429, {"Retry-After": "86400"}, b"")]
    vault = variables(project)
    vault.require_writable()
    assert vault.waited == [7, 4, 60]  # type: ignore[attr-defined]
    project.bad = [(500, {}, b"")] * 4
    with pytest.raises(ServiceError, match="HTTP 500"):
        vault.require_writable()


def test_no_answer_is_an_error(project: Project) -> None:
    vault = GitLabVariables(GitLab(url="http://127.0.0.1:9", project="acme/tag"), token=TOKEN, sleep=lambda _: None)
    with pytest.raises(ServiceError, match="no answer"):
        vault.require_writable()
    for token in ("", "two\nlines", "gläserne", "x" * 2000):
        with pytest.raises(CredentialError):
            variables(project, token=token)
