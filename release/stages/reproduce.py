"""Reproduce: hold a second build of the same commit, elsewhere and by another clock, against the first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from release.core.byte_difference import Difference, first_difference
from release.core.manifest import LARGEST_ARTIFACT, Manifest, digest, encode
from release.errors import IntegrityError, NothingToDoError
from release.ports import Folder

# Of everything that a build of ours sees the same on each machine, something that it never sees. The zone is 14 hours
# ahead, and Turkish has a dotless i; a locale that is not installed still reaches Node and ICU.
ELSEWHERE: Final[Mapping[str, str]] = {
    "TZ": "Pacific/Kiritimati",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "USER": "somebody-else",
    "LOGNAME": "somebody-else",
}
_SHOWN: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One build: its manifest, the folder that holds its files, and the library's folder while it ran."""

    manifest: Manifest
    output: Folder
    place: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """One thing that the two builds do not have in common. `difference` is there if both wrote the file."""

    path: str
    what: str
    difference: Difference | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Both builds' manifests by digest, and how they differ; the same digest means that nothing does."""

    first: str
    second: str
    deviations: tuple[Deviation, ...]

    @property
    def same(self) -> bool:
        """Whether the release can be reproduced."""
        return self.first == self.second


def run(first: Made, second: Made) -> Report:
    """Compare two builds of one commit, the second made with `ELSEWHERE` in its environment."""
    known = [
        (str(first.place), "the folder it was built in"),
        (str(second.place), "the folder it was built in"),
        *((value, f"the build's {name}") for name, value in ELSEWHERE.items()),
    ]
    return Report(
        first=digest(encode(first.manifest)),
        second=digest(encode(second.manifest)),
        deviations=(*_files(first, second, known), *_facts(first.manifest, second.manifest)),
    )


def require_whole(first: Made) -> None:
    """Make sure that a build's files are what its manifest describes.

    Raises:
        NothingToDoError: one is missing.
        IntegrityError: one is not.
    """
    for artifact in first.manifest.artifacts:
        body = first.output.read(artifact.path, limit=LARGEST_ARTIFACT)
        if body is None:
            raise NothingToDoError(f"{artifact.path} of the first build is missing", hint="first: release build")
        if digest(body) != artifact.sha256:
            raise IntegrityError(f"{artifact.path} is not what the manifest describes", hint="first: release build")


def _files(one: Made, other: Made, known: list[tuple[str, str]]) -> Iterator[Deviation]:
    first, second = ({a.path: a.sha256 for a in made.manifest.artifacts} for made in (one, other))
    for path in sorted(first.keys() - second.keys()):
        yield Deviation(path=path, what="only the first build wrote it")
    for path in sorted(second.keys() - first.keys()):
        yield Deviation(path=path, what="only the second build wrote it")
    for path in sorted(path for path in first.keys() & second.keys() if first[path] != second[path]):
        bodies = [made.output.read(path, limit=LARGEST_ARTIFACT) or b"" for made in (one, other)]
        yield Deviation(
            path=path, what="its bytes differ", difference=first_difference(bodies[0], bodies[1], known=known)
        )


def _facts(one: Manifest, other: Manifest) -> Iterator[Deviation]:
    if one.build == other.build:
        return
    tools = {**one.build.toolchain, **other.build.toolchain}
    changed = [name for name in tools if one.build.toolchain.get(name) != other.build.toolchain.get(name)]
    for name in changed:
        was, is_ = (m.build.toolchain.get(name, "none") for m in (one, other))
        yield Deviation(path="manifest.json", what=f"the first build had {name} {was}, the second has {is_}")
    if one.build.lock_file != other.build.lock_file or one.build.command != other.build.command:
        yield Deviation(path="manifest.json", what="the first build was of other files than the commit's")


def lines(report: Report) -> Iterator[str]:
    """Say it, a line a fact; at most twenty deviations."""
    for deviation in report.deviations[:_SHOWN]:
        yield f"{deviation.path}: {deviation.what}"
        if found := deviation.difference:
            yield f"  from byte {found.offset:,}: {found.cause}"
            yield f"    first:  {found.first}"
            yield f"    second: {found.second}"
    if (more := len(report.deviations) - _SHOWN) > 0:
        yield f"and {more} more"
