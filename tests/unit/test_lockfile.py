import json
from typing import Any

import pytest

from release.core.lockfile import Locked, read_lock_file
from release.errors import BuildError

PACKAGES: dict[str, Any] = {
    "": {"name": "tag", "dependencies": {"a": "^1.0.0"}, "devDependencies": {"builder": "^2.0.0"}},
    "node_modules/@scope/deep": {"version": "3.0.0"},
    "node_modules/a": {"version": "1.0.1", "integrity": "sha512-a", "license": "MIT", "dependencies": {"b": "1"}},
    "node_modules/a/node_modules/b": {"version": "1.9.0", "dependencies": {"@scope/deep": "*"}},
    "node_modules/b": {"version": "2.0.0", "dev": True},
    "node_modules/builder": {"version": "2.1.0", "dev": True, "peerDependencies": {"b": "2", "absent": "1"}},
    "node_modules/local": {"resolved": "packages/local", "link": True},
    "packages/local": {"name": "local", "version": "0.1.0", "dependencies": {"b": "2"}},
}


def read(packages: dict[str, Any] | None = None) -> Locked:
    body = json.dumps({"lockfileVersion": 3, "packages": PACKAGES if packages is None else packages}).encode()
    return read_lock_file(body, name="package-lock.json")


def test_packages_are_read_by_their_place() -> None:
    found = {package.place: package for package in read().packages}
    assert set(found) == {place for place in PACKAGES if place.startswith("node_modules/")}
    a = found["node_modules/a"]
    assert (a.name, a.version, a.integrity, a.license_) == ("a", "1.0.1", "sha512-a", "MIT")
    assert found["node_modules/@scope/deep"].name == "@scope/deep"
    assert found["node_modules/a/node_modules/b"].name == "b"
    assert [place for place, package in found.items() if package.development] == [
        "node_modules/b",
        "node_modules/builder",
    ]


def test_needs_are_found_as_node_finds_them() -> None:
    locked = read()
    needs = {package.place: package.needs for package in locked.packages}
    assert locked.needs == ("node_modules/a", "node_modules/builder")
    assert needs["node_modules/a"] == ("node_modules/a/node_modules/b",)
    assert needs["node_modules/a/node_modules/b"] == ("node_modules/@scope/deep",)
    assert needs["node_modules/builder"] == ("node_modules/b",)


def test_a_workspace_is_the_package_it_links_to() -> None:
    local = next(package for package in read().packages if package.place == "node_modules/local")
    assert (local.name, local.version, local.needs) == ("local", "0.1.0", ("node_modules/b",))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"packages": 3}', b'{"packages": {"node_modules/a": 3}}', b"[" * 100_000, b"\xff"],
    ids=["empty", "list", "half", "number", "package", "deep", "binary"],
)
def test_what_is_no_lock_file_is_refused(body: bytes) -> None:
    with pytest.raises(BuildError, match=r"^package-lock\.json"):
        read_lock_file(body, name="package-lock.json")


@pytest.mark.parametrize(
    "facts",
    [{}, {"version": 3}, {"version": ""}, {"version": "1\n2"}, {"version": "1" * 300}, {"version": "1", "name": "a b"}],
    ids=str,
)
def test_a_package_without_a_sound_name_or_version_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(BuildError, match="node_modules/x"):
        read({"node_modules/x": facts})
