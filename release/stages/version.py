"""Decide the next version from the commits since the last one."""

from dataclasses import dataclass

from semver import Version

from release.core.commits import parse_commits
from release.core.version import History, format_tag, latest_of_train, next_version, version_tags
from release.effects.history import contained, require_related, require_whole_history
from release.ports import Repository


@dataclass(frozen=True, kw_only=True, slots=True)
class NextVersion:
    """The next version and why.

    Attributes:
        version: what to release next.
        tag: the tag to give it.
        previous: the last stable version, None before the first.
        reasons: one line for each commit that decided it.
        commits: how many commits since `previous` were considered.
    """

    version: Version
    tag: str
    previous: Version | None
    reasons: tuple[str, ...]
    commits: int


def run(repository: Repository, *, tag_prefix: str, package_version: str | None, prerelease: str | None) -> NextVersion:
    """Decide the next version of the commit that is checked out.

    Args:
        repository: where the tags and commits are.
        tag_prefix: what precedes the version in a tag.
        package_version: what package.json says; used for the first version only.
        prerelease: the label of a prerelease, such as `rc`; None for a stable version.

    Raises:
        NothingToDoError: no commit asks for a release.
        SourceError: history is incomplete, or the version is taken.
        ConfigError: the label is malformed.
    """
    require_whole_history(repository)
    head = repository.head()
    versions = version_tags(repository.tags(), tag_prefix)
    stable, prereleases = None, []
    for version in contained(repository, versions, head):
        if version.prerelease is None:
            stable = version
            break
        prereleases.append(version)
    require_related(versions, stable, tag_prefix)
    train = latest_of_train(prereleases, prerelease) if prerelease else None
    commits = parse_commits(repository.commits(after=versions[stable] if stable else None, until=head))
    fresh = parse_commits(repository.commits(after=versions[train], until=head)) if train else ()
    decision = next_version(
        History(stable=stable, prereleases=prereleases, taken=versions.keys(), commits=commits, fresh=fresh),
        label=prerelease,
        package_version=package_version,
    )
    return NextVersion(
        version=decision.version,
        tag=format_tag(decision.version, tag_prefix),
        previous=stable,
        reasons=decision.reasons,
        commits=len(commits),
    )
