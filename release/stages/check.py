"""Check: a bundle that loads, sends or injects where it is not authorised goes no further. Needs no key."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from release.core import document
from release.core.check_findings import Earlier, of_dependencies, of_file, of_sizes, of_surface
from release.core.check_report import FILE, TYPE
from release.core.config import Config
from release.core.domains.bundle import Item, judge_file
from release.core.domains.finding import Finding
from release.core.domains.sourcemap import LARGEST as LARGEST_MAP
from release.core.domains.waiving import Waived, judged
from release.core.lockfile import Locked
from release.core.manifest import LARGEST_ARTIFACT, Manifest, digest, encode
from release.core.osv import Vulnerability
from release.errors import BuildError
from release.ports import Clock, Console, Folder, Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MUCH: Final = 2_000_000
"""From how many bytes on other processes save more time than it takes to start them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was found in the files of one manifest. `unused` are waivers that were about nothing."""

    type_: str
    library: str
    version: str
    manifest: str
    files: int
    bytes: int
    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What is judged with the bundle, where it is there.

    Attributes:
        earlier: the release to compare with.
        locked: what the lock file says.
        known: vulnerabilities of its packages.
    """

    earlier: Earlier | None = None
    locked: Locked | None = None
    known: tuple[Vulnerability, ...] = ()


def run(
    config: Config,
    manifest: Manifest,
    bundle: Folder,
    clock: Clock,
    console: Console,
    *,
    beside: Beside | None = None,
    workers: Workers | None = None,
) -> Report:
    """Judge every file that the manifest names, and apply the waivers; the files were proven against it before.

    Args:
        config: [domains] says what is authorised.
        manifest: what is to be published.
        bundle: its files, and source maps beside them.
        clock: says which waivers have expired.
        console: for progress.
        beside: what else is judged.
        workers: who share the work, if there is much of it.
    """
    items = [_item(config, bundle, artifact.path) for artifact in manifest.artifacts]
    size = sum(len(item.body) for item in items)
    each: Callable[[Callable[[Item], list[Finding]], Iterable[Item]], Iterable[list[Finding]]] = map
    if workers is not None and size > MUCH and len(items) > 1:
        each = workers.each
    found: list[Finding] = []
    with console.progress("reading the bundle", len(items)) as progress:
        for findings in each(judge_file, items):
            found += findings
            progress.advance()
    found += _others(config, manifest, items, beside or Beside())
    verdict = judged(found, config.domains.waivers, clock.now().date())
    return Report(
        type_=TYPE,
        library=manifest.library,
        version=manifest.version,
        manifest=digest(encode(manifest)),
        files=len(items),
        bytes=size,
        findings=verdict.findings,
        waived=verdict.waived,
        unused=verdict.unused,
    )


def _others(config: Config, manifest: Manifest, items: list[Item], beside: Beside) -> "Iterator[Finding]":
    for item in items:
        yield from of_file(config, item.path, item.body)
    entries = {artifact.path for artifact in manifest.entries}
    yield from of_sizes(config, manifest, beside.earlier)
    yield from of_surface(manifest, {i.path: i.body for i in items if i.path in entries}, beside.earlier)
    yield from of_dependencies(config, beside.locked, beside.known)


def leave(report: Report, handover: Folder) -> None:
    """Leave the report for later stages."""
    handover.write(FILE, document.encode(report))


def _item(config: Config, bundle: Folder, path: str) -> Item:
    body = bundle.read(path, limit=LARGEST_ARTIFACT)
    if body is None:
        raise BuildError(f"{path} vanished while it was read")
    source_map = None if path.endswith(".map") else bundle.read(f"{path}.map", limit=LARGEST_MAP)
    return Item(path, body, source_map, config.domains)
