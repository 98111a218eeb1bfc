"""Which versions a commit contains, at the cost of the newest one and not of all history."""

from collections.abc import Iterator, Mapping
from typing import Final

from semver import Version

from release.core.version import format_tag
from release.errors import SourceError
from release.ports import Repository

_PROBES: Final = 8


def require_whole_history(repository: Repository) -> None:
    """Refuse a shallow clone: what is missing from it would look as if it had never happened.

    Raises:
        SourceError: history was cut off.
    """
    if repository.is_shallow():
        raise SourceError(
            "the clone is shallow: its history and tags are cut off",
            hint="Fetch the rest: git fetch --unshallow --tags (in GitLab CI: GIT_DEPTH: 0).",
        )


def contained(repository: Repository, versions: Mapping[Version, str], commit: str) -> Iterator[Version]:
    """Give those of the versions whose commits `commit` contains, highest first, one by one.

    Asking git for all of them walks through history down to the oldest; asking for one walks down to
    that one. Callers want the first few, so the first few are asked for one by one.
    """
    known: frozenset[str] | None = None
    for probe, version in enumerate(sorted(versions, reverse=True)):
        target = versions[version]
        if known is None and probe == _PROBES:
            known = frozenset(repository.tags(merged_into=commit).values())
        inside = target in known if known is not None else _contains(repository, commit, target)
        if inside:
            yield version


def _contains(repository: Repository, commit: str, target: str) -> bool:
    return target == commit or not repository.commits(after=commit, until=target)


def require_related(versions: Mapping[Version, str], previous: Version | None, prefix: str) -> None:
    """Refuse a commit that contains none of the stable versions that there are.

    It is on a branch without a common history, or history was rewritten: "the first version" would be
    a guess.

    Raises:
        SourceError: it contains none, although there are some.
    """
    stable = [version for version in versions if version.prerelease is None]
    if previous is None and stable:
        tag = format_tag(max(stable), prefix)
        raise SourceError(
            f"there are version tags up to {tag!r}, but none is in the history of this commit",
            hint="Check out the branch that releases are made from.",
        )
