import pytest
from semver import Version

from release.core.commits import MAX_HEADER
from release.errors import NothingToDoError, SourceError
from release.stages import version
from release.stages.version import NextVersion
from tests.fakes.repository import FakeRepository


@pytest.fixture
def repository() -> FakeRepository:
    return FakeRepository()


def run(
    repository: FakeRepository, *, prerelease: str | None = None, package_version: str | None = None
) -> NextVersion:
    return version.run(repository, tag_prefix="v", package_version=package_version, prerelease=prerelease)


def test_a_library_is_released_from_its_first_version_to_the_next_major(repository: FakeRepository) -> None:
    repository.commit("initial commit")
    assert run(repository, package_version="1.0.0").tag == "v1.0.0"
    repository.tag("v1.0.0")
    repository.commit("docs: a")
    with pytest.raises(NothingToDoError, match="1 docs"):
        run(repository)
    commit = repository.commit("feat: b")
    assert run(repository) == NextVersion(
        version=Version(1, 1, 0),
        tag="v1.1.0",
        previous=Version(1, 0, 0),
        reasons=(f"minor since 1.0.0: {commit[:7]} feat: b",),
        commits=2,
    )
    assert run(repository, prerelease="rc").tag == "v1.1.0-rc.1"
    repository.tag("v1.1.0-rc.1")
    with pytest.raises(NothingToDoError, match=r"since 1\.1\.0-rc\.1"):
        run(repository, prerelease="rc")
    repository.commit("fix: c")
    assert run(repository, prerelease="rc").tag == "v1.1.0-rc.2"
    repository.tag("v1.1.0-rc.2")
    assert run(repository).tag == "v1.1.0"
    repository.commit("refactor!: d")
    assert run(repository, prerelease="rc").tag == "v2.0.0-rc.1"
    assert run(repository).tag == "v2.0.0"


def test_a_maintenance_branch_goes_on_from_its_own_version(repository: FakeRepository) -> None:
    old = repository.commit("feat: a")
    repository.tag("v1.3.0")
    repository.commit("feat!: b")
    repository.tag("v2.0.0")
    repository.switch("1.x", at=old)
    repository.commit("fix: c")
    assert run(repository).tag == "v1.3.1"
    repository.tag("v1.3.1")
    repository.commit("feat!: d")
    with pytest.raises(SourceError, match=r"2\.0\.0, which has a tag already"):
        run(repository)


def test_many_newer_versions_on_other_branches_change_nothing(repository: FakeRepository) -> None:
    old = repository.commit("feat: a")
    repository.tag("v1.0.0")
    repository.tag("v0.9.0")
    for minor in range(30):
        repository.commit("feat: b")
        repository.tag(f"v2.{minor}.0")
    repository.switch("1.x", at=old)
    repository.commit("fix: c")
    found = run(repository)
    assert (found.tag, found.previous) == ("v1.0.1", Version(1, 0, 0))


def test_tags_of_other_things_are_left_alone(repository: FakeRepository) -> None:
    repository.commit("fix: a")
    repository.tag("v1.0.0")
    for name in ("v9", "9.0.0", "other@9.0.0", "v9.0.0+build", "--v9.0.0"):
        repository.tag(name)
    repository.commit("fix: b")
    assert run(repository).tag == "v1.0.1"


def test_a_shallow_clone_is_refused(repository: FakeRepository) -> None:
    repository.commit("fix: a")
    repository.shallow = True
    with pytest.raises(SourceError, match="shallow") as caught:
        run(repository)
    assert "GIT_DEPTH: 0" in caught.value.hint


def test_a_history_without_any_of_the_versions_that_there_are_is_refused(repository: FakeRepository) -> None:
    first = repository.commit("fix: a")
    repository.commit("fix: b")
    repository.tag("v1.0.0")
    repository.switch("orphan", at=first)
    with pytest.raises(SourceError, match=r"version tags up to 'v1\.0\.0'"):
        run(repository, package_version="1.0.0")


def test_a_huge_message_is_cut_in_the_reasons(repository: FakeRepository) -> None:
    repository.commit("fix: a")
    repository.tag("v1.0.0")
    repository.commit("fix: " + "a" * 100_000)
    assert len(run(repository).reasons[0]) < MAX_HEADER + 100
