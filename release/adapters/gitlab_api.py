"""GitLab's REST API below one project: its address, its two kinds of token, its pages of lists.

https://docs.gitlab.com/api/rest/authentication/: PRIVATE-TOKEN is a person's, project's or group's token, and
JOB-TOKEN the token of a running job, which few endpoints take (https://docs.gitlab.com/ci/jobs/ci_job_token/).
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import quote

from release.adapters.json_api import LARGEST, JsonApi, Words, require_token
from release.core.config import is_safe_url
from release.core.key_section import URL, GitLab
from release.errors import ConfigError, ReleaseError, ServiceError

PAGE: Final = 100
"""The most items of one page (https://docs.gitlab.com/api/rest/#offset-based-pagination)."""
MOST_PAGES: Final = 20

Header = Literal["PRIVATE-TOKEN", "JOB-TOKEN"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One project: the address of the API, the project's path or number, and where both stand, for errors."""

    api: str
    project: str
    stated: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A token: the header it travels in, the variable it comes from, and what it needs to be allowed."""

    header: Header
    variable: str
    needs: str


def place_of(gitlab: GitLab | None, environment: Mapping[str, str]) -> Place:
    """Find the project: release.toml's, else the job's own.

    release.toml is reviewed, and a job's predefined variables may be overridden by whoever starts its pipeline
    (https://docs.gitlab.com/ci/variables/#cicd-variable-precedence), so it comes first.

    Raises:
        ConfigError: neither says which; or the address is neither HTTPS nor on this machine.
    """
    if gitlab is not None:
        return of_config(gitlab)
    api, project = environment.get("CI_API_V4_URL", ""), environment.get("CI_PROJECT_ID", "")
    if not api or not re.fullmatch(r"[0-9]{1,18}", project, re.ASCII):
        raise ConfigError(
            "which GitLab project? This is no GitLab job, and release.toml has no [keys.gitlab]",
            hint="write [keys.gitlab] url and project in release.toml",
        )
    if not is_safe_url(api) or not re.fullmatch(URL, api, re.ASCII):
        raise ConfigError("CI_API_V4_URL must be https: no token is sent there")
    return Place(api=api.rstrip("/"), project=project, stated="CI_API_V4_URL and CI_PROJECT_ID")


def of_config(gitlab: GitLab) -> Place:
    """Give the project that release.toml names; its URL was checked with the file."""
    return Place(api=f"{gitlab.url.rstrip('/')}/api/v4", project=gitlab.project, stated="[keys.gitlab] url and project")


class ProjectApi:
    """What the endpoints of one project have in common.

    Args:
        place: the project.
        token: which kind of token it is.
        secret: the token.
        largest: the most bytes of an answer that are read.
        seconds: how long one answer may take.
        sleep: waits between attempts; injected by tests.

    Raises:
        CredentialError: the token is missing, or has characters that no token has.
    """

    def __init__(
        self,
        place: Place,
        token: Token,
        secret: str,
        *,
        largest: int = LARGEST,
        seconds: float = 20,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        words = Words(service="GitLab", token=token.variable, needs=token.needs, address=place.stated)
        self._project = place.project
        base = f"{place.api}/projects/{quote(place.project, safe='')}"
        headers: dict[str, str] = {token.header: require_token(secret, words)}
        self._api = JsonApi(words, base, headers, largest=largest, seconds=seconds, sleep=sleep)

    def ask(
        self, method: str, path: str, *, about: str, fields: Mapping[str, object] | None = None
    ) -> tuple[int, object]:
        """Send one request (see `JsonApi.ask`)."""
        return self._api.ask(method, path, about=about, fields=fields)

    def get(self, path: str, *, about: str) -> Mapping[str, Any]:
        """Read one object (ReleaseError: it is refused, is not there, or is none)."""
        status, body = self._api.ask("GET", path, about=about)
        if status != HTTPStatus.OK:
            raise self.refused(status, about)
        if not isinstance(body, dict):
            raise self.unexpected(about)
        return body

    def listed(self, path: str, *, about: str) -> list[Mapping[str, Any]]:
        """Read all pages of a list.

        Raises:
            ReleaseError: a page is refused or is no list of objects; or it is not said whether there is a further one.
        """
        found: list[Mapping[str, Any]] = []
        number = "1"
        for _ in range(MOST_PAGES):
            answer = self._api.answer("GET", f"{path}?per_page={PAGE}&page={number}", about=about)
            if answer.status != HTTPStatus.OK:
                raise self.refused(answer.status, about)
            if not isinstance(answer.value, list) or not all(isinstance(item, dict) for item in answer.value):
                raise self.unexpected(about)
            found += answer.value
            following = answer.headers.get("X-Next-Page")
            if following == "":
                return found
            if following is None or not re.fullmatch(r"[0-9]{1,6}", following, re.ASCII):
                raise ServiceError(
                    f"GitLab does not say whether that is all: {about}", hint="does a proxy drop X-Next-Page?"
                )
            number = following
        raise ServiceError(f"GitLab has more than {MOST_PAGES * PAGE}: {about}", hint="remove some")

    def refused(self, status: int, about: str, *, hint: str = "") -> ReleaseError:
        """Say what a status means."""
        return self._api.refusal(status, f"GitLab project {self._project}: {about}", hint=hint)

    def unexpected(self, about: str) -> ServiceError:
        """Say that an answer has not the form that GitLab documents."""
        return ServiceError(
            f"GitLab project {self._project}: the answer about {about} has not the form that is documented",
            hint="is that address GitLab's?",
        )
