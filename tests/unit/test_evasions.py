"""Evasions: ways to load, send or inject from an unauthorised host, one family a file. Each must be a finding."""

from pathlib import Path

import pytest

from release.core.domains.bundle import Item, judge_file
from release.core.domains.finding import Finding
from release.core.domains.lists import DomainsSection

FOLDER = Path(__file__).parents[1] / "evasions"
HONEST = DomainsSection(
    script=("cdn.example.com",),
    connect=("api.example.com",),
    img=("img.example.com",),
    frame=("frame.example.com",),
    text=("docs.example.com",),
)


def cases(family: str) -> list[str]:
    return (FOLDER / f"{family}.js.txt").read_text().rstrip("\n").split("\n---\n")


def families() -> list[str]:
    names = (file.name.removesuffix(".js.txt") for file in sorted(FOLDER.glob("*.js.txt")))
    return [name for name in names if name != "honest"]


def judged(script: str, lists: DomainsSection = HONEST) -> list[Finding]:
    return judge_file(Item("tag.js", script.encode(), None, lists))


@pytest.mark.parametrize("family", families())
def test_every_evasion_of_a_family_is_found(family: str) -> None:
    missed = [case for case in cases(family) if not judged(case)]
    assert not missed


def test_there_are_many_of_them() -> None:
    assert sum(len(cases(family)) for family in families()) >= 250


def test_none_is_only_found_because_it_does_not_parse() -> None:
    found = [case for family in families() for case in cases(family) if any(f.sink == "syntax" for f in judged(case))]
    assert not found


@pytest.mark.parametrize("script", cases("honest"))
def test_an_honest_script_with_an_honest_list_has_no_finding(script: str) -> None:
    assert judged(script) == []
