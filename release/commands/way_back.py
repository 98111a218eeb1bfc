"""The steps of a rollback, each the command that the pipeline runs, as a process of its own with its own key."""

import shlex
from collections.abc import Sequence

from release import compose
from release.adapters.stage_process import environment_for, run_stage
from release.errors import UnloggedError, VerificationError

Step = tuple[str | None, list[str]]


def steps_to(work: compose.Workspace, channel: str, version: str, reason: str) -> list[Step]:
    """List the steps back to a version as (stage whose key it needs, arguments)."""
    return _steps(work, channel, ["--to", version, "--reason", reason])


def from_gate_steps(work: compose.Workspace, channel: str) -> list[Step]:
    """List the same for what the gate's verdict in .release/ says."""
    return _steps(work, channel, ["--from-gate"])


def carry_out(work: compose.Workspace, steps: Sequence[Step]) -> int:
    """Take the steps; gives 0, or the exit code of what failed.

    A failed verification is recorded too; so is a log that takes no writes, as far as release.toml lets it pass.
    """
    failed = 0
    for key, step in steps:
        work.console.say(f"- release {shlex.join(step)}")
        environment = environment_for(key, environment=work.environment, keyring=work.keyring())
        code = run_stage(step, folder=work.folder, environment=environment)
        if code == VerificationError.exit_code or (code == UnloggedError.exit_code and not failed):
            failed = code  # the log, or what is kept until there is one, must say so too: go on to record the outcome
        elif code not in {0, UnloggedError.exit_code}:
            work.console.warn("run the same command again: every step that is done stays done")
            return code
    return failed


def _steps(work: compose.Workspace, channel: str, wanted: list[str]) -> list[Step]:
    file = ["--config", str(work.file)]
    return [
        ("record", ["record", "rollback", channel, *wanted, *file]),
        ("promote", ["promote", channel, *file]),
        ("invalidate", ["invalidate", channel, *file]),
        (None, ["verify", channel, *file]),
        ("record", ["record", "outcome", channel, *file]),
    ]
