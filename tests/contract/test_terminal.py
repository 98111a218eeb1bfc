"""Talk on stderr: a bar on a terminal, plain lines in a job's log."""

import os
import pty
import subprocess
import sys

SCRIPT = """
import os
from release.adapters.terminal import Terminal
terminal = Terminal(dict(os.environ))
with terminal.progress("publishing", 3) as progress:
    for _ in range(3):
        progress.advance()
terminal.warn("[red]mind\\x1b[31m this")
"""


def on_a_terminal(**variables: str) -> str:
    """Run the script with a pseudo-terminal as its stderr."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **variables}
    environment.pop("NO_COLOR", None) if "NO_COLOR" not in variables else None
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stderr=theirs, env=environment) as process:
        assert process.wait(20) == 0
    os.close(theirs)
    text = b""
    try:
        while chunk := os.read(ours, 65536):
            text += chunk
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    return text.decode()


def test_a_terminal_shows_a_bar_with_counts() -> None:
    shown = on_a_terminal()
    assert "publishing" in shown
    assert "3/3" in shown


def test_no_color_is_honoured() -> None:
    assert "\x1b[33m" in on_a_terminal()
    assert "\x1b[33m" not in on_a_terminal(NO_COLOR="1")


def test_a_log_has_one_plain_line_and_nothing_animated() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert ended.stderr == "publishing\n[red]mind\\u001b[31m this\n"
    assert ended.stdout == ""
