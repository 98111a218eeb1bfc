from collections.abc import Callable
from pathlib import Path

import pytest
from semver import Version

from release.effects.source import Source, verify_source, verify_unmoved
from release.errors import ServiceError, SourceError
from tests.fakes.repository import FakeRepository

TIME = 1_700_000_123


@pytest.fixture
def repository() -> FakeRepository:
    repository = FakeRepository()
    repository.commit("feat: a")
    repository.commit("fix: b", time=TIME)
    repository.tag("v1.2.3")
    repository.push()
    return repository


def verify(repository: FakeRepository, *, tag: str | None = None, package_version: str = "1.2.3") -> Source:
    return verify_source(
        repository,
        tag=tag,
        tag_prefix="v",
        package_version=package_version,
        protected_branch="main",
        output=Path("dist"),
    )


@pytest.mark.parametrize("tag", [None, "v1.2.3"])
def test_the_tagged_commit_of_the_protected_branch_is_released(repository: FakeRepository, tag: str | None) -> None:
    expected = Source(commit=repository.head(), tag="v1.2.3", version=Version(1, 2, 3), commit_time=TIME)
    repository.tag("nightly")
    repository.write("dist/a.js")
    assert verify(repository, tag=tag) == expected


def test_of_several_version_tags_the_one_given_is_taken(repository: FakeRepository) -> None:
    repository.tag("v1.2.3-rc.1")
    assert verify(repository, tag="v1.2.3").tag == "v1.2.3"


def test_without_a_remote_the_tag_here_is_enough() -> None:
    repository = FakeRepository()
    repository.commit("feat: a")
    repository.tag("v1.2.3")
    assert verify(repository).tag == "v1.2.3"


def shallow(repository: FakeRepository) -> None:
    repository.shallow = True


def untagged(repository: FakeRepository) -> None:
    repository.commit("fix: c")


def with_two_tags(repository: FakeRepository) -> None:
    repository.tag("v1.2.4")


def dirty(repository: FakeRepository) -> None:
    for name in "gfedcba":
        repository.write(f"src/{name}\u202e.js")


def on_another_branch(repository: FakeRepository) -> None:
    repository.switch("side", at=repository.head())
    repository.commit("fix: c")
    repository.delete_tag("v1.2.3")
    repository.tag("v1.2.3")


def moved_in_the_remote(repository: FakeRepository) -> None:
    here = repository.head()
    repository.tag("v1.2.3", repository.commit("fix: c"))
    repository.push()
    repository.tag("v1.2.3", here)
    repository.switch("main", at=here)


@pytest.mark.parametrize(
    ("happens", "message", "hint"),
    [
        (shallow, "shallow", "GIT_DEPTH: 0"),
        (untagged, "has no version tag", "git tag -a v1.2.3"),
        (with_two_tags, "2 version tags: v1.2.3, v1.2.4", "--tag"),
        (dirty, r"changes: 'src/a\\u202e.js', .*'src/e\\u202e.js' and 2 more", "Commit them"),
        (on_another_branch, "not on the protected branch 'main'", "Merge it"),
        (moved_in_the_remote, "points elsewhere in the remote", "do not move"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_anything_else_is_refused_with_what_to_do(
    repository: FakeRepository, happens: Callable[[FakeRepository], None], message: str, hint: str
) -> None:
    happens(repository)
    with pytest.raises(SourceError, match=message) as caught:
        verify(repository)
    assert hint in caught.value.hint


@pytest.mark.parametrize("tag", ["", "1.2.3", "v1.2", "--upload-pack=x", "v1.2.3\n", "refs/tags/v1.2.3", "v1.2.3^{}"])
def test_a_malformed_or_hostile_tag_is_refused(repository: FakeRepository, tag: str) -> None:
    with pytest.raises(SourceError, match="tag "):
        verify(repository, tag=tag)


def test_a_tag_that_is_not_there_is_refused(repository: FakeRepository) -> None:
    with pytest.raises(SourceError, match=r"there is no tag 'v1\.2\.4'"):
        verify(repository, tag="v1.2.4")


def test_a_tag_of_another_commit_is_refused_with_both(repository: FakeRepository) -> None:
    tagged, head = repository.head(), repository.commit("fix: c")
    with pytest.raises(SourceError, match="not at the commit that is checked out") as caught:
        verify(repository, tag="v1.2.3")
    assert caught.value.evidence == {"tag": tagged, "checked out": head}


@pytest.mark.parametrize("package_version", ["1.2.4", "1.2.3-rc.1", "v1.2.3", "", "1.2.3+build", "01.2.3"])
def test_another_version_in_package_json_is_refused(repository: FakeRepository, package_version: str) -> None:
    with pytest.raises(SourceError, match=r"package\.json says") as caught:
        verify(repository, package_version=package_version)
    assert caught.value.evidence == {"tag": "1.2.3", "package.json": package_version}


def test_a_protected_branch_that_is_not_there_is_an_error(repository: FakeRepository) -> None:
    with pytest.raises(SourceError, match="no branch 'production'"):
        verify_source(
            repository,
            tag=None,
            tag_prefix="v",
            package_version="1.2.3",
            protected_branch="production",
            output=Path("dist"),
        )


def test_a_remote_that_does_not_answer_is_not_a_remote_without_the_tag(repository: FakeRepository) -> None:
    repository.remote_answers = False
    with pytest.raises(ServiceError):
        verify(repository)
    with pytest.raises(ServiceError):
        verify_unmoved(repository, "v1.2.3", repository.head())


def test_a_tag_that_stays_is_unmoved(repository: FakeRepository) -> None:
    built = repository.head()
    repository.commit("fix: c")
    verify_unmoved(repository, "v1.2.3", built)


def test_a_tag_that_went_away_moved_or_moved_in_the_remote_is_noticed(repository: FakeRepository) -> None:
    built = repository.head()
    moved_in_the_remote(repository)
    with pytest.raises(SourceError, match="elsewhere in the remote"):
        verify_unmoved(repository, "v1.2.3", built)
    repository.tag("v1.2.3", repository.commit("fix: d"))
    with pytest.raises(SourceError, match="was moved since the build") as caught:
        verify_unmoved(repository, "v1.2.3", built)
    assert caught.value.evidence == {"expected": built, "found": repository.head()}
    repository.delete_tag("v1.2.3")
    with pytest.raises(SourceError, match="is gone since the build"):
        verify_unmoved(repository, "v1.2.3", built)


def test_a_tag_that_was_never_pushed_cannot_be_published(repository: FakeRepository) -> None:
    repository.commit("feat: c")
    repository.tag("v1.3.0")
    with pytest.raises(SourceError, match="is not in the remote repository"):
        verify_unmoved(repository, "v1.3.0", repository.head())


def test_without_a_remote_the_local_tag_decides() -> None:
    repository = FakeRepository()
    commit = repository.commit("feat: a")
    repository.tag("v1.0.0")
    verify_unmoved(repository, "v1.0.0", commit)
