"""What browsers and caches are told of each kind of object (RFC 9111, RFC 8246)."""

import re
from dataclasses import dataclass
from typing import Final

from release.core.layout import ObjectHeaders

# RFC 8246: "immutable" only where the bytes never change. RFC 9111, 5.2.2.6: "no-transform"
# keeps intermediaries from rewriting a script, which would break Subresource Integrity.
FOREVER: Final = "public, max-age=31536000, immutable, no-transform"
DOCUMENT: Final = "application/json"
LOG: Final = ObjectHeaders(content_type=DOCUMENT, cache_control="no-store")
_UNLOGGED: Final = "unlogged"
NOTE: Final = ObjectHeaders(content_type="text/plain; charset=utf-8", cache_control="no-store")
BLOB: Final = ObjectHeaders(content_type="application/octet-stream", cache_control="no-store")

_MEDIA_TYPES: Final = {
    "js": "text/javascript; charset=utf-8",  # RFC 9239
    "mjs": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": DOCUMENT,
    "map": DOCUMENT,
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
    "png": "image/png",
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "woff": "font/woff",
    "woff2": "font/woff2",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelLifetime:
    """How long a channel's objects may be kept, in seconds: by browsers and by shared caches."""

    browser: int
    shared: int

    @property
    def cache_control(self) -> str:
        """The header: short, and never "immutable"."""
        return f"public, max-age={self.browser}, s-maxage={self.shared}, no-transform"


def media_type(path: str) -> str:
    """Give the media type by the file's ending; what is not known is served as opaque bytes."""
    _, dot, ending = path.rpartition("/")[2].rpartition(".")
    return _MEDIA_TYPES.get(ending.lower() if dot else "", "application/octet-stream")


def immutable(content_type: str) -> ObjectHeaders:
    """Headers of an object below a version."""
    return ObjectHeaders(content_type=content_type, cache_control=FOREVER)


def mutable(content_type: str, lifetime: ChannelLifetime, *, version: str, leaves: int | None = None) -> ObjectHeaders:
    """Headers of an object below a channel; metadata names the version that it is.

    `leaves` is for the pointer of a rollback that is not logged yet, see `left_unlogged`.
    """
    return ObjectHeaders(
        content_type=content_type,
        cache_control=lifetime.cache_control,
        metadata={"version": version} | ({} if leaves is None else {_UNLOGGED: str(leaves)}),
    )


def left_unlogged(pointer: ObjectHeaders | None) -> int | None:
    """Give the log entry that a channel was rolled back from while nobody could log it, by its pointer's metadata.

    It stands there because that is the one place which the promote key can write and every other job reads.
    """
    text = pointer.metadata.get(_UNLOGGED, "") if pointer else ""
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text, re.ASCII) else None
