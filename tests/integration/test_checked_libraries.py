"""What `release check` finds in real libraries is what docs/check.md says, finding by finding."""

import json
from collections import Counter
from pathlib import Path

import pytest

from release.core.domains.lists import DomainsSection
from tests.fakes.checked_libraries import LIBRARIES, SOURCE, judged
from tests.fakes.npm_packages import installed

DOCS = Path(__file__).parents[2] / "docs" / "check.md"
START, END = "<!-- libraries -->\n", "<!-- end of libraries -->"

# One worker installs them.
pytestmark = [pytest.mark.node, pytest.mark.xdist_group("checked-libraries")]


def row(name: str, folder: Path) -> str:
    library = LIBRARIES[name]
    bodies = library.bodies(folder)
    package = "/".join(next(iter(bodies)).split("/")[: 2 if next(iter(bodies)).startswith("@") else 1])
    version = json.loads((SOURCE / "package.json").read_text())["dependencies"][package]
    without = judged(bodies, DomainsSection())
    left = judged(bodies, library.lists)
    known = sum(one.status == "unauthorised" for one in left)
    rules = Counter(one.rule for one in left if one.status == "undecided")
    said = ", ".join(f"{count} {rule}" for rule, count in sorted(rules.items())) or "none"
    size = sum(map(len, bodies.values()))
    return f"| {name} {version} | {size // 1000:,} | {len(without)} | {known} | {sum(rules.values())} | {said} |"


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_docs_say_what_is_found_in_a_real_library(name: str, pytestconfig: pytest.Config) -> None:
    assert pytestconfig.cache is not None
    folder = installed(SOURCE, pytestconfig.cache.mkdir("checked-libraries"))
    table = DOCS.read_text().partition(START)[2].partition(END)[0].splitlines()
    assert row(name, folder) in table
