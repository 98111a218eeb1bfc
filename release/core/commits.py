"""Commit messages after Conventional Commits 1.0.0 (https://www.conventionalcommits.org/en/v1.0.0/)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RawCommit:
    """A commit as git gives it: full hash, committer's time (seconds since 1970), whole message."""

    commit: str
    time: int
    message: str
