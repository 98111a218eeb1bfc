"""release log export: a copy for auditors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from release import compose
from release.commands.cosigned_files import Cosigned, cosigned_notes
from release.commands.log_source import First, Last, log_policy
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, columns, emit, emit_json
from release.core.period import Period

if TYPE_CHECKING:
    from release.stages.export_log import Report


def export(
    file: Annotated[Path, typer.Argument(help="The tar file to write.")],
    config: ConfigFile = DEFAULT_CONFIG,
    first: First = None,
    last: Last = None,
    *,
    cosigned: Cosigned = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Copy a signed log to a tar file that 'release log verify' proves offline, with the audit key.

    With --from or --to, population.csv and the proofs of that period's entries are in it, too.
    """
    from release.adapters.log_tar import Nowhere, new_tar  # noqa: PLC0415 - tar files are for this command only
    from release.core.changelog_check import LARGEST  # noqa: PLC0415
    from release.stages import export_log as stage  # noqa: PLC0415 - loads the cryptography

    work = compose.workspace(config, quiet=json)
    about = stage.About(period=Period.of(first, last), policy=log_policy(work)) if first or last else None
    slots = work.slots("audit")
    top = stage.head(slots)
    changelog = work.project.read(work.config.library.changelog, limit=LARGEST)
    notes = cosigned_notes(cosigned)
    heads, top = stage.cosigned_heads(top, notes), stage.with_cosignatures(top, notes)
    if dry_run:
        report = stage.run(slots, top, changelog, Nowhere(), about, heads)
    else:
        with new_tar(file) as archive:
            report = stage.run(slots, top, changelog, archive, about, heads)
    if report.uncovered > 0:
        work.console.warn(f"{report.uncovered} entries are not in the tree yet, nor in this copy: release log repair")
    if json:
        return emit_json(report)
    would = "would hold " if dry_run else ""
    emit([f"{file}: {would}{report.size} entries of {report.origin}, {report.files} files, {report.bytes_} bytes"])
    return emit(_plan(report)) if dry_run else None


def _plan(report: "Report") -> list[str]:
    rows = [("what", "files", "bytes")]
    rows += [(name, str(part.files), str(part.bytes_)) for name, part in report.parts.items()]
    return columns(rows)
