"""The same library as one of its commits has it, in another place."""

from collections.abc import Iterator
from contextlib import contextmanager

from release.adapters.git_clone import clean_clone
from release.compose.library import Workspace, workspace


@contextmanager
def elsewhere(work: Workspace, commit: str, *, quiet: bool) -> Iterator[Workspace]:
    """Open a commit's own workspace in a clean clone, which is gone afterwards.

    Raises:
        SourceError: there is no such commit.
        ConfigError: it has no release.toml, or a wrong one.
    """
    root = work.repository().root().resolve()
    with clean_clone(root, commit) as place:
        yield workspace(place / work.file.resolve().relative_to(root), quiet=quiet)
