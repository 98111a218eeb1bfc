"""`release init` writes a release.toml that is right at once, from whatever package.json says."""

import json
from pathlib import Path

import pytest

from tests.functional.conftest import Run
from tests.functional.library import Library

PACKAGES = {
    "bare": ({"name": "tag"}, "tag", 'input = "src/index.js"'),
    "scoped": ({"name": "@acme/visitor-tag"}, "visitor-tag", 'input = "src/index.js"'),
    "with a module": ({"name": "t", "module": "./lib/main.mjs"}, "t", 'input = "lib/main.mjs"'),
    "with its own build": (
        {"name": "t", "scripts": {"build": "vite build"}, "unpkg": "dist/t.min.js", "main": "./dist/t.cjs"},
        "t",
        'entries = ["t.min.js", "t.cjs"]',
    ),
    "with an odd name": ({"name": "Ünï cödé!"}, "n-c-d", 'input = "src/index.js"'),
    "with a hostile name": ({"name": '"]\n[site]'}, "site", 'input = "src/index.js"'),
    "without a name": ({}, "my-library", 'input = "src/index.js"'),
    "with odd types": ({"name": 7, "scripts": [], "main": {"a": 1}, "repository": 3}, "7", 'input = "src/index.js"'),
}


@pytest.mark.parametrize("case", PACKAGES)
def test_the_first_file_is_right_and_fits_the_package_but_for_the_logs_key(
    run: Run, library: Library, tmp_path: Path, case: str
) -> None:
    package, name, line = PACKAGES[case]
    (library.folder / "release.toml").unlink()
    library.write("package.json", json.dumps(package))
    assert run("init").code == 0
    text = (library.folder / "release.toml").read_text()
    assert f'name = "{name}"' in text
    assert line in text
    missing = run("config", "check")
    assert (missing.code, "1 problem\n" in missing.err, "'release log key FILE' makes it" in missing.err) == (
        3,
        True,
        True,
    )
    made = run("log", "key", str(tmp_path / "log.key"))
    assert made.code == 0, made
    library.write("release.toml", text.replace('# key = "..." ', f'key = "{made.out.strip()}"'))
    assert run("config", "check").code == 0


def test_the_repository_of_package_json_is_linked(run: Run, library: Library) -> None:
    repository = {"type": "git", "url": "git+https://gitlab.example.com/acme/tag.git"}
    (library.folder / "release.toml").unlink()
    library.write("package.json", json.dumps({"name": "tag", "repository": repository}))
    ended = run("init", "--dry-run")
    assert 'repository = "https://gitlab.example.com/acme/tag"' in ended.out


def test_a_file_that_exists_is_never_overwritten_and_what_it_lacks_is_said(run: Run, library: Library) -> None:
    library.write(".gitlab-ci.yml", "test: {script: [make]}\n")
    before = {path: path.read_bytes() for path in library.folder.iterdir() if path.is_file()}
    ended = run("init")
    assert (ended.code, ended.out) == (5, "")
    assert {path: path.read_bytes() for path in library.folder.iterdir() if path.is_file()} == before
    assert '          library: "tag"' in ended.err
    assert "    .release/\n" in ended.err
    assert "    dist/\n" not in ended.err, ".gitignore has it"
    assert "CODEOWNERS: say who reviews it: /release.toml @those-who-release" in ended.err


def test_a_repository_that_has_nothing_gets_all_and_a_second_run_nothing(run: Run, library: Library) -> None:
    for name in ("release.toml", ".gitignore"):
        (library.folder / name).unlink()
    shown = run("init", "--dry-run")
    assert not (library.folder / "release.toml").exists()
    assert run("init").code == 0
    for name in ("release.toml", ".gitlab-ci.yml", ".gitignore"):
        assert f"# {name}\n{(library.folder / name).read_text()}" in shown.out
    assert (library.folder / ".gitignore").read_text() == ".release/\ndist/\nnode_modules/\n"
    assert run("init").code == 5


def test_a_library_in_a_folder_is_included_from_the_top_of_its_repository(run: Run, library: Library) -> None:
    library.write("packages/tag/package.json", json.dumps({"name": "tag"}))
    assert run("init", "packages/tag").code == 0
    assert 'folder: "packages/tag/"' in (library.folder / ".gitlab-ci.yml").read_text()
    assert (library.folder / "packages/tag/release.toml").exists()
    assert not (library.folder / "packages/tag/.gitlab-ci.yml").exists()


def test_outside_of_git_everything_is_written_into_the_folder(run: Run, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "package.json").write_text('{"name": "tag"}')
    ended = run("init", str(bare))
    assert ended.code == 0, ended
    assert sorted(path.name for path in bare.iterdir()) == [
        ".gitignore",
        ".gitlab-ci.yml",
        "package.json",
        "release.toml",
    ]


def test_the_doctor_finds_what_init_could_not_know_and_nothing_else_wrong(run: Run, library: Library) -> None:
    (library.folder / "release.toml").unlink()
    assert run("init").code == 0
    key = run("log", "key", str(library.folder.parent / "log.key")).out.strip()
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml.replace('# key = "..." ', f'key = "{key}"'))
    found = json.loads(run("doctor", "--json").out)["findings"]
    missing = {f["check"] for f in found if f["level"] == "missing"}
    pins = {f"pin of {name}" for name in ("release", "announce", "audit", "watch", "rotate")}
    images = {f"image of {name}" for name in ("release", "audit", "watch", "rotate")}
    assert missing == {"release.toml"} | pins | images
    (library.folder / ".gitlab-ci.yml").unlink()
    known = ["--image", "registry.acme.test/a@sha256:" + "1" * 64, "--build-image", "b@sha256:" + "2" * 64]
    assert run("init", "--ref", "7" * 40, "--runner-tag", "protected", *known).code == 0
    found = json.loads(run("doctor", "--json").out)["findings"]
    assert "runners" not in {f["check"] for f in found}
    assert {f["check"] for f in found if f["level"] == "missing"} == {"release.toml"}


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_package_json_that_is_none_is_one_clear_error(run: Run, library: Library, text: str) -> None:
    (library.folder / "release.toml").unlink()
    library.write("package.json", text)
    ended = run("init")
    assert ended.code == 3
    assert not (library.folder / ".gitlab-ci.yml").exists()
    assert "package.json is not" in ended.err


def test_the_example_library_is_configured_right(run: Run) -> None:
    example = Path(__file__).parents[2] / "examples" / "visitor-tag" / "release.toml"
    assert run("config", "check", "--config", str(example)).code == 0
    shown = json.loads(run("config", "check", "--json", "--config", str(example)).out)
    assert shown["library"]["name"] == "visitor-tag"
    assert shown["cache"] == {"max-age": 300, "s-maxage": 60}
