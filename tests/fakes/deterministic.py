"""Several writers on one bucket whose every operation waits for its turn; any of them may die or lose an answer.

The order is drawn from a seed: the same seed is the same run.
"""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from release.core.layout import ObjectHeaders
from release.errors import ServiceError
from release.ports import ObjectInfo, StoredObject
from tests.fakes.object_store import InMemoryObjectStore

_Answer = TypeVar("_Answer")


class Crash(BaseException):
    """The process is gone."""


@dataclass(kw_only=True)
class Run:
    """One schedule: `writers` are called with their store, one step of one of them at a time."""

    seed: int
    harm: float = 0.06
    view: "type[Turns]" = field(default_factory=lambda: Turns)
    crashes: int = 0
    problems: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - the same seed is to be the same run
        self.changed = threading.Condition()
        self.waiting: set[int] = set()
        self.alive = 0
        self.turn: int | None = None

    def go(self, bucket: InMemoryObjectStore, writers: list[Callable[["Turns"], None]]) -> None:
        """Run all writers to their ends."""
        self.alive = len(writers)
        threads = [
            threading.Thread(target=self._life, args=(number, writer, bucket)) for number, writer in enumerate(writers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.problems:
            raise self.problems[0]

    def _life(self, number: int, writer: Callable[["Turns"], None], bucket: InMemoryObjectStore) -> None:
        try:
            self.wait(number)
            writer(self.view(self, number, bucket))
        except BaseException as why:  # noqa: BLE001 - the main thread raises it
            self.problems.append(why)
        finally:
            with self.changed:
                self.alive -= 1
                self.turn = None
                self._choose()

    def wait(self, number: int) -> None:
        """Give up the turn and wait for the next one."""
        with self.changed:
            self.turn = None
            self.waiting.add(number)
            self._choose()
            self.changed.wait_for(lambda: self.turn == number)
            self.waiting.discard(number)

    def _choose(self) -> None:
        if self.waiting and len(self.waiting) == self.alive:
            self.turn = self.random.choice(sorted(self.waiting))
            self.changed.notify_all()


class Turns:
    """One writer's view of the bucket: each call takes its turn and may end in a fault before or after its effect."""

    def __init__(self, run: Run, number: int, bucket: InMemoryObjectStore) -> None:
        self._run = run
        self._number = number
        self._bucket = bucket

    def read(self, key: str, *, limit: int) -> StoredObject | None:
        return self._turn(lambda: self._bucket.read(key, limit=limit))

    def create(self, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        return self._turn(lambda: self._bucket.create(key, body, headers))

    def replace(self, key: str, body: bytes, headers: ObjectHeaders, *, etag: str | None) -> bool:
        return self._turn(lambda: self._bucket.replace(key, body, headers, etag=etag))

    def describe(self, key: str) -> ObjectInfo | None:
        raise AssertionError(f"{key} was only described")

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        raise AssertionError(f"{prefix} was listed from {after!r}, {most}")

    def copy(self, source: ObjectInfo, target: str, headers: ObjectHeaders, *, replacing: str | None) -> str | None:
        raise AssertionError(f"{source.key} was copied to {target}: {headers}, {replacing}")

    def delete(self, key: str, *, etag: str) -> bool:
        raise AssertionError(f"{key} ({etag}) was deleted")

    def _turn(self, call: Callable[[], _Answer]) -> _Answer:
        self._run.wait(self._number)
        lot = self._run.random.random() / self._run.harm
        if lot < 0.25:
            self._run.crashes += 1
            raise Crash
        if lot < 0.5:
            raise ServiceError("the request was lost")
        answer = call()
        if lot < 0.75:
            self._run.crashes += 1
            raise Crash
        if lot < 1:
            raise ServiceError("the answer was lost")
        return answer


class Listing(Turns):
    """The view of a job that does more than append: it also asks what there is, and from several threads."""

    def __init__(self, run: Run, number: int, bucket: InMemoryObjectStore) -> None:
        super().__init__(run, number, bucket)
        self._one = threading.Lock()

    def describe(self, key: str) -> ObjectInfo | None:
        return self._turn(lambda: self._bucket.describe(key))

    def keys(self, prefix: str, *, after: str = "", most: int = 1000) -> Sequence[str]:
        return self._turn(lambda: self._bucket.keys(prefix, after=after, most=most))

    def _turn(self, call: Callable[[], _Answer]) -> _Answer:
        with self._one:
            return super()._turn(call)
