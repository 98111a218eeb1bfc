"""A GitLab project's CI/CD variables as the place where the stages' jobs find their keys.

https://docs.gitlab.com/api/project_level_variables/. Every variable has the environment scope of one stage
and is protected. A secret is written hidden where it is new; GitLab never gives it out again.
"""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from release.adapters.gitlab_api import ProjectApi, Token, of_config
from release.core.key_section import GitLab
from release.errors import ReleaseError, ServiceError

TOKEN_VARIABLE: Final = "RELEASE_GITLAB_TOKEN"  # noqa: S105 - the name of a variable
KEY_ID: Final = "AWS_ACCESS_KEY_ID"
SECRET: Final = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
ROLE: Final = "AWS_ROLE_ARN"

_TOKEN: Final = Token(
    header="PRIVATE-TOKEN",
    variable=TOKEN_VARIABLE,
    needs="a project access token: scope api, role Maintainer",
)


class GitLabVariables:
    """A `KeyVault`, and the stages' role ARNs, in the variables of one project.

    Args:
        gitlab: the project; its URL is checked with release.toml before.
        token: an access token of the project with the scope `api` and the role Maintainer.
        seconds: how long one answer may take.
        sleep: waits between attempts; injected by tests.

    Raises:
        CredentialError: the token has characters that no token has.
    """

    def __init__(
        self, gitlab: GitLab, *, token: str, seconds: float = 20, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._api = ProjectApi(of_config(gitlab), _TOKEN, token, seconds=seconds, sleep=sleep)

    def require_writable(self) -> None:
        """Make sure that the token reads the variables: what may list them may also write them (Maintainer)."""
        status, _ = self._api.ask("GET", "/variables?per_page=1", about="the variables")
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
        status, body = self._api.ask("GET", f"/variables/{key}?{_filter(stage)}", about=about)
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
            status, _ = self._api.ask("POST", "/variables", about=about, fields=fields)
        else:
            fields |= {"masked": True} if hidden else {}
            status, _ = self._api.ask("PUT", f"/variables/{key}?{_filter(stage)}", about=about, fields=fields)
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise self._refused(status, about)

    def _refused(self, status: int, about: str) -> ReleaseError:
        return self._api.refused(status, about, hint="masking needs GitLab 17.4 or later")


def _scope(stage: str) -> str:
    return f"release/{stage}"


def _filter(stage: str) -> str:
    return urlencode({"filter[environment_scope]": _scope(stage)})
