"""Child processes that are functions of the test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from release.errors import BuildError, MissingToolError
from release.ports import Finished

EMPTY_HOME: Final = "/empty"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One program that was started, with the environment it saw."""

    argv: tuple[str, ...]
    folder: Path
    env: Mapping[str, str]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """What a program does: its effect, its answer, and how long it takes."""

    does: Callable[[Call], str | None] = lambda _: None
    prints: str = ""
    code: int = 0
    takes: float = 0.0


class FakeRunner:
    """Implements `ports.Runner`. tests/contract/test_runner.py runs it against real processes.

    Attributes:
        programs: what is installed, by the last part of its name.
        calls: what was started, in order.
    """

    def __init__(self, **programs: Program) -> None:
        self.programs = dict(programs)
        self.calls: list[Call] = []

    def run(self, argv: Sequence[str], *, folder: Path, env: Mapping[str, str], seconds: float) -> Finished:
        program = self.programs.get(PurePosixPath(argv[0]).name)
        if program is None:
            raise MissingToolError(f"{argv[0]} is not installed")
        call = Call(argv=tuple(argv), folder=folder, env={"HOME": EMPTY_HOME, **env}, seconds=seconds)
        self.calls.append(call)
        if program.takes > seconds:
            raise BuildError(f"{argv[0]} ran longer than {seconds:g} s and was stopped")
        printed = program.does(call)
        return Finished(code=program.code, output=program.prints if printed is None else printed)
