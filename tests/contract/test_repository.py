"""The same scenarios on the fake repository and on git itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from release.errors import SourceError
from release.ports import Repository
from tests.contract.working_copy import GitWorkingCopy
from tests.fakes.repository import FakeRepository

if TYPE_CHECKING:
    from collections.abc import Callable

ABSENT = "0" * 40


class World(Protocol):
    def open(self) -> Repository: ...
    def commit(self, message: str, *, time: int = ..., merging: str | None = None, by: str = ...) -> str: ...
    def switch(self, branch: str, *, at: str | None = None) -> None: ...
    def tag(self, name: str, commit: str | None = None, *, annotated: bool = False, message: bytes = ...) -> None: ...
    def delete_tag(self, name: str) -> None: ...
    def push(self) -> None: ...
    def write(self, path: str) -> None: ...


@pytest.fixture(params=["fake", "git"])
def world(request: pytest.FixtureRequest, tmp_path: Path, git_alone: None) -> World:
    del git_alone
    return FakeRepository() if request.param == "fake" else GitWorkingCopy(tmp_path)


def test_head_is_the_last_commit(world: World) -> None:
    world.commit("one")
    last = world.commit("two")
    assert world.open().head() == last


def test_a_repository_without_commits_has_no_head(world: World) -> None:
    with pytest.raises(SourceError, match="no commit yet"):
        world.open().head()


def test_a_whole_clone_is_not_shallow(world: World) -> None:
    world.commit("one")
    assert not world.open().is_shallow()


def test_commits_come_newest_first_and_children_before_parents_whatever_their_clocks_say(world: World) -> None:
    names = [world.commit(message, time=time) for message, time in (("a", 300), ("b", 100), ("c", 200))]
    commits = world.open().commits(after=None, until=names[-1])
    assert [(commit.commit, commit.time) for commit in commits] == [
        (names[2], 200),
        (names[1], 100),
        (names[0], 300),
    ]


def test_commits_after_one_leave_out_all_that_it_contains(world: World) -> None:
    first = world.commit("first")
    world.switch("side", at=first)
    side = world.commit("side")
    world.switch("main")
    main = world.commit("main")
    merge = world.commit("merge", merging="side")
    repository = world.open()
    assert {commit.commit for commit in repository.commits(after=main, until=merge)} == {side, merge}
    assert {commit.commit for commit in repository.commits(after=side, until=merge)} == {main, merge}
    assert repository.commits(after=merge, until=first) == []


def test_authors_are_those_of_the_commits_between_two(world: World) -> None:
    first = world.commit("first", by="old@example.com")
    world.commit("second", by="ann@example.com")
    world.commit("third", by="bob@example.com")
    last = world.commit("fourth", by="ann@example.com")
    assert world.open().authors(after=first, until=last) == ["ann@example.com", "bob@example.com"]
    assert world.open().authors(after=None, until=first) == ["old@example.com"]
    assert world.open().authors(after=last, until=last) == []


@pytest.mark.parametrize(
    "message",
    [
        "subject only\n",
        "subject\n\nbody\n\n  indented\n\n\nafter two blank lines\n",
        "%H %x00 %n percent\n",
        "quotes ' \" ` $(touch pwned) \\n\n",
        "tabs\tand\x1b[31m escapes\x07\n",
        "ünïcödé 🎉 \u202e backwards\n",
        "crlf\r\n\r\nbody\r\n",
    ],
)
def test_a_message_comes_back_whole(world: World, message: str) -> None:
    name = world.commit(message)
    world.commit("next")
    assert [commit.message for commit in world.open().commits(after=None, until=name)] == [message]


@pytest.mark.parametrize("revision", ["HEAD", "main", "", "--all", ABSENT[:39], "^" + ABSENT, ABSENT])
def test_only_full_hashes_of_commits_are_revisions(world: World, revision: str) -> None:
    head = world.commit("one")
    repository = world.open()
    calls: list[Callable[[], object]] = [
        lambda: repository.commits(after=None, until=revision),
        lambda: repository.tags(merged_into=revision),
        lambda: repository.commit_time(revision),
        lambda: repository.is_ancestor(revision, "main"),
        lambda: repository.commits(after=revision or "-", until=head),
    ]
    for call in calls:
        with pytest.raises(SourceError):
            call()


@pytest.mark.parametrize("annotated", [False, True])
def test_a_tag_gives_its_commit(world: World, *, annotated: bool) -> None:
    name = world.commit("one")
    world.tag("v1.0.0", annotated=annotated)
    world.commit("two")
    assert world.open().tags() == {"v1.0.0": name}


def test_tags_can_be_limited_to_what_a_commit_contains(world: World) -> None:
    first = world.commit("first")
    world.tag("v1.0.0", annotated=True)
    world.switch("side", at=first)
    world.commit("side")
    world.tag("v2.0.0-rc.1")
    world.switch("main")
    head = world.commit("main")
    world.tag("v1.0.1")
    assert world.open().tags(merged_into=head) == {"v1.0.0": first, "v1.0.1": head}


@pytest.mark.parametrize("name", ["--upload-pack=touch${IFS}pwned", "-d", "--all", "v1;touch${IFS}pwned"])
def test_a_hostile_tag_name_is_only_a_name(world: World, name: str, tmp_path: Path) -> None:
    commit = world.commit("one")
    world.tag(name)
    world.push()
    repository = world.open()
    assert repository.tags() == {name: commit}
    assert repository.remote_tag(name) == commit
    assert not list(tmp_path.rglob("pwned"))


def test_without_a_remote_there_is_no_remote_tag(world: World) -> None:
    world.commit("one")
    world.tag("v1.0.0")
    assert world.open().remote_tag("v1.0.0") is None


@pytest.mark.parametrize("annotated", [False, True])
def test_the_remote_tag_is_what_the_remote_has(world: World, *, annotated: bool) -> None:
    first = world.commit("one")
    world.tag("v1.0.0", annotated=annotated)
    world.push()
    world.tag("v1.0.0", world.commit("two"))
    world.tag("v1.0.1")
    repository = world.open()
    assert repository.remote_tag("v1.0.0") == first
    assert repository.remote_tag("v1.0.1") is None
    world.push()
    assert world.open().remote_tag("v1.0.0") != first


def test_a_branch_contains_its_commits_and_no_others(world: World) -> None:
    first = world.commit("first")
    world.switch("side", at=first)
    side = world.commit("side")
    repository = world.open()
    assert repository.is_ancestor(first, "main")
    assert not repository.is_ancestor(side, "main")
    assert repository.is_ancestor(side, "side")


def test_the_branch_of_the_remote_decides_if_there_is_one(world: World) -> None:
    world.commit("first")
    world.push()
    local = world.commit("not pushed")
    assert not world.open().is_ancestor(local, "main")
    world.push()
    assert world.open().is_ancestor(local, "main")


def test_a_branch_that_is_not_there_contains_nothing_and_is_an_error(world: World) -> None:
    head = world.commit("first")
    with pytest.raises(SourceError, match="no branch"):
        world.open().is_ancestor(head, "production")


def test_a_clean_tree_has_no_changes(world: World) -> None:
    world.commit("first")
    assert list(world.open().changes(ignoring=[])) == []


def test_every_changed_path_is_listed_except_below_the_folders_to_ignore(world: World) -> None:
    world.commit("first")
    for path in ("src/new.js", "dist/a.js", "dist/deep/b.js", "dist2/c.js", "with space.js", "ü.js"):
        world.write(path)
    repository = world.open()
    expected = ["dist2/c.js", "src/new.js", "with space.js", "ü.js"]
    assert list(repository.changes(ignoring=[Path("dist")])) == expected
    assert list(repository.changes(ignoring=[repository.root() / "dist"])) == expected
    assert "dist/deep/b.js" in repository.changes(ignoring=[Path("other"), Path("/elsewhere")])


def test_the_whole_tree_cannot_be_ignored(world: World) -> None:
    world.commit("first")
    world.write("src/new.js")
    repository = world.open()
    with pytest.raises(SourceError, match="whole working tree"):
        repository.changes(ignoring=[repository.root()])


def test_the_commit_time_is_the_committers(world: World) -> None:
    name = world.commit("first", time=1_234_567_890)
    assert world.open().commit_time(name) == 1_234_567_890


def test_the_objects_of_annotated_tags_are_given_byte_for_byte_and_no_larger_than_asked(world: World) -> None:
    message = b"v1.0.0\n\n-----BEGIN SSH SIGNATURE-----\n\xff\n"
    commit = world.commit("one")
    world.tag("v1.0.0", annotated=True, message=message)
    world.tag("v1.0.1", annotated=True, message=b"x" * 1000)
    world.tag("v1.0.2")
    world.tag("other", annotated=True)
    found = world.open().tag_objects(["v1.0.0", "v1.0.1", "v1.0.2", "absent"], limit=500)
    head = f"object {commit}\ntype commit\ntag v1.0.0\ntagger A <a@example.com> 1 +0000\n\n"
    assert found == {"v1.0.0": head.encode() + message, "v1.0.1": None}
