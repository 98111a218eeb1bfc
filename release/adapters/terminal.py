"""Talk on stderr: plain lines in a job's log, colours and a progress bar on a terminal."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from release.core.visible import visible
from release.ports import Progress

if TYPE_CHECKING:
    from rich.console import Console as RichConsole


class Terminal:
    """Implements `ports.Console`. `NO_COLOR` (https://no-color.org) and a quiet mode are honoured."""

    def __init__(self, environment: Mapping[str, str], *, quiet: bool = False) -> None:
        self._environment = environment
        self._quiet = quiet
        self._made: RichConsole | None = None

    def say(self, text: str) -> None:
        """Say one line."""
        if not self._quiet:
            self._print(text, None)

    def warn(self, text: str) -> None:
        """Say one line that should not be missed, even when quiet."""
        self._print(text, "yellow")

    def fail(self, text: str) -> None:
        """Say why the command ends."""
        self._print(text, "bold red")

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Progress]:
        """Show a bar on a terminal; elsewhere one line at the start."""
        console = self._console()
        if self._quiet or not console.is_terminal or total <= 1:
            self.say(title)
            yield _Silent()
            return
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
        from rich.progress import Progress as Bars  # noqa: PLC0415

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Bars(*columns, console=console, transient=False) as bars:
            task = bars.add_task(title, total=total)
            yield _Bar(lambda: bars.advance(task))

    def _print(self, text: str, style: str | None) -> None:
        self._console().print(visible(text), style=style, markup=False, highlight=False, soft_wrap=True)

    def _console(self) -> "RichConsole":
        if self._made is None:
            from rich.console import Console  # noqa: PLC0415 - half of a short command's start-up

            self._made = Console(stderr=True, no_color=bool(self._environment.get("NO_COLOR")) or None)
        return self._made


class _Silent:
    def advance(self) -> None:
        """Nothing is shown."""


class _Bar:
    def __init__(self, step: Callable[[], None]) -> None:
        self._step = step

    def advance(self) -> None:
        """Move the bar."""
        self._step()
