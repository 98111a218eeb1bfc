"""Versions after Semantic Versioning 2.0.0 (https://semver.org), their tags, and which one comes next."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from semver import Version

from release.core.commits import Commit, without_reverted
from release.errors import ConfigError, NothingToDoError, SourceError

MAX_LENGTH: Final = 64
FIRST: Final = Version(0, 1, 0)
_LARGEST_NUMBER: Final = 2**53 - 1  # npm refuses more: JavaScript cannot count further
_LABEL: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")
_MAX_REASONS: Final = 20
_HINT: Final = "Commits of type feat, fix, perf or revert, or with a breaking change, make a release."


class Level(IntEnum):
    """How much a release changes (SemVer clauses 6, 7 and 8)."""

    PATCH = 1
    MINOR = 2
    MAJOR = 3


_LEVELS: Final[Mapping[str | None, Level]] = {
    "feat": Level.MINOR,
    "fix": Level.PATCH,
    "perf": Level.PATCH,
    "revert": Level.PATCH,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What has been released before a commit, and what has happened since.

    Attributes:
        stable: the highest stable version that the commit contains.
        prereleases: the prereleases above `stable` that the commit contains.
        taken: every version that has a tag anywhere in the repository.
        commits: the commits since `stable` (all if there is none), newest first.
        fresh: those since the highest of `prereleases` that has the label wanted.
    """

    stable: Version | None
    prereleases: Collection[Version]
    taken: Collection[Version]
    commits: Sequence[Commit]
    fresh: Sequence[Commit]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The next version, and for each commit that asks for so much one line that says so."""

    version: Version
    reasons: tuple[str, ...]


def parse_version(text: str) -> Version:
    """Read a version strictly.

    Build metadata (clause 10) is refused: versions that differ only there are equal, and two equal
    versions would be two addresses.

    Raises:
        SourceError: it is no version, longer than 64 characters, or has build metadata.
    """
    if len(text) > MAX_LENGTH or not text.isascii():
        raise SourceError(f"{text[:MAX_LENGTH]!r} is not a version: more than {MAX_LENGTH} ASCII characters")
    try:
        version = Version.parse(text)
    except ValueError:
        version = None
    if version is None or str(version) != text:
        raise SourceError(f"{text!r} is not a version like 1.4.2 or 1.5.0-rc.1")
    if version.build is not None:
        raise SourceError(
            f"{text!r} has build metadata, which does not tell versions apart",
            hint="Leave out the part from the '+' on.",
        )
    if any(int(number) > _LARGEST_NUMBER for number in re.findall(r"\d+", text)):
        raise SourceError(f"{text!r} has a number that JavaScript cannot count to")
    return version


def format_tag(version: Version, prefix: str) -> str:
    """Give the tag of a version."""
    return f"{prefix}{version}"


def parse_tag(tag: str, prefix: str) -> Version:
    """Read the version from a tag.

    Raises:
        SourceError: the tag is not the prefix followed by a version.
    """
    shown = tag[: MAX_LENGTH * 2]
    if not tag.startswith(prefix):
        raise SourceError(f"tag {shown!r} does not begin with {prefix!r}")
    try:
        return parse_version(tag.removeprefix(prefix))
    except SourceError as error:
        raise SourceError(f"tag {shown!r} is not {prefix!r} and a version: {error.message}", hint=error.hint) from error


def version_tags(tags: Mapping[str, str], prefix: str) -> dict[Version, str]:
    """Pick the tags that name versions, as a map from version to commit; leave other tags alone."""
    versions = {}
    for tag, commit in tags.items():
        try:
            versions[parse_tag(tag, prefix)] = commit
        except SourceError:
            continue
    return versions


def check_label(label: str) -> None:
    """Check the name of a prerelease train such as `rc`.

    Raises:
        ConfigError: it is not a lower-case word of at most 20 letters, digits and hyphens.
    """
    if not _LABEL.fullmatch(label):
        raise ConfigError(
            f"{label[:MAX_LENGTH]!r} cannot label a prerelease", hint="Use a word such as alpha, beta or rc."
        )


def latest_of_train(prereleases: Iterable[Version], label: str) -> Version | None:
    """Give the highest prerelease with this label, such as 1.4.0-rc.2 of `rc`."""
    return max((version for version in prereleases if _number(version, label) is not None), default=None)


def next_version(history: History, *, label: str | None = None, package_version: str | None = None) -> Decision:
    """Decide the next version from what the commits say.

    `feat` makes a minor version; `fix`, `perf` and `revert` a patch; a breaking change of any type a
    major one. Other types make none. A revert of a commit in the range cancels both. Below 1.0.0 a
    breaking change makes a minor version (clause 4): 1.0.0 is a promise that people make, by tagging.

    Without a stable version before, it is `package_version` without its prerelease part, if that is a
    version other than 0.0.0, else 0.1.0; or what earlier prereleases announced, if that is higher.

    With a label the result is `<version>-<label>.<n>`. The version is computed from the last stable
    one, and never lower than an earlier prerelease announced; a train only moves on if there is
    something new since its last prerelease. Without a label the train ends: the result depends on the
    commits since the last stable version alone.

    Raises:
        NothingToDoError: no commit asks for a release; says what was seen.
        SourceError: the version has a tag already on another branch, or would sort before one released.
        ConfigError: the label is malformed.
    """
    if label is not None:
        check_label(label)
    base, reasons = _base(history, package_version)
    if label is None:
        if base is None:
            raise NothingToDoError(_seen(history.commits, history.stable), hint=_HINT)
        version = base
    else:
        train = latest_of_train(history.prereleases, label)
        if train is not None:
            reasons = _reasons(history.fresh, train)[1]
        if not reasons:
            since = train or history.stable
            raise NothingToDoError(_seen(history.fresh if train else history.commits, since), hint=_HINT)
        version = _prerelease(history, label, base)
    if version in history.taken:
        raise SourceError(
            f"the next version would be {version}, which has a tag already on another branch",
            hint="Merge that branch first, or release only fixes from this one.",
        )
    return Decision(version=version, reasons=reasons)


def _base(history: History, package_version: str | None) -> tuple[Version | None, tuple[str, ...]]:
    """Give the stable version that the commits ask for, if they do, and why."""
    if history.stable is not None:
        level, reasons = _reasons(history.commits, history.stable)
        return (_bump(history.stable, level) if level else None), reasons
    if not history.commits:
        return None, ()
    announced = [version.finalize_version() for version in history.prereleases]
    return max([_first(package_version), *announced]), ("first release",)


def _first(package_version: str | None) -> Version:
    try:
        version = parse_version(package_version or "").finalize_version()
    except SourceError:
        return FIRST
    return version if version > Version(0, 0, 0) else FIRST


def _prerelease(history: History, label: str, base: Version | None) -> Version:
    announced = [version.finalize_version() for version in history.prereleases]
    base = max([*announced, *([base] if base else [])])
    numbers = [
        _number(version, label) or 0
        for version in {*history.taken, *history.prereleases}
        if version.finalize_version() == base
    ]
    version = base.replace(prerelease=f"{label}.{max(numbers, default=0) + 1}")
    highest = max(history.prereleases, default=version)
    if highest > version:
        raise SourceError(
            f"{version} would sort before {highest}, which is released",
            hint=f"Use the label of {highest}, or one that comes after it in the alphabet.",
        )
    return version


def _number(version: Version, label: str) -> int | None:
    """Give n of <label>.<n>."""
    name, _, number = (version.prerelease or "").partition(".")
    return int(number) if name == label and number.isdigit() else None


def _bump(stable: Version, level: Level) -> Version:
    if level is Level.MAJOR and stable.major > 0:
        return stable.bump_major()
    return stable.bump_patch() if level is Level.PATCH else stable.bump_minor()


def _level(commit: Commit) -> Level | None:
    return Level.MAJOR if commit.breaking else _LEVELS.get(commit.type)


def _reasons(commits: Sequence[Commit], since: Version) -> tuple[Level | None, tuple[str, ...]]:
    """Find the highest level asked for, and the commits that ask for it."""
    levels = [(level, commit) for commit in without_reverted(commits) if (level := _level(commit))]
    if not levels:
        return None, ()
    top = max(level for level, _ in levels)
    name = "breaking change" if top is Level.MAJOR else top.name.lower()
    lines = [f"{name} since {since}: {_line(commit)}" for level, commit in levels if level is top]
    more = len(lines) - _MAX_REASONS
    return top, (*lines[:_MAX_REASONS], *([f"and {more} more"] if more > 0 else []))


def _line(commit: Commit) -> str:
    scope = f"({commit.scope})" if commit.scope else ""
    kind = f"{commit.type}{scope}: " if commit.type else ""
    return f"{commit.short} {kind}{commit.description}"


def _seen(commits: Sequence[Commit], since: Version | None) -> str:
    """Say what there was instead of something to release."""
    where = f"since {since}" if since else "in the history"
    if not commits:
        return f"there is no commit {where}"
    kinds = Counter(commit.type or "without a type" for commit in without_reverted(commits))
    cancelled = len(commits) - kinds.total()
    parts = [f"{count} {kind}" for kind, count in kinds.most_common(8)]
    parts += [f"{cancelled} cancelled by reverts"] if cancelled else []
    return f"no commit {where} makes a release: {len(commits)} seen ({', '.join(parts)})"
