"""What only git itself can do to us."""

import re
from pathlib import Path

import pytest

from release.adapters.git import GitRepository
from release.errors import MissingToolError, ServiceError, SourceError
from tests.contract.working_copy import GitWorkingCopy

pytestmark = pytest.mark.usefixtures("git_alone")


@pytest.fixture
def copy(tmp_path: Path) -> GitWorkingCopy:
    return GitWorkingCopy(tmp_path)


def commit_data(copy: GitWorkingCopy, message: bytes, *, headers: bytes = b"", time: bytes = b"1 +0000") -> bytes:
    tree = copy.git("write-tree").encode()
    person = b"A <a@example.com> " + time
    return b"tree %b\nauthor %b\ncommitter %b\n%b\n%b" % (tree, person, person, headers, message)


def test_a_folder_below_the_root_finds_the_root(copy: GitWorkingCopy) -> None:
    copy.write("src/deep/a.js")
    assert GitRepository(copy.folder / "src/deep").root() == copy.folder


def test_a_linked_worktree_is_a_repository(copy: GitWorkingCopy, tmp_path: Path) -> None:
    head = copy.commit("one")
    copy.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    repository = GitRepository(tmp_path / "linked")
    assert (repository.root(), repository.head()) == (tmp_path / "linked", head)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no folder"):
        GitRepository(tmp_path / "absent")


def test_outside_a_repository_the_hint_says_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(SourceError, match="not a git repository") as caught:
        GitRepository(tmp_path)
    assert "working copy" in caught.value.hint


def test_a_bare_repository_is_refused(copy: GitWorkingCopy, tmp_path: Path) -> None:
    copy.commit("one")
    copy.push()
    with pytest.raises(SourceError, match="work tree"):
        GitRepository(tmp_path / "remote.git")


def test_a_repository_of_another_user_is_refused_and_the_hint_names_it(
    copy: GitWorkingCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(SourceError, match="dubious ownership") as caught:
        copy.open()
    assert "safe.directory" in caught.value.hint
    assert str(copy.folder) in caught.value.hint


def test_without_git_the_error_says_to_install_it(copy: GitWorkingCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = copy.open()
    monkeypatch.setenv("PATH", str(copy.folder))
    with pytest.raises(MissingToolError, match="git"):
        repository.head()
    with pytest.raises(MissingToolError, match="git"):
        copy.open()


def test_a_shallow_clone_says_so(copy: GitWorkingCopy, tmp_path: Path) -> None:
    copy.commit("one")
    copy.commit("two")
    copy.push()
    copy.git("clone", "--quiet", "--depth=1", f"file://{tmp_path}/remote.git", str(tmp_path / "shallow"))
    assert GitRepository(tmp_path / "shallow").is_shallow()


def test_a_repository_with_sha256_works(tmp_path: Path) -> None:
    copy = GitWorkingCopy(tmp_path, object_format="sha256")
    first, head = copy.commit("one"), copy.commit("two")
    copy.tag("v1.0.0", annotated=True)
    copy.push()
    repository = copy.open()
    assert len(repository.head()) == 64
    assert [commit.commit for commit in repository.commits(after=first, until=head)] == [head]
    assert repository.remote_tag("v1.0.0") == head


def test_a_tag_of_a_tag_gives_the_commit_and_tags_of_other_objects_are_left_out(copy: GitWorkingCopy) -> None:
    head = copy.commit("one")
    copy.tag("inner", annotated=True)
    copy.tag("v1.0.0", "refs/tags/inner", annotated=True)
    blob = copy.git("hash-object", "-w", "--stdin", given=b"key")
    copy.git("update-ref", "refs/tags/blob", blob)
    copy.tag("tagged-blob", blob, annotated=True)
    copy.push()
    repository = copy.open()
    assert repository.tags() == {"inner": head, "v1.0.0": head}
    assert repository.tags(merged_into=head) == {"inner": head, "v1.0.0": head}
    assert repository.remote_tag("v1.0.0") == head


@pytest.mark.parametrize("encoding", [b"UTF-7", b"ISO-8859-1", b"no-such-thing", b"\xff"])
def test_a_message_cannot_forge_the_commit_after_it(copy: GitWorkingCopy, encoding: bytes) -> None:
    forged = b"subject+AAA-" + b"f" * 40 + b"+AAA-1+AAA-feat!: forged\x00" + b"e" * 40 + b"\x001\x00feat: forged\n"
    copy.commit("one")
    name = copy.commit_object(commit_data(copy, forged, headers=b"encoding " + encoding + b"\n"))
    commits = copy.open().commits(after=None, until=name)
    assert [commit.commit for commit in commits] == [name]


def test_a_message_that_is_not_utf_8_is_still_read(copy: GitWorkingCopy) -> None:
    name = copy.commit_object(commit_data(copy, b"fix: \xff\xfe bytes\n"))
    (commit,) = copy.open().commits(after=None, until=name)
    assert commit.message == "fix: \ufffd\ufffd bytes\n"


def test_a_commit_that_claims_an_encoding_that_mangles_it_is_refused_by_name(copy: GitWorkingCopy) -> None:
    name = copy.commit_object(commit_data(copy, b"feat!: xy\n", headers=b"encoding UTF-16\n"))
    with pytest.raises(SourceError, match=f"{name}.*no readable time") as caught:
        copy.open().commits(after=None, until=name)
    assert "encoding" in caught.value.hint


def test_a_message_in_another_encoding_is_read(copy: GitWorkingCopy) -> None:
    name = copy.commit_object(commit_data(copy, b"fix: caf\xe9\n", headers=b"encoding ISO-8859-1\n"))
    (commit,) = copy.open().commits(after=None, until=name)
    assert commit.message == "fix: café\n"


@pytest.mark.parametrize("time", [b"-1 +0000", b"x +0000", b""])
def test_an_impossible_date_is_not_a_time(copy: GitWorkingCopy, time: bytes) -> None:
    name = copy.commit_object(commit_data(copy, b"x\n", time=time))
    with pytest.raises(SourceError, match="no readable time"):
        copy.open().commit_time(name)


def test_settings_of_the_repository_run_nothing_and_change_no_output(copy: GitWorkingCopy) -> None:
    head = copy.commit("feat: one")
    copy.tag("v1.0.0")
    pwned = copy.folder.parent / "pwned"
    hook = copy.folder.parent / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {pwned}\n")
    hook.chmod(0o755)
    for name, value in {
        "core.fsmonitor": str(hook),
        "core.pager": str(hook),
        "core.hooksPath": str(copy.folder.parent),
        "gpg.program": str(hook),
        "log.showSignature": "true",
        "log.decorate": "full",
        "log.follow": "true",
        "color.ui": "always",
        "format.pretty": "raw",
        "status.short": "true",
        "status.showUntrackedFiles": "no",
        "status.relativePaths": "true",
        "diff.ignoreSubmodules": "all",
        "i18n.logOutputEncoding": "UTF-16",
    }.items():
        copy.git("config", name, value)
    copy.write("src/new.js")
    repository = copy.open()
    assert list(repository.changes(ignoring=[])) == ["src/new.js"]
    assert [commit.message for commit in repository.commits(after=None, until=head)] == ["feat: one"]
    assert repository.tags() == {"v1.0.0": head}
    assert repository.commit_time(head) == 1_700_000_000
    assert not pwned.exists()


def test_replaced_objects_do_not_change_history(copy: GitWorkingCopy) -> None:
    old = copy.commit("feat!: breaking")
    copy.git("replace", old, copy.git("commit-tree", "-m", "docs: harmless", copy.git("write-tree")))
    assert [commit.message for commit in copy.open().commits(after=None, until=old)] == ["feat!: breaking"]


def commit_file(copy: GitWorkingCopy, path: str) -> None:
    copy.write(path)
    copy.git("add", "--all")
    copy.commit("files")


@pytest.fixture(autouse=True)
def author(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.com")


def test_a_rename_lists_both_paths(copy: GitWorkingCopy) -> None:
    commit_file(copy, "a.js")
    copy.git("mv", "a.js", "b\nc.js")
    assert list(copy.open().changes(ignoring=[])) == ["a.js", "b\nc.js"]


def test_modified_deleted_and_staged_paths_are_listed(copy: GitWorkingCopy) -> None:
    for path in ("deleted.js", "modified.js"):
        commit_file(copy, path)
    (copy.folder / "deleted.js").unlink()
    (copy.folder / "modified.js").write_text("other\n")
    copy.write("staged.js")
    copy.git("add", "staged.js")
    assert list(copy.open().changes(ignoring=[])) == ["deleted.js", "modified.js", "staged.js"]


def test_ignored_files_are_no_changes(copy: GitWorkingCopy) -> None:
    (copy.folder / ".gitignore").write_text("node_modules/\n")
    copy.git("add", "--all")
    copy.commit("files")
    copy.write("node_modules/x.js")
    assert list(copy.open().changes(ignoring=[])) == []


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_path_that_git_was_told_not_to_look_at_is_a_change(copy: GitWorkingCopy, flag: str) -> None:
    commit_file(copy, "a.js")
    copy.git("update-index", flag, "a.js")
    (copy.folder / "a.js").write_text("other\n")
    assert list(copy.open().changes(ignoring=[])) == ["a.js"]


def test_an_output_folder_that_is_a_link_elsewhere_is_not_ignored(copy: GitWorkingCopy, tmp_path: Path) -> None:
    copy.commit("one")
    (copy.folder / "dist").symlink_to(tmp_path)
    assert list(copy.open().changes(ignoring=[Path("dist")])) == ["dist"]


@pytest.mark.parametrize("name", ["", "v1*", "v1 x", "a..b", "v1^{}", "v1\n", "/", "a//b", "@{0}", "v[1]", "a\\b"])
def test_a_name_that_no_ref_can_have_is_refused(copy: GitWorkingCopy, name: str) -> None:
    head = copy.commit("one")
    copy.push()
    with pytest.raises(SourceError, match="cannot be the name"):
        copy.open().remote_tag(name)
    with pytest.raises(SourceError, match="cannot be the name"):
        copy.open().is_ancestor(head, name)


def test_a_remote_that_is_gone_is_not_a_remote_without_the_tag(copy: GitWorkingCopy, tmp_path: Path) -> None:
    copy.commit("one")
    copy.push()
    (tmp_path / "remote.git").rename(tmp_path / "gone")
    with pytest.raises(ServiceError):
        copy.open().remote_tag("v1.0.0")


def test_a_remote_that_does_not_answer_is_given_up(copy: GitWorkingCopy, monkeypatch: pytest.MonkeyPatch) -> None:
    copy.commit("one")
    copy.git("remote", "add", "origin", "ssh://example.invalid/library.git")
    monkeypatch.setenv("GIT_SSH_COMMAND", "sleep 60;")
    with pytest.raises(ServiceError, match=r"(?i)timeout"):
        GitRepository(copy.folder, seconds=0.5).remote_tag("v1.0.0")


def test_an_error_of_the_remote_does_not_show_the_password(copy: GitWorkingCopy) -> None:
    copy.commit("one")
    copy.git("remote", "add", "origin", "http://user:hunter2@127.0.0.1:1/library.git")
    with pytest.raises(ServiceError) as caught:
        copy.open().remote_tag("v1.0.0")
    assert "hunter2" not in str(caught.value)
    assert re.search("127.0.0.1", caught.value.message)


def test_the_ext_transport_runs_nothing(copy: GitWorkingCopy, tmp_path: Path) -> None:
    copy.commit("one")
    copy.git("remote", "add", "origin", f"ext::touch {tmp_path}/pwned")
    copy.git("config", "protocol.ext.allow", "always")
    with pytest.raises(ServiceError):
        copy.open().remote_tag("v1.0.0")
    assert not (tmp_path / "pwned").exists()
