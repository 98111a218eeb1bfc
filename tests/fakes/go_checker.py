"""A second opinion on exported logs: a Go program on `golang.org/x/mod/sumdb` and Google's certificate-transparency."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SOURCE: Final = Path(__file__).parents[1] / "interop" / "checklog"
LIBRARIES: Final = Path("/usr/share/gocode")
"""Where Debian puts the source of Go's packages."""
_NEEDED: Final = ("golang.org/x/mod/sumdb/tlog", "github.com/google/certificate-transparency/go/merkletree")


def missing() -> str:
    """Say what the tier lacks, "" if nothing."""
    if shutil.which("go") is None:
        return "go not installed"
    lacking = [name for name in _NEEDED if not (LIBRARIES / "src" / name).is_dir()]
    return f"{' and '.join(lacking)} not below {LIBRARIES}" if lacking else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checker:
    """The program, built."""

    program: Path

    def accepts(self, log: Path, key: Path) -> dict[str, Any]:
        """Give what was checked of a log that must be right."""
        return self._accepted("log", log, key)

    def accepts_proof(self, proof: Path, entry: Path, key: Path) -> dict[str, Any]:
        """Give what a `.tlog-proof` proves that must be right."""
        return self._accepted("proof", proof, entry, key)

    def refusal(self, log: Path, key: Path) -> str:
        """Give what is said of a log that must be refused."""
        return self._refused("log", log, key)

    def refusal_of_proof(self, proof: Path, entry: Path, key: Path) -> str:
        """Give what is said of a proof that must be refused."""
        return self._refused("proof", proof, entry, key)

    def _accepted(self, *arguments: Path | str) -> dict[str, Any]:
        ended = self._run(arguments)
        assert ended.returncode == 0, ended
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def _refused(self, *arguments: Path | str) -> str:
        ended = self._run(arguments)
        assert (ended.returncode, ended.stdout) == (1, ""), ended
        return ended.stderr

    def _run(self, arguments: Sequence[Path | str]) -> "subprocess.CompletedProcess[str]":
        command = [str(self.program), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def built(folder: Path) -> Checker:
    """Build the program with nothing but what Debian installed: no modules, no network, no C."""
    program = folder / "checklog"
    bare = {"GO111MODULE": "off", "GOPATH": str(LIBRARIES), "CGO_ENABLED": "0", "GOCACHE": str(folder / "cache")}
    command = ["go", "build", "-o", str(program), "."]
    subprocess.run(command, cwd=SOURCE, env={**os.environ, **bare}, check=True, timeout=300)
    return Checker(program=program)
