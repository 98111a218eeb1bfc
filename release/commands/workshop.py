"""What a build works with."""

from release import compose
from release.commands import handed
from release.stages.build import Workshop


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
