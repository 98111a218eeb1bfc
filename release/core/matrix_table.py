"""The matrix of stage, call and place as a table that a reviewer reads, and what in it is not as it should be."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from release.core.matrix import Cell
from release.errors import DriftError

WIDTH: Final = 88
_MARKS: Final[Mapping[tuple[bool, bool], str]] = {
    (True, True): "+",
    (False, False): ".",
    (True, False): "WIDE",
    (False, True): "LACK",
}
_LEGEND: Final = (
    "  +     allowed, as its duty is      WIDE  allowed, and not its duty",
    "  .     denied                       LACK  denied, and its duty",
)


def table(cells: Sequence[Cell], *, capped: Mapping[str, int]) -> list[str]:
    """Write the matrix for people: places with what is allowed there, then places where nothing is, then totals.

    Args:
        cells: of all stages.
        capped: by stage, how many of the calls the boundary would let through whatever the policy said.
    """
    stages = list(dict.fromkeys(cell.stage for cell in cells))
    rows: dict[str, dict[str, dict[str, Cell]]] = {}
    for cell in cells:
        rows.setdefault(cell.call.place, {}).setdefault(cell.call.act, {})[cell.stage] = cell
    closed = [place for place, acts in rows.items() if not any(map(_shown, acts.values()))]
    acts = [act for place in rows.values() for act, row in place.items() if _shown(row)]
    first = max(2 + max(map(len, acts), default=0), *(len(place) for place in rows if place not in closed), 22)
    lines = [*_LEGEND, ""]
    for place, found in rows.items():
        if place not in closed:
            lines += [*_place(place, found, stages, first), ""]
    lines.append("Nothing at all is allowed to any key at:")
    lines += [f"  {place}: {len(rows[place])} calls" for place in closed]
    return [*lines, "", *_totals(cells, stages, first, capped)]


def differences(cells: Sequence[Cell]) -> list[str]:
    """Say of every cell that is not as it should be what is wrong with it."""
    return [
        f"{cell.stage} may {_said(cell)}, and that is not its duty"
        if cell.allowed
        else f"{cell.stage} may not {_said(cell)}, and that is its duty"
        for cell in cells
        if cell.allowed != cell.wanted
    ]


def require_duties(cells: Sequence[Cell]) -> None:
    """Refuse policies that do not allow each stage its duties and nothing else.

    Raises:
        DriftError: with every difference.
    """
    if wrong := differences(cells):
        raise DriftError(
            "the policies are not what the stages' duties ask for\n  " + "\n  ".join(wrong),
            hint="do not apply these policies: correct keys-policy/, or the names in release.toml that it is made from",
        )


def _said(cell: Cell) -> str:
    return f"{cell.call} ({cell.call.action})"


def _shown(row: Mapping[str, Cell]) -> bool:
    return any(cell.allowed or cell.wanted for cell in row.values())


def _place(place: str, acts: Mapping[str, Mapping[str, Cell]], stages: Sequence[str], first: int) -> Iterator[str]:
    yield _line(place, stages, stages, first)
    for act, row in acts.items():
        if _shown(row):
            marks = [_MARKS[row[stage].allowed, row[stage].wanted] for stage in stages]
            yield _line(f"  {act}", marks, stages, first)
    if denied := [act for act, row in acts.items() if not _shown(row)]:
        text = f"denied to all: {', '.join(denied)}"
        yield from textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _totals(cells: Sequence[Cell], stages: Sequence[str], first: int, capped: Mapping[str, int]) -> Iterator[str]:
    def counted(title: str, *, allowed: bool, foreign: bool) -> str:
        wanted = [c for c in cells if c.allowed == allowed and c.call.foreign == foreign]
        return _line(title, [str(sum(c.stage == stage for c in wanted)) for stage in stages], stages, first)

    yield _line("totals", stages, stages, first)
    yield counted("  own, allowed", allowed=True, foreign=False)
    yield counted("  own, denied", allowed=False, foreign=False)
    yield counted("  foreign, allowed", allowed=True, foreign=True)
    yield counted("  foreign, denied", allowed=False, foreign=True)
    yield _line("  most by boundary", [str(capped[stage]) for stage in stages], stages, first)
    yield ""
    allowed = sum(cell.allowed for cell in cells)
    yield (
        f"{len(cells)} cells: {allowed} allowed, {len(cells) - allowed} denied; "
        f"{len(differences(cells)) or 'none'} not as the duties say"
    )


def _line(title: str, values: Sequence[str], stages: Sequence[str], first: int) -> str:
    columns = (value.ljust(len(stage)) for value, stage in zip(values, stages, strict=True))
    return " ".join((title.ljust(first), *columns)).rstrip()
