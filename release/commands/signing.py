"""What approving and signing an epoch share: a person at a terminal, with a key of his own."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from release.adapters import ssh_keygen
from release.compose import Workspace
from release.errors import ConfigError, RefusedError

Key = Annotated[
    Path,
    typer.Option(
        "--key", "-k", envvar="RELEASE_SIGNING_KEY", help="Your SSH key; the public half if an agent or token holds it."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="You have read it: do not ask.")]


def require_person(work: Workspace) -> None:
    """Refuse to sign in a pipeline: a signature there would say nothing about a person.

    Raises:
        RefusedError: this is a job.
    """
    if any(work.environment.get(name) for name in ("CI", "GITLAB_CI", "CI_JOB_ID")):
        raise RefusedError(
            "nobody signs in a pipeline", hint="sign on your own machine, and hand the result to the job"
        )


def ask(question: str, *, yes: bool) -> None:
    """Ask a person; whoever says no ends the command with exit code 1.

    Raises:
        ConfigError: there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("there is no terminal to ask at", hint="read it, then say so: --yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def sign(work: Workspace, key: Path, namespace: str, message: bytes) -> str:
    """Sign with a person's key."""
    work.console.say(f"signing with {key}; if it is on a security token, touch it now")
    return ssh_keygen.sign(work.runner(), work.environment, key=key, namespace=namespace, message=message)
