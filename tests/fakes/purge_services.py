"""What Fastly's and Cloudflare's purge APIs answer by their documentation, and badly when told to."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

TOKEN = "cdn-token-0123456789abcdef"
ZONE = "0123456789abcdef0123456789abcdef"


class PurgeService(ThreadingHTTPServer):
    """Both services at one address. `purged` is what was dropped, in order; `bad` are answers that come first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.purged: list[str] = []
        self.sizes: list[int] = []
        self.bad: list[tuple[int, dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = cast("PurgeService", self.server)
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if server.bad:
            return self._answer(*server.bad.pop(0))
        if self.path.startswith("/purge/"):
            return self._fastly(server)
        return self._cloudflare(server, body)

    def _fastly(self, server: PurgeService) -> None:
        if self.headers["Fastly-Key"] != TOKEN:
            return self._json(401, {"msg": "Provided credentials are missing or invalid"})
        server.purged.append(self.path.removeprefix("/purge/"))
        return self._json(200, {"status": "ok", "id": "108-1391560174-974124"})

    def _cloudflare(self, server: PurgeService, body: bytes) -> None:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self._json(403, _refused(10000, "Authentication error"))
        if self.path != f"/zones/{ZONE}/purge_cache":
            return self._json(404, _refused(7003, "Could not route"))
        prefixes = json.loads(body)["prefixes"]
        if len(prefixes) > 30:
            return self._json(400, _refused(1094, "too many prefixes"))
        server.purged += prefixes
        server.sizes.append(len(prefixes))
        return self._json(200, {"success": True, "errors": [], "messages": [], "result": {"id": ZONE}})

    def _json(self, status: int, value: object) -> None:
        self._answer(status, {}, json.dumps(value).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, content in headers.items():
            self.send_header(name, content)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _refused(code: int, message: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}
