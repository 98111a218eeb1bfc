"""A web server on 127.0.0.1 that answers exactly what a test tells it to."""

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self, TypeVar, cast

Server = TypeVar("Server", bound=ThreadingHTTPServer)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One answer. `declared` is the Content-Length to claim, if not the body's."""

    status: int = 200
    headers: Iterable[tuple[str, str]] = ()
    body: bytes = b""
    declared: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request as it arrived; header names are lower case. `port` tells connections apart."""

    path: str
    headers: Mapping[str, str] = field(repr=False)
    port: int


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Let a server of this process answer until the context closes."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class WebServer:
    """Answers each path with its replies in turn, the last one for ever; 404 elsewhere."""

    def __init__(self, replies: Mapping[str, Reply | Iterable[Reply]], tls: ssl.SSLContext | None = None) -> None:
        self._replies = {path: [reply] if isinstance(reply, Reply) else list(reply) for path, reply in replies.items()}
        self.requests: list[Request] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.web = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reply(self, request: Request) -> Reply:
        """Note the request and take its answer."""
        self.requests.append(request)
        replies = self._replies.get(request.path, [Reply(status=404)])
        return replies.pop(0) if len(replies) > 1 else replies[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    web: WebServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hang up are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        request = Request(
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            port=self.client_address[1],
        )
        reply = cast("_Server", self.server).web.reply(request)
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if reply.declared is None else reply.declared))
        self.end_headers()
        self.wfile.write(reply.body)
        if reply.declared is not None:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""
