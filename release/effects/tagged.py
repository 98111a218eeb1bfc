"""The tags of a repository, as far as the release log can be held against them."""

from release.core.tag_anchor import LARGEST
from release.core.tag_check import TagCheck, Tags
from release.effects.history import require_whole_history
from release.ports import Repository


def read_tags(repository: Repository, check: TagCheck) -> Tags:
    """Read what a check that has seen all entries asks of a repository.

    Raises:
        SourceError: its history is cut off, so that missing tags would say nothing.
    """
    require_whole_history(repository)
    commits = repository.tags()
    first = check.first_commit(commits)
    return Tags(
        commits=commits,
        objects=repository.tag_objects([*check.of_library(commits)], limit=LARGEST),
        older=frozenset(repository.tags(merged_into=first)) if first else frozenset(),
    )
