"""The library's repository, through git.

The repository is not trusted: names of refs are passed whole (`refs/tags/...`) so that none is an
option. History is read by one `git log` with NUL between all fields.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from release.adapters.git_process import GitProcess, decode
from release.core.commits import RawCommit
from release.errors import ServiceError, SourceError

_LOG: Final = ("log", "--no-color", "--no-show-signature", "--encoding=UTF-8")
_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# What git-check-ref-format(1) forbids, most of which means something in a revision or a pattern.
_NOT_IN_REF: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|^$")
_FIELDS: Final = 3


class GitRepository:
    """A git working copy.

    Args:
        folder: any folder inside it.
        seconds: how long the remote repository may take to answer.

    Raises:
        MissingToolError: git is not installed.
        SourceError: the folder is not in a working copy, or git does not trust its owner.
    """

    def __init__(self, folder: Path, *, seconds: float = 60) -> None:
        if not folder.is_dir():
            raise SourceError(f"there is no folder {str(folder)!r}")
        self._seconds = seconds
        self._git = GitProcess(folder)
        answer = self._git.text(
            "rev-parse",
            "--show-toplevel",
            "--is-shallow-repository",
            hint="Run this in the library's git working copy.",
        )
        top, _, shallow = answer.rstrip("\n").rpartition("\n")
        self._root = Path(top)
        self._shallow = shallow != "false"
        self._git = GitProcess(self._root)

    def root(self) -> Path:
        """Give the top folder of the working tree."""
        return self._root

    def head(self) -> str:
        """Give the commit that is checked out.

        Raises:
            SourceError: there is no commit yet.
        """
        code, output = self._git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", codes=(0, 1, 128))
        if code:
            raise SourceError("the repository has no commit yet", hint="Commit something, then release it.")
        return _hash(output.decode("ascii", "replace").strip())

    def is_shallow(self) -> bool:
        """Tell whether history was cut off by a shallow clone."""
        return self._shallow

    def changes(self, *, ignoring: Sequence[Path]) -> Sequence[str]:
        """List changed and untracked paths, and those that git was told not to look at.

        Raises:
            SourceError: a folder to ignore is the whole working tree.
        """
        folders = [folder for path in ignoring if (folder := self._below_root(path)) is not None]
        paths = _status_paths(
            self._git.text(
                *("status", "--porcelain=v1", "-z", "--untracked-files=all"),
                *("--ignore-submodules=none", "--no-renames"),
            )
        )
        # `H` is what git compares. Assume-unchanged is lower case, skip-worktree is S.
        listed = self._git.text("ls-files", "-v", "-z").split("\0")
        paths += [entry[2:] for entry in listed if entry and (entry[0].islower() or entry[0] == "S")]
        return sorted(
            {
                path
                for path in paths
                if not any(path.rstrip("/") == folder or path.startswith(f"{folder}/") for folder in folders)
            }
        )

    def tags(self, *, merged_into: str | None = None) -> Mapping[str, str]:
        """Map tag names to the commits they point at; tags of other objects are left out."""
        fields = "%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)"
        merged = [] if merged_into is None else [f"--merged={_hash(merged_into)}"]
        tags = {}
        for line in self._git.text("for-each-ref", f"--format={fields}", *merged, "refs/tags/").splitlines():
            name, kind, target, peeled_kind, peeled = line.split("\0")
            if kind == "tag":
                kind, target = peeled_kind, peeled
            if kind == "tag":
                # A tag of a tag: git before 2.45 peels once only.
                code, output = self._git.run(
                    "rev-parse", "--verify", "--quiet", f"{_hash(target)}^{{commit}}", codes=(0, 1, 128)
                )
                kind, target = ("", "") if code else ("commit", output.decode("ascii", "replace").strip())
            if kind == "commit":
                tags[name.removeprefix("refs/tags/")] = _hash(target)
        return tags

    def tag_objects(self, names: Sequence[str], *, limit: int) -> Mapping[str, bytes | None]:
        """Give the objects of those of the tags that are annotated (see the port)."""
        wanted = {f"refs/tags/{name}": name for name in names}
        found: dict[str, bytes | None] = {}
        fields = "%(refname)%00%(objecttype)%00%(objectname)%00%(objectsize)"
        for line in self._git.text("for-each-ref", f"--format={fields}", "refs/tags/").splitlines():
            ref, kind, target, size = line.split("\0")
            if kind == "tag" and ref in wanted:
                fits = int(size) <= limit
                found[wanted[ref]] = self._git.run("cat-file", "tag", _hash(target))[1] if fits else None
        return found

    def has_remote(self) -> bool:
        """Tell whether there is a remote `origin`."""
        return "origin" in self._git.text("remote").splitlines()

    def remote_tag(self, name: str) -> str | None:
        """Give the commit that the tag points at in the remote `origin`; None without a remote or such a tag.

        Raises:
            ServiceError: the remote gave no clear answer.
            SourceError: no tag can have such a name.
        """
        ref = f"refs/tags/{_ref_part(name)}"
        if not self.has_remote():
            return None
        _, output = self._git.run(
            *("ls-remote", "--tags", "--end-of-options", "origin", ref, f"{ref}^{{}}"),
            fails=ServiceError,
            seconds=self._seconds,
        )
        found = {}
        for line in decode(output).splitlines():
            target, _, found_name = line.partition("\t")
            found[found_name] = _hash(target)
        return found.get(f"{ref}^{{}}") or found.get(ref)

    def is_ancestor(self, commit: str, branch: str) -> bool:
        """Tell whether the branch (`origin/<branch>` if there is one) contains the commit.

        Raises:
            SourceError: there is no such branch or commit.
        """
        for ref in (f"refs/remotes/origin/{_ref_part(branch)}", f"refs/heads/{branch}"):
            code, output = self._git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", codes=(0, 1, 128))
            if not code:
                tip = _hash(output.decode("ascii", "replace").strip())
                code, _ = self._git.run("merge-base", "--is-ancestor", _hash(commit), tip, codes=(0, 1))
                return code == 0
        raise SourceError(
            f"there is no branch {branch!r} here or in origin",
            hint=f"Fetch it: git fetch origin {branch} (in GitLab CI: GIT_DEPTH: 0).",
        )

    def commits(self, *, after: str | None, until: str) -> Sequence[RawCommit]:
        """List the commits reachable from `until` but not from `after`, newest first, children first."""
        revisions = _hash(until) if after is None else f"{_hash(after)}..{_hash(until)}"
        _, output = self._git.run(
            *_LOG, "-z", "--topo-order", "--format=%H%x00%ct%x00%B", "--end-of-options", revisions, "--"
        )
        fields = output.decode("utf-8", "replace").split("\0")
        if len(fields) % _FIELDS != 1 or fields[-1]:
            raise SourceError("git gave a history that cannot be read", hint="Run `git fsck`.")
        return [
            RawCommit(commit=_hash(name), time=_seconds(time, name), message=message)
            for name, time, message in zip(fields[:-1:3], fields[1::3], fields[2::3], strict=True)
        ]

    def authors(self, *, after: str | None, until: str) -> Sequence[str]:
        """List the addresses of the authors of the same commits, each once; never by way of a .mailmap."""
        revisions = _hash(until) if after is None else f"{_hash(after)}..{_hash(until)}"
        listed = self._git.text(*_LOG, "--no-mailmap", "--format=%ae", "--end-of-options", revisions, "--")
        return sorted({line.strip() for line in listed.splitlines()})

    def commit_time(self, commit: str) -> int:
        """Give the committer's time in seconds since 1970."""
        time = self._git.text(*_LOG, "-1", "--format=%ct", "--end-of-options", _hash(commit), "--")
        return _seconds(time.strip(), commit)

    def _below_root(self, path: Path) -> str | None:
        """Give a folder's path from the root; None if it lies elsewhere."""
        root = self._root.resolve()
        folder = (root / path).resolve()
        if folder == root:
            raise SourceError(
                "the folder to ignore is the whole working tree",
                hint="Let the build write into a folder of its own, such as dist.",
            )
        return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else None


def _hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise SourceError(f"{text[:80]!r} is not a full commit hash")
    return text


def _seconds(text: str, commit: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise SourceError(
            f"commit {commit[:80]!r} has no readable time",
            hint="Look at it: git cat-file commit. The encoding that it claims may be wrong.",
        )
    return int(text)


def _ref_part(name: str) -> str:
    if _NOT_IN_REF.search(name):
        raise SourceError(f"{name[:80]!r} cannot be the name of a tag or branch")
    return name


def _status_paths(output: str) -> list[str]:
    """Read `git status --porcelain=v1 -z`: two letters, a space, a path; renames have their old path next."""
    fields = iter(output.split("\0"))
    paths = []
    for field in fields:
        if field:
            paths.append(field[3:])
            if "R" in field[:2] or "C" in field[:2]:
                paths.append(next(fields))
    return paths
