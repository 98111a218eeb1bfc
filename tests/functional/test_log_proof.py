"""What an auditor does with one entry: prove it from a copy, and check the proof with nothing else at hand."""

import json
from pathlib import Path

import pytest

from tests.fakes import examples, log_files
from tests.functional.conftest import Run
from tests.functional.test_log_verify import tar


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "log.vkey"
    file.write_text(log_files.SIGNER.key.vkey + "\n")
    return file


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = log_files.world()
    return tar(tmp_path / "log.tar", log_files.files(log_files.entries(made)) | log_files.evidence(made))


def test_an_entry_is_proven_from_a_copy_and_checked_alone(run: Run, tmp_path: Path, source: Path, key: Path) -> None:
    proof, entry = tmp_path / "5.tlog-proof", tmp_path / "5.json"
    copy = ("--source", str(source), "--key", str(key))
    ended = run("log", "proof", "5", *copy, "-o", str(proof), "--entry", str(entry))
    assert ended.code == 0, ended
    assert run("log", "proof", "5", *copy).out.encode() == proof.read_bytes()
    checking = ("log", "verify-proof", str(proof), "--entry", str(entry), "--key", str(key))
    ended = run(*checking)
    assert (ended.code, ended.out.splitlines()[0]) == (0, f"entry 5 is in the log {log_files.ORIGIN} of 14 entries")
    told = json.loads(run(*checking, "--json").out)
    assert (told["index"], told["size"], told["event"].split()[:2]) == (5, 14, ["promote.completed", "1.1.0"])

    good = proof.read_bytes()
    for bad, code in {
        good.replace(b"index 5", b"index 6"): 20,
        good.replace(b"\n14\n", b"\n15\n"): 20,
        good[:-20]: 16,
        b"": 16,
    }.items():
        proof.write_bytes(bad)
        assert run(*checking).code == code
    proof.write_bytes(good)
    entry.write_bytes(entry.read_bytes() + b" ")
    assert run(*checking).code == 20
    other = tmp_path / "other.vkey"
    other.write_text(log_files.WITNESS.key.vkey)
    assert run(*checking[:-1], str(other)).code == 20


def test_a_version_is_proven_by_the_entry_that_published_it(run: Run, source: Path, key: Path) -> None:
    ended = run("log", "proof", "--version", "1.2.0", "--source", str(source), "--key", str(key), "--json")
    entry = json.loads(ended.out)["entry"].encode()
    assert examples.said(entry)["predicate"]["action"] == "publish.completed"


def test_a_copy_whose_head_no_witness_saw_is_read_and_its_proof_is_not_accepted_by_whoever_asks_for_one(
    run: Run, tmp_path: Path, source: Path
) -> None:
    policy = tmp_path / "policy"
    policy.write_text(f"log {log_files.SIGNER.key.vkey}\nwitness w1 {log_files.WITNESS.key.vkey}\nquorum w1\n")
    proof, entry = tmp_path / "proof", tmp_path / "entry"
    making = ("log", "proof", "3", "--key", str(policy), "-o", str(proof), "--entry", str(entry))
    checking = ("log", "verify-proof", str(proof), "--entry", str(entry), "--key", str(policy))
    assert run(*making, "--source", str(source)).code == 0
    assert run(*checking).code == 20
    made = log_files.world()
    seen = log_files.write(tmp_path / "seen", log_files.files(log_files.entries(made), cosigned_at=1_800_000_000))
    assert run(*making, "--source", str(seen)).code == 0
    assert run(*checking).code == 0


def test_what_cannot_be_meant_is_said(run: Run, tmp_path: Path, source: Path, key: Path) -> None:
    copy = ("--source", str(source), "--key", str(key))
    assert run("log", "proof", *copy).code == 3
    assert run("log", "proof", "1", "--version", "1.0.0", *copy).code == 3
    assert run("log", "proof", "1", "--source", str(source)).code == 3
    assert run("log", "proof", "1", "--key", str(key)).code == 3
    assert run("log", "proof", "99", *copy).code == 10
    assert run("log", "proof", "1", *copy, "-o", str(tmp_path / "no" / "folder")).code == 3
    assert run("log", "proof", "1").code == 8, "there is no key to read the bucket with"
