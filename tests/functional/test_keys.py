"""release keys render and check, through the command line."""

import json

import pytest

from tests.functional.conftest import Run
from tests.functional.library import Library


@pytest.mark.parametrize(("format_", "name"), [("cloudformation", "Resources"), ("terraform", "resource")])
def test_a_template_is_printed_whole_or_in_part(run: Run, format_: str, name: str) -> None:
    whole, part = (run("keys", "render", *only, "--format", format_) for only in ((), ("boundary",)))
    assert (whole.code, part.code) == (0, 0)
    assert len(json.loads(whole.out)[name]) > len(json.loads(part.out)[name]) == 1


def test_an_unknown_format_is_answered_with_those_there_are(run: Run) -> None:
    ended = run("keys", "render", "--format", "yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "'yaml' is not one of 'json', 'cloudformation'," in ended.err


@pytest.mark.parametrize("format_", ["json", "cloudformation", "terraform"])
def test_an_unknown_policy_is_answered_with_those_there_are(run: Run, format_: str) -> None:
    ended = run("keys", "render", "pblish", "--format", format_)
    assert (ended.code, ended.out) == (3, "")
    assert "there are: publish, record, promote" in ended.err


@pytest.mark.parametrize("format_", ["json", "cloudformation", "terraform"])
def test_a_distribution_of_another_account_is_refused(run: Run, format_: str) -> None:
    ended = run("keys", "render", "--format", format_, "--account", "999999999999")
    assert (ended.code, ended.out) == (3, "")
    assert "the distribution belongs to account 123456789012, the keys would be of 999999999999" in ended.err
    assert "next: use an administrator's key of that account" in ended.err


def test_without_an_account_nothing_is_rendered(run: Run, library: Library) -> None:
    text = (library.folder / "release.toml").read_text()
    library.write("release.toml", text.replace('account = "123456789012"\n', ""))
    ended = run("keys", "render", "--format", "terraform")
    assert (ended.code, ended.out) == (3, "")
    assert "--account" in ended.err


def test_the_matrix_asks_nobody_and_is_a_table_or_json(run: Run) -> None:
    shown, data = run("keys", "check", "--matrix"), run("keys", "check", "--matrix", "--json")
    assert (shown.code, data.code) == (0, 0)
    assert "Nothing at all is allowed to any key at:" in shown.out
    assert "\x1b" not in shown.out
    matrix = json.loads(data.out)
    allowed = [cell for cell in matrix["cells"] if cell["allowed"]]
    assert f"{len(matrix['cells'])} cells: {len(allowed)} allowed" in shown.out
    assert matrix["differences"] == []
    assert {cell["stage"] for cell in allowed} == {
        *("publish", "record", "promote", "invalidate", "collect", "audit", "rotate")
    }
