"""A console that remembers what was said."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from release.ports import Progress


@dataclass(kw_only=True, slots=True)
class Shown:
    """One piece of work: its steps in all and those done."""

    title: str
    total: int
    done: int = 0

    def advance(self) -> None:
        self.done += 1


class RecordingConsole:
    """Implements `ports.Console`.

    Attributes:
        said: the lines, in order.
        warned: the lines not to be missed.
        shown: each progress that was opened.
    """

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []
        self.shown: list[Shown] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Progress]:
        shown = Shown(title=title, total=total)
        self.shown.append(shown)
        yield shown
