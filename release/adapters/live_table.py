"""A table on stdout that is drawn again in its place, for a person who watches it."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from release.core.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES: Final[Mapping[str, str]] = {"good": "green", "waits": "yellow", "bad": "bold red"}


class LiveTable:
    """Draws on a terminal only. One write a drawing and a hidden cursor: nothing flickers.

    `NO_COLOR` (https://no-color.org) is honoured.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        from rich.console import Console  # noqa: PLC0415 - half of a short command's start-up
        from rich.live import Live  # noqa: PLC0415

        self._console = Console(no_color=bool(environment.get("NO_COLOR")) or None)
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")

    @property
    def is_terminal(self) -> bool:
        """Whether there is somebody to draw for."""
        return self._console.is_terminal

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def draw(self, title: str, rows: Sequence[Sequence[str]], marks: Sequence[str], notes: Sequence[str]) -> None:
        """Draw a table in the place of the one before.

        Args:
            title: stands above.
            rows: cells; the first row is the heading.
            marks: how each row after the heading is: good, waits or bad.
            notes: lines below.
        """
        from rich.console import Group  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(*map(visible, rows[0]), title=visible(title), title_justify="left", box=None, pad_edge=False)
        for row, mark in zip(rows[1:], marks, strict=True):
            table.add_row(*(Text(visible(cell), style=_STYLES[mark]) for cell in row))
        below: list[RenderableType] = [Text(visible(note)) for note in notes]
        self._live.update(Group(table, *below), refresh=True)
