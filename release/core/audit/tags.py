"""The tags of the repository, held against the versions that the log says were published."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from release.core.audit.finding import Finding, drift, soon, unjudged
from release.core.audit.said import Said
from release.core.version import format_tag, version_tags


def about_tags(
    said: Said,
    tags: Mapping[str, str],
    *,
    prefix: str,
    commit_time: Callable[[str], int],
    now: datetime,
    grace: timedelta,
) -> Iterator[Finding]:
    """Compare both ways: the tag of each version is where it was, and each version's tag has a publish entry.

    Tags from before the log's first entry are of releases that it never knew.

    Args:
        said: what the log says.
        tags: the commits of all tags.
        prefix: what stands before the version in a tag.
        commit_time: gives a commit's time in seconds since 1970.
        now: the present time.
        grace: how long a release may be under way.
    """
    logged = {published.tag for published in said.published.values()}
    for version, published in said.published.items():
        if published.tag is None:
            yield unjudged(f"entry {published.entry} names no tag of {version}")
            continue
        found = tags.get(published.tag)
        if found is None:
            yield drift(f"{version}: there is no tag {published.tag}, which entry {published.entry} was published from")
        elif found != published.commit:
            yield drift(
                f"{version}: the tag {published.tag} is at {found}; entry {published.entry} says {published.commit}"
            )
    before = 0
    for version_of, commit in sorted(version_tags(tags, prefix).items()):
        tag = format_tag(version_of, prefix)
        if tag in logged:
            continue
        at = datetime.fromtimestamp(commit_time(commit), UTC)
        if said.first is None or at < said.first:
            before += 1
        elif at > now - grace:
            yield soon(f"{version_of}: its tag {tag} is new, and it is not published yet")
        else:
            yield drift(f"{version_of}: there is a tag {tag} at {commit}, and no entry says that it was published")
    if before:
        yield unjudged(f"{before} tags are of commits from before the log began")
