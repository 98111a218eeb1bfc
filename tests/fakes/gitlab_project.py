"""A GitLab project as its API's documentation says it answers, and that answers badly when told to."""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN: Final = "glpat-abcdefghij0123456789"
JOB_TOKEN: Final = "glcbt-64_abcdefghij0123456789"
ROOT: Final = "/api/v4/projects/"
NUMBER: Final = "42"
COMMIT: Final = "6f1ed002ab5595859014ebf0951522d9a1b2c3d4"

Bad = tuple[int, Mapping[str, str], bytes]


class Project(ThreadingHTTPServer):
    """One project, acme/tag, with the number 42.

    Attributes:
        variables: by name and scope, https://docs.gitlab.com/api/project_level_variables/.
        tags: their commits by name.
        releases: by tag, https://docs.gitlab.com/api/releases/.
        answers: what else a GET finds, by the path below the project; lists have pages.
        bad: answers that come first, whatever is asked.
        bad_at: answers that come instead, by the path below the project.
        page: how many items a page has at most.
        asked: the requests, in order.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.variables: dict[tuple[str, str], dict[str, Any]] = {}
        self.tags: dict[str, str] = {}
        self.releases: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, object] = {}
        self.bad: list[Bad] = []
        self.bad_at: dict[str, Bad] = {}
        self.page = 100
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if (place := self._begin()) is not None:
            self._get(*place)

    def do_POST(self) -> None:
        if (place := self._begin()) is not None:
            self._post(*place)

    def do_PUT(self) -> None:
        if (place := self._begin()) is not None:
            self._put(*place)

    def _put(self, project: Project, path: str, scope: str) -> None:
        if path.startswith("/releases/"):
            release = project.releases[_tag(path)]
            release |= self._body()
            return self._answer(200, _release(project, release))
        key = path.removeprefix("/variables/")
        project.variables[key, scope] |= self._body()
        return self._answer(200, _shown(project.variables[key, scope]))

    def _get(self, project: Project, path: str, scope: str) -> None:
        if path == "/variables":
            return self._list(project, [_shown(one) for one in project.variables.values()])
        if path.startswith("/variables/"):
            found = project.variables.get((path.removeprefix("/variables/"), scope))
            return self._answer(200 if found else 404, found or {"message": "404 Variable Not Found"})
        if path.startswith("/releases/"):
            release = project.releases.get(_tag(path))
            return self._answer(
                200 if release else 404, _release(project, release) if release else {"message": "404 Not Found"}
            )
        if path not in project.answers:
            return self._answer(404, {"message": "404 Not Found"})
        value = project.answers[path]
        return self._list(project, value) if isinstance(value, list) else self._answer(200, value)

    def _post(self, project: Project, path: str, _: str) -> None:
        sent = self._body()
        if path == "/releases":
            return self._make_release(project, sent)
        if path.endswith("/assets/links"):
            links = project.releases[_tag(path)]["links"]
            if any(link["name"] == sent["name"] or link["url"] == sent["url"] for link in links):
                return self._answer(400, {"message": {"name": ["has already been taken"]}})
            links.append({"id": len(links), **sent})
            return self._answer(201, links[-1])
        hidden = sent.pop("masked_and_hidden", False)
        made = {"variable_type": "env_var", "masked": False, **sent, "hidden": hidden}
        if hidden:
            made |= {"masked": True}
        taken = (sent["key"], sent["environment_scope"]) in project.variables
        project.variables.setdefault((sent["key"], sent["environment_scope"]), made)
        return self._answer(400 if taken else 201, _shown(made))

    def _make_release(self, project: Project, sent: dict[str, Any]) -> None:
        tag = sent["tag_name"]
        if tag in project.releases:
            return self._answer(409, {"message": "Release already exists"})
        if tag not in project.tags:
            return self._answer(422, {"message": "Ref is not specified"})
        links = [{"id": place, **link} for place, link in enumerate(sent.pop("assets")["links"])]
        project.releases[tag] = {**sent, "links": links}
        return self._answer(201, _release(project, project.releases[tag]))

    def _begin(self) -> tuple[Project, str, str] | None:
        server, url = cast("Project", self.server), urlsplit(self.path)
        server.asked.append(f"{self.command} {unquote(url.path)}")
        project = next((name for name in ("acme%2Ftag", NUMBER) if url.path.startswith(ROOT + name)), None)
        path = unquote(url.path.removeprefix(f"{ROOT}{project}"))
        if server.bad:
            self._badly(server.bad.pop(0))
            return None
        if path in server.bad_at:
            self._badly(server.bad_at[path])
            return None
        # Only the endpoints of releases take a job's token: https://docs.gitlab.com/ci/jobs/ci_job_token/
        may = self.headers["PRIVATE-TOKEN"] == TOKEN
        may = may or (self.headers["JOB-TOKEN"] == JOB_TOKEN and path.startswith("/releases"))
        if not may or project is None:
            self._answer(404 if project is None else 401, {"message": "no"})
            return None
        return server, path, parse_qs(url.query).get("filter[environment_scope]", [""])[0]

    def _badly(self, bad: Bad) -> None:
        status, headers, body = bad
        self._answer(status, body, headers)

    def _list(self, project: Project, items: list[Any]) -> None:
        query = parse_qs(urlsplit(self.path).query)
        number, size = int(query.get("page", ["1"])[0]), min(project.page, int(query.get("per_page", ["20"])[0]))
        following = str(number + 1) if len(items) > number * size else ""
        self._answer(200, items[(number - 1) * size : number * size], {"X-Next-Page": following})

    def _body(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response_only(status)
        for name, content in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _tag(path: str) -> str:
    return path.removeprefix("/releases/").removesuffix("/assets/links")


def _shown(variable: dict[str, Any]) -> dict[str, Any]:
    return {**variable, "value": None} if variable["hidden"] else variable


def _release(project: Project, release: Mapping[str, Any]) -> dict[str, Any]:
    """Answer as "Get a Release by a tag name" shows it, without what nobody here reads."""
    tag = release["tag_name"]
    return {
        "tag_name": tag,
        "name": release["name"],
        "description": release["description"],
        "commit": {"id": project.tags.get(tag, COMMIT)},
        "assets": {"count": len(release["links"]), "sources": [], "links": release["links"]},
    }
