"""CSV that every reader takes apart again, and no spreadsheet runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core.csv_text import LONGEST_CELL, row, table


def read(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline=""), strict=True))


@pytest.mark.parametrize("text", ["", "a", 'say "no"', "a,b", "two\nlines", "two\r\nlines", "ü ✓", "x=1", "1+1", "'"])
def test_plain_text_stays_what_it_is(text: str) -> None:
    expected = text.replace("\r", "\\u000d")  # line ends other than \n are made visible
    assert read(row([text, "end"])) == [[expected, "end"]]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "\u00a0=1", '=cmd|" /C calc"!A0', "-"],
)
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    [[cell]] = read(row([text]))
    assert cell[0] in {"'", "\\"}


def test_lines_end_as_rfc_4180_says_and_every_cell_is_quoted() -> None:
    assert b"".join(table(["a", "b"], [["1", ""], ["x,y", '"']])) == b'"a","b"\r\n"1",""\r\n"x,y",""""\r\n'


def test_a_cell_is_no_longer_than_spreadsheets_keep() -> None:
    [[cell]] = read(row(["x" * 100_000]))
    assert len(cell) < LONGEST_CELL + 10
    assert cell.endswith("[cut]")


def test_half_of_a_surrogate_pair_breaks_nothing() -> None:
    assert read(row(["\ud800", "b"])) == [["\\ud800", "b"]]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_whatever_is_written_is_one_line_of_as_many_harmless_cells(cells: list[str]) -> None:
    [found] = read(row(cells))
    assert len(found) == len(cells)
    assert not any(cell.lstrip().startswith(tuple("=+-@\t\r")) for cell in found)
