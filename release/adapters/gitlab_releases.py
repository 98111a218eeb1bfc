"""A GitLab project's releases: https://docs.gitlab.com/api/releases/, with the token of the running job only."""

import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from release.adapters.gitlab_api import Place, ProjectApi, Token
from release.core.manifest import COMMIT
from release.core.release_page import Link, Page
from release.errors import ServiceError

JOB_TOKEN: Final = Token(
    header="JOB-TOKEN",
    variable="CI_JOB_TOKEN",
    needs="a pipeline that was started by somebody who may create this protected tag (role Developer or higher)",
)
_LARGEST: Final = 4 * 1024 * 1024


class GitLabReleases:
    """Implements `ports.ReleasePages`.

    Args:
        place: the project.
        token: of the job, `CI_JOB_TOKEN`.
        sleep: waits between attempts; injected by tests.

    Raises:
        CredentialError: there is no token.
    """

    def __init__(self, place: Place, *, token: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = ProjectApi(place, JOB_TOKEN, token, largest=_LARGEST, sleep=sleep)

    def find(self, tag: str) -> Page | None:
        """Give the release of a tag (see the port)."""
        about = f"the release {tag}"
        status, body = self._api.ask("GET", _path(tag), about=about)
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status != HTTPStatus.OK:
            raise self._api.refused(status, about)
        return self._page(body, tag, about)

    def create(self, page: Page) -> bool:
        """Make a release. No `ref` is sent, so that GitLab never makes a tag (see the port)."""
        about = f"the release {page.tag}"
        links = [{"name": link.name, "url": link.url, "link_type": "other"} for link in page.links]
        fields = {
            "tag_name": page.tag,
            "name": page.name,
            "description": page.description,
            "assets": {"links": links},
        }
        status, body = self._api.ask("POST", "/releases", about=about, fields=fields)
        if status == HTTPStatus.CONFLICT:
            return False
        if status != HTTPStatus.CREATED:
            raise self._api.refused(status, about, hint="is the tag in the project?")
        made = self._page(body, page.tag, about)
        if made.commit != page.commit:
            raise ServiceError(
                f"GitLab made the release {page.tag} of another commit than the one that was released",
                hint="somebody moved the tag: find out who, put it back, and delete that release",
                evidence={"released": page.commit, "tag": made.commit},
            )
        return True

    def describe(self, tag: str, description: str) -> None:
        """Replace a release's text (see the port)."""
        about = f"the text of the release {tag}"
        status, _ = self._api.ask("PUT", _path(tag), about=about, fields={"description": description})
        if status != HTTPStatus.OK:
            raise self._api.refused(status, about)

    def add_link(self, tag: str, link: Link) -> None:
        """Add a link (see the port). A second try of the same request finds the name taken, by this very link."""
        about = f"the link {link.name} of the release {tag}"
        fields = {"name": link.name, "url": link.url, "link_type": "other"}
        status, _ = self._api.ask("POST", f"{_path(tag)}/assets/links", about=about, fields=fields)
        if status == HTTPStatus.BAD_REQUEST and (there := self.find(tag)) and link in there.links:
            return
        if status != HTTPStatus.CREATED:
            raise self._api.refused(status, about)

    def _page(self, body: object, tag: str, about: str) -> Page:
        """Read a release as far as it matters (ServiceError: it is none, or one of another tag)."""
        if not isinstance(body, dict) or body.get("tag_name") != tag:
            raise self._api.unexpected(about)
        commit, assets = _table(body.get("commit")).get("id"), _table(body.get("assets"))
        links, text = assets.get("links"), body.get("description") or ""
        if not isinstance(commit, str) or not re.fullmatch(COMMIT, commit, re.ASCII):
            raise self._api.unexpected(about)
        if not isinstance(links, list) or not isinstance(text, str):
            raise self._api.unexpected(about)
        pairs = [(_table(link).get("name"), _table(link).get("url")) for link in links]
        found = tuple(Link(name=n, url=u) for n, u in pairs if isinstance(n, str) and isinstance(u, str))
        if len(found) != len(pairs):
            raise self._api.unexpected(about)
        return Page(tag=tag, commit=commit, name=str(body.get("name", "")), description=text, links=found)


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _path(tag: str) -> str:
    return f"/releases/{quote(tag, safe='')}"
