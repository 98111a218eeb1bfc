"""A git repository in memory: the Repository port, and what people do to a working copy."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from release.core.commits import RawCommit
from release.errors import ServiceError, SourceError


class FakeRepository:
    """Starts empty on branch `main`. tests/contract/test_repository.py runs it against git itself."""

    def __init__(self) -> None:
        self.shallow = False
        self.remote_answers = True
        self._commits: dict[str, RawCommit] = {}
        self._parents: dict[str, tuple[str, ...]] = {}
        self._authors: dict[str, str] = {}
        self._branch = "main"
        self._branches: dict[str, str] = {}
        self._head: str | None = None
        self._tags: dict[str, str] = {}
        self._objects: dict[str, bytes] = {}
        self._remote_branches: dict[str, str] = {}
        self._remote_tags: dict[str, str] | None = None
        self._changes: set[str] = set()

    # What people do.

    def open(self) -> "FakeRepository":
        return self

    def commit(
        self, message: str, *, time: int = 1_700_000_000, merging: str | None = None, by: str = "dev@example.com"
    ) -> str:
        parents = [self._head] if self._head else []
        parents += [self._branches[merging]] if merging else []
        name = hashlib.sha1(f"{len(self._commits)} {message}".encode(), usedforsecurity=False).hexdigest()
        self._commits[name] = RawCommit(commit=name, time=time, message=message)
        self._parents[name] = tuple(parents)
        self._authors[name] = by
        self._head = self._branches[self._branch] = name
        return name

    def switch(self, branch: str, *, at: str | None = None) -> None:
        self._branch = branch
        if at is not None:
            self._branches[branch] = at
        self._head = self._branches[branch]

    def tag(self, name: str, commit: str | None = None, *, annotated: bool = False, message: bytes = b"x\n") -> None:
        self._tags[name] = target = commit or self.head()
        self._objects.pop(name, None)
        if annotated:
            head = f"object {target}\ntype commit\ntag {name}\ntagger A <a@example.com> 1 +0000\n\n"
            self._objects[name] = head.encode() + message

    def put_tag_object(self, name: str, body: bytes) -> None:
        """Let a tag that exists be of any object."""
        self._objects[name] = body

    def delete_tag(self, name: str) -> None:
        del self._tags[name]

    def push(self) -> None:
        self._remote_tags = {**(self._remote_tags or {}), **self._tags}
        self._remote_branches.update(self._branches)

    def write(self, path: str) -> None:
        self._changes.add(path)

    # The port.

    def root(self) -> Path:
        return Path("/library")

    def head(self) -> str:
        if self._head is None:
            raise SourceError("the repository has no commit yet")
        return self._head

    def is_shallow(self) -> bool:
        return self.shallow

    def changes(self, *, ignoring: Sequence[Path]) -> Sequence[str]:
        folders = [self.root() / folder for folder in ignoring]
        if self.root() in folders:
            raise SourceError("the folder to ignore is the whole working tree")
        paths = sorted(self._changes)
        return [path for path in paths if not any((self.root() / path).is_relative_to(folder) for folder in folders)]

    def tags(self, *, merged_into: str | None = None) -> Mapping[str, str]:
        inside = self._commits.keys() if merged_into is None else self._reachable(merged_into)
        return {name: commit for name, commit in self._tags.items() if commit in inside}

    def tag_objects(self, names: Sequence[str], *, limit: int) -> Mapping[str, bytes | None]:
        found = {name: body for name, body in self._objects.items() if name in names}
        return {name: body if len(body) <= limit else None for name, body in found.items()}

    def has_remote(self) -> bool:
        return self._remote_tags is not None

    def remote_tag(self, name: str) -> str | None:
        if self._remote_tags is None:
            return None
        if not self.remote_answers:
            raise ServiceError("the remote does not answer")
        return self._remote_tags.get(name)

    def is_ancestor(self, commit: str, branch: str) -> bool:
        tip = self._remote_branches.get(branch) or self._branches.get(branch)
        if tip is None:
            raise SourceError(f"there is no branch {branch!r}")
        self._require(commit)
        return commit in self._reachable(tip)

    def commits(self, *, after: str | None, until: str) -> Sequence[RawCommit]:
        inside = self._reachable(until) - (self._reachable(after) if after else set())
        return [commit for name, commit in reversed(self._commits.items()) if name in inside]

    def authors(self, *, after: str | None, until: str) -> Sequence[str]:
        return sorted({self._authors[raw.commit] for raw in self.commits(after=after, until=until)})

    def commit_time(self, commit: str) -> int:
        self._require(commit)
        return self._commits[commit].time

    def _require(self, commit: str) -> None:
        if commit not in self._commits:
            raise SourceError(f"{commit!r} is not a commit")

    def _reachable(self, commit: str) -> set[str]:
        self._require(commit)
        found, waiting = set[str](), [commit]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._parents[name]
        return found
