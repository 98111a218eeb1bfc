"""Build: run the library's build and describe what it made. Needs no key and sees none."""

import json
import platform
import re
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from semver import Version

from release import VERSION
from release.core import childenv, rolldown
from release.core.caching import media_type
from release.core.changelog import find, parse, section_digest
from release.core.config import BuildSection, Config
from release.core.evidence import PROVENANCE, SBOM
from release.core.layout import MANIFEST, PATH
from release.core.lockfile import Locked, read_lock_file
from release.core.manifest import (
    LARGEST_ARTIFACT,
    Artifact,
    Build,
    LockFile,
    Manifest,
    Role,
    Source,
    decode,
    digest,
    encode,
    measure,
)
from release.core.pipeline import Pipeline
from release.core.provenance import provenance
from release.core.sbom import sbom
from release.effects import source as sources
from release.errors import BuildError, FormatError
from release.ports import Console, Folder, Repository, Runner

LARGEST_LOCK: Final = 64 * 1024 * 1024
LARGEST_PACKAGE: Final = 1024 * 1024
LARGEST_CHANGELOG: Final = 16 * 1024 * 1024
SHOWN_LINES: Final = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What one build is made from.

    Attributes:
        tag: None: the one version tag at the commit.
        disturbed: what the build's environment shall have otherwise than always, to see whether its bytes depend on it.
        features: of [customers] features, those that are built in.
    """

    config: Config
    environment: Mapping[str, str]
    pipeline: Pipeline
    tag: str | None
    snapshot: bool
    disturbed: Mapping[str, str] = field(default_factory=dict)
    features: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """The ports of a build: the working copy, its output folder, what it leaves for later stages, git, processes."""

    place: Path
    project: Folder
    output: Folder
    handover: Folder
    repository: Repository
    runner: Runner
    console: Console


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was built; `digest` is the manifest's SHA-256, the identity of the release."""

    manifest: Manifest
    digest: str


def run(shop: Workshop, inputs: Inputs) -> Report:
    """Build, write dist/manifest.json, and leave the version's bill of materials and provenance for record.

    Raises:
        SourceError: the tag, history or working tree is refused.
        BuildError: the build failed, wrote nothing, wrote elsewhere, or wrote what cannot be released.
    """
    version, source = _identify(shop, inputs)
    return make(shop, inputs, version, source)


def make(shop: Workshop, inputs: Inputs, version: str, source: Source) -> Report:
    """Build a version from a source that is established; otherwise as `run`."""
    config = inputs.config
    lock = _lock_file(shop, config.build)
    before = set(shop.repository.changes(ignoring=[shop.place / config.build.output]))
    _install(shop, inputs, lock)
    shop.output.clear()
    for command in _commands(shop, config, inputs.features):
        _run_build(shop, inputs, command, source.commit_time)
    shop.output.paths()  # a link in its place is refused by its own name
    _refuse_other_writes(shop, config.build, before)
    manifest = Manifest(
        type_="release-manifest/v1",
        library=config.library.name,
        version=version,
        source=source,
        build=Build(
            command=config.build.command or ("rolldown", *rolldown.entry_names("", config.build.formats)),
            toolchain=_toolchain(shop, inputs, lock),
            lock_file=LockFile(path=config.build.lock_file, sha256=digest(lock)),
        ),
        artifacts=_artifacts(shop, config),
    )
    body = encode(manifest)
    try:
        decode(body)
    except FormatError as why:
        raise BuildError(f"the build wrote what no manifest can describe: {why.message}") from why
    shop.output.write(MANIFEST, body)
    shop.handover.write(SBOM, sbom(manifest, _locked(shop, config.build, lock)))
    shop.handover.write(PROVENANCE, provenance(config, manifest, inputs.pipeline))
    return Report(manifest=manifest, digest=digest(body))


def package_version(project: Folder, path: str) -> str | None:
    """Read the version of package.json; None if it has none.

    Raises:
        BuildError: there is no such file, or it is not JSON.
    """
    body = project.read(path, limit=LARGEST_PACKAGE)
    if body is None:
        raise BuildError(f"{path} does not exist", hint="name it in release.toml: [library] package = '...'")
    try:
        version = json.loads(body).get("version")
    except (ValueError, AttributeError, RecursionError) as why:
        raise BuildError(f"{path} is not a JSON object: {why}") from why
    return version if isinstance(version, str) else None


def _identify(shop: Workshop, inputs: Inputs) -> tuple[str, Source]:
    config = inputs.config
    if inputs.snapshot:
        commit = shop.repository.head()
        source = Source(commit=commit, commit_time=shop.repository.commit_time(commit), tag=None)
        return f"0.0.0-snapshot.{commit[:12]}", source
    package = config.library.package
    version = package_version(shop.project, package)
    if version is None:
        raise BuildError(f"{package} has no version", hint="write the version there that the tag names")
    found = sources.verify_source(
        shop.repository,
        tag=inputs.tag,
        tag_prefix=config.library.tag_prefix,
        package_version=version,
        protected_branch=config.library.protected_branch,
        output=shop.place / config.build.output,
    )
    return str(found.version), Source(
        commit=found.commit,
        commit_time=found.commit_time,
        tag=found.tag,
        changelog=_changelog(shop, config.library.changelog, found.version),
    )


def _changelog(shop: Workshop, path: str, version: Version) -> str | None:
    """Give the digest of what the changelog says of the version, which ties the text to the release."""
    text = (shop.project.read(path, limit=LARGEST_CHANGELOG) or b"").decode("utf-8", "replace")
    if find(parse(text), version) is None:
        shop.console.warn(
            f"{path} has no section of {version}: 'release changelog {version}' writes it, before the tag"
        )
        return None
    return section_digest(text, version)


def _lock_file(shop: Workshop, build: BuildSection) -> bytes:
    body = shop.project.read(build.lock_file, limit=LARGEST_LOCK)
    if body is None:
        raise BuildError(
            f"{build.lock_file} does not exist: without it two builds need not give the same bytes",
            hint="run 'npm install' and commit the lock file",
        )
    return body


def _install(shop: Workshop, inputs: Inputs, lock: bytes) -> None:
    build = inputs.config.build
    installed = shop.project.read("node_modules/.package-lock.json", limit=LARGEST_LOCK)
    if not build.install or rolldown.is_installed(lock, installed, name=build.lock_file):
        return
    shop.console.say(f"installing what {build.lock_file} names: {' '.join(build.install)}")
    finished = shop.runner.run(
        build.install,
        folder=shop.place,
        env=childenv.for_install(inputs.environment),
        seconds=build.timeout_seconds,
    )
    if finished.code != 0:
        raise BuildError(f"{' '.join(build.install)} ended with {finished.code}\n{_tail(finished.output)}")


def _commands(shop: Workshop, config: Config, features: frozenset[str]) -> Sequence[Sequence[str]]:
    if config.build.command:
        return [config.build.command]
    if shop.project.read("node_modules/rolldown/package.json", limit=LARGEST_PACKAGE) is None:
        raise BuildError(
            "there is no rolldown in node_modules",
            hint="npm install --save-dev --save-exact rolldown, or name your own: [build] command = [...]",
        )
    if shop.project.read(config.build.input, limit=LARGEST_ARTIFACT) is None:
        raise BuildError(f"{config.build.input} does not exist", hint="name what to bundle: [build] input = '...'")
    program = str(shop.place / rolldown.PROGRAM)
    known = config.customers.features if config.customers else ()
    chosen = {name: name in features for name in known}
    return [[program, *line[1:]] for line in rolldown.commands(config.library.name, config.build, chosen)]


def _run_build(shop: Workshop, inputs: Inputs, command: Sequence[str], commit_time: int) -> None:
    build = inputs.config.build
    env = childenv.for_build(inputs.environment, named=build.environment, commit_time=commit_time)
    env |= inputs.disturbed
    if inputs.config.customers:
        env["RELEASE_FEATURES"] = ",".join(sorted(inputs.features))
    shop.console.say(f"building: {' '.join(build.command) or 'rolldown ' + ' '.join(command[1:])}")
    finished = shop.runner.run(command, folder=shop.place, env=env, seconds=build.timeout_seconds)
    if finished.code != 0:
        raise BuildError(
            f"the build ended with {finished.code}\n{_tail(finished.output)}",
            hint="it ran without your shell's variables: list the names it needs in [build] environment",
        )


def _refuse_other_writes(shop: Workshop, build: BuildSection, before: set[str]) -> None:
    after = shop.repository.changes(ignoring=[shop.place / build.output])
    if written := sorted(set(after) - before):
        shown = ", ".join(written[:5])
        raise BuildError(
            f"the build wrote outside {build.output}/: {shown}",
            hint=f"let it write to {build.output}/ only, or have git ignore what is no part of the release",
        )


def _locked(shop: Workshop, build: BuildSection, lock: bytes) -> Locked | None:
    if not build.lock_file.endswith("package-lock.json"):
        shop.console.warn(f"{build.lock_file} is not npm's: the bill of materials says that dependencies are unknown")
        return None
    return read_lock_file(lock, name=build.lock_file)


def _artifacts(shop: Workshop, config: Config) -> tuple[Artifact, ...]:
    build = config.build
    paths = [p for p in shop.output.paths() if build.source_maps or not p.endswith(".map")]
    if MANIFEST in paths:
        raise BuildError(
            f"the build wrote {build.output}/{MANIFEST}, which is the name of the release's own manifest",
            hint="have the build name its file otherwise",
        )
    if not paths:
        raise BuildError(f"the build wrote nothing to {build.output}/", hint=f"is {build.output} its output folder?")
    if odd := [p for p in paths if not re.fullmatch(PATH, p, re.ASCII)]:
        raise BuildError(
            f"{build.output}/ has a file whose name cannot be part of a URL: {odd[0]!r}",
            hint="use letters, digits, '.', '_' and '-', and no name that begins with a dot",
        )
    entries = build.entries or tuple(rolldown.entry_names(config.library.name, build.formats).values())
    if missing := sorted(set(entries) - set(paths)):
        raise BuildError(
            f"the build did not write {', '.join(missing)}",
            hint=f"it wrote: {', '.join(paths[:10])}; [build] entries names the files that pages load",
        )

    def describe(path: str) -> Artifact:
        role: Role = "entry" if path in entries else "chunk"
        return measure(path, _body(shop.output, path), role=role, media_type=media_type(path))

    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(describe, sorted(paths)))


def _body(output: Folder, path: str) -> bytes:
    body = output.read(path, limit=LARGEST_ARTIFACT)
    if not body:
        raise BuildError(f"{path} is empty" if body is not None else f"{path} vanished during the build")
    return body


def _toolchain(shop: Workshop, inputs: Inputs, lock: bytes) -> dict[str, str]:
    """Name everything whose version can change the manifest's bytes."""
    import brotli  # noqa: PLC0415 - only builds compress

    env = childenv.for_build(inputs.environment, named=(), commit_time=0)
    node = shop.runner.run(["node", "--version"], folder=shop.place, env=env, seconds=30)
    if node.code != 0:
        raise BuildError("'node --version' failed", hint="is Node installed?")
    tools = {
        "node": node.output.strip(),
        "release": VERSION,
        "brotli": brotli.__version__,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "platform": f"{platform.system()}-{platform.machine()}".lower(),
    }
    if inputs.features:
        tools["features"] = ",".join(sorted(inputs.features))
    if not inputs.config.build.command:
        locked = rolldown.locked_packages(lock, name=inputs.config.build.lock_file)
        tools["rolldown"] = locked.get(f"node_modules/{rolldown.PACKAGE}", ("unknown", ""))[0]
    return tools


def _tail(output: str) -> str:
    return "\n".join("  | " + line for line in output.strip().splitlines()[-SHOWN_LINES:])
