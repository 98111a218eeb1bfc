"""A GitLab project that keeps variables as its API's documentation says, and that answers badly when told to."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

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
