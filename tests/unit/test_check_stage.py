"""The check stage: waivers, and what it leaves for people and other tools."""

import json
from dataclasses import replace
from typing import Any

import pytest

from release.core import document
from release.core.check_report import FILE
from release.core.domains import reports
from release.core.domains.lists import DomainsSection, Waiver
from release.core.manifest import digest, encode
from release.stages import check
from tests.fakes.clock import StoppedClock
from tests.fakes.folder import InMemoryFolder
from tests.fakes.scenario import World

SCRIPT = b'fetch("https://evil.example/c");\nel.innerHTML = x;\n'
WAIVER = Waiver(files="*.js", rule="markup", reason="only our own markup", owner="Ann", expires="2026-11-24")
HOST = replace(WAIVER, rule="connect", host="evil.example")


def checked(*waivers: Waiver, script: bytes = SCRIPT) -> tuple[check.Report, World]:
    world = World()
    manifest = world.build("1.0.0", {"tag.min.js": script})
    config = replace(world.config, domains=DomainsSection(waivers=waivers))
    return check.run(config, manifest, world.bundles["1.0.0"], StoppedClock(), world.console), world


def test_what_is_left_after_the_waivers_is_named_with_the_manifest() -> None:
    report, world = checked(WAIVER)
    assert [(one.rule, one.host) for one in report.findings] == [("connect", "evil.example")]
    assert [(one.owner, one.finding.rule) for one in report.waived] == [("Ann", "markup")]
    assert report.manifest == digest(encode(check_manifest(world)))
    folder = InMemoryFolder()
    check.leave(report, folder)
    assert json.loads(folder.files[FILE])["findings"][0]["host"] == "evil.example"


def check_manifest(world: World) -> Any:  # noqa: ANN401 - a manifest
    from release.core.manifest import decode  # noqa: PLC0415

    return decode(world.bundles["1.0.0"].files["manifest.json"])


@pytest.mark.parametrize(
    "waiver",
    [
        replace(WAIVER, files="other.js"),
        replace(WAIVER, rule="code"),
        replace(WAIVER, sink=".outerHTML"),
        replace(WAIVER, snippet="0" * 64),
        replace(WAIVER, host="evil.example"),
        replace(WAIVER, rule="connect"),
        replace(HOST, host="other.example"),
    ],
)
def test_a_waiver_of_something_else_accepts_nothing_and_is_named(waiver: Waiver) -> None:
    report, _ = checked(waiver)
    assert {one.rule for one in report.findings} == {"connect", "markup"}
    assert len(report.unused) == 1


def test_a_waiver_can_name_the_very_code() -> None:
    report, _ = checked()
    by_rule = {one.rule: one for one in report.findings}
    exact = replace(WAIVER, snippet=by_rule["markup"].digest, sink=by_rule["markup"].sink)
    assert checked(exact, HOST)[0].findings == ()


def test_an_expired_waiver_is_a_finding_of_its_own() -> None:
    report, _ = checked(replace(WAIVER, expires="2026-11-23"), HOST)
    assert [(one.rule, one.status) for one in report.findings] == [("markup", "undecided"), ("waiver", "refused")]


def test_the_reports_for_other_tools_hold_each_finding() -> None:
    report, _ = checked()
    log = json.loads(reports.sarif(report.findings, folder="dist"))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert {one["ruleId"] for one in run["results"]} == {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "dist/tag.min.js"}, "region": {"startColumn": 1, "startLine": 1}}
    rows = json.loads(reports.code_quality(report.findings, folder="dist"))
    assert [(row["check_name"], row["severity"], row["location"]["lines"]["begin"]) for row in rows] == [
        ("connect", "critical", 1),
        ("markup", "major", 2),
    ]
    assert len({row["fingerprint"] for row in rows}) == len(rows)


def test_a_report_is_the_same_in_every_run() -> None:
    assert document.encode(checked()[0]) == document.encode(checked()[0])
