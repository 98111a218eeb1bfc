"""release build."""

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.commands.workshop import Snapshot, Tag, workshop
from release.stages import build as stage


def build(
    config: ConfigFile = DEFAULT_CONFIG,
    tag: Tag = None,
    *,
    snapshot: Snapshot = False,
    json: Json = False,
) -> None:
    """Build the bundle and describe it in dist/manifest.json.

    Runs the library's own build (or rolldown) without any key in its environment. The manifest's
    SHA-256 is the identity of the release: two builds of one commit give the same.
    """
    work = compose.workspace(config, quiet=json)
    inputs = stage.Inputs(
        config=work.config, environment=work.environment, pipeline=work.pipeline, tag=tag or None, snapshot=snapshot
    )
    report = stage.run(workshop(work), inputs)
    if json:
        return emit_json(report)
    manifest = report.manifest
    rows = [f"{manifest.library} {manifest.version}  manifest sha256 {report.digest}"]
    for artifact in manifest.artifacts:
        sizes = f"{artifact.bytes:>9,} bytes  {artifact.gzip_bytes:>8,} gzip  {artifact.brotli_bytes:>8,} brotli"
        rows.append(f"  {sizes}  {artifact.path}")
    return emit(rows)
