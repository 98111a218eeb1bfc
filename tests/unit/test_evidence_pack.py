"""The evidence pack of one release: always the same bytes, each of them proven, and silent about nothing it lacks."""

import base64
import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from release.adapters import resources
from release.core import document
from release.core.log_finding import Finding
from release.core.pack_page import PAGE, TEMPLATE
from release.core.pack_signers import signers_text
from release.core.sshkey import parse_line
from release.core.trust import ApproverKey
from release.effects.signed_log import SignedLog
from release.errors import NotFoundError
from release.stages.evidence import Beside, Report, judge, run
from tests.fakes import audited, log_files, people
from tests.fakes.scenario import CHANGELOG, World

Files = dict[str, bytes]
PAGE_TEMPLATE = resources.text("templates", TEMPLATE)


@pytest.fixture(scope="module")
def world() -> World:
    return audited.world()


def pack(world: World, version: str, files: Files | None = None, *, bare: bool = False) -> Report:
    copy = audited.exported(world) if files is None else files
    log = SignedLog.opened(audited.opened(copy), log_files.policy())
    manifest = world.bundles[version].files["manifest.json"]
    beside = Beside(manifest=None if bare else manifest, changelog=None if bare else CHANGELOG.encode())
    return run(log, version, beside, PAGE_TEMPLATE)


def findings(world: World, files: Files) -> list[Finding]:
    trust = world.config.approvals.trust
    return list(judge(audited.opened(files), log_files.policy(), PAGE_TEMPLATE, trust).findings)


@pytest.fixture(scope="module")
def emergency(world: World) -> Files:
    return dict(pack(world, "1.1.0").files)


def test_a_pack_holds_every_entry_about_the_version_and_all_they_name(world: World, emergency: Files) -> None:
    report = pack(world, "1.1.0")
    assert report.files == emergency, "the same log gives the same bytes"
    about = {event.index: event.action for event in world.events() if event.index in report.about.entries}
    assert list(about.values()) == [
        "publish.completed",
        "promote.authorized",
        "promote.completed",
        "rollback.authorized",
        "rollback.completed",
        "review.completed",
        "version.yanked",
    ]
    asked = next(index for index, action in about.items() if action == "promote.authorized")
    assert {
        "pack.json",
        "checkpoint",
        "manifest.json",
        "sbom.cdx.json",
        "provenance.intoto.json",
        f"entries/{asked}.json",
        f"entries/{asked}.tlog-proof",
        f"entries/{asked}.statement.json",
        f"approvals/{asked}/request.json",
        f"approvals/{asked}/cto.sig",
        f"approvals/{asked}/allowed_signers",
        "trust/0.json",
        "report.html",
        "SHA256SUMS",
    } <= emergency.keys()


def test_what_an_entry_states_can_be_read_beside_it(emergency: Files) -> None:
    for path in (path for path in emergency if path.endswith(".statement.json")):
        envelope = document.parse(emergency[path.replace(".statement", "")], limit=65_535)
        assert base64.b64decode(envelope["payload"]) == emergency[path]


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.2.0"])
def test_a_pack_verifies(world: World, version: str) -> None:
    for bare in (False, True):
        assert findings(world, dict(pack(world, version, bare=bare).files)) == []


def test_every_byte_of_a_pack_counts_and_every_file(world: World, emergency: Files) -> None:
    for path, body in emergency.items():
        for at in (len(body) // 2, len(body) - 1):
            changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            assert findings(world, emergency | {path: changed}), f"byte {at} of {path}"
        assert findings(world, emergency | {path: body + b"\n"}), path
        assert findings(world, {name: held for name, held in emergency.items() if name != path}), path


def test_a_pack_of_nothing_or_of_other_entries_is_none(world: World, emergency: Files) -> None:
    about = document.parse(emergency["pack.json"], limit=10_000)
    entries = about["entries"]
    for changed in ([], entries[:-1], entries[1:], entries[::-1], [0, *entries], [*entries, 10**9], entries * 2):
        assert findings(world, emergency | {"pack.json": document.canonical(about | {"entries": changed})}), changed
    for field, value in (("version", "1.2.0"), ("size", 1), ("epochs", 0), ("epochs", 2), ("component", "other")):
        assert findings(world, emergency | {"pack.json": document.canonical(about | {field: value})}), field


def test_a_pack_put_together_of_two_is_none(world: World, emergency: Files) -> None:
    other = dict(pack(world, "1.2.0").files)
    for path in sorted(emergency.keys() & other.keys()):
        if emergency[path] != other[path]:
            assert findings(world, emergency | {path: other[path]}), path


def test_another_trust_than_the_pinned_one_is_found(emergency: Files) -> None:
    judged = judge(audited.opened(emergency), log_files.policy(), PAGE_TEMPLATE, "0" * 64)
    assert [finding.kind for finding in judged.findings] == ["approval"]


def test_the_page_says_what_was_recorded_and_what_was_not(emergency: Files) -> None:
    page = emergency[PAGE].decode()
    cells = dict(re.findall(r"<tr><td>([^<]+)</td><td>[^<]+</td><td>(.*?)</td><td>", page, re.DOTALL))
    text = {name: " ".join(re.sub("<[^>]+>", " ", cell).split()) for name, cell in cells.items()}
    for name in (
        "Risk and impact",
        "Requester",
        "Reviewers of the code",
        "Notice to customers",
        "Tests and scans before",
    ):
        assert text[name] == "not recorded", name
    assert "emergency" in text["Type"]
    assert "cto (CTO), signed after" in text["Approvers, role, time"]
    assert "v1: 1.0.0 to 1.1.0" in text["Versions, from and to"]
    assert "rollback.completed 1.0.0 v1" in text["Rollback carried out"]
    assert "due 2026-11-27" in text["Review after an emergency"]
    assert "the fix was wrong" in text["Review after an emergency"]


def test_what_could_not_be_had_is_said_to_be_missing(world: World) -> None:
    report = pack(world, "1.2.0", bare=True)
    assert any("manifest.json" in missing for missing in report.missing)
    assert b"MISSING from this pack" in report.files[PAGE]
    copy = audited.exported(world)
    poorer = {path: body for path, body in copy.items() if not path.startswith("evidence/")}
    report = pack(world, "1.2.0", poorer)
    assert len(report.missing) >= 5
    assert b"Missing evidence" in report.files[PAGE]
    judged = findings(world, dict(report.files))
    assert {finding.kind for finding in judged} == {"approval"}, "without its request nothing was approved"
    for name in ("CHANGELOG", "other bytes"):
        log = SignedLog.opened(audited.opened(copy), log_files.policy())
        made = run(log, "1.2.0", Beside(manifest=name.encode(), changelog=None), PAGE_TEMPLATE)
        assert "manifest.json" not in made.files


def test_what_people_wrote_is_text_on_the_page_and_nothing_else() -> None:
    world = World()
    world.signer = log_files.SIGNER
    world.release("1.0.0", "v1")
    world.release("1.1.0", "v1")
    world.roll_back("v1", "1.0.0", reason='<script>alert(1)</script> "\u202e" {{ 7*7 }}')
    page = pack(world, "1.1.0").files[PAGE].decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\u202e" not in page
    assert "{{ 7*7 }}" in page


def test_a_version_that_was_never_published_has_no_pack(world: World) -> None:
    log = SignedLog.opened(audited.opened(audited.exported(world)), log_files.policy())
    with pytest.raises(NotFoundError, match="published"):
        run(log, "9.9.9", Beside(manifest=None, changelog=None), PAGE_TEMPLATE)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
def test_the_commands_on_the_page_are_right(emergency: Files, tmp_path: Path) -> None:
    top = log_files.write(tmp_path / "pack", emergency)
    page = emergency[PAGE].decode().replace("&lt;", "<").replace("\\\n", " ")
    commands = [line for line in page.splitlines() if line.startswith(("ssh-keygen", "sha256sum"))]
    assert len(commands) == 4, "the way back was approved with the way there; the review is signed, too"
    for command in commands:
        ended = subprocess.run(command, shell=True, cwd=top, capture_output=True, text=True, check=False)  # noqa: S602 - our own
        assert ended.returncode == 0, (command, ended)
    for request in top.glob("approvals/*/request.json"):
        request.write_bytes(request.read_bytes() + b" ")
    for command in commands:
        ended = subprocess.run(command, shell=True, cwd=top, capture_output=True, text=True, check=False)  # noqa: S602 - our own
        assert ended.returncode != 0, command


def test_allowed_signers_say_from_when_until_when_and_leave_out_who_was_revoked() -> None:
    line = people.key("cto").line
    key = ApproverKey(key=line, valid_after="2026-11-01T00:00:00Z", valid_before="2026-12-01T00:00:00Z")
    terms = people.terms(approvers=(people.approver("cto", "CTO", key), people.approver("lead", "lead")))
    trust = people.trust(terms=terms)
    assert signers_text(trust).splitlines()[0] == (
        'cto namespaces="release-approval,release-review",valid-after="20261101000000Z",valid-before="20261201000000Z" '
        + line
    )
    revoked = dataclasses.replace(terms, revoked=(parse_line(line).fingerprint,))
    assert [row.split()[0] for row in signers_text(dataclasses.replace(trust, terms=revoked)).splitlines()] == ["lead"]
