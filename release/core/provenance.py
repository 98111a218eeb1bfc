"""Where a version comes from: SLSA provenance v1 (https://slsa.dev/spec/v1.0/provenance) as an in-toto Statement v1.

It says which commit, which command and which lock file gave the bytes, and which pipeline ran them. It
is only as good as its place: the release log refers to it by digest.
"""

from typing import Any, Final

from release.core import document
from release.core.config import Config
from release.core.manifest import Artifact, Manifest, digest, encode
from release.core.pipeline import Pipeline

MEDIA_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://slsa.dev/provenance/v1"
BUILD_TYPE: Final = "urn:js-release:build:v1"
LARGEST: Final = 4 * 1024 * 1024


def provenance(config: Config, manifest: Manifest, pipeline: Pipeline) -> bytes:
    """Give the provenance of a version; the same build in the same job gives the same bytes."""
    source, lock = manifest.source, manifest.build.lock_file
    repository = config.library.repository
    # https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md
    commit: dict[str, Any] = {"name": "source", "digest": {"gitCommit": source.commit}}
    if repository:
        commit["uri"] = f"git+{repository}" + (f"@refs/tags/{source.tag}" if source.tag else "")
    run: dict[str, Any] = {"builder": {"id": _builder(pipeline), "version": {"release": pipeline.tool}}}
    if pipeline.url and pipeline.job:
        run["metadata"] = {"invocationId": f"{pipeline.url}#{pipeline.job}"}
    return document.canonical(
        {
            "_type": STATEMENT,
            "subject": [
                {
                    "name": f"{manifest.library}@{manifest.version}/manifest.json",
                    "digest": {"sha256": digest(encode(manifest))},
                },
                *(_subject(manifest, artifact) for artifact in manifest.artifacts),
            ],
            "predicateType": PREDICATE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": {"tag": source.tag, "command": list(manifest.build.command)},
                    "internalParameters": {"toolchain": dict(manifest.build.toolchain)},
                    "resolvedDependencies": [commit, {"name": lock.path, "digest": {"sha256": lock.sha256}}],
                },
                "runDetails": run,
            },
        }
    )


def _subject(manifest: Manifest, artifact: Artifact) -> dict[str, Any]:
    return {
        "name": f"{manifest.library}@{manifest.version}/{artifact.path}",
        "digest": {"sha256": artifact.sha256, "sha512": artifact.sha512},
    }


def _builder(pipeline: Pipeline) -> str:
    """Name who ran the build: GitLab's runners, or a person's machine, which is trusted with nothing."""
    if pipeline.url is None:
        return "urn:js-release:builder:terminal"
    return pipeline.url.partition("/-/")[0] + "/-/runners"
