"""A GitLab that keeps variables as its API's documentation says, and one that answers badly."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

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

TOKEN = "glpat-abcdefghij0123456789"
PROJECT = "/api/v4/projects/acme/tag/variables"


class Project(ThreadingHTTPServer):
    """https://docs.gitlab.com/api/project_level_variables/ for one project; `bad` are answers that come first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.variables: dict[tuple[str, str], dict[str, Any]] = {}
        self.bad: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        project, key, scope = self._begin()
        if project is not None:
            found = project.variables.get((key, scope))
            self._answer(200, [*project.variables.values()][:1]) if not key else self._answer(
                200 if found else 404, found or {"message": "404 Variable Not Found"}
            )

    def do_POST(self) -> None:
        project, _, _ = self._begin()
        if project is not None:
            sent = self._body()
            hidden = sent.pop("masked_and_hidden", False)
            made = {"variable_type": "env_var", "masked": False, **sent, "hidden": hidden}
            if hidden:
                made |= {"masked": True}
            taken = (sent["key"], sent["environment_scope"]) in project.variables
            project.variables.setdefault((sent["key"], sent["environment_scope"]), made)
            self._answer(400 if taken else 201, _shown(made))

    def do_PUT(self) -> None:
        project, key, scope = self._begin()
        if project is not None:
            project.variables[key, scope] |= self._body()
            self._answer(200, _shown(project.variables[key, scope]))

    def _begin(self) -> tuple[Project | None, str, str]:
        server, url = cast("Project", self.server), urlsplit(self.path)
        server.asked.append(f"{self.command} {unquote(url.path)}")
        if server.bad:
            status, headers, body = server.bad.pop(0)
            self._answer(status, body, headers)
            return None, "", ""
        if self.headers["PRIVATE-TOKEN"] != TOKEN or "acme%2Ftag" not in url.path:
            self._answer(401 if "acme%2Ftag" in url.path else 404, {"message": "no"})
            return None, "", ""
        scope = parse_qs(url.query).get("filter[environment_scope]", [""])[0]
        return server, unquote(url.path).removeprefix(PROJECT).lstrip("/"), scope

    def _body(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response_only(status)
        for name, content in (headers or {}).items():
            self.send_header(name, content)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _shown(variable: dict[str, Any]) -> dict[str, Any]:
    return {**variable, "value": None} if variable["hidden"] else variable


@pytest.fixture
def project() -> Iterator[Project]:
    server = Project()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


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
