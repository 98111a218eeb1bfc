"""Refuse to release anything but a version's tagged commit, whole and unchanged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from semver import Version

from release.core.version import format_tag, parse_tag, version_tags
from release.effects.history import require_whole_history
from release.errors import SourceError
from release.ports import Repository

_SHOWN: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What is released. `commit_time` is the committer's, in seconds since 1970."""

    commit: str
    tag: str
    version: Version
    commit_time: int


def verify_source(
    repository: Repository,
    *,
    tag: str | None,
    tag_prefix: str,
    package_version: str,
    protected_branch: str,
    output: Path,
) -> Source:
    """Establish what is released, and that it is what was tagged, reviewed and checked out.

    Args:
        repository: the library's repository.
        tag: the version's tag; None to take the only version tag of the commit that is checked out.
        tag_prefix: what precedes the version in a tag.
        package_version: what package.json says; it must be the tag's version.
        protected_branch: the branch that must contain the commit.
        output: the build's output folder, the only place where changes do not matter.

    Raises:
        SourceError: any of it does not hold.
        ServiceError: the remote repository gave no clear answer.
    """
    if tag is not None:
        parse_tag(tag, tag_prefix)
    require_whole_history(repository)
    head = repository.head()
    tags = repository.tags()
    tag = tag if tag is not None else _only_tag(tags, head, tag_prefix)
    version = parse_tag(tag, tag_prefix)
    _require_at(tags, tag, head)
    if package_version != str(version):
        raise SourceError(
            f"tag {tag!r} is of {version}, but package.json says {package_version!r}",
            hint="Change package.json, commit, and tag that commit.",
            evidence={"tag": str(version), "package.json": package_version},
        )
    _require_unchanged(repository.changes(ignoring=[output]))
    if not repository.is_ancestor(head, protected_branch):
        raise SourceError(
            f"commit {head} is not on the protected branch {protected_branch!r}",
            hint=f"Merge it into {protected_branch!r}, then tag it there.",
            evidence={"commit": head, "branch": protected_branch},
        )
    _require_same_remotely(repository, tag, head, pushed=False)
    return Source(commit=head, tag=tag, version=version, commit_time=repository.commit_time(head))


def verify_unmoved(repository: Repository, tag: str, commit: str) -> None:
    """Check that a tag, here and in the remote if there is one, still points at the commit that was built.

    Raises:
        SourceError: it is gone or points elsewhere.
        ServiceError: the remote repository gave no clear answer.
    """
    found = repository.tags().get(tag)
    if found != commit:
        raise SourceError(
            f"tag {tag!r} {_where(found)} since the build",
            hint="Tags of versions do not move. Put it back, or release a new version.",
            evidence={"expected": commit, "found": found or "no tag"},
        )
    _require_same_remotely(repository, tag, commit, pushed=True)


def _where(found: str | None) -> str:
    return "is gone" if found is None else "was moved"


def _only_tag(tags: Mapping[str, str], head: str, prefix: str) -> str:
    here = [format_tag(version, prefix) for version, commit in version_tags(tags, prefix).items() if commit == head]
    if not here:
        raise SourceError(
            f"commit {head} has no version tag",
            hint=f"Tag it, for example: git tag -a {prefix}1.2.3, or check out the tag to release.",
            evidence={"commit": head},
        )
    if len(here) > 1:
        names = ", ".join(sorted(here)[:_SHOWN])
        raise SourceError(
            f"commit {head} has {len(here)} version tags: {names}",
            hint="Say which one is meant with --tag.",
            evidence={"commit": head},
        )
    return here[0]


def _require_at(tags: Mapping[str, str], tag: str, head: str) -> None:
    found = tags.get(tag)
    if found is None:
        raise SourceError(f"there is no tag {tag!r}", hint="Fetch it: git fetch --tags (in GitLab CI: GIT_DEPTH: 0).")
    if found != head:
        raise SourceError(
            f"tag {tag!r} is not at the commit that is checked out",
            hint=f"Check it out: git checkout {tag}",
            evidence={"tag": found, "checked out": head},
        )


def _require_unchanged(changes: Sequence[str]) -> None:
    if changes:
        shown = ", ".join(repr(path) for path in changes[:_SHOWN])
        more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        raise SourceError(
            f"the working tree has changes: {shown}{more}",
            hint="Commit them, or clean up: git stash --include-untracked",
        )


def _require_same_remotely(repository: Repository, tag: str, commit: str, *, pushed: bool) -> None:
    """Compare with the remote; where the tag must be `pushed`, a remote without it is refused."""
    if not repository.has_remote():
        return
    found = repository.remote_tag(tag)
    if found is None and pushed:
        raise SourceError(
            f"tag {tag!r} is not in the remote repository",
            hint=f"A release must be traceable: git push origin {tag}",
            evidence={"here": commit, "remote": "no tag"},
        )
    if found is not None and found != commit:
        raise SourceError(
            f"tag {tag!r} points elsewhere in the remote repository",
            hint="Find out who moved it. Tags of versions do not move.",
            evidence={"here": commit, "remote": found},
        )
