"""An HTTP server on this machine that answers as S3 does on a bad day."""

import http.client
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

HOP = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        declared: a Content-Length that is not the body's, so that the answer is cut off.
        reset: close the connection with a RST instead of answering.
        hang: say nothing until the server stops.
        forward: let the upstream server do the request and give its answer; with `reset`, lose that answer.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    declared: int | None = None
    reset: bool = False
    hang: bool = False
    forward: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


FORWARD = Answer(forward=True)
RESET = Answer(reset=True)
LOST = Answer(forward=True, reset=True)
HANG = Answer(hang=True)
STORED = Answer(headers={"ETag": '"0"'})


def refusal(status: int, code: str, message: str = "", *, region: str = "", **details: str) -> Answer:
    """Give an error as S3 writes it.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """
    parts = {"Code": code, "Message": message, **details, "RequestId": "656c76696e6727"}
    xml = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts.items())
    headers = {"Content-Type": "application/xml", "x-amz-request-id": "656c76696e6727"}
    if region:
        headers["x-amz-bucket-region"] = region
    return Answer(status=status, headers=headers, body=f"<Error>{xml}</Error>".encode())


class FaultyS3:
    """Gives the scripted answers one after the other, then the last resort for ever.

    Attributes:
        seen: the requests, in order.

    Args:
        script: the answers.
        otherwise: what follows them.
        upstream: the address of a server that works, for answers that are forwarded.
    """

    def __init__(self, *script: Answer, otherwise: Answer = STORED, upstream: str = "") -> None:
        self.seen: list[Request] = []
        self._script = list(script)
        self._otherwise = otherwise
        self._upstream = urlsplit(upstream)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_answer(self, request: Request) -> Answer:
        """Note a request and say how to answer it."""
        with self._lock:
            self.seen.append(request)
            answer = self._script.pop(0) if self._script else self._otherwise
        if answer is STORED and (sha256 := request.headers.get("x-amz-checksum-sha256")):
            return replace(STORED, headers={**STORED.headers, "x-amz-checksum-sha256": sha256})
        if answer.hang:
            self._stopping.wait(30)
            return RESET
        if not answer.forward:
            return answer
        forwarded = self._forward(request)
        return RESET if answer.reset else forwarded

    def _forward(self, request: Request) -> Answer:
        upstream = http.client.HTTPConnection(str(self._upstream.hostname), self._upstream.port, timeout=30)
        try:
            upstream.request(request.method, request.target, body=request.body, headers=dict(request.headers))
            answer = upstream.getresponse()
            body = answer.read()
            length = int(answer.headers.get("Content-Length", len(body)))
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
            return Answer(status=answer.status, headers=headers, body=body, declared=length)
        finally:
            upstream.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, faulty: FaultyS3) -> None:
        self.faulty = faulty
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        request = Request(
            method=self.command, target=self.path, headers=dict(self.headers.items()), body=self.rfile.read(length)
        )
        answer = self.server.faulty.next_answer(request)
        if answer.reset:
            self.close_connection = True
            # Linger for no time: the kernel sends a RST instead of a FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        declared = len(answer.body) if answer.declared is None else answer.declared
        self.send_header("Content-Length", str(declared))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
            self.close_connection = declared != len(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - the names http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name http.server uses
        """Say nothing."""
