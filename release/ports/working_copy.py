"""The library's files, its git repository, and the programs that build it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from release.core.commits import RawCommit


class Folder(Protocol):
    """One folder: a library's working copy, or the output of its build. Paths are relative and POSIX."""

    def paths(self) -> Sequence[str]:
        """List all files below the folder, sorted; an absent folder has none.

        Raises:
            BuildError: there is a symbolic link or something that is not a regular file.
        """
        ...

    def read(self, path: str, *, limit: int) -> bytes | None:
        """Give a file's bytes, or None if it certainly does not exist.

        Raises:
            BuildError: it is larger than `limit` bytes, cannot be read, or leads out of the folder.
        """
        ...

    def write(self, path: str, body: bytes) -> None:
        """Write a file whole or not at all."""
        ...

    def clear(self) -> None:
        """Remove all that is in the folder."""
        ...


class Repository(Protocol):
    """The library's git repository. Revisions are full commit hashes unless said otherwise."""

    def root(self) -> Path:
        """Give the top folder of the working tree."""
        ...

    def head(self) -> str:
        """Give the commit that is checked out."""
        ...

    def is_shallow(self) -> bool:
        """Tell whether history was cut off by a shallow clone."""
        ...

    def changes(self, *, ignoring: Sequence[Path]) -> Sequence[str]:
        """List changed and untracked (not ignored) paths outside the folders to ignore."""
        ...

    def tags(self, *, merged_into: str | None = None) -> Mapping[str, str]:
        """Map tag names to the commits they point at, those reachable from a revision or all."""
        ...

    def tag_objects(self, names: Sequence[str], *, limit: int) -> Mapping[str, bytes | None]:
        """Give the objects of those of the tags that are annotated, as git stores them; None if larger than `limit`."""
        ...

    def has_remote(self) -> bool:
        """Tell whether there is a remote `origin`."""
        ...

    def remote_tag(self, name: str) -> str | None:
        """Give the commit that the tag points at in the remote `origin`, None if it has no such tag.

        Raises:
            ServiceError: the remote gave no clear answer.
        """
        ...

    def is_ancestor(self, commit: str, branch: str) -> bool:
        """Tell whether the branch (`origin/<branch>` if there is one) contains the commit.

        Raises:
            SourceError: there is no such branch.
        """
        ...

    def commits(self, *, after: str | None, until: str) -> Sequence[RawCommit]:
        """List the commits reachable from `until` but not from `after`, newest first."""
        ...

    def authors(self, *, after: str | None, until: str) -> Sequence[str]:
        """List the addresses of the authors of the same commits, each once, as the commits say them."""
        ...

    def commit_time(self, commit: str) -> int:
        """Give the committer's time in seconds since 1970."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A child process that ended by itself."""

    code: int
    output: str


class Runner(Protocol):
    """Child processes. Never a shell."""

    def run(self, argv: Sequence[str], *, folder: Path, env: Mapping[str, str], seconds: float) -> Finished:
        """Run a program to its end with exactly this environment; output is stdout and stderr together.

        Without HOME in `env` the program gets an empty one that is removed afterwards.

        Raises:
            MissingToolError: there is no such program.
            BuildError: it ran longer than `seconds`.
        """
        ...
