"""Work that is done in several processes at once."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, TypeVar

from release.errors import ServiceError

T = TypeVar("T")
R = TypeVar("R")

MOST: Final = 8


class Processes:
    """Implements `ports.Workers` with a process a processor, which begin empty and end with the work."""

    def __init__(self, number: int | None = None) -> None:
        self._number = number or min(os.cpu_count() or 1, MOST)

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Do the same with each item (see the port)."""
        pool = ProcessPoolExecutor(self._number, mp_context=get_context("spawn"))
        try:
            ahead: deque[Future[R]] = deque()
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > self._number:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BrokenExecutor as why:
            raise ServiceError("a process that did part of the work died", hint="is there enough memory?") from why
        finally:
            pool.shutdown(cancel_futures=True)
