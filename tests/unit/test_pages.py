"""Pages of docs/ that name tests: each of those must exist."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [page for page in (ROOT / "docs").glob("*.md") if "`test_" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    there = {name for path in files for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))}
    modules = {path.name for path in files}
    named = re.findall(r"`(?:tests/\w+/)?(test_\w+(?:\.py)?)`", page.read_text(encoding="utf-8"))
    assert {name for name in named if name not in there | modules} == set()


def test_every_pain_names_who_told_of_it_and_the_tests_that_cause_it() -> None:
    rows = [line for line in (ROOT / "docs" / "pains.md").read_text(encoding="utf-8").splitlines() if "**" in line]
    assert len(rows) > 20
    for row in rows:
        pain, told, holds = row.strip("| ").split(" | ")
        assert pain.startswith("**"), row
        assert told, row
        assert re.search(r"`test_\w+`", holds), row
