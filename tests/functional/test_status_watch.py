"""release status --watch as a person and as a machine see it, ended with Ctrl-C."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.adapters.keyring import Keyring
from tests.functional.conftest import Run
from tests.functional.embedded import Account, account
from tests.functional.library import Library

pytestmark = pytest.mark.moto

COMMAND = (sys.executable, "-P", "-m", "release", "status", "--watch", "--every", "1")


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    with account(library, run, tmp_path / "keys") as opened:
        opened.pipeline("1.0.0", "window.tag = 1;\n")
        yield opened


def started(tag: Account, stdout: int, *more: str, **variables: str) -> "subprocess.Popen[bytes]":
    environment = {
        "PATH": os.environ["PATH"],
        **tag.endpoint,
        **Keyring(tag.keys, "tag").variables("audit"),
        **variables,
    }
    return subprocess.Popen(
        [*COMMAND, *more],
        cwd=tag.library.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stdout,
    )


def read_until(handle: int, pattern: bytes, times: int) -> bytes:
    """Read what a process writes until something stands there so many times."""
    seen, deadline = b"", time.monotonic() + 60
    while len(re.findall(pattern, seen)) < times:
        assert time.monotonic() < deadline, seen
        if select.select([handle], [], [], 1)[0]:
            seen += os.read(handle, 65536)
    return seen


def interrupted(process: "subprocess.Popen[bytes]") -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(30)


def test_a_terminal_gets_a_table_that_is_drawn_in_its_place_and_ctrl_c_ends_it(tag: Account) -> None:
    ours, theirs = pty.openpty()
    process = started(tag, theirs, TERM="xterm", COLUMNS="160", NO_COLOR="1")
    shown = read_until(ours, rb"looked at", 3)
    assert interrupted(process) == 130
    shown += read_until(ours, rb"\x1b\[\?25h", 1)
    os.close(theirs)
    os.close(ours)
    text = shown.decode()
    assert "tag at http://127.0.0.1:" in text
    assert re.search(r"latest +1\.0\.0 +completed +\d+ (s|min) +\d+ +public, max-age=300.*as the log says", text)
    assert "\x1b[1A" in text, "the cursor goes up again"
    assert "\x1b[2J" not in text, "the screen is never cleared"
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text), "NO_COLOR"
    assert "Traceback" not in text


def test_a_pipe_gets_lines_or_json(tag: Account) -> None:
    reading, writing = os.pipe()
    process = started(tag, writing, "--json", "--no-public")
    looks = read_until(reading, rb"\n", 2)
    assert interrupted(process) == 130
    first, second = (json.loads(line) for line in looks.splitlines()[:2])
    assert first["at"] < second["at"]
    assert {row["channel"]: row["version"] for row in second["report"]["channels"]} == {
        "latest": "1.0.0",
        "v1": "1.0.0",
    }
    process = started(tag, writing)
    lines = read_until(reading, rb"v1 ", 2).decode()
    assert interrupted(process) == 130
    assert re.search(r"^20\S+Z  latest  1\.0\.0  completed  .*  as the log says$", lines, re.MULTILINE)
    assert "\x1b" not in lines
    os.close(reading)
    os.close(writing)
