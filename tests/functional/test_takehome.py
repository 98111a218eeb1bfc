"""What an auditor takes home, and makes of it at home: a copy of a period, its population, judged by one command."""

import csv
import io
import json
from pathlib import Path

import pytest

from release.core.period import Period
from tests.fakes import audited, log_files
from tests.fakes.scenario import World
from tests.fakes.web_server import Reply, WebServer
from tests.functional.conftest import Run
from tests.functional.test_log_verify import tar


@pytest.fixture(scope="module")
def world() -> World:
    return audited.world()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "log.vkey"
    file.write_text(log_files.SIGNER.key.vkey + "\n")
    return file


def test_a_copy_of_a_period_is_judged_with_all_that_came_with_it(
    run: Run, world: World, key: Path, tmp_path: Path
) -> None:
    files = audited.exported(world, Period.of("2026-11-25", "2026-11-26"))
    copy = tar(tmp_path / "log.tar", files)
    verify = ("log", "verify", str(copy), "--key", str(key), "--trust", world.config.approvals.trust or "")
    ended = run(*verify)
    assert ended.code == 0, ended
    assert "ok    the proofs and the population that came with it are the log's" in ended.out
    tar(copy, files | {"population.csv": files["population.csv"].replace(b"lead (lead)", b"boss (lead)")})
    ended = run(*verify)
    assert (ended.code, "population.csv is not what the log's entries amount to" in ended.out) == (22, True)


def test_a_report_is_made_from_a_copy_by_whoever_has_the_key(run: Run, world: World, key: Path, tmp_path: Path) -> None:
    copy = tar(tmp_path / "log.tar", audited.exported(world, Period.of("2026-11-25", "2026-11-25")))
    report = ("log", "report", "--source", str(copy), "--key", str(key))
    ended = run(*report, "--from", "2026-11-25", "--to", "2026-11-25")
    assert ended.code == 0, ended
    assert ended.out.encode() == audited.exported(world, Period.of("2026-11-25", "2026-11-25"))["population.csv"]
    assert f"of {len(world.events())} in the log" in ended.err
    out = tmp_path / "all.csv"
    assert run(*report, "-o", str(out)).code == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text(), newline=""), strict=True))
    told = json.loads(run(*report, "--json").out)
    assert [row["version_to"] for row in rows] == [row["versionTo"] for row in told]
    assert len(rows) == len(world.events())
    files = audited.exported(world)
    with WebServer({f"/tag/{path}": Reply(body=body) for path, body in files.items()}) as server:
        served = run("log", "report", "--source", f"{server.url}/tag", "--key", str(key))
    assert served.out.encode() == out.read_bytes()
    assert run(*report, "--from", "2026-11-26", "--to", "2026-11-25").code == 3
    assert run(*report[:4]).code == 3


def test_the_evidence_of_one_release_is_packed_and_judged(run: Run, world: World, key: Path, tmp_path: Path) -> None:
    copy = tar(tmp_path / "log.tar", audited.exported(world))
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(world.bundles["1.1.0"].files["manifest.json"])
    making = ("log", "evidence", "1.1.0", "--source", str(copy), "--key", str(key), "--manifest", str(manifest))
    folder, file = tmp_path / "pack", tmp_path / "pack.tar"
    planned = run(*making, "-o", str(folder), "--dry-run")
    assert (planned.code, folder.exists()) == (0, False), planned
    assert "would hold 38 files" in planned.out
    told = json.loads(run(*making, "-o", str(folder), "--json").out)
    assert told["files"] == {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    assert run(*making, "-o", str(folder)).code == 3, "a folder that is there is left alone"
    assert run(*making, "-o", str(file)).code == 0
    first = file.read_bytes()
    assert run(*making, "-o", str(file)).code == 0
    assert file.read_bytes() == first

    judging = ("--key", str(key), "--trust", world.config.approvals.trust or "")
    for pack in (folder, file):
        ended = run("log", "verify-evidence", str(pack), *judging)
        assert ended.code == 0, ended
        assert "promote.authorized 1.1.0 v1: approved by cto (CTO)" in ended.out
    for name, code in {"checkpoint": 20, "report.html": 22, "trust/0.json": 22, "manifest.json": 22}.items():
        good = (folder / name).read_bytes()
        (folder / name).write_bytes(good.replace(b"t", b"u", 1))
        ended = run("log", "verify-evidence", str(folder), *judging, "--json")
        assert (ended.code, len(json.loads(ended.out)["findings"]) > 0) == (code, True), name
        (folder / name).write_bytes(good)
    assert run("log", "verify-evidence", str(folder), "--key", str(key), "--trust", "0" * 64).code == 21
    assert run("log", "verify-evidence", str(copy), *judging).code == 20, "a log is no pack"
    assert run("log", "evidence", "9.9.9", *making[3:], "-o", str(tmp_path / "none")).code == 10
