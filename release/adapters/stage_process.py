"""Run one stage as a process of its own that sees no key but its own."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from release.adapters.keyring import Keyring

_STDERR: Final = 2  # the file descriptor

# What could give a child another identity than its stage's.
_IDENTITY: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "RELEASE_KEYS",
)


def environment_for(stage: str | None, *, environment: Mapping[str, str], keyring: Keyring | None) -> dict[str, str]:
    """Give a child's environment with the key of `stage`, or with none.

    Without a keyring the child inherits whatever identity this process has.

    Raises:
        CredentialError: the keyring has no key for the stage.
    """
    if keyring is None and stage is not None:
        return dict(environment)
    bare = {name: value for name, value in environment.items() if name not in _IDENTITY}
    return bare | (keyring.variables(stage) if keyring and stage else {})


def run_stage(arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> int:
    """Run `release ARGUMENTS` and give its exit code; all it prints goes to our stderr."""
    return subprocess.run(  # noqa: S603 - our own program
        _command(arguments),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=_STDERR,
        check=False,
    ).returncode


def run_captured(arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run `release ARGUMENTS`; give its exit code and all it printed."""
    finished = subprocess.run(  # noqa: S603 - our own program
        _command(arguments),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return finished.returncode, finished.stdout.decode("utf-8", "replace")


def _command(arguments: Sequence[str]) -> list[str]:
    # -P: a folder named "release" beside the library must not be imported in place of this program.
    return [sys.executable, "-P", "-m", "release", *arguments]
