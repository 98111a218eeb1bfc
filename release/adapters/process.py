"""Child processes: a list of arguments, a given environment, a time limit; never a shell."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from release.errors import BuildError, MissingToolError
from release.ports import Finished

LARGEST_OUTPUT: Final = 1024 * 1024


class ProcessRunner:
    """Implements `ports.Runner`."""

    def run(self, argv: Sequence[str], *, folder: Path, env: Mapping[str, str], seconds: float) -> Finished:
        """Run a program to its end (see the port). A child that runs too long is killed with all of its own."""
        with tempfile.TemporaryDirectory(prefix="release-home-") as home, tempfile.TemporaryFile() as output:
            try:
                process = subprocess.Popen(  # noqa: S603 - a list, no shell
                    list(argv),
                    cwd=folder,
                    env={"HOME": home, **env},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except FileNotFoundError as why:
                raise MissingToolError(f"{argv[0]} is not installed", hint="install it, or correct PATH") from why
            except (OSError, ValueError) as why:
                raise MissingToolError(f"{argv[0]} cannot be started: {why}") from why
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired as why:
                raise BuildError(
                    f"{argv[0]} ran longer than {seconds:g} s and was stopped",
                    hint="raise [build] timeout-seconds if it needs longer",
                ) from why
            finally:
                _stop(process)
            output.seek(max(0, output.seek(0, os.SEEK_END) - LARGEST_OUTPUT))
            return Finished(code=code, output=output.read().decode("utf-8", "replace"))


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Leave no grandchild behind that could still write to the bundle."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        process.wait()
