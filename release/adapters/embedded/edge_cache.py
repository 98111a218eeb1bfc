"""What CloudFront does between a request and the origin, for one edge. No IO, no clock of its own.

Kept from CloudFront: the cache policy's bounds on time, the cache key, compression, purges by exact
path or trailing `*`, short memory for errors. Left out: revalidation (an expired object is fetched
anew), stale answers while the origin fails, ranges, eviction. Nothing is ever evicted for size.
"""

import gzip
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import brotli

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
_COMPRESSIBLE: Final = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/x-javascript",
        "application/xhtml+xml",
        "application/xml",
        "font/otf",
        "font/ttf",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/plain",
        "text/xml",
    }
)
_LEAST_COMPRESSED: Final = 1_000
_MOST_COMPRESSED: Final = 10_000_000
_PASSED_ON: Final = frozenset(
    {
        "access-control-allow-origin",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-type",
        "etag",
        "last-modified",
    }
)
_NOT_KEPT: Final = frozenset({"no-cache", "no-store", "private"})
ERROR_SECONDS: Final[Mapping[int, float]] = {404: 10.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Behavior:
    """A distribution's default cache behaviour. Times in seconds."""

    least: float
    default: float
    most: float
    compress: bool
    cors: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """An answer of the origin or of the edge. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    response: Response
    since: float
    until: float
    purges_seen: int


@dataclass(slots=True)
class _Purges:
    """All purges so far, by what they name; each value is the number of the latest such purge."""

    count: int = 0
    exact: dict[str, int] = field(default_factory=dict)
    below: dict[str, int] = field(default_factory=dict)

    def note(self, purges: Sequence[Sequence[str]]) -> None:
        for paths in purges:
            self.count += 1
            for path in paths:
                if path.endswith("*"):
                    self.below[path[:-1]] = self.count
                else:
                    self.exact[path] = self.count

    def hit(self, path: str, seen: int) -> bool:
        """Tell whether a purge after the first `seen` names the path."""
        return self.exact.get(path, 0) > seen or any(
            number > seen and path.startswith(prefix) for prefix, number in self.below.items()
        )


class EdgeCache:
    """One edge location.

    Args:
        behavior: of the distribution.
        origin: gets one path (still percent-encoded, without query) from the origin.
        purges: lists the paths of every invalidation of the distribution but the first n.
        now: a clock in seconds that never goes backwards.
        error_seconds: how long an error status is kept when its answer says nothing about it
            (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html).
    """

    def __init__(
        self,
        *,
        behavior: Behavior,
        origin: Callable[[str], Response],
        purges: Callable[[int], Sequence[Sequence[str]]],
        now: Callable[[], float],
        error_seconds: Mapping[int, float] = ERROR_SECONDS,
    ) -> None:
        self._behavior = behavior
        self._origin = origin
        self._ask_purges = purges
        self._now = now
        self._error_seconds = dict(error_seconds)
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._purges = _Purges()

    def get(self, target: str, *, accept_encoding: str = "", origin: str = "") -> Response:
        """Answer a GET.

        Args:
            target: path and query as requested; the query is not part of the cache key.
            accept_encoding: that header, empty if absent.
            origin: that header, empty if absent.
        """
        path = target.partition("?")[0]
        coding = normalized_encoding(accept_encoding) if self._behavior.compress else "identity"
        now = self._now()
        with self._lock:
            self._purges.note(self._ask_purges(self._purges.count))
            seen = self._purges.count
            kept = self._kept.get((path, coding))
            if kept is not None and (now >= kept.until or self._purges.hit(path, kept.purges_seen)):
                del self._kept[path, coding]
                kept = None
        if kept is not None:
            return self._for_viewer(
                kept.response, origin, {"x-cache": "Hit from edge", "age": str(int(now - kept.since))}
            )
        response = _encoded(_passed_on(self._origin(path)), coding)
        seconds = self._seconds(response)
        if seconds > 0:
            # Counted before the origin was asked: a purge meanwhile drops what may be the old object.
            kept = _Kept(response=response, since=now, until=now + seconds, purges_seen=seen)
            with self._lock:
                self._kept[path, coding] = kept
        return self._for_viewer(response, origin, {"x-cache": "Miss from edge"})

    def _seconds(self, response: Response) -> float:
        directives = _directives(response.headers.get("cache-control", ""))
        if response.status >= 400:  # noqa: PLR2004 - where error statuses begin
            stated = _stated_seconds(directives)
            least = self._error_seconds.get(response.status, 0.0)
            return least if stated is None else max(least, stated)
        return freshness(directives, self._behavior)

    def _for_viewer(self, response: Response, origin: str, more: Mapping[str, str]) -> Response:
        headers = {**response.headers, **more}
        if self._behavior.cors and origin:
            headers["access-control-allow-origin"] = "*"
        return Response(status=response.status, headers=headers, body=response.body)


def freshness(directives: Mapping[str, str], behavior: Behavior) -> float:
    """Give the seconds an object is kept.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html: s-maxage before
    max-age before the default, within the policy's bounds; `no-store` and its like are kept for the
    lower bound, which is 1 s in CachingOptimized.
    """
    if not _NOT_KEPT.isdisjoint(directives):
        return behavior.least
    stated = _stated_seconds(directives)
    return min(max(behavior.default if stated is None else stated, behavior.least), behavior.most)


def normalized_encoding(accept_encoding: str) -> str:
    """Give the one encoding that an Accept-Encoding header comes to: brotli before gzip."""
    accepted = set()
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            accepted.add(name.strip())
    return next((coding for coding in ("br", "gzip") if coding in accepted), "identity")


def _directives(cache_control: str) -> dict[str, str]:
    pairs = (part.strip().lower().partition("=") for part in cache_control.split(","))
    return {name: value.strip('"') for name, _, value in pairs if name}


def _stated_seconds(directives: Mapping[str, str]) -> float | None:
    for name in ("s-maxage", "max-age"):
        value = directives.get(name, "")
        if value.isascii() and value.isdigit():
            return float(value)
    return None


def _passed_on(response: Response) -> Response:
    headers = {
        name: value for name, value in response.headers.items() if name in _PASSED_ON or name.startswith("x-amz-meta-")
    }
    return Response(status=response.status, headers=headers, body=response.body)


def _encoded(response: Response, coding: str) -> Response:
    """Compress as CloudFront does. Its conditions do not mention `no-transform`, so nor does this."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "content-encoding" in response.headers or media_type not in _COMPRESSIBLE:
        return response
    headers = {**response.headers, "vary": "Accept-Encoding"}
    body = response.body
    if coding != "identity" and _LEAST_COMPRESSED <= len(body) <= _MOST_COMPRESSED:
        body = brotli.compress(body, quality=5) if coding == "br" else gzip.compress(body, 6, mtime=0)
        headers["content-encoding"] = coding
        # "CloudFront converts the strong ETag header value to a weak ETag".
        if headers.get("etag", "").startswith('"'):
            headers["etag"] = f"W/{headers['etag']}"
    return Response(status=response.status, headers=headers, body=body)
