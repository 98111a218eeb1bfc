import json
from typing import Any

import pytest

from release.core.lockfile import Locked, read_lock_file
from release.core.osv import Vulnerability
from release.core.supply import Supply, judge, permits

SHA512 = "sha512-" + "A" * 86 + "=="
REGISTRY = "https://registry.npmjs.org/a/-/a-1.0.0.tgz"


def locked(**facts: object) -> Locked:
    """A lock file with one package; facts override what is right about it."""
    package: dict[str, Any] = {"version": "1.0.0", "integrity": SHA512, "resolved": REGISTRY, "license": "MIT", **facts}
    body = {"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": package}}
    return read_lock_file(json.dumps(body).encode(), name="package-lock.json")


def said(supply: Supply, lock: Locked, *known: Vulnerability) -> list[tuple[str, str]]:
    return [(found.kind, found.what) for found in judge(supply, lock, known)]


def test_a_package_of_the_registry_with_a_digest_is_nothing_to_object_to() -> None:
    assert said(Supply(licenses=("MIT",)), locked()) == []
    assert said(Supply(), locked(resolved=None, license=None)) == []


@pytest.mark.parametrize("integrity", [None, "", "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "sha512-", "md5-x"])
def test_without_a_strong_digest_any_bytes_would_be_installed(integrity: str | None) -> None:
    assert [kind for kind, _ in said(Supply(), locked(integrity=integrity))] == ["integrity"]


@pytest.mark.parametrize(
    "resolved",
    [
        "https://evil.example/a.tgz",
        "http://registry.npmjs.org/a.tgz",
        "git+ssh://git@github.com/a/b.git#main",
        "https://registry.npmjs.org.evil.example/a.tgz",
    ],
)
def test_a_package_from_elsewhere_is_objected_to(resolved: str) -> None:
    assert said(Supply(), locked(resolved=resolved)) == [("source", f"comes from {resolved}")]
    allowed = Supply(registries=(resolved.rpartition("/")[0] + "/",))
    assert said(allowed, locked(resolved=resolved)) == []


def test_install_scripts_are_listed_until_they_are_known() -> None:
    lock = locked(hasInstallScript=True)
    assert [kind for kind, _ in said(Supply(), lock)] == ["script"]
    assert said(Supply(install_scripts=("a",)), lock) == []


def test_the_license_of_what_is_bundled_must_be_allowed_that_of_tools_need_not() -> None:
    mit = Supply(licenses=("MIT",))
    assert said(mit, locked(license="GPL-3.0-only")) == [("license", "license GPL-3.0-only")]
    assert said(mit, locked(license=None)) == [("license", "no license that the lock file knows")]
    assert said(mit, locked(license="GPL-3.0-only", dev=True)) == []


@pytest.mark.parametrize(
    ("expression", "met"),
    [
        ("MIT", True),
        ("(MIT OR GPL-3.0-only)", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND BSD-3-Clause", True),
        ("GPL-3.0-only OR MIT AND BSD-3-Clause", True),
        ("(GPL-3.0-only OR MIT) AND Apache-2.0", False),
        ("((MIT))", True),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("", False),
        ("()", False),
        ("MIT)", False),
        ("(MIT", False),
        ("SEE LICENSE IN <x>", False),
        ("MIT OR", True),
        ("OR", False),
        ("(" * 5000 + ")" * 5000, False),
    ],
)
def test_an_spdx_expression_is_met_or_not(expression: str, met: bool) -> None:
    assert permits(expression, ["MIT", "BSD-3-Clause"]) is met


def test_a_known_vulnerability_is_said_with_its_fix_until_it_is_accepted() -> None:
    known = Vulnerability(id_="GHSA-1", package="a", version="1.0.0", summary="pads evil", fixed="1.0.1")
    (found,) = judge(Supply(), locked(), [known])
    assert (found.kind, found.package, found.what) == ("vulnerability", "a@1.0.0", "GHSA-1: pads evil")
    assert "take 1.0.1 or newer" in found.hint
    assert said(Supply(accepted=("GHSA-1",)), locked(), known) == []
