"""release publish."""

from release import compose
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json
from release.core import plan as planning
from release.core.check_report import check_evidence
from release.stages import publish as stage


def publish(config: ConfigFile = DEFAULT_CONFIG, *, dry_run: DryRun = False, json: Json = False) -> None:
    """Upload the built version: create-only, checksummed, the manifest last.

    Re-running it is always safe: bytes that are there and the same are done, other bytes stop it.
    """
    work = compose.workspace(config, quiet=json)
    prepared = stage.prepare(work.config, work.output, work.repository())
    if (checked := handed.checked(work)) is not None:
        check_evidence(checked, prepared[0])  # a bundle that was rejected goes no further
    report = stage.run(work.config, prepared, work.output, work.site("publish"), work.console, dry_run=dry_run)
    version = report.manifest.version
    if json:
        return emit_json(
            {
                "version": version,
                "manifest": report.digest,
                "dryRun": dry_run,
                "plan": planning.as_json(report.plan),
                "done": report.done,
            }
        )
    if not report.plan:
        return emit([f"{version} is already published with these very bytes: nothing to do"])
    if dry_run:
        return emit(planning.describe(report.plan))
    done = report.done
    return emit([f"published {version}: {done.created} created, {done.present} already there"])
