"""Running git with care. The only module that may import GitPython.

The repository is not trusted: hooks and monitors do not run, replacements and grafts do not bend history,
and git never asks anybody anything.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from release.core.commits import clean
from release.errors import MissingToolError, ReleaseError, SourceError

if TYPE_CHECKING:
    from git import Git

_OPTIONS: Final = (
    "--no-pager",
    "--literal-pathspecs",
    "--no-replace-objects",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "protocol.ext.allow=never"),
)
_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_GRAFT_FILE": os.devnull,
}
_CREDENTIALS: Final = re.compile(r"://[^/@\s]*@")
_INSTALL: Final = "Install git 2.31 or later and put it on PATH."


class GitProcess:
    """git, in one folder.

    Raises:
        MissingToolError: git is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._git = _open(folder)

    def text(self, *arguments: str, hint: str = "") -> str:
        """Run git; give its output as text."""
        return decode(self.run(*arguments, hint=hint)[1])

    def run(
        self,
        *arguments: str,
        codes: Sequence[int] = (0,),
        fails: type[ReleaseError] = SourceError,
        seconds: float | None = None,
        hint: str = "",
    ) -> tuple[int, bytes]:
        """Run git; give its exit code, one of those expected, and its output."""
        try:
            code, output, errors = self._git.execute(
                [self._git.GIT_PYTHON_GIT_EXECUTABLE or "git", *_OPTIONS, *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                kill_after_timeout=seconds,
                # git runs what its settings name (ssh, credential helpers): none of them needs a stage's key.
                env=_ENVIRONMENT | dict.fromkeys(_keys(), ""),
            )
        except _foreign_errors() as error:
            raise MissingToolError(f"git does not start: {clean(str(error), limit=200)}", hint=_INSTALL) from error
        if code in codes:
            return code, output
        if "safe.directory" in errors:
            hint = f"If you trust its owner: git config --global --add safe.directory '{self._git.working_dir}'"
        reason = clean(_CREDENTIALS.sub("://", errors), limit=500) or f"exit code {code}"
        raise fails(f"git {arguments[0]} failed: {reason}", hint=hint)


def _open(folder: Path) -> "Git":
    try:
        with _hidden():
            from git import Git  # noqa: PLC0415 - importing it starts git, which may be missing
    except ImportError as error:
        raise MissingToolError("git is not installed", hint=_INSTALL) from error
    return Git(folder)


def _keys() -> list[str]:
    return [name for name in os.environ if name.startswith(("AWS_", "RELEASE_"))]


@contextmanager
def _hidden() -> Iterator[None]:
    """Take what may be a key out of this process's environment for a moment."""
    kept = {name: os.environ.pop(name) for name in _keys()}
    try:
        yield
    finally:
        os.environ.update(kept)


def _foreign_errors() -> tuple[type[Exception], ...]:
    from git.exc import GitError  # noqa: PLC0415 - see _open

    return (GitError, OSError)


def decode(output: bytes) -> str:
    """Give text of what git printed, whatever bytes it has."""
    return output.decode("utf-8", "backslashreplace")
