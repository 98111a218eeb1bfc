"""The same scenarios on the runner of functions and on real processes."""

import json
import os
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import pytest

from release.adapters.process import LARGEST_OUTPUT, ProcessRunner
from release.errors import BuildError, MissingToolError
from release.ports import Finished, Runner
from tests.fakes.runner import Call, FakeRunner, Program

HERE: Final = Path()


class World(Protocol):
    """A runner, and programs made for a test: each gives the command line that starts it."""

    @property
    def runner(self) -> Runner: ...
    def that(self, *, prints: str = "", code: int = 0, takes: float = 0) -> Sequence[str]: ...
    def that_tells(self) -> Sequence[str]:
        """Make one that prints its arguments and its environment as JSON."""
        ...


class Functions:
    def __init__(self) -> None:
        self.runner = FakeRunner()

    def that(self, *, prints: str = "", code: int = 0, takes: float = 0) -> Sequence[str]:
        self.runner.programs["program"] = Program(prints=prints, code=code, takes=takes)
        return ["/usr/bin/program"]

    def that_tells(self) -> Sequence[str]:
        def tell(call: Call) -> str:
            return json.dumps([call.argv[1:], dict(call.env)])

        self.runner.programs["program"] = Program(does=tell)
        return ["/usr/bin/program"]


class Processes:
    def __init__(self) -> None:
        self.runner = ProcessRunner()

    def that(self, *, prints: str = "", code: int = 0, takes: float = 0) -> Sequence[str]:
        return [
            "/bin/sh",
            "-c",
            'printf %s "$1"; [ "$3" = 0 ] || sleep "$3"; exit "$2"',
            "sh",
            prints,
            str(code),
            str(takes),
        ]

    def that_tells(self) -> Sequence[str]:
        # Isolated and without site packages: nothing but the interpreter's own variables is added.
        return [sys.executable, "-ISc", "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"]


@pytest.fixture(params=["functions", "processes"])
def world(request: pytest.FixtureRequest) -> World:
    return Functions() if request.param == "functions" else Processes()


def told(world: World, *arguments: str, env: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    finished = world.runner.run([*world.that_tells(), *arguments], folder=HERE, env=env, seconds=10)
    assert finished.code == 0
    argv, seen = json.loads(finished.output)
    # CPython sets it itself where the locale is C (PEP 538).
    return argv, {name: value for name, value in seen.items() if name != "LC_CTYPE"}


def test_a_program_that_ends_gives_its_code_and_what_it_printed(world: World) -> None:
    argv = world.that(prints="one\ntwo\n", code=0)
    assert world.runner.run(argv, folder=HERE, env={}, seconds=10) == Finished(code=0, output="one\ntwo\n")


@pytest.mark.parametrize("code", [1, 2, 127, 255])
def test_a_program_that_fails_is_an_answer_and_no_error(world: World, code: int) -> None:
    argv = world.that(prints="sorry", code=code)
    assert world.runner.run(argv, folder=HERE, env={}, seconds=10) == Finished(code=code, output="sorry")


@pytest.mark.parametrize("name", ["no-such-program", "/no/such/program"])
def test_a_program_that_does_not_exist_is_said_to_be_missing(world: World, name: str) -> None:
    with pytest.raises(MissingToolError, match=f"{name} is not installed"):
        world.runner.run([name, "--version"], folder=HERE, env={"PATH": os.defpath}, seconds=10)


def test_a_program_that_runs_too_long_is_stopped(world: World) -> None:
    argv = world.that(takes=60)
    started = time.monotonic()
    with pytest.raises(BuildError, match=r"ran longer than 0\.2 s and was stopped"):
        world.runner.run(argv, folder=HERE, env={"PATH": os.defpath}, seconds=0.2)
    assert time.monotonic() - started < 30


def test_a_program_sees_the_environment_it_is_given_and_no_other(world: World) -> None:
    env = {"HOME": "/home/me", "THEME": "dark", "EMPTY": "", "ODD": "a=b\n$HOME"}
    assert told(world, env=env)[1] == env


def test_a_program_without_a_home_gets_one(world: World) -> None:
    seen = told(world, env={})[1]
    assert set(seen) == {"HOME"}
    assert seen["HOME"] != os.environ.get("HOME", "")


def test_arguments_arrive_as_they_are_since_there_is_no_shell(world: World) -> None:
    arguments = ["a b", "", "$HOME", "`id`", "; exit 1", "*", "--", "\N{SNOWMAN}", "'\""]
    assert told(world, *arguments, env={})[0] == arguments


# Only with real processes.

RUNNER: Final = ProcessRunner()


def shell(script: str, *, folder: Path = HERE, seconds: float = 10) -> Finished:
    return RUNNER.run(["/bin/sh", "-c", script], folder=folder, env={"PATH": os.defpath}, seconds=seconds)


def test_the_home_of_a_program_is_an_empty_folder_that_is_gone_afterwards(tmp_path: Path) -> None:
    finished = shell('ls -A "$HOME"; touch "$HOME/.npmrc"; ls -A "$HOME"; printf %s "$HOME"', folder=tmp_path)
    listed, home = finished.output.split("\n")
    assert listed == ".npmrc"
    assert not Path(home).exists()


def test_two_programs_never_share_a_home() -> None:
    assert shell("echo $HOME").output != shell("echo $HOME").output


def test_a_program_runs_in_the_folder_it_is_given(tmp_path: Path) -> None:
    shell("echo 1 > made.js", folder=tmp_path)
    assert (tmp_path / "made.js").read_text() == "1\n"


def test_what_a_program_says_on_both_streams_is_kept_in_order() -> None:
    assert shell("echo one; echo two >&2; echo three").output == "one\ntwo\nthree\n"


def test_a_program_that_asks_gets_no_answer_even_if_somebody_is_there() -> None:
    ours, (end, somebody) = os.dup(0), os.pipe()
    os.write(somebody, b"yes\n")
    os.dup2(end, 0)
    try:
        finished = shell("read line && echo $line || echo nobody is there")
    finally:
        os.dup2(ours, 0)
        for opened in (ours, end, somebody):
            os.close(opened)
    assert finished.output == "nobody is there\n"


def test_of_very_much_output_the_end_is_kept() -> None:
    finished = shell("yes line | head -c 3000000; echo the end")
    assert len(finished.output) == LARGEST_OUTPUT
    assert finished.output.endswith("line\nthe end\n")


def test_output_that_is_no_text_is_made_visible() -> None:
    assert shell(r"printf 'a\377b'").output == "a\N{REPLACEMENT CHARACTER}b"


def test_output_that_is_cut_within_a_letter_is_still_text() -> None:
    # Two bytes a letter and one before them: the limit falls into a letter.
    finished = shell(r"""printf x; yes "$(printf '\303\251')" | tr -d '\n' | head -c 1048576""")
    assert finished.output.endswith("\N{LATIN SMALL LETTER E WITH ACUTE}")


def test_a_program_that_a_signal_ends_has_not_succeeded() -> None:
    assert shell("kill -9 $$").code != 0


def test_a_file_that_is_no_program_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("hello")
    with pytest.raises(MissingToolError, match="cannot be started"):
        RUNNER.run([str(tmp_path / "tool")], folder=tmp_path, env={}, seconds=1)


def test_an_argument_that_no_program_can_get_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises((BuildError, MissingToolError)):
        RUNNER.run(["/bin/sh", "-c", "true\0"], folder=tmp_path, env={}, seconds=1)


class Pulse:
    """A pipe that is open as long as any process of a family lives."""

    def __init__(self, folder: Path) -> None:
        self._pipe = folder / "pulse"
        os.mkfifo(self._pipe)
        self._end = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK)

    def family(self, last: str) -> str:
        """Write a script whose child outlives it, unless somebody stops it; `last` is how the parent ends."""
        return f"exec 9>{self._pipe}; echo alive >&9; sleep 300 & {last}"

    def stopped(self) -> bool:
        """Wait until nobody holds the pipe; no process may have held it never."""
        heard = b""
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if not poll.poll(100):
                continue
            piece = os.read(self._end, 100)
            if not piece:
                os.close(self._end)
                return heard == b"alive\n"
            heard += piece
        return False


def test_a_program_that_runs_too_long_is_stopped_with_its_children_even_if_it_does_not_listen(tmp_path: Path) -> None:
    pulse = Pulse(tmp_path)
    with pytest.raises(BuildError, match="ran longer"):
        shell("trap '' TERM INT HUP; " + pulse.family("wait"), seconds=1)
    assert pulse.stopped()


@pytest.mark.parametrize("code", [0, 1])
def test_what_a_program_leaves_running_is_stopped_before_anybody_reads_its_files(tmp_path: Path, code: int) -> None:
    pulse = Pulse(tmp_path)
    started = time.monotonic()
    assert shell(pulse.family(f"exit {code}"), seconds=60).code == code
    assert pulse.stopped()
    assert time.monotonic() - started < 30
