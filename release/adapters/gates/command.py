"""A command of the library's own that counts errors, and prints them as JSON."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Final

from release.core.gate import Counted, Gate, filled, number
from release.errors import MissingToolError, ServiceError

LARGEST: Final = 64 * 1024
_ALWAYS: Final = ("PATH", "HOME", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")
_NAMES: Final = frozenset({"errors", "samples"})


class Command:
    """One program, run for each answer, that sees the variables it is given and no more.

    Args:
        gate: release.toml's.
        folder: where it runs.
        environment: of this process.
    """

    def __init__(self, gate: Gate, *, folder: Path, environment: Mapping[str, str]) -> None:
        self._gate = gate
        self._folder = folder
        wanted = {*_ALWAYS, *gate.environment}
        self._environment = {name: value for name, value in environment.items() if name in wanted}

    def count(self, *, version: str, ring: str) -> Counted:
        """Run the command. It must end with 0 and print one object with the numbers `errors` and `samples`.

        Raises:
            ServiceError: it failed, took too long, or printed something else.
            MissingToolError: there is no such program.
        """
        argv = [filled(word, version=version, ring=ring) for word in self._gate.command]
        code, printed = self._run(argv)
        if code != 0:
            raise ServiceError(f"the gate's command {argv[0]} ended with {code}", hint="its own messages say why")
        try:
            if len(printed) > LARGEST:
                raise ValueError  # noqa: TRY301 - the same as what is no JSON
            found = json.loads(printed, parse_int=Decimal, parse_float=Decimal)
            numbers = {name: str(value) for name, value in found.items() if isinstance(value, Decimal)}
        except (ValueError, AttributeError, RecursionError):
            numbers = {}
        if numbers.keys() != _NAMES:
            raise ServiceError(
                f"the gate's command {argv[0]} printed something else than its two numbers",
                hint='it prints one line: {"errors": 3, "samples": 5000}',
            )
        return Counted(errors=number(numbers["errors"]), samples=number(numbers["samples"]))

    def _run(self, argv: list[str]) -> tuple[int, bytes]:
        """Run it in a group of processes of its own, so that none of it outlives its time."""
        try:
            child = subprocess.Popen(  # noqa: S603 - what release.toml names, never through a shell
                argv,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sys.__stderr__,
                start_new_session=True,
            )
        except OSError as why:
            raise MissingToolError(f"the gate's command {argv[0]} cannot be run: {why.strerror}") from why
        with child:
            try:
                printed, _ = child.communicate(timeout=self._gate.timeout_seconds)
            except subprocess.TimeoutExpired:
                raise ServiceError(
                    f"the gate's command {argv[0]} took longer than {self._gate.timeout_seconds} seconds"
                ) from None
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
        return child.returncode, printed
