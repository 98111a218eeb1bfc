"""A clean clone of a working copy, in a folder that is gone afterwards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from release.adapters.git_process import GitProcess


@contextmanager
def clean_clone(root: Path, commit: str) -> Iterator[Path]:
    """Check a commit out elsewhere: committed files only, none of the working copy's settings or hooks.

    Args:
        root: the working copy's top folder.
        commit: a full commit hash.

    Raises:
        SourceError: it has no such commit.
    """
    with tempfile.TemporaryDirectory(prefix="release-elsewhere-") as folder:
        place = Path(folder).resolve() / "another-place"
        git = GitProcess(root)
        git.run("clone", "--quiet", "--no-checkout", "--no-hardlinks", "--template=", "--", str(root), str(place))
        GitProcess(place).run("checkout", "--quiet", "--detach", commit, "--")
        yield place
