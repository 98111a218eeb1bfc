"""A real git working copy with a bare remote, with the same actions as the fake repository."""

import subprocess
from pathlib import Path

from release.adapters.git import GitRepository


class GitWorkingCopy:
    """Starts empty on branch `main`."""

    def __init__(self, folder: Path, *, object_format: str = "sha1") -> None:
        self.folder = folder / "library"
        self._remote = folder / "remote.git"
        self._object_format = object_format
        self.folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", f"--object-format={object_format}")

    def git(self, *arguments: str, given: bytes = b"") -> str:
        """Run git here and give its output without the line end."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, input=given, capture_output=True, check=True, timeout=60
        )
        return done.stdout.decode().rstrip("\n")

    def open(self) -> GitRepository:
        return GitRepository(self.folder, seconds=10)

    def commit(
        self, message: str, *, time: int = 1_700_000_000, merging: str | None = None, by: str = "a@example.com"
    ) -> str:
        """Make a commit out of thin air: the same tree, this message to the byte."""
        head = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "HEAD"], cwd=self.folder, capture_output=True, check=False
        )
        parents = [head.stdout.decode().strip()] if head.returncode == 0 else []
        parents += [self.git("rev-parse", merging)] if merging else []
        tree = self.git("write-tree")
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author A <{by}> {time} +0000", f"committer C <c@example.com> {time} +0000"]
        data = "\n".join([*lines, "", message])
        return self.commit_object(data.encode())

    def commit_object(self, data: bytes) -> str:
        """Move the branch that is checked out to a commit object given byte for byte."""
        name = self.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", given=data)
        self.git("update-ref", "HEAD", name)
        return name

    def switch(self, branch: str, *, at: str | None = None) -> None:
        self.git("switch", "--quiet", *(["-C", branch, at] if at else [branch]))

    def tag(self, name: str, commit: str | None = None, *, annotated: bool = False, message: bytes = b"x\n") -> None:
        target = self.git("rev-parse", commit or "HEAD")
        if annotated:
            kind = self.git("cat-file", "-t", target)
            data = f"object {target}\ntype {kind}\ntag {name}\ntagger A <a@example.com> 1 +0000\n\n".encode() + message
            target = self.git("hash-object", "-t", "tag", "-w", "--stdin", given=data)
        self.git("update-ref", f"refs/tags/{name}", target)

    def delete_tag(self, name: str) -> None:
        self.git("update-ref", "-d", f"refs/tags/{name}")

    def push(self) -> None:
        if not self._remote.exists():
            options = ["--bare", "--initial-branch=main", f"--object-format={self._object_format}"]
            self.git("init", "--quiet", *options, str(self._remote))
            self.git("remote", "add", "origin", str(self._remote))
        self.git("push", "--quiet", "--force", "origin", "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")
        self.git("fetch", "--quiet", "origin")

    def write(self, path: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("changed\n")
