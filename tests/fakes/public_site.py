"""A public address in memory that can be wrong in every way a CDN can be."""

from collections.abc import Callable, Mapping
from typing import Self

from release.errors import ReleaseError, VerificationError
from release.ports import Download, ObjectStore

Page = tuple[Mapping[str, str], bytes]

_NOT_FOUND: Page = ({"content-type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>")
_WHOLE_OBJECT = 1 << 30


class FakePublicSite:
    """A `PublicSite` over pages: absolute path -> (headers, body).

    The mapping is read at every request, so changing it is changing the site:

        site = FakePublicSite({"/tag/latest/tag.js": ({"cache-control": "max-age=60"}, b"one")})
        site.hold("/tag/latest/tag.js")           # an edge that missed the invalidation
        site.transform("/tag/1.0.0/tag.js", bytes.upper, encoding="br")   # a meddling proxy

    `requests` lists (path, encoding, origin) in order.
    """

    def __init__(self, pages: Mapping[str, Page] | Callable[[str], Page | None]) -> None:
        self._page = pages if callable(pages) else pages.get
        self._held: dict[str, Page | None] = {}
        self._changes: list[tuple[str, str | None, Callable[[bytes], bytes]]] = []
        self._without_cors: set[str] = set()
        self._failures: dict[str, list[ReleaseError]] = {}
        self._statuses: dict[str, int] = {}
        self._only_for_origins = False
        self._one_copy = False
        self._asked_without_origin: set[tuple[str, str]] = set()
        self.requests: list[tuple[str, str, str]] = []

    @classmethod
    def in_front_of(cls, store: ObjectStore) -> Self:
        """Serve what the store holds at the time of each request."""

        def page(path: str) -> Page | None:
            found = store.read(path.removeprefix("/"), limit=_WHOLE_OBJECT)
            if found is None:
                return None
            headers = found.info.headers
            metadata = {f"x-amz-meta-{name}": value for name, value in headers.metadata.items()}
            return (
                {"content-type": headers.content_type, "cache-control": headers.cache_control, **metadata},
                found.body,
            )

        return cls(page)

    def hold(self, *paths: str) -> None:
        """Go on serving these paths as they are now, like a cache that nobody purged."""
        for path in paths:
            self._held[path] = self._page(path)

    def let_go(self, *paths: str) -> None:
        """Serve these paths as they really are again."""
        for path in paths:
            self._held.pop(path, None)

    def transform(self, path: str, change: Callable[[bytes], bytes], *, encoding: str | None = None) -> None:
        """Serve changed bytes, to every request or only to those for one encoding."""
        self._changes.append((path, encoding, change))

    def drop_cors(self, *paths: str) -> None:
        """Send these paths without `Access-Control-Allow-Origin`."""
        self._without_cors.update(paths)

    def send_cors_to_origins_only(self) -> None:
        """Send `Access-Control-Allow-Origin` only to who sends an `Origin`, like CloudFront's SimpleCORS and S3."""
        self._only_for_origins = True

    def keep_one_copy(self) -> None:
        """Say `Vary: Origin`, and yet give everybody the copy of the first without an `Origin`."""
        self._one_copy = True

    def answer_with(self, path: str, status: int) -> None:
        """Serve this path with another status."""
        self._statuses[path] = status

    def fail(self, path: str, *errors: ReleaseError) -> None:
        """Raise these errors, one a request, before serving the path again."""
        self._failures.setdefault(path, []).extend(errors)

    def fetch(self, path: str, *, encoding: str, origin: str, limit: int, query: str = "") -> Download:
        """See `release.ports.PublicSite`."""
        self.requests.append((path, encoding, origin))
        if self._failures.get(path):
            raise self._failures[path].pop(0)
        page = self._held[path] if path in self._held else self._page(path)
        headers, body = page or _NOT_FOUND
        for changed, only, change in self._changes:
            if changed == path and only in (None, encoding):
                body = change(body)
        if len(body) > limit:
            raise VerificationError(f"{path}: the body is larger than {limit} bytes")
        sent = {name.lower(): value for name, value in headers.items()}
        if page and self._one_copy:
            sent["vary"] = "Origin"
            if not origin:
                self._asked_without_origin.add((path, query))
        bare = (self._only_for_origins and not origin) or (path, query) in self._asked_without_origin
        if page and not bare and path not in self._without_cors:
            sent.setdefault("access-control-allow-origin", "*")
        if encoding != "identity":
            sent["content-encoding"] = encoding
        status = self._statuses.get(path, 200 if page else 404)
        return Download(status=status, headers=sent, encoding=encoding, body=body)
