"""What builds have in common: their options, and what they work with."""

from typing import Annotated

import typer

from release import compose
from release.commands import handed
from release.stages.build import Workshop

Tag = Annotated[str | None, typer.Option(envvar="CI_COMMIT_TAG", help="The version's tag; default: the one at HEAD.")]
Snapshot = Annotated[bool, typer.Option("--snapshot", help="Build untagged; never publishable.")]


def workshop(work: compose.Workspace) -> Workshop:
    """Give the ports of a build in a library's folder."""
    return Workshop(
        place=work.folder,
        project=work.project,
        output=work.output,
        handover=handed.folder(work),
        repository=work.repository(),
        runner=work.runner(),
        console=work.console,
    )
