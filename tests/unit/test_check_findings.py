"""What `release check` finds besides hosts: sizes, secrets, the language level, names, dependencies."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from release.core.check_findings import Earlier
from release.core.domains.lists import Waiver
from release.core.lockfile import read_lock_file
from release.core.manifest import Manifest, decode
from release.core.osv import Vulnerability
from release.stages import check
from tests.fakes import examples
from tests.fakes.clock import StoppedClock
from tests.fakes.scenario import World

TOKEN: Final = "glpat" + "-" + "abcdefghij0123456789"
V1: Final = b"var Tag=(function(e){return e.start=1,e.stop=2,e})({});"


def report(
    script: bytes,
    *,
    version: str = "1.1.0",
    beside: check.Beside | None = None,
    **sections: Any,  # noqa: ANN401
) -> check.Report:
    world = World()
    manifest = world.build(version, {"tag.min.js": script})
    return check.run(
        examples.config(**sections), manifest, world.bundles[version], StoppedClock(), world.console, beside=beside
    )


def earlier(script: bytes, version: str = "1.0.0") -> check.Beside:
    world = World()
    manifest: Manifest = world.build(version, {"tag.min.js": script})
    assert decode(world.bundles[version].files["manifest.json"]) == manifest
    return check.Beside(earlier=Earlier(manifest=manifest, entries={"tag.min.js": script}))


def found(given: check.Report) -> list[tuple[str, str]]:
    return [(one.rule, one.sink) for one in given.findings]


def test_an_honest_bundle_has_no_finding() -> None:
    assert found(report(V1, beside=earlier(V1))) == []


def test_a_secret_is_found_where_it_stands_and_is_in_no_report() -> None:
    given = report(f'var a=1;\nvar key="{TOKEN}";'.encode())
    assert found(given) == [("secret", "secret")]
    assert (given.findings[0].line, given.findings[0].column) == (2, 10)
    assert TOKEN not in str(given)


def test_a_waiver_names_one_secret_by_its_fingerprint() -> None:
    digest = report(f'var key="{TOKEN}";'.encode()).findings[0].digest
    waiver = Waiver(
        files="*", rule="secret", snippet=digest, reason="public by design", owner="Ann", expires="2030-01-01"
    )
    section = {
        "waivers": [
            {
                "files": "*",
                "rule": "secret",
                "snippet": digest,
                "reason": waiver.reason,
                "owner": "Ann",
                "expires": waiver.expires,
            }
        ]
    }
    given = report(f'var key="{TOKEN}";var other="{TOKEN[:-1]}8";'.encode(), domains=section)
    assert (len(given.findings), len(given.waived)) == (1, 1)


def test_syntax_that_is_newer_than_promised_is_found() -> None:
    given = report(b"var tag=1;\ntag??=2;", build={"target": "es2020", "input": "src/index.js"})
    assert found(given) == [("level", "a logical assignment")]
    assert "ES2021" in given.findings[0].message
    assert found(report(b"var tag=1;tag??=2;", build={"target": "es2021", "input": "src/index.js"})) == []


def test_what_is_above_its_budget_is_found() -> None:
    given = report(b"var tag=1;", budgets={"entries": {"tag.min.js": {"bytes": 9}}})
    assert found(given) == [("size", "budget")]


def test_growth_needs_something_to_grow_from() -> None:
    budgets = {"growth-percent": 10}
    assert found(report(b"var tag=1;", budgets=budgets)) == [("size", "growth")]
    assert found(report(b"var tag=1;", budgets=budgets, beside=earlier(b"var tag=1;"))) == []
    grown = b"var tag=" + json.dumps([str(n) for n in range(50)]).encode()
    assert found(report(grown, budgets=budgets, beside=earlier(b"var tag=1;"))) == [("size", "budget")]


LESS: Final = b"var Tag=(function(e){return e.start=1,e})({});"


@pytest.mark.parametrize(
    ("before", "now", "refused"),
    [
        ("1.0.0", "1.0.1", True),
        ("1.0.0", "1.1.0", True),
        ("1.0.0", "2.0.0", False),
        ("0.1.0", "0.2.0", False),
        ("0.1.0", "0.1.1", True),
    ],
)
def test_a_name_that_went_away_needs_a_version_that_says_so(before: str, now: str, refused: bool) -> None:
    given = report(LESS, version=now, beside=earlier(V1, before))
    assert found(given) == ([("surface", "Tag.stop")] if refused else [])


def test_names_that_came_are_welcome() -> None:
    assert found(report(V1, beside=earlier(LESS))) == []


def test_an_entry_that_went_away_is_a_name_too() -> None:
    before = earlier(V1)
    assert before.earlier is not None
    gone = replace(before.earlier, entries={**before.earlier.entries, "old.min.js": b"var Old=1;"})
    assert found(report(V1, beside=check.Beside(earlier=gone))) == [("surface", "file")]


def test_what_supply_asks_of_a_lock_file_that_cannot_be_read_is_undecided() -> None:
    assert found(report(V1)) == []
    assert found(report(V1, supply={"licenses": ["MIT"]})) == [("dependency", "lock file")]


def test_dependencies_are_judged_with_the_bundle() -> None:
    package = {"version": "1.0.0", "integrity": "sha1-x", "license": "MIT"}
    body = json.dumps({"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": package}}).encode()
    known = Vulnerability(id_="GHSA-1", package="a", version="1.0.0", summary="pads evil", fixed=None)
    beside = check.Beside(locked=read_lock_file(body, name="package-lock.json"), known=(known,))
    assert found(report(V1, beside=beside)) == [
        ("dependency", "integrity a@1.0.0"),
        ("dependency", "vulnerability a@1.0.0"),
    ]
