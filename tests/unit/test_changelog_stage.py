from pathlib import Path

import pytest
from semver import Version

import release
from release.core.changelog import parse
from release.core.changelog_update import Update
from release.errors import SourceError
from release.stages import changelog
from tests.fakes.repository import FakeRepository

TEMPLATE = (Path(release.__file__).parent / "templates/changelog-section.md.j2").read_text()


@pytest.fixture
def repository() -> FakeRepository:
    repository = FakeRepository()
    for message, tag in (
        ("feat: one", "v1.0.0"),
        ("feat: two", "v1.1.0-rc.1"),
        ("fix: three", "v1.1.0-rc.2"),
        ("docs: four", "v1.1.0"),
    ):
        repository.commit(message)
        repository.tag(tag)
    return repository


def run(repository: FakeRepository, version: str, text: str = "") -> Update:
    return changelog.run(
        repository,
        tag_prefix="v",
        version=Version.parse(version),
        date="2026-01-02",
        text=text,
        template=TEMPLATE,
        repository_url="https://gitlab.example/a/b",
    )


def told(update: Update) -> list[str]:
    return [line.removeprefix("- ").partition(" ")[0] for line in update.text.split("\n") if line.startswith("- ")]


@pytest.mark.parametrize(
    ("version", "expected", "range_"),
    [
        ("1.0.0", ["one"], "commits/v1.0.0"),
        ("1.1.0-rc.1", ["two"], "compare/v1.0.0...v1.1.0-rc.1"),
        ("1.1.0-rc.2", ["three"], "compare/v1.1.0-rc.1...v1.1.0-rc.2"),
        ("1.1.0", ["two", "three"], "compare/v1.0.0...v1.1.0"),
    ],
)
def test_a_section_has_the_commits_since_the_version_before(
    repository: FakeRepository, version: str, expected: list[str], range_: str
) -> None:
    update = run(repository, version)
    assert told(update) == expected
    assert update.text.endswith(f"[{version}]: https://gitlab.example/a/b/-/{range_}\n")


def test_a_version_without_a_tag_ends_at_the_commit_that_is_checked_out(repository: FakeRepository) -> None:
    repository.commit("fix: five")
    first = run(repository, "1.1.1")
    assert told(first) == ["five"]
    repository.commit("fix: six")
    second = run(repository, "1.1.1", first.text)
    assert told(second) == ["six", "five"]
    repository.tag("v1.1.1")
    repository.commit("fix: seven")
    assert not run(repository, "1.1.1", second.text).changed


def test_all_versions_one_after_the_other_make_a_changelog(repository: FakeRepository) -> None:
    text = "# Changelog\n\n## [Unreleased]\n\nBy hand.\n"
    for version in ("1.1.0-rc.1", "1.1.0", "1.0.0", "1.1.0-rc.2", "1.1.0"):
        text = run(repository, version, text).text
    blocks = parse(text).blocks
    assert [str(block.version) for block in blocks[1:]] == ["1.1.0", "1.1.0-rc.2", "1.1.0-rc.1", "1.0.0"]
    assert "By hand." in blocks[1].text


def test_a_backport_tells_only_its_own_commits(repository: FakeRepository) -> None:
    repository.switch("1.0", at=repository.tags()["v1.0.0"])
    repository.commit("fix: backported")
    assert told(run(repository, "1.0.1")) == ["backported"]


def test_a_shallow_clone_is_refused(repository: FakeRepository) -> None:
    repository.shallow = True
    with pytest.raises(SourceError, match="shallow"):
        run(repository, "1.1.0")
