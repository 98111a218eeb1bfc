"""A GitLab project's CI/CD variables as the place where the stages' jobs find their keys.

https://docs.gitlab.com/api/project_level_variables/. Every variable has the environment scope of one stage
and is protected. A secret is written hidden where it is new; GitLab never gives it out again.
"""

import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import HTTPError

from release.core.key_section import GitLab
from release.errors import ConfigError, CredentialError, NotFoundError, PermissionDenied, ReleaseError, ServiceError

TOKEN_VARIABLE: Final = "RELEASE_GITLAB_TOKEN"  # noqa: S105 - the name of a variable
KEY_ID: Final = "AWS_ACCESS_KEY_ID"
SECRET: Final = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
ROLE: Final = "AWS_ROLE_ARN"

_LARGEST: Final = 64 * 1024
_ATTEMPTS: Final = 4
_LONGEST_PAUSE: Final = 60.0
_PASSING: Final = frozenset({429, 500, 502, 503, 504})


class GitLabVariables:
    """A `KeyVault`, and the stages' role ARNs, in the variables of one project.

    Args:
        gitlab: the project; its URL is checked by `checked_endpoint` before.
        token: an access token of the project with the scope `api` and the role Maintainer.
        seconds: how long one answer may take.
        sleep: waits between attempts; injected by tests.

    Raises:
        CredentialError: the token has characters that no token has.
    """

    def __init__(
        self, gitlab: GitLab, *, token: str, seconds: float = 20, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if not token.isascii() or not token.isprintable() or not token.strip() or len(token) > 1000:  # noqa: PLR2004
            raise CredentialError(
                f"{TOKEN_VARIABLE} holds no access token", hint="a project access token: scope api, role Maintainer"
            )
        self._project = gitlab.project
        self._base = f"{gitlab.url.rstrip('/')}/api/v4/projects/{quote(gitlab.project, safe='')}/variables"
        self._headers = {"PRIVATE-TOKEN": token, "Accept": "application/json"}
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(seconds), retries=False)
        self._sleep = sleep

    def require_writable(self) -> None:
        """Make sure that the token reads the variables: what may list them may also write them (Maintainer)."""
        status, _ = self._ask("GET", "?per_page=1", about="the variables")
        if status != HTTPStatus.OK:
            raise self._refused(status, "the variables")

    def key_id(self, stage: str) -> str | None:
        """Give the id of the key that a stage's jobs get; None if there is none or its secret is missing."""
        found = self._value(KEY_ID, stage)
        return found if found and self._read(SECRET, stage) is not None else None

    def store(self, stage: str, key_id: str, secret: str) -> None:
        """Give a stage's jobs this key: the secret first, so that the id never names a key that is not there."""
        self._write(SECRET, stage, secret, hidden=True)
        self._write(KEY_ID, stage, key_id)

    def role(self, stage: str) -> str | None:
        """Give the ARN of the role that a stage's jobs take; None if none is set."""
        return self._value(ROLE, stage)

    def store_role(self, stage: str, arn: str) -> None:
        """Tell a stage's jobs which role to take."""
        self._write(ROLE, stage, arn)

    def _value(self, key: str, stage: str) -> str | None:
        found = self._read(key, stage)
        value = None if found is None else found.get("value")
        return value if isinstance(value, str) else None

    def _read(self, key: str, stage: str) -> Mapping[str, Any] | None:
        about = f"{key} of {_scope(stage)}"
        status, body = self._ask("GET", f"/{key}?{_filter(stage)}", about=about)
        if status == HTTPStatus.NOT_FOUND:
            self.require_writable()  # 404 also means that the project is hidden from this token
            return None
        if status != HTTPStatus.OK:
            raise self._refused(status, about)
        if not isinstance(body, dict) or body.get("key") != key or body.get("environment_scope") != _scope(stage):
            raise ServiceError(
                f"GitLab answered with another variable than {about}", hint="is [keys.gitlab] url right?"
            )
        return body

    def _write(self, key: str, stage: str, value: str, *, hidden: bool = False) -> None:
        about, scope = f"{key} of {_scope(stage)}", _scope(stage)
        fields: dict[str, object] = {"value": value, "environment_scope": scope, "protected": True, "raw": True}
        if self._read(key, stage) is None:
            # Hidden is a property of creation only, and since GitLab 17.4.
            fields |= {"key": key, "masked": hidden, **({"masked_and_hidden": True} if hidden else {})}
            status, _ = self._ask("POST", "", about=about, fields=fields)
        else:
            fields |= {"masked": True} if hidden else {}
            status, _ = self._ask("PUT", f"/{key}?{_filter(stage)}", about=about, fields=fields)
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise self._refused(status, about)

    def _ask(
        self, method: str, path: str, *, about: str, fields: Mapping[str, object] | None = None
    ) -> tuple[int, object]:
        """Send one request, again if GitLab was busy; every one of these may be sent twice."""
        status, pause, body = self._once(method, path, fields)
        for attempt in range(1, _ATTEMPTS):
            if status and status not in _PASSING:
                break
            self._sleep(min(pause or 2.0**attempt, _LONGEST_PAUSE))
            status, pause, body = self._once(method, path, fields)
        if not status or status in _PASSING:
            what = f"HTTP {status}" if status else "no answer"
            raise ServiceError(f"GitLab gave {what}: {about}", hint="run the same command again")
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return status, None
        try:
            if len(body) > _LARGEST:
                raise ValueError  # noqa: TRY301 - the same as what is no JSON
            return status, json.loads(body)
        except (ValueError, RecursionError):
            raise ServiceError(
                f"GitLab's answer is no JSON, or is too long: {about}",
                hint="is there a login page or a proxy before it?",
            ) from None

    def _once(self, method: str, path: str, fields: Mapping[str, object] | None) -> tuple[int, float, bytes]:
        """Send one request; gives the status (0 for no answer), the pause that GitLab asks for, and the body."""
        headers = dict(self._headers)
        sent = None
        if fields is not None:
            headers["Content-Type"] = "application/json"
            sent = json.dumps(fields).encode()
        try:
            response = self._pool.request(
                method, self._base + path, body=sent, headers=headers, redirect=False, preload_content=False
            )
            try:
                body = response.read(_LARGEST + 1)
            finally:
                response.close()
        except (HTTPError, OSError):  # a message of urllib3 may hold the URL, and adds nothing
            return 0, 0.0, b""
        told = response.headers.get("Retry-After", "")
        return response.status, float(told) if told.isascii() and told.isdigit() else 0.0, body

    def _refused(self, status: int, about: str) -> ReleaseError:
        """Say what an answer means, without a word of the answer: it may repeat what was sent."""
        where, evidence = f"GitLab project {self._project}: {about}", {"status": str(status)}
        if status == HTTPStatus.UNAUTHORIZED:
            return CredentialError(
                f"{where}: the token was not accepted", hint=f"renew the token in {TOKEN_VARIABLE}", evidence=evidence
            )
        if status == HTTPStatus.FORBIDDEN:
            return PermissionDenied(
                f"{where}: the token has not the right",
                hint="it needs the scope api and the role Maintainer",
                evidence=evidence,
            )
        if status == HTTPStatus.NOT_FOUND:
            return NotFoundError(
                f"{where}: not found",
                hint="compare [keys.gitlab] project; or the token may not see it",
                evidence=evidence,
            )
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return ConfigError(
                f"{where}: GitLab is at another address",
                hint="correct [keys.gitlab] url; the token is never sent on",
                evidence=evidence,
            )
        return ServiceError(f"{where}: HTTP {status}", hint="masking needs GitLab 17.4 or later", evidence=evidence)


def _scope(stage: str) -> str:
    return f"release/{stage}"


def _filter(stage: str) -> str:
    return urlencode({"filter[environment_scope]": _scope(stage)})
