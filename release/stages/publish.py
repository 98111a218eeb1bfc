"""Publish: create a version's immutable objects. The publish key may create and read back, nothing else."""

from dataclasses import dataclass

from release.core import plan as planning
from release.core.config import Config
from release.core.layout import MANIFEST
from release.core.manifest import LARGEST, LARGEST_ARTIFACT, Manifest, decode, digest
from release.core.plan import Plan
from release.effects.execute import Done, execute, total
from release.effects.source import verify_unmoved
from release.errors import IntegrityError, NothingToDoError, SourceError
from release.ports import Console, Folder, ObjectStore, Repository


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was published. `plan` is empty if the version was complete before."""

    manifest: Manifest
    digest: str
    plan: Plan
    done: Done


def prepare(config: Config, bundle: Folder, repository: Repository) -> tuple[Manifest, bytes]:
    """Check all that needs no key: the bundle's bytes, and that its tag is where it was.

    Raises:
        IntegrityError: the files are not those of the manifest.
        SourceError: the manifest has no tag, or the tag moved since.
        NothingToDoError: nothing was built.
    """
    manifest, body = read_bundle(config, bundle)
    if manifest.source.tag is None:
        raise SourceError(
            f"{manifest.version} is a snapshot: it was built without a tag", hint="tag the commit and build again"
        )
    verify_unmoved(repository, manifest.source.tag, manifest.source.commit)
    return manifest, body


def run(
    config: Config,
    prepared: tuple[Manifest, bytes],
    bundle: Folder,
    store: ObjectStore,
    console: Console,
    *,
    dry_run: bool,
) -> Report:
    """Upload what was prepared; re-running it converges.

    Raises:
        IntegrityError: the version, or one of its files, exists with other bytes.
    """
    manifest, body = prepared
    there = store.read(config.layout.manifest(manifest.version), limit=LARGEST)
    if there is not None and there.body != body:
        raise IntegrityError(
            f"version {manifest.version} is already published with other bytes",
            hint="published bytes never change: release a new version",
            evidence={"built": digest(body), "published": digest(there.body)},
        )
    plan: Plan = () if there else planning.publish(config, manifest, body)
    if dry_run or not plan:
        return Report(manifest=manifest, digest=digest(body), plan=plan, done=Done())
    with console.progress(f"publishing {config.library.name} {manifest.version}", total(plan)) as progress:
        done = execute(plan, store, folder=bundle, progress=progress)
    return Report(manifest=manifest, digest=digest(body), plan=plan, done=done)


def read_bundle(config: Config, bundle: Folder) -> tuple[Manifest, bytes]:
    """Read a bundle's manifest and prove every file against it.

    Raises:
        NothingToDoError: there is no manifest.
        FormatError: the manifest is malformed.
        IntegrityError: a file is missing or has other bytes; or it is another library's bundle. What the
            manifest does not name is not published, so it may be there.
    """
    output = config.build.output
    body = bundle.read(MANIFEST, limit=LARGEST)
    if body is None:
        raise NothingToDoError(f"there is no {output}/{MANIFEST}: nothing was built", hint="release build")
    manifest = decode(body, name=f"{output}/{MANIFEST}")
    if manifest.library != config.library.name:
        raise IntegrityError(f"{output}/ holds {manifest.library}, release.toml is of {config.library.name}")
    for artifact in manifest.artifacts:
        found = bundle.read(artifact.path, limit=LARGEST_ARTIFACT)
        if found is None or digest(found) != artifact.sha256:
            raise IntegrityError(
                f"{output}/{artifact.path} is not the file that was built",
                hint="build again, and let nothing else write to the output folder",
                evidence={"built": artifact.sha256, "found": digest(found) if found is not None else "no file"},
            )
    return manifest, body
