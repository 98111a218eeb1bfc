"""CSV as RFC 4180 has it, and harmless in a spreadsheet.

A cell that a spreadsheet would take for a formula gets an apostrophe before it
(https://owasp.org/www-community/attacks/CSV_Injection): one that begins, white space aside, with `=`, `+`, `-`, `@`
or their full-width forms, or with a tab or a line end. Every cell is quoted, and has no more characters than
spreadsheets keep of one.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from release.core.visible import visible

LONGEST_CELL: Final = 32_000
"""https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3: a cell holds 32,767 characters."""

_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_BREAKING: Final = ("\t", "\r", "\n")
_CUT: Final = " [cut]"


def row(cells: Sequence[str]) -> bytes:
    """Give one line, with its CRLF."""
    return (",".join(f'"{_cell(text)}"' for text in cells) + "\r\n").encode("utf-8", "backslashreplace")


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[bytes]:
    """Give the lines of a table."""
    yield row(heading)
    yield from map(row, rows)


def _cell(text: str) -> str:
    seen = visible(text)
    if len(seen) > LONGEST_CELL:
        seen = seen[:LONGEST_CELL] + _CUT
    if seen.startswith(_BREAKING) or seen.lstrip().startswith(_FORMULA):
        seen = f"'{seen}"
    return seen.replace('"', '""')
