"""Time, processors, and talk with whoever sits at the terminal."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """Give the present time in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Workers(Protocol):
    """The machine's processors."""

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Do the same with each item, several at once, and give what comes out in order.

        Few items are taken ahead. Work, items and results go to other processes and back.

        Raises:
            ServiceError: a process died.
        """
        ...


class Progress(Protocol):
    """How far one long piece of work is."""

    def advance(self) -> None:
        """Say that one more step is done."""
        ...


class Console(Protocol):
    """Talk for people, on stderr. Data goes to stdout and is not this port's concern."""

    def say(self, text: str) -> None:
        """Say one line."""
        ...

    def warn(self, text: str) -> None:
        """Say one line that should not be missed."""
        ...

    def progress(self, title: str, total: int) -> AbstractContextManager[Progress]:
        """Show the progress of `total` steps while the context is open."""
        ...
