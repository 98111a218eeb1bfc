"""release reproduce."""

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.commands.workshop import workshop
from release.core.layout import MANIFEST
from release.core.manifest import LARGEST, decode
from release.errors import IntegrityError, NothingToDoError
from release.stages import build as building
from release.stages import reproduce as stage


def reproduce(config: ConfigFile = DEFAULT_CONFIG, *, json: Json = False) -> None:
    """Build the commit of dist/manifest.json once more and compare: every byte must be the same.

    The second build runs in a clean clone with another path, time zone, locale and user name, and with packages
    of its own. Exit code 7 if anything differs; says which bytes, and what they look like.
    """
    from release.compose.elsewhere import elsewhere  # noqa: PLC0415 - starts git

    work = compose.workspace(config, quiet=json)
    body = work.output.read(MANIFEST, limit=LARGEST)
    if body is None:
        raise NothingToDoError(f"there is no {work.config.build.output}/{MANIFEST}", hint="first: release build")
    manifest = decode(body)
    first = stage.Made(manifest=manifest, output=work.output, place=work.folder)
    stage.require_whole(first)
    with elsewhere(work, manifest.source.commit, quiet=json) as other:
        inputs = building.Inputs(
            config=other.config,
            environment=work.environment,
            pipeline=work.pipeline,
            tag=None,
            snapshot=False,
            disturbed=stage.ELSEWHERE,
        )
        again = building.make(workshop(other), inputs, manifest.version, manifest.source).manifest
        report = stage.run(first, stage.Made(manifest=again, output=other.output, place=other.folder))
    if json:
        emit_json(report)
    else:
        emit(stage.lines(report))
    if not report.same:
        raise IntegrityError(
            f"a second build of commit {manifest.source.commit[:12]} gives other bytes",
            hint="a release that cannot be built again cannot be proved: mend the build; the differences are above",
            evidence={"first": report.first, "second": report.second},
        )
    if not json:
        emit([f"a second build gives the same: manifest sha256 {report.first}"])
