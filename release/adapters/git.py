"""The library's repository, through git. The only module that may import GitPython.

The repository is not trusted: names of refs are passed whole (`refs/tags/...`) so that none is an
option, hooks and monitors do not run, replacements and grafts do not bend history, and git never asks
anybody anything. History is read by one `git log` with NUL between all fields.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from release.core.commits import RawCommit, clean
from release.errors import MissingToolError, ReleaseError, ServiceError, SourceError

if TYPE_CHECKING:
    from git import Git

_OPTIONS: Final = (
    "--no-pager",
    "--literal-pathspecs",
    "--no-replace-objects",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "protocol.ext.allow=never"),
)
_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_GRAFT_FILE": os.devnull,
}
_LOG: Final = ("log", "--no-color", "--no-show-signature", "--encoding=UTF-8")
_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# What git-check-ref-format(1) forbids, most of which means something in a revision or a pattern.
_NOT_IN_REF: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|^$")
_CREDENTIALS: Final = re.compile(r"://[^/@\s]*@")
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
        self._git = _open(folder)
        answer = self._text(
            "rev-parse",
            "--show-toplevel",
            "--is-shallow-repository",
            hint="Run this in the library's git working copy.",
        )
        top, _, shallow = answer.rstrip("\n").rpartition("\n")
        self._root = Path(top)
        self._shallow = shallow != "false"
        self._git = _open(self._root)

    def root(self) -> Path:
        """Give the top folder of the working tree."""
        return self._root

    def head(self) -> str:
        """Give the commit that is checked out.

        Raises:
            SourceError: there is no commit yet.
        """
        code, output = self._run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", codes=(0, 1, 128))
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
            self._text(
                *("status", "--porcelain=v1", "-z", "--untracked-files=all"),
                *("--ignore-submodules=none", "--no-renames"),
            )
        )
        # `H` is what git compares. Assume-unchanged is lower case, skip-worktree is S.
        listed = self._text("ls-files", "-v", "-z").split("\0")
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
        for line in self._text("for-each-ref", f"--format={fields}", *merged, "refs/tags/").splitlines():
            name, kind, target, peeled_kind, peeled = line.split("\0")
            if kind == "tag":
                kind, target = peeled_kind, peeled
            if kind == "tag":
                # A tag of a tag: git before 2.45 peels once only.
                code, output = self._run(
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
        for line in self._text("for-each-ref", f"--format={fields}", "refs/tags/").splitlines():
            ref, kind, target, size = line.split("\0")
            if kind == "tag" and ref in wanted:
                fits = int(size) <= limit
                found[wanted[ref]] = self._run("cat-file", "tag", _hash(target))[1] if fits else None
        return found

    def has_remote(self) -> bool:
        """Tell whether there is a remote `origin`."""
        return "origin" in self._text("remote").splitlines()

    def remote_tag(self, name: str) -> str | None:
        """Give the commit that the tag points at in the remote `origin`; None without a remote or such a tag.

        Raises:
            ServiceError: the remote gave no clear answer.
            SourceError: no tag can have such a name.
        """
        ref = f"refs/tags/{_ref_part(name)}"
        if not self.has_remote():
            return None
        _, output = self._run(
            *("ls-remote", "--tags", "--end-of-options", "origin", ref, f"{ref}^{{}}"),
            fails=ServiceError,
            seconds=self._seconds,
        )
        found = {}
        for line in _decode(output).splitlines():
            target, _, found_name = line.partition("\t")
            found[found_name] = _hash(target)
        return found.get(f"{ref}^{{}}") or found.get(ref)

    def is_ancestor(self, commit: str, branch: str) -> bool:
        """Tell whether the branch (`origin/<branch>` if there is one) contains the commit.

        Raises:
            SourceError: there is no such branch or commit.
        """
        for ref in (f"refs/remotes/origin/{_ref_part(branch)}", f"refs/heads/{branch}"):
            code, output = self._run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", codes=(0, 1, 128))
            if not code:
                tip = _hash(output.decode("ascii", "replace").strip())
                code, _ = self._run("merge-base", "--is-ancestor", _hash(commit), tip, codes=(0, 1))
                return code == 0
        raise SourceError(
            f"there is no branch {branch!r} here or in origin",
            hint=f"Fetch it: git fetch origin {branch} (in GitLab CI: GIT_DEPTH: 0).",
        )

    def commits(self, *, after: str | None, until: str) -> Sequence[RawCommit]:
        """List the commits reachable from `until` but not from `after`, newest first, children first."""
        revisions = _hash(until) if after is None else f"{_hash(after)}..{_hash(until)}"
        _, output = self._run(
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
        listed = self._text(*_LOG, "--no-mailmap", "--format=%ae", "--end-of-options", revisions, "--")
        return sorted({line.strip() for line in listed.splitlines()})

    def commit_time(self, commit: str) -> int:
        """Give the committer's time in seconds since 1970."""
        time = self._text(*_LOG, "-1", "--format=%ct", "--end-of-options", _hash(commit), "--")
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

    def _text(self, *arguments: str, hint: str = "") -> str:
        return _decode(self._run(*arguments, hint=hint)[1])

    def _run(
        self,
        *arguments: str,
        codes: Sequence[int] = (0,),
        fails: type[ReleaseError] = SourceError,
        seconds: float | None = None,
        hint: str = "",
    ) -> tuple[int, bytes]:
        """Run git; give its exit code, one of those expected, and its output."""
        try:
            code, output, errors = self._git.execute(
                [self._git.GIT_PYTHON_GIT_EXECUTABLE or "git", *_OPTIONS, *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                kill_after_timeout=seconds,
                # git runs what its settings name (ssh, credential helpers): none of them needs a stage's key.
                env=_ENVIRONMENT | dict.fromkeys(_keys(), ""),
            )
        except _foreign_errors() as error:
            raise MissingToolError(f"git does not start: {clean(str(error), limit=200)}", hint=_INSTALL) from error
        if code in codes:
            return code, output
        if "safe.directory" in errors:
            hint = f"If you trust its owner: git config --global --add safe.directory '{self._git.working_dir}'"
        reason = clean(_CREDENTIALS.sub("://", errors), limit=500) or f"exit code {code}"
        raise fails(f"git {arguments[0]} failed: {reason}", hint=hint)


_INSTALL: Final = "Install git 2.31 or later and put it on PATH."


def _open(folder: Path) -> "Git":
    try:
        with _hidden():
            from git import Git  # noqa: PLC0415 - importing it starts git, which may be missing
    except ImportError as error:
        raise MissingToolError("git is not installed", hint=_INSTALL) from error
    return Git(folder)


def _keys() -> list[str]:
    return [name for name in os.environ if name.startswith(("AWS_", "RELEASE_"))]


@contextmanager
def _hidden() -> Iterator[None]:
    """Take what may be a key out of this process's environment for a moment."""
    kept = {name: os.environ.pop(name) for name in _keys()}
    try:
        yield
    finally:
        os.environ.update(kept)


def _foreign_errors() -> tuple[type[Exception], ...]:
    from git.exc import GitError  # noqa: PLC0415 - see _open

    return (GitError, OSError)


def _decode(output: bytes) -> str:
    return output.decode("utf-8", "backslashreplace")


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
