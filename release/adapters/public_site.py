"""The library's public address over HTTPS, read as a customer's browser reads it."""

import ipaddress
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlsplit

import brotli
import urllib3
from urllib3.exceptions import HTTPError, SSLError
from urllib3.response import BaseHTTPResponse

from release.errors import ConfigError, ServiceError, VerificationError
from release.ports import Download

_CHUNK: Final = 64 * 1024
_PASSING: Final = frozenset({502, 503, 504})
_PAUSES: Final = (0.5, 1.0, 2.0)
_PREFIX: Final = re.compile(r"(?:/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+)*")
# The same characters stay as they are when these paths are invalidated: release/adapters/delivery/paths.py.
_AS_THEY_ARE: Final = "/!$&'()+,;=:@"


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait, in seconds, and which pauses to make before each further attempt."""

    connect: float = 5.0
    read: float = 15.0
    whole: float = 60.0
    pauses: tuple[float, ...] = _PAUSES


class HttpSite:
    """A `PublicSite` behind one base URL. Safe to use from several threads.

    Certificates are checked against the system's bundle, or the one that `SSL_CERT_FILE` names
    (https://docs.python.org/3/library/ssl.html#ssl.create_default_context). Redirects are answers,
    not instructions: a script that moved is not the script that was released.

    Args:
        base_url: `https://host[:port][/prefix]`; `http` only for a loopback host.
        patience: time-outs and pauses.
        connections: how many connections are kept open at once.
        sleep: waits that many seconds; injected by tests.
        clock: a clock in seconds that never goes backwards; injected by tests.

    Raises:
        ConfigError: the base URL is not of that form.
    """

    def __init__(
        self,
        base_url: str,
        *,
        patience: Patience | None = None,
        connections: int = 8,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._patience = patience or Patience()
        self._sleep = sleep
        self._clock = clock
        self._pool = _pool(self._base, self._patience, connections)
        self._prefix = urlsplit(self._base).path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.close()

    def fetch(self, path: str, *, encoding: str, origin: str, limit: int, query: str = "") -> Download:
        """GET one path as a page at `origin` would.

        Connection failures and the statuses 502, 503 and 504 are tried again; everything else is an
        answer, whatever its status.

        Args:
            path: absolute, below the base URL, as it is in the bucket: this encodes it.
            encoding: the `Accept-Encoding` to send, such as `br`.
            origin: the `Origin` to send; empty for none, as a plain script tag does.
            limit: most bytes that the body may have, before and after decoding.
            query: what to send after a question mark, as it is; empty for no question mark.

        Raises:
            ConfigError: the path cannot be sent as it is.
            ServiceError: no answer after the last attempt.
            VerificationError: the body is larger than `limit` bytes once decoded, or does not decode.
        """
        parts = path.split("/")
        if len(parts) == 1 or parts[0] or not parts[1] or {".", ".."} & set(parts):
            raise ConfigError(
                f"{path!r} is not a path that can be requested", hint="write it as / and the object's key"
            )
        headers = {"Accept-Encoding": encoding, "User-Agent": "js-release"} | ({"Origin": origin} if origin else {})
        reason = ""
        for pause in (0.0, *self._patience.pauses):
            if pause:
                self._sleep(pause)
            try:
                return self._attempt(path, query, headers, limit)
            except _NoAnswerError as error:
                reason = str(error)
                if error.final:
                    break
        raise ServiceError(
            f"{self._base}{path} gave no answer: {reason}",
            hint="check the host name, its certificate (SSL_CERT_FILE names another bundle) and the network",
        )

    def _attempt(self, path: str, query: str, headers: dict[str, str], limit: int) -> Download:
        deadline = self._clock() + self._patience.whole
        target = self._prefix + quote(path, safe=_AS_THEY_ARE) + (f"?{query}" if query else "")
        with _answered(self._pool, target, headers) as response:
            if response.status in _PASSING:
                raise _NoAnswerError(f"status {response.status}")
            names = {name.lower(): value for name, value in response.headers.itermerged()}
            coding = names.get("content-encoding", "identity").strip().lower() or "identity"
            try:
                body = _decoded(self._raw(response, deadline, limit), coding, limit)
            except _BodyError as error:
                raise VerificationError(
                    f"{self._base}{path}: {error}",
                    hint="look at what the CDN serves there; a proxy on the way can be the reason",
                    evidence={"content-encoding": coding, "limit": str(limit)},
                ) from error
            return Download(status=response.status, headers=names, encoding=coding, body=body)

    def _raw(self, response: BaseHTTPResponse, deadline: float, limit: int) -> Iterator[bytes]:
        """Give the body as it was sent. Encoding adds a little to what cannot be compressed."""
        most = limit + limit // 100 + 1024
        size = 0
        for chunk in response.stream(_CHUNK, decode_content=False):
            size += len(chunk)
            if size > most:
                raise _BodyError(f"the body is larger than {limit} bytes")
            if self._clock() > deadline:
                raise _NoAnswerError(f"the body took longer than {self._patience.whole:g} s")
            yield chunk


class _NoAnswerError(Exception):
    """This attempt gave no answer; another one may, unless this is `final`."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class _BodyError(Exception):
    """There is an answer and its body is unusable."""


@contextmanager
def _answered(pool: urllib3.HTTPConnectionPool, target: str, headers: dict[str, str]) -> Iterator[BaseHTTPResponse]:
    try:
        response = pool.urlopen(
            "GET",
            target,
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            yield response
        finally:
            # Read to its end, the connection is in the pool already; otherwise its rest would be
            # taken for the next answer.
            response.close()
            response.release_conn()
    except SSLError as error:
        raise _NoAnswerError(f"TLS: {error}", final=isinstance(error.args[0], ssl.SSLCertVerificationError)) from error
    except (HTTPError, OSError) as error:
        raise _NoAnswerError(str(error) or type(error).__name__) from error


def _pool(base: str, patience: Patience, connections: int) -> urllib3.HTTPConnectionPool:
    try:
        url = urlsplit(base)
        host, port = url.hostname or "", url.port
    except ValueError as error:
        raise ConfigError(f"{base!r} is not a URL: {error}") from error
    if not host or url.query or url.fragment or url.username is not None or not _PREFIX.fullmatch(url.path):
        shown = f"an address of {host!r}" if url.username is not None else repr(base)
        raise ConfigError(
            f"{shown} cannot be read from",
            hint="write https://host, with a path if what is wanted is below one; no user, query or fragment",
        )
    timeout = urllib3.Timeout(connect=patience.connect, read=patience.read)
    if url.scheme == "https":
        return urllib3.HTTPSConnectionPool(
            host,
            port,
            timeout=timeout,
            maxsize=connections,
            block=True,
            ssl_context=ssl.create_default_context(),
        )
    if url.scheme == "http" and _is_loopback(host):
        return urllib3.HTTPConnectionPool(host, port, timeout=timeout, maxsize=connections, block=True)
    raise ConfigError(
        f"{base!r} is not an https address", hint="plain http is accepted for 127.0.0.1, ::1 and localhost only"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _decoded(chunks: Iterable[bytes], coding: str, limit: int) -> bytes:
    """Join and decode a body. Whatever comes, memory stays within a few times `limit`."""
    match coding:
        case "identity":
            pieces: Iterable[bytes] = chunks
        case "gzip":
            pieces = _gunzipped(chunks, limit)
        case "br":
            pieces = _unbrotlied(chunks, limit)
        case _:
            raise _BodyError(f"the body has the unknown encoding {coding!r}")
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise _BodyError(f"the body is larger than {limit} bytes")
    return bytes(body)


def _gunzipped(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    for chunk in chunks:
        data = chunk
        while data:
            if inflater.eof:
                raise _BodyError("there are bytes after the end of the gzip stream")
            try:
                yield inflater.decompress(data, limit + 1)
            except zlib.error as error:
                raise _BodyError(f"the body is not gzip: {error}") from error
            data = inflater.unconsumed_tail or inflater.unused_data
    if not inflater.eof:
        raise _BodyError("the gzip stream ends too early")


def _unbrotlied(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    decompressor = brotli.Decompressor()  # output_buffer_limit: since brotli 1.2
    try:
        for chunk in chunks:
            if decompressor.is_finished():
                raise _BodyError("there are bytes after the end of the brotli stream")
            yield decompressor.process(chunk, output_buffer_limit=limit + 1)
            while not decompressor.can_accept_more_data():
                yield decompressor.process(b"", output_buffer_limit=limit + 1)
    except brotli.error as error:
        raise _BodyError(f"the body is not brotli: {error}") from error
    if not decompressor.is_finished():
        raise _BodyError("the brotli stream ends too early")
