import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from release.cli import main
from tests.functional.library import Library


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = Library(tmp_path / "tag")
    made.start()
    return made


@contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Let this process have no AWS, GitLab or release variables but those given."""
    before = dict(os.environ)
    for name in [n for n in before if n == "CI" or n.startswith(("AWS_", "CI_", "GITLAB_", "RELEASE_"))]:
        del os.environ[name]
    os.environ.update({"NO_COLOR": "1", **changes})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], library: Library, tmp_path: Path) -> Run:
    """Run the real command line in the library's folder; keyword arguments are environment variables."""

    def run(*arguments: str, **variables: str) -> Ended:
        with chdir(library.folder), environment({"XDG_CONFIG_HOME": str(tmp_path / "settings"), **variables}):
            code = main(list(arguments))
        captured = capfd.readouterr()
        return Ended(code, captured.out, captured.err)

    return run
