"""What Prometheus and Datadog answer by their documentation, and badly when told to."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

TOKEN = "gate-token-0123456789abcdef"
API_KEY = "dd-api-key-0123456789abcdef"
APP_KEY = "dd-app-key-0123456789abcdef"
PROMETHEUS_QUERIES = {
    "errors": 'sum(increase(tag_errors{version="{{version}}"}[30m])) or vector(0)',
    "samples": 'sum(increase(tag_loads{version="{{version}}"}[30m]))',
}
DATADOG_QUERIES = {
    "errors": "default_zero(sum:tag.errors{version:{{version}}}.as_count())",
    "samples": "sum:tag.loads{version:{{version}}}.as_count()",
}


class ErrorSources(ThreadingHTTPServer):
    """Both services at one address. `counts` are errors and samples by version; `bad` are answers that come first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.counts: dict[str, tuple[float, float]] = {}
        self.bad: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[Any] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server, url = cast("ErrorSources", self.server), urlsplit(self.path)
        if server.bad:
            return self._answer(*server.bad.pop(0))
        if self.headers["Authorization"] != f"Bearer {TOKEN}" or url.path != "/api/v1/query":
            return self._answer(401, {}, b"Unauthorized\n")
        query = parse_qs(url.query)["query"][0]
        server.asked.append(query)
        result = []
        for version, counted in server.counts.items():
            for metric, value in zip(("tag_errors", "tag_loads"), counted, strict=True):
                if f'{metric}{{version="{version}"}}' in query:
                    result.append({"metric": {}, "value": [1764028800.123, str(value)]})
        return self._json({"status": "success", "data": {"resultType": "vector", "result": result}})

    def do_POST(self) -> None:
        server = cast("ErrorSources", self.server)
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if server.bad:
            return self._answer(*server.bad.pop(0))
        if (self.headers["DD-API-KEY"], self.headers["DD-APPLICATION-KEY"]) != (API_KEY, APP_KEY):
            return self._answer(403, {}, b'{"errors":["Forbidden"]}')
        asked = json.loads(body)["data"]["attributes"]
        server.asked.append(asked)
        by_name = {one["name"]: one["query"] for one in asked["queries"]}
        columns = []
        for index, name in enumerate(("errors", "samples")):
            formula = asked["formulas"][index]["formula"]
            if formula not in {name, f"default_zero({name})"} or "default_zero" in by_name[name]:
                return self._answer(400, {}, b'{"errors":["no such formula"]}')
            counts: list[float | None] = [
                counted[index]
                for version, counted in server.counts.items()
                if f"{{version:{version}}}" in by_name[name]
            ]
            columns.append({"name": formula, "type": "number", "values": counts or [None], "meta": {}})
        return self._json({"data": {"type": "scalar_response", "attributes": {"columns": columns}}})

    def _json(self, value: object) -> None:
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, content in headers.items():
            self.send_header(name, content)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
