"""An auditor's work: a folder or a tar file of a log, one file of keys, and no network."""

import io
import json
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from release.commands.log_verify import CHECKED
from release.errors import ConfigError, TamperedError
from release.stages.verify_log import MUCH
from tests.fakes import examples, log_files
from tests.fakes.web_server import Reply, WebServer
from tests.functional.conftest import Run

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def files() -> Files:
    made = log_files.world()
    return log_files.files(log_files.entries(made)) | log_files.evidence(made)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "log.vkey"
    file.write_text(log_files.SIGNER.key.vkey + "\n")
    return file


def tar(file: Path, files: Files, *, mode: str = "w") -> Path:
    with tarfile.open(file, mode) as out:  # type: ignore[call-overload]
        for path, body in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(body)
            out.addfile(info, io.BytesIO(body))
    return file


def test_a_folder_and_tar_files_of_a_log_verify(run: Run, tmp_path: Path, files: Files, key: Path) -> None:
    sources = [
        log_files.write(tmp_path / "log", files),
        tar(tmp_path / "log.tar", files),
        tar(tmp_path / "log.tar.gz", files, mode="w:gz"),
    ]
    for source in sources:
        ended = run("log", "verify", str(source), "--key", str(key))
        assert ended.code == 0, ended
        assert f"{log_files.ORIGIN}: 14 entries" in ended.out
        assert "latest serves 1.2.0 (completed" in ended.out
        assert "FAIL" not in ended.out
        assert "--    witnesses have seen it lately: not judged, the keys name no witness" in ended.out


def test_a_log_below_an_address_verifies_and_its_forgery_does_not(
    run: Run, tmp_path: Path, files: Files, key: Path
) -> None:
    seen = tmp_path / "seen"
    with WebServer({f"/tag/{path}": Reply(body=body) for path, body in files.items()}) as server:
        ended = run("log", "verify", f"{server.url}/tag", "--key", str(key), "--remember", str(seen))
    assert ended.code == 0, ended
    assert "latest serves 1.2.0 (completed" in ended.out
    assert seen.read_bytes() == files["checkpoint"]
    found = next(path for path in files if path.startswith("evidence"))
    for path, code in {"checkpoints/000000000004": 20, "tile/0/000.p/14": 20, found: 22}.items():
        bad = files | {path: files[path][:-3] + b"AAA"}
        with WebServer({f"/tag/{path}": Reply(body=body) for path, body in bad.items()}) as server:
            assert run("log", "verify", f"{server.url}/tag", "--key", str(key)).code == code
    moved = Reply(status=302, headers=[("Location", "https://elsewhere.example/")])
    with WebServer({"/checkpoint": moved}) as server:
        ended = run("log", "verify", server.url, "--key", str(key))
    assert (ended.code, "not followed" in ended.err) == (11, True)


def test_it_says_what_was_live_on_a_day(run: Run, tmp_path: Path, files: Files, key: Path) -> None:
    source = log_files.write(tmp_path / "log", files)
    ended = run("log", "verify", str(source), "--key", str(key), "--at", "2020-01-01")
    assert "at the end of 2020-01-01:\n  no channel serves anything" in ended.out
    ended = run("log", "verify", str(source), "--key", str(key), "--at", "2026-11-24", "--json")
    assert json.loads(ended.out)["channels"]["latest"]["version"] == "1.2.0"
    assert run("log", "verify", str(source), "--key", str(key), "--at", "yesterday").code == 3


@pytest.mark.parametrize(
    ("path", "code"),
    [("checkpoint", 20), ("tile/0/000.p/", 20), ("evidence", 22), ("checkpoints/000000000004", 20)],
)
def test_each_class_of_finding_has_its_exit_code(
    run: Run, tmp_path: Path, files: Files, key: Path, path: str, code: int
) -> None:
    found = next(name for name in files if name.startswith(path))
    source = log_files.write(tmp_path / "log", files | {found: files[found][:-3] + b"AAA"})
    ended = run("log", "verify", str(source), "--key", str(key), "--junit", str(tmp_path / "report.xml"))
    assert ended.code == code, ended
    assert "FAIL" in ended.out
    report = ET.fromstring((tmp_path / "report.xml").read_text())  # noqa: S314 - our own
    assert report.attrib["failures"] == "1"
    assert len(report.findall("testcase")) == int(report.attrib["tests"]) == len(CHECKED)


def test_a_broken_rule_and_an_old_changelog_have_theirs(run: Run, tmp_path: Path, key: Path) -> None:
    made = log_files.world()
    bodies = log_files.entries(made)
    forged = log_files.files([*bodies[:-1], log_files.edited(bodies[-1], occurredAt="2020-01-01T00:00:00Z")])
    source = log_files.write(tmp_path / "forged", forged | log_files.evidence(made))
    assert run("log", "verify", str(source), "--key", str(key)).code == 21
    right = log_files.files(bodies) | log_files.evidence(made)
    source = log_files.write(tmp_path / "right", right | {"CHANGELOG.md": b"# Changelog\n\n## [1.1.0] - 2026-11-24\n"})
    assert run("log", "verify", str(source), "--key", str(key)).code == 22


def test_a_verifier_remembers_and_proves_a_fork(run: Run, tmp_path: Path, files: Files, key: Path) -> None:
    seen = tmp_path / "seen"
    arguments = ("--key", str(key), "--remember", str(seen))
    assert run("log", "verify", str(log_files.write(tmp_path / "log", files)), *arguments).code == 0
    assert seen.read_bytes() == files["checkpoint"]
    made = log_files.world()
    bodies = log_files.entries(made)
    fork = log_files.files([*bodies[:-1], log_files.edited(bodies[-1], reason="another")]) | log_files.evidence(made)
    ended = run("log", "verify", str(log_files.write(tmp_path / "fork", fork)), *arguments)
    assert ended.code == 20
    assert "proof of misbehaviour" in ended.out
    for note in (files["checkpoint"], fork["checkpoint"]):
        assert note.decode() in ended.out, "both notes are printed whole: anybody can check their signatures"
    assert seen.read_bytes() == files["checkpoint"], "what was seen is kept as it was"


def test_hashes_only_looks_into_no_entry(run: Run, tmp_path: Path, key: Path) -> None:
    source = log_files.write(tmp_path / "log", log_files.many(300))
    ended = run("log", "verify", str(source), "--key", str(key), "--hashes-only")
    assert ended.code == 0
    assert "--    every entry is well-formed: not judged, only hashes were asked for" in ended.out


def test_a_link_in_a_folder_is_not_followed(run: Run, tmp_path: Path, files: Files, key: Path) -> None:
    source = log_files.write(tmp_path / "log", files)
    (tmp_path / "elsewhere").write_bytes(files["checkpoint"])
    (source / "checkpoint").unlink()
    (source / "checkpoint").symlink_to(tmp_path / "elsewhere")
    assert run("log", "verify", str(source), "--key", str(key)).code == 20


def test_wrong_keys_and_nothing_at_all_are_said(run: Run, tmp_path: Path, files: Files, key: Path) -> None:
    source = log_files.write(tmp_path / "log", files)
    other = tmp_path / "other.vkey"
    other.write_text(log_files.WITNESS.key.vkey)
    assert run("log", "verify", str(source), "--key", str(other)).code == 20
    other.write_text("not a key\n")
    assert run("log", "verify", str(source), "--key", str(other)).code == 3
    assert run("log", "verify", str(source), "--key", str(tmp_path / "absent")).code == 10
    assert run("log", "verify", str(tmp_path / "absent"), "--key", str(key)).code == 10
    empty = log_files.write(tmp_path / "empty", log_files.files([]))
    assert run("log", "verify", str(empty), "--key", str(key)).code == 5


@pytest.fixture(scope="module")
def long_log() -> list[bytes]:
    return examples.log_of(*(examples.intent("publish.completed", f"1.0.{n}") for n in range(MUCH + 100)))


def test_many_entries_are_judged_in_several_processes(
    run: Run, tmp_path: Path, key: Path, long_log: list[bytes]
) -> None:
    """What they say is what one process says of fewer entries."""
    source = log_files.write(tmp_path / "log", log_files.files(long_log, archive=False))
    ended = run("log", "verify", str(source), "--key", str(key))
    assert ended.code == 0, ended
    assert f"{log_files.ORIGIN}: {MUCH + 100} entries" in ended.out
    changed = [*long_log[:-50], b"{}", *long_log[-49:]]
    source = log_files.write(tmp_path / "changed", log_files.files(changed, archive=False))
    ended = run("log", "verify", str(source), "--key", str(key))
    assert ended.code == 21, ended
    assert f"log entry {MUCH + 50}" in ended.out


@pytest.mark.parametrize("option", ["--junit", "--remember"])
def test_a_report_or_a_memory_that_cannot_be_written_is_one_error_after_the_judgement(
    run: Run, tmp_path: Path, files: Files, key: Path, option: str
) -> None:
    source = log_files.write(tmp_path / "log", files)
    ended = run("log", "verify", str(source), "--key", str(key), option, str(tmp_path / "nowhere" / "file"))
    assert ended.code == ConfigError.exit_code, ended
    assert "cannot be written" in ended.err
    assert "ok    the tree is what its entries amount to" in ended.out


@pytest.mark.parametrize(
    ("path", "why"),
    [("checkpoint", "the checkpoint cannot be believed"), ("tile/entries/", "not every entry could be read")],
)
def test_what_a_verification_did_not_get_to_is_not_called_right(
    run: Run, tmp_path: Path, files: Files, key: Path, path: str, why: str
) -> None:
    gone = path if path in files else next(name for name in files if name.startswith(path))
    source = log_files.write(tmp_path / "log", {name: body for name, body in files.items() if name != gone})
    ended = run("log", "verify", str(source), "--key", str(key), "--junit", str(tmp_path / "report.xml"))
    assert ended.code == TamperedError.exit_code, ended
    assert f"--    every entry follows the one before it and the release rules: not judged, {why}" in ended.out
    assert "ok    all evidence" not in ended.out
    report = ET.fromstring((tmp_path / "report.xml").read_text())  # noqa: S314 - our own
    failed, skipped = int(report.attrib["failures"]), int(report.attrib["skipped"])
    assert failed == 1
    assert skipped == len(report.findall("testcase/skipped")) >= len(CHECKED) - 3
