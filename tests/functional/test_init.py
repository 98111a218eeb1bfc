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
    library.write("package.json", json.dumps({"name": "tag", "repository": repository}))
    ended = run("init", "--dry-run")
    assert 'repository = "https://gitlab.example.com/acme/tag"' in ended.out


def test_a_file_that_exists_is_never_overwritten(run: Run, library: Library) -> None:
    before = (library.folder / "release.toml").read_bytes()
    ended = run("init")
    assert ended.code == 12
    assert (library.folder / "release.toml").read_bytes() == before


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_package_json_that_is_none_is_one_clear_error(run: Run, library: Library, text: str) -> None:
    library.write("package.json", text)
    ended = run("init")
    assert ended.code == 3
    assert "package.json is not" in ended.err


def test_the_example_library_is_configured_right(run: Run) -> None:
    example = Path(__file__).parents[2] / "examples" / "visitor-tag" / "release.toml"
    assert run("config", "check", "--config", str(example)).code == 0
    shown = json.loads(run("config", "check", "--json", "--config", str(example)).out)
    assert shown["library"]["name"] == "visitor-tag"
    assert shown["cache"] == {"max-age": 300, "s-maxage": 60}
