"""What a short command must not load, and what the README promises of the command line."""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from release import errors
from release.cli import COMMANDS, Row
from tests.functional.conftest import Run

README = (Path(__file__).parents[2] / "README.md").read_text()
LOADED = "import sys; from release.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["publish", "--help"], ["config", "schema"]])
def test_help_and_version_load_no_aws_sdk_no_git_and_no_moto(arguments: list[str]) -> None:
    ended = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ended.stderr.split()}
    assert not loaded & {"boto3", "botocore", "moto", "git", "jinja2", "urllib3", "brotli", "pydantic"}


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_every_command_explains_itself(row: Row, run: Run) -> None:
    ended = run(row.name, "--help")
    assert ended.code == 0
    assert f"{row.name} [" in ended.out


def test_every_command_of_the_table_exists() -> None:
    for row in COMMANDS:
        module, _, attribute = row.target.partition(":")
        assert hasattr(import_module(f"release.commands.{module}"), attribute)


def test_the_readme_lists_every_exit_code() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.ReleaseError)]
    expected = {(c.exit_code, c.__name__) for c in classes if c is not errors.ReleaseError}
    listed = {(int(code), name) for code, name in re.findall(r"^\| (\d+) \| (\w+) \|", README, re.MULTILINE)}
    assert listed == expected
    assert len({code for code, _ in expected}) == len(expected)


def test_every_command_in_the_readme_exists(run: Run) -> None:
    quoted = re.findall(r"`release ([a-z ]+)", README) + re.findall(r"^release ([a-z ]+)", README, re.MULTILINE)
    commands = {tuple(line.split()) for line in quoted}
    assert len(commands) > 15
    groups = {row.name for row in COMMANDS if row.target.endswith(":app")}
    for words in commands:
        called = words[: 2 if words[0] in groups else 1]
        assert run(*called, "--help").code == 0, called


def test_help_shows_the_stages_in_the_order_of_the_pipeline(run: Run) -> None:
    shown = re.findall(r"^│ ([a-z]+) ", run("--help").out, re.MULTILINE)
    assert [name for name in shown if name in {row.name for row in COMMANDS}] == [row.name for row in COMMANDS]


def test_a_reader_that_goes_away_is_no_failure() -> None:
    command = f"{sys.executable} -m release config schema | true; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("0\n", "")


def test_an_unknown_command_ends_as_the_command_line_does(run: Run) -> None:
    ended = run("publsh")
    assert ended.code == 2
    assert "No such command 'publsh'" in ended.err


def test_without_arguments_it_shows_help(run: Run) -> None:
    ended = run()
    assert "The pipeline, one stage a job, in this order" in ended.out + ended.err


def test_help_shows_the_tables_of_release_toml_that_it_speaks_of() -> None:
    command = [sys.executable, "-m", "release", "csp", "--help"]
    told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert "[domains]" in told
