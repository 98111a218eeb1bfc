import json
from typing import Any

import pytest

from release.core.config import BuildSection
from release.core.rolldown import commands, entry_names, is_installed, locked_packages
from release.errors import BuildError

LOCK = "package-lock.json"


def lock(packages: dict[str, Any]) -> bytes:
    return json.dumps({"lockfileVersion": 3, "packages": packages}).encode()


def package(version: str, **more: object) -> dict[str, object]:
    return {"version": version, "integrity": f"sha512-{version}", **more}


ROOT = {"name": "tag", "version": "1.0.0"}


def test_each_format_is_built_by_its_own_command() -> None:
    iife, esm = commands("visitor-tag", BuildSection(), {})
    assert " ".join(iife) == (
        "node_modules/.bin/rolldown src/index.js --platform browser --format iife --exports named --name VisitorTag"
        " --minify --transform.target es2020 --sourcemap hidden --dir dist --entry-file-names visitor-tag.min.js"
        " --chunk-file-names chunks/[name]-[hash].js"
    )
    assert " ".join(esm) == (
        "node_modules/.bin/rolldown src/index.js --platform browser --format esm --exports named"
        " --minify --transform.target es2020 --sourcemap hidden --dir dist --entry-file-names visitor-tag.esm.min.js"
        " --chunk-file-names chunks/[name]-[hash].js"
    )


def test_the_build_section_decides() -> None:
    build = BuildSection(
        input="lib/a.js", global_="$tag", formats=("iife",), target="es2017", output="out", source_maps=True
    )
    (line,) = commands("tag", build, {})
    words = " ".join(line)
    for part in ("rolldown lib/a.js ", "--name $tag ", "--transform.target es2017 ", "--sourcemap --dir out "):
        assert part in words


@pytest.mark.parametrize(
    ("library", "name"),
    [("tag", "Tag"), ("visitor-tag", "VisitorTag"), ("my.tag_js", "MyTagJs"), ("3d-tag", "_3dTag"), ("a--b", "AB")],
)
def test_a_library_has_a_javascript_name(library: str, name: str) -> None:
    (line,) = commands(library, BuildSection(formats=("iife",)), {})
    assert line[line.index("--name") + 1] == name


def test_entries_are_named_after_the_library() -> None:
    assert entry_names("tag", ["esm", "iife"]) == {"esm": "tag.esm.min.js", "iife": "tag.min.js"}


def test_a_lock_file_says_what_is_installed_where() -> None:
    text = lock({"": ROOT, "node_modules/a": package("1.0.0"), "packages/b": {}, "node_modules/b": {"link": True}})
    assert locked_packages(text, name=LOCK) == {
        "node_modules/a": ("1.0.0", "sha512-1.0.0"),
        "packages/b": ("", ""),
        "node_modules/b": ("", ""),
    }


BAD_LOCKS = {
    "empty": b"",
    "not JSON": b"lockfile v1",
    "not UTF-8": b"\xff",
    "version 1": b'{"lockfileVersion": 1, "dependencies": {}}',
    "a list": b"[]",
    "packages as a list": b'{"packages": []}',
    "a package that is text": b'{"packages": {"node_modules/a": "1.0.0"}}',
    "thousands of levels": b"[" * 9999,
}


@pytest.mark.parametrize("text", BAD_LOCKS.values(), ids=BAD_LOCKS.keys())
def test_what_is_no_lock_file_is_refused(text: bytes) -> None:
    with pytest.raises(BuildError, match=r"^package-lock\.json is not an npm lock file$"):
        locked_packages(text, name=LOCK)
    with pytest.raises(BuildError):
        is_installed(text, lock({}), name=LOCK)
    with pytest.raises(BuildError):
        is_installed(lock({}), text, name=LOCK)


A, B = package("1.0.0"), package("2.0.0")
ONLY_LINUX = package("3.0.0", optional=True)
INSTALLED = {
    "the same": ({"node_modules/a": A, "node_modules/b": B}, True),
    "nothing": ({}, False),
    "one is missing": ({"node_modules/a": A}, False),
    "one too many": ({"node_modules/a": A, "node_modules/b": B, "node_modules/c": A}, False),
    "another version": ({"node_modules/a": A, "node_modules/b": A}, False),
    "other bytes": ({"node_modules/a": A, "node_modules/b": {**B, "integrity": "sha512-evil"}}, False),
    "one for another machine too": (
        {"node_modules/a": A, "node_modules/b": B, "node_modules/linux": ONLY_LINUX},
        True,
    ),
    "another place": ({"node_modules/a": A, "node_modules/a/node_modules/b": B}, False),
}


@pytest.mark.parametrize(("there", "same"), INSTALLED.values(), ids=INSTALLED.keys())
def test_node_modules_must_be_what_the_lock_file_says(there: dict[str, Any], same: bool) -> None:
    locked = lock({"": ROOT, "node_modules/a": A, "node_modules/b": B, "node_modules/linux": ONLY_LINUX})
    assert is_installed(locked, lock(there), name=LOCK) is same


def test_without_npms_own_note_nothing_is_installed() -> None:
    assert is_installed(lock({"": ROOT}), None, name=LOCK) is False
