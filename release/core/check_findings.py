"""What else a bundle must be before it is published, as findings beside those of its domains.

Sizes, what it gives away, the language level, the names it offers, and what it was made of.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from semver import Version

from release.core import budgets, exposure, supply
from release.core.config import Config
from release.core.domains.finding import Finding, Status
from release.core.domains.finding import Report as Places
from release.core.domains.lists import DomainsSection, Rule
from release.core.lockfile import Locked
from release.core.manifest import Manifest
from release.core.osv import Vulnerability
from release.core.script.level import newer_than, year_of
from release.core.script.surface import Surface, removed, surface
from release.core.version import parse_version

_SCRIPTS: Final = (".js", ".mjs", ".cjs")
_RULE_OF: Final[Mapping[exposure.Kind, Rule]] = {
    "secret": "secret",
    "password": "secret",
    "path": "private",
    "source-map": "private",
    "person": "private",
    "more": "secret",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """A release to compare with: its manifest, and the bodies of its entries."""

    manifest: Manifest
    entries: Mapping[str, bytes]


def of_file(config: Config, path: str, body: bytes) -> Iterator[Finding]:
    """Give what one file gives away, and syntax that is newer than [build] target promises."""
    places = Places(file=path, body=body, lists=DomainsSection())
    for one in exposure.scan(path, body, maps=config.build.source_maps):
        at = places.place(one.offset)
        yield _finding(path, _RULE_OF[one.kind], one.kind, one.what, one.hint, at=at, digest=one.fingerprint)
    if not path.endswith(_SCRIPTS):
        return
    for new in newer_than(body, year_of(config.build.target)):
        what = f"{new.what} is of ES{new.year}; [build] target promises {config.build.target}"
        advice = "have the build lower it, or promise less"
        yield _finding(path, "level", new.what, what, advice, at=places.place(new.offset))


def of_sizes(config: Config, manifest: Manifest, earlier: Earlier | None) -> Iterator[Finding]:
    """Give what is larger than [budgets] allows."""
    before = earlier.manifest if earlier else None
    for one in budgets.judge(config.budgets, manifest, before):
        yield _finding(one.path, "size", "budget", one.what, one.hint)
    if config.budgets.growth_percent is not None and earlier is None:
        what = "[budgets] growth-percent is set, and there is no earlier release to compare with"
        yield _finding("manifest.json", "size", "growth", what, "--against VERSION names it", status="undecided")


def of_surface(manifest: Manifest, entries: Mapping[str, bytes], earlier: Earlier | None) -> Iterator[Finding]:
    """Give the names that pages could use in the earlier release and cannot now, unless the version says so.

    Removing needs a new major version, and before 1.0.0 a new minor one (https://semver.org/#spec-item-8).
    """
    if earlier is None or _may_remove(parse_version(earlier.manifest.version), parse_version(manifest.version)):
        return
    for path, body in sorted(earlier.entries.items()):
        if not path.endswith(_SCRIPTS):
            continue
        now = surface(entries[path]) if path in entries else Surface()
        if path not in entries:
            what = f"the entry file itself is gone, which {earlier.manifest.version} had"
            yield _finding(path, "surface", "file", what, "keep it, or release a new major version")
            continue
        for name in removed(surface(body), now):
            what = f"{name} is gone, which {earlier.manifest.version} offered"
            yield _finding(path, "surface", name[:100], what, "keep it, or release a new major version")


def of_dependencies(config: Config, locked: Locked | None, known: Iterable[Vulnerability]) -> Iterator[Finding]:
    """Give what [supply] does not allow of the lock file's packages; where none could be read, that [supply] asks."""
    if locked is None:
        if config.supply != supply.Supply():
            what = "[supply] asks for something, and there is no npm lock file to judge"
            yield _finding(config.build.lock_file, "dependency", "lock file", what, "use one", status="undecided")
        return
    for one in supply.judge(config.supply, locked, known):
        what = f"{one.package}: {one.what}"
        yield _finding(config.build.lock_file, "dependency", f"{one.kind} {one.package}"[:100], what, one.hint)


def _may_remove(before: Version, now: Version) -> bool:
    return now.major > before.major or (before.major == 0 and now.minor > before.minor)


def _finding(
    file: str,
    rule: Rule,
    sink: str,
    message: str,
    advice: str,
    *,
    at: tuple[int, int] = (1, 1),
    digest: str = "",
    status: Status = "found",
) -> Finding:
    return Finding(
        file=file,
        line=at[0],
        column=at[1],
        rule=rule,
        sink=sink,
        status=status,
        message=message,
        advice=f'{advice}; or [[domains.waivers]] with rule = "{rule}", a reason, an owner and an expiry',
        snippet="",
        digest=digest or hashlib.sha256(f"{file}\n{sink}\n{message}".encode()).hexdigest(),
    )
