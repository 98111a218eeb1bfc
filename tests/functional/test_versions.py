"""`release next` and `release changelog` on a real repository."""

import json

from tests.functional.conftest import Run
from tests.functional.library import Library


def test_the_first_release_is_what_package_json_says(run: Run) -> None:
    assert run("next").out == "1.0.0\n"


def test_the_next_version_follows_the_commits(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    library.commit("fix: a")
    assert run("next").out == "1.0.1\n"
    library.commit("feat(api): b")
    assert run("next").out == "1.1.0\n"
    library.commit("refactor!: c")
    ended = run("next")
    assert ended.out == "2.0.0\n"
    assert "breaking change since 1.0.0: " in ended.err


def test_a_prerelease_train_counts_and_then_graduates(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    library.commit("feat: a")
    assert run("next", "--prerelease", "rc").out == "1.1.0-rc.1\n"
    library.git("tag", "v1.1.0-rc.1")
    library.commit("fix: b")
    assert run("next", "--prerelease", "rc").out == "1.1.0-rc.2\n"
    assert run("next").out == "1.1.0\n"


def test_no_commit_that_calls_for_a_release_is_no_success(run: Run, library: Library) -> None:
    library.git("tag", "v1.0.0")
    library.commit("docs: a")
    ended = run("next")
    assert (ended.code, ended.out) == (5, "")
    asked = run("next", "--json")
    assert json.loads(asked.err.strip().splitlines()[-1])["error"] == "NothingToDoError"


def test_the_changelog_keeps_what_people_wrote_and_is_idempotent(run: Run, library: Library) -> None:
    old = "# Our changes\n\nBy hand.\n\n## [Unreleased]\n\nMind the gap.\n\n## [0.9.0] - 2025-01-01\n- x \n"
    (library.folder / "CHANGELOG.md").write_bytes(old.replace("\n", "\r\n").encode())
    library.commit("feat: see <script>alert(1)</script> and [x](javascript:alert(1))")
    assert run("changelog", "1.0.0", "--date", "2026-11-24").code == 0
    once = (library.folder / "CHANGELOG.md").read_bytes()
    assert once.startswith(b"# Our changes\r\n\r\nBy hand.\r\n")
    assert once.endswith(b"## [0.9.0] - 2025-01-01\r\n- x \r\n")
    assert b"Mind the gap." in once
    assert b"## [1.0.0] - 2026-11-24" in once
    assert b"<script>" not in once
    assert b"\\](javascript:" in once
    again = run("changelog", "1.0.0", "--date", "2026-11-24")
    assert "nothing to do" in again.out
    assert (library.folder / "CHANGELOG.md").read_bytes() == once


def test_a_template_of_ones_own_is_used_and_cannot_forget_to_escape(run: Run, library: Library) -> None:
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml.replace('name = "tag"', 'name = "tag"\nchangelog-template = "own.md.j2"'))
    template = (library.folder / "own.md.j2").write_text
    template("{% for c in features %}* {{ c.text }}\n{% endfor %}")
    library.commit("feat: *bold* claim")
    ended = run("changelog", "1.0.0", "--dry-run")
    assert ended.code == 0, ended.err
    assert "* \\*bold\\* claim" in ended.out


def test_a_misspelt_name_in_a_template_is_an_error(run: Run, library: Library) -> None:
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml.replace('name = "tag"', 'name = "tag"\nchangelog-template = "own.md.j2"'))
    library.write("own.md.j2", "{{ comits }}")
    ended = run("changelog", "1.0.0")
    assert ended.code == 3
    assert "comits" in ended.err
    assert not (library.folder / "CHANGELOG.md").exists()
