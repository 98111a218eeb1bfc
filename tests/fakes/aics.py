"""Verifiers and a witness of C2SP logs that are not ours: aics-tlog and aics-witness, from PyPI.

They need a newer Python than we do, and run in an environment of their own.
"""

import hashlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PINNED: Final = Path(__file__).parents[1] / "interop" / "aics.txt"
NEEDED: Final = ("cryptography>=50.0.2,<51",)
_OLDEST: Final = (3, 12)
_NEWEST: Final = 19
_LISTENS: Final = re.compile(r"listening on http://127\.0\.0\.1:(\d+) ")


def python() -> str | None:
    """Find a Python that is new enough: this one, one on the PATH, or one of pyenv's."""
    if sys.version_info >= _OLDEST:
        return sys.executable
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for minor in range(_NEWEST, _OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and Path(found).parent.name != "shims":
            return found
        for folder in sorted(versions.glob(f"3.{minor}.*/bin")):
            return str(folder / "python3")
    return None


def missing() -> str:
    """Say what the tier lacks, "" if nothing."""
    return "" if python() else "no Python 3.12 or newer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Aics:
    """The programs, installed in a folder."""

    folder: Path

    def verifies(self, command: str, log: Path, key: Path, *more: str) -> dict[str, Any]:
        """Run `verify-...` on the files of a log; gives what it prints, `ok` above all."""
        arguments = ["aics-tlog", command, "--tiles", str(log), "--vkey-file", str(key), *more]
        ended = self._run(arguments)
        found: dict[str, Any] = json.loads(ended.stdout)
        assert ended.returncode == (0 if found["ok"] else 1), ended
        return found

    @contextmanager
    def witness(self, folder: Path, *, name: str, origin: str, log_key: str) -> Iterator["Witness"]:
        """Serve a new witness that knows one log."""
        config = ["--config", str(folder / "witness.json")]
        made = self._run(["aics-witness", "init", *config, "--name", name, "--listen", "127.0.0.1:0"])
        assert made.returncode == 0, made
        added = self._run(["aics-witness", "add-log", *config, "--origin", origin, "--vkey", log_key])
        assert added.returncode == 0, added
        command = [str(self.folder / "bin" / "aics-witness"), "serve", *config]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            assert process.stderr
            try:
                said = ""
                while not (match := _LISTENS.search(said)):
                    line = process.stderr.readline()
                    assert line, said
                    said += line
                yield Witness(port=int(match[1]), vkey=made.stdout.strip())
            finally:
                process.terminate()

    def _run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        program = str(self.folder / "bin" / command[0])
        return subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=60, check=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """A running witness (https://c2sp.org/tlog-witness)."""

    port: int
    vkey: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add_checkpoint(self, body: bytes) -> tuple[int, bytes]:
        """Post a checkpoint; gives the answer's status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/add-checkpoint", body=body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _install(command: Sequence[str]) -> None:
    """Run pip, again if the registry did not answer."""
    said = ""
    for _ in range(3):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode == 0:
            return
        said = ended.stderr
    raise AssertionError(said)


def installed(cache: Path) -> Aics:
    """Install what is pinned, once for each state of the pins."""
    folder = cache / hashlib.sha256(PINNED.read_bytes() + repr(NEEDED).encode()).hexdigest()[:16]
    if not (folder / "ready").exists():
        found = python()
        assert found
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([found, "-m", "venv", str(folder)], check=True, capture_output=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--retries", "10"]
        _install([*pip, *NEEDED])
        _install([*pip, "--no-deps", "--require-hashes", "-r", str(PINNED)])
        (folder / "ready").touch()
    return Aics(folder=folder)
