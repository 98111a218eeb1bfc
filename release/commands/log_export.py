"""release log export: a copy for auditors."""

from pathlib import Path
from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json


def export(
    file: Annotated[Path, typer.Argument(help="The tar file to write.")],
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    json: Json = False,
) -> None:
    """Copy a signed log to a tar file that 'release log verify' proves offline, with the audit key."""
    from release.adapters.log_tar import new_tar  # noqa: PLC0415 - tar files are for this command only
    from release.core.changelog_check import LARGEST  # noqa: PLC0415
    from release.stages import export_log as stage  # noqa: PLC0415 - loads the cryptography

    work = compose.workspace(config, quiet=json)
    slots = work.slots("audit")
    top = stage.head(slots, work.log_key())
    changelog = work.project.read(work.config.library.changelog, limit=LARGEST)
    with new_tar(file) as archive:
        report = stage.run(slots, top, changelog, archive)
    if report.uncovered > 0:
        work.console.warn(f"{report.uncovered} entries are not in the tree yet, nor in this copy: release log repair")
    if json:
        return emit_json(report)
    return emit([f"{file}: {report.size} entries of {report.origin}, {report.files} files, {report.bytes_} bytes"])
