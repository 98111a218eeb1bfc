"""The cache in front of the bucket, and the public address behind which it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class Cdn(Protocol):
    """The cache in front of the bucket."""

    def invalidate(self, paths: Sequence[str], *, reference: str) -> str:
        """Ask for these absolute paths to be dropped; the same reference and paths are asked once."""
        ...

    def finished(self, invalidation: str) -> bool:
        """Tell whether the invalidation has reached every edge."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """What a browser would get. `body` is decoded; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    encoding: str
    body: bytes


class PublicSite(Protocol):
    """The library's public address, as a customer's browser sees it."""

    def fetch(self, path: str, *, encoding: str, origin: str, limit: int, query: str = "") -> Download:
        """GET one path with `Accept-Encoding: encoding`, and `Origin: origin` unless that is empty.

        A `query`, written as it is, makes it another address to most caches and the same object to a bucket.

        Raises:
            ServiceError: no answer.
            VerificationError: the body is larger than `limit` bytes once decoded, or does not decode.
        """
        ...
