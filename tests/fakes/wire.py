"""One process of a world: every call that it makes to the outside has a name, and one of them may be struck.

wire = Wire()                           # a clean run, to see what is called
publish(wire.process(world))
for point in wire.points:
    struck = Wire(Strike(point, "killed after"))
"""

import copy
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeVar, get_args

from release.core.layout import ObjectHeaders
from release.core.release_page import Link, Page
from release.errors import PermissionDenied, ReleaseError, ServiceError
from release.ports import Download, ObjectInfo, StoredObject
from tests.fakes.cdn import InMemoryCdn
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.public_site import FakePublicSite
from tests.fakes.release_pages import InMemoryPages
from tests.fakes.scenario import World

FaultKind = Literal[
    "killed before", "killed after", "request lost", "answer lost", "sent twice", "503", "403", "slow", "slower"
]
FAULTS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)
"""What may happen to a call that has an effect:

killed before, killed after: the process is gone (SIGKILL), without or with the call's effect.
request lost, answer lost: one error, without or with the effect.
sent twice: the answer was lost, and the AWS library sent the request again: what comes back is the second answer.
503: the service is down from this call until the process ends. 403: so is the permission for this operation.
slow: a time-out; the effect comes after the process has ended. slower: it comes after the next run has ended, too.
"""
TO_A_QUESTION: Final[tuple[FaultKind, ...]] = ("killed before", "request lost", "503", "403")
"""What may happen to a call that has no effect: whether it arrived makes no difference."""
QUESTIONS: Final = frozenset({"describe", "read", "keys", "finished", "find", "fetch"})

_T = TypeVar("_T")


class Killed(BaseException):
    """The process is gone."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Point:
    """One call of a process: the `nth` of this operation on this key. Threads change no name."""

    port: str
    operation: str
    key: str
    nth: int

    @property
    def faults(self) -> tuple[FaultKind, ...]:
        """Give what may happen to it."""
        return TO_A_QUESTION if self.operation in QUESTIONS else FAULTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Strike:
    """Which call is struck, and how."""

    point: Point
    fault: FaultKind


class Wire:
    """Between one process and all its ports. Calls happen one at a time.

    Attributes:
        points: the calls, in order.
        struck: whether the strike's call was made.
        late: effects that are still on their way.

    Args:
        strike: what happens to which call.
        meanwhile: what others do just before a call.
    """

    def __init__(
        self, strike: Strike | None = None, *, meanwhile: tuple[Point, Callable[[], object]] | None = None
    ) -> None:
        self.points: list[Point] = []
        self.struck = False
        self.late: list[Callable[[], object]] = []
        self._strike = strike
        self._meanwhile = meanwhile
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._dead = False
        self._lock = threading.RLock()

    def process(self, world: World) -> World:
        """Give the world as a process sees it whose every call goes over this wire; files stay where they are."""
        seen = copy.copy(world)
        seen.site = _Store("site", world.site, self)
        seen.log = _Store("log", world.log, self)
        seen.cdn = _Cdn(world.cdn, self)
        seen.public = _Site(world.public, self)
        seen.announced = _Pages(world.announced, self)
        return seen

    def arrive(self) -> None:
        """Let what was on its way take effect; nobody hears the answer."""
        for effect in self.late:
            try:
                effect()
            except ReleaseError:
                continue
        self.late.clear()

    def call(
        self, port: str, operation: str, key: str, do: Callable[[], _T], *, refuse: Callable[[int], _T] | None = None
    ) -> _T:
        """Make a call; `refuse` gives the answer of a port whose refusals are answers and not errors."""
        with self._lock:
            if self._dead:
                raise Killed
            place = (port, operation, key)
            self._counts[place] += 1
            point = Point(port=port, operation=operation, key=key, nth=self._counts[place])
            self.points.append(point)
            if self._meanwhile and point == self._meanwhile[0]:
                self._meanwhile[1]()
            struck_now = self._strike is not None and point == self._strike.point
            self.struck = self.struck or struck_now
            if self._strike and self.struck and (status := _status(point, self._strike)):
                if refuse:
                    return refuse(status)
                raise _error(point, status)
            return self._harm(point, self._strike.fault, do) if self._strike and struck_now else do()

    def _harm(self, point: Point, fault: FaultKind, do: Callable[[], _T]) -> _T:
        if fault in {"killed after", "answer lost", "sent twice"}:
            do()
        if fault == "sent twice":
            return do()
        if fault in {"killed before", "killed after"}:
            self._dead = True
            raise Killed
        if fault in {"slow", "slower"}:
            self.late.append(do)
        raise ServiceError(f"{point.operation} {point.key}: no answer in time")


def _status(point: Point, strike: Strike) -> int | None:
    """Give what a service or a permission answers that went away."""
    same_port = point.port == strike.point.port
    if strike.fault == "503" and same_port:
        return 503
    if strike.fault == "403" and same_port and point.operation == strike.point.operation:
        return 403
    return None


def _error(point: Point, status: int) -> ReleaseError:
    if status == 403:
        return PermissionDenied(f"the key may not {point.operation} {point.key}")
    return ServiceError(f"{point.operation} {point.key}: {status} Slow Down")


class _Store(InMemoryObjectStore):
    def __init__(self, port: str, store: InMemoryObjectStore, wire: Wire) -> None:
        super().__init__(bucket=store._bucket)
        self._port = port
        self._wire = wire

    def describe(self, key: str) -> ObjectInfo | None:
        return self._wire.call(self._port, "describe", key, partial(super().describe, key))

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        return self._wire.call(self._port, "read", key, partial(super().read, key, limit=limit))

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        return self._wire.call(self._port, "create", key, partial(super().create, key, body, headers))

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        return self._wire.call(self._port, "replace", key, partial(super().replace, key, body, headers, etag=etag))

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> str | None:
        do = partial(super().copy, source, target, headers, replacing=replacing)
        return self._wire.call(self._port, "copy", target, do)

    def delete(self, key: str, *, etag: str) -> bool:
        return self._wire.call(self._port, "delete", key, partial(super().delete, key, etag=etag))

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        do = partial(super().keys, prefix, after=after, most=most)
        return self._wire.call(self._port, "keys", f"{prefix}>{after}", do)


class _Cdn(InMemoryCdn):
    def __init__(self, cdn: InMemoryCdn, wire: Wire) -> None:
        super().__init__(journal=cdn.journal)
        self.invalidations = cdn.invalidations
        self._wire = wire
        self._cdn = cdn

    def invalidate(self, paths: Sequence[str], *, reference: str) -> str:
        do = partial(self._cdn.invalidate, paths, reference=reference)
        return self._wire.call("cdn", "invalidate", reference[:12], do)

    def finished(self, invalidation: str) -> bool:
        return self._wire.call("cdn", "finished", invalidation, partial(self._cdn.finished, invalidation))


class _Site(FakePublicSite):
    def __init__(self, site: FakePublicSite, wire: Wire) -> None:
        super().__init__({})
        self._wire = wire
        self._site = site

    def fetch(self, path: str, *, encoding: str, origin: str, limit: int, query: str = "") -> Download:
        do = partial(self._site.fetch, path, encoding=encoding, origin=origin, limit=limit, query=query)
        return self._wire.call("public", "fetch", f"{path}?{query} {encoding} {origin}", do, refuse=_refused)


def _refused(status: int) -> Download:
    return Download(status=status, headers={}, encoding="identity", body=b"<Error/>")


class _Pages(InMemoryPages):
    def __init__(self, pages: InMemoryPages, wire: Wire) -> None:
        super().__init__()
        self.pages = pages.pages
        self._wire = wire

    def find(self, tag: str) -> Page | None:
        return self._wire.call("pages", "find", tag, partial(super().find, tag))

    def create(self, page: Page) -> bool:
        return self._wire.call("pages", "create", page.tag, partial(super().create, page))

    def describe(self, tag: str, description: str) -> None:
        self._wire.call("pages", "describe", tag, partial(super().describe, tag, description))

    def add_link(self, tag: str, link: Link) -> None:
        self._wire.call("pages", "add link", link.name, partial(super().add_link, tag, link))
