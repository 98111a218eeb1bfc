"""Write what a version's commits say into the changelog."""

from semver import Version

from release.core.changelog_section import Release, compare_address, render
from release.core.changelog_update import Section, Update, update
from release.core.commits import parse_commits
from release.core.version import format_tag, version_tags
from release.effects.history import contained, require_related, require_whole_history
from release.ports import Repository


def run(
    repository: Repository,
    *,
    tag_prefix: str,
    version: Version,
    date: str,
    text: str,
    template: str,
    repository_url: str = "",
) -> Update:
    """Give the changelog with the section of a version, new or up to date.

    A stable version's section has the commits since the stable version before it; a prerelease's those
    since the version before it of any kind. They end at the version's tag if there is one, else at the
    commit that is checked out. What is written under `[Unreleased]` moves into stable versions only:
    the version that a prerelease announces would lack it.

    Args:
        repository: where the tags and commits are.
        tag_prefix: what precedes the version in a tag.
        version: whose section it is.
        date: YYYY-MM-DD, for a new section.
        text: the changelog as it is, "" if there is none.
        template: the Jinja2 template of the generated part.
        repository_url: the project's web address, or "" to make no links.

    Raises:
        SourceError: history is incomplete, or the changelog cannot be edited safely.
        ConfigError: the template, the date or the address is unusable.
    """
    require_whole_history(repository)
    versions = version_tags(repository.tags(), tag_prefix)
    end = versions.get(version) or repository.head()
    earlier = {
        other: commit
        for other, commit in versions.items()
        if other < version and (version.prerelease or other.prerelease is None)
    }
    previous = next(contained(repository, earlier, end), None)
    require_related(earlier, previous, tag_prefix)
    commits = repository.commits(after=earlier[previous] if previous else None, until=end)
    release = Release(
        version=str(version),
        date=date,
        tag=format_tag(version, tag_prefix),
        previous=str(previous or ""),
        previous_tag=format_tag(previous, tag_prefix) if previous else "",
        repository_url=repository_url,
    )
    section = Section(
        version=version,
        date=date,
        body=render(template, release, parse_commits(commits)),
        url=compare_address(release),
        takes_unreleased=version.prerelease is None,
    )
    return update(text, section)
