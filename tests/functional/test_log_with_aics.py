"""Another implementation of the C2SP formats verifies our logs, and witnesses them."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.core.tlog.merkle import consistency_proof
from release.core.tlog.note import COSIGNATURE, parse_note
from release.core.tlog.skey import parse_skey, skey
from release.core.tlog.tile import Tile, subtree_reader
from tests.fakes import log_files
from tests.fakes.aics import Aics, Witness, installed
from tests.functional.conftest import Run

# One worker installs the programs.
pytestmark = [pytest.mark.aics, pytest.mark.xdist_group("aics")]

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def aics(pytestconfig: pytest.Config) -> Aics:
    assert pytestconfig.cache is not None
    return installed(pytestconfig.cache.mkdir("aics"))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "log.vkey"
    file.write_text(log_files.SIGNER.key.vkey + "\n")
    return file


def opaque(size: int) -> Files:
    return log_files.files([b"entry %d" % index for index in range(size)])


@pytest.mark.parametrize("size", [3, 257])
def test_head_entries_and_history_are_accepted(aics: Aics, tmp_path: Path, key: Path, size: int) -> None:
    log = log_files.write(tmp_path / "log", opaque(size))
    found = aics.verifies("verify-checkpoint", log, key)
    assert (found["ok"], found["origin"], found["size"]) == (True, log_files.ORIGIN, size)
    for index in (0, size - 1):
        entry = tmp_path / "entry"
        found = aics.verifies("verify-inclusion", log, key, "--index", str(index), "--entry-out", str(entry))
        assert (found["ok"], entry.read_bytes()) == (True, b"entry %d" % index)
    for old in (1, size - 1):
        kept = str(log / f"checkpoints/{old:012d}")
        found = aics.verifies("verify-consistency", log, key, "--old-checkpoint", kept)
        assert (found["ok"], found["old_size"]) == (True, old)


@pytest.mark.parametrize("path", ["checkpoint", "tile/1/000.p/1", "tile/0/000", "tile/entries/000"])
def test_a_flipped_bit_is_refused(aics: Aics, tmp_path: Path, key: Path, path: str) -> None:
    log = log_files.write(tmp_path / "log", opaque(257))
    forged = bytearray((log / path).read_bytes())
    forged[-9] ^= 1
    (log / path).write_bytes(forged)
    assert not aics.verifies("verify-inclusion", log, key, "--index", "255")["ok"]


def test_a_fork_is_refused_by_who_kept_a_checkpoint(aics: Aics, tmp_path: Path, key: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(opaque(2)["checkpoint"])
    log = log_files.write(tmp_path / "log", log_files.files([b"entry 0", b"other 1", b"entry 2"]))
    assert aics.verifies("verify-checkpoint", log, key)["ok"]
    assert not aics.verifies("verify-consistency", log, key, "--old-checkpoint", str(kept))["ok"]


@pytest.fixture
def witness(aics: Aics, tmp_path: Path) -> Iterator[Witness]:
    folder = tmp_path / "witness"
    folder.mkdir()
    with aics.witness(
        folder, name="witness.example/w9", origin=log_files.ORIGIN, log_key=log_files.SIGNER.key.vkey
    ) as serving:
        yield serving


def request(old: int, files: Files) -> bytes:
    """Ask for a cosignature of a log's head, with the proof from a size that the witness knows."""

    def read(tile: Tile) -> bytes:
        return files[tile.path]

    size = log_files.head(files).size
    proof = consistency_proof(old, size, subtree_reader(size, read))
    lines = "".join(f"{base64.b64encode(node).decode()}\n" for node in proof)
    return f"old {old}\n{lines}\n".encode() + files["checkpoint"]


def test_its_witness_cosigns_what_our_auditor_demands(run: Run, witness: Witness, tmp_path: Path, key: Path) -> None:
    """And it refuses what no witness may sign."""
    entries = log_files.entries(log_files.world())
    evidence = log_files.evidence(log_files.world())
    young, grown = log_files.files(entries[:6]), log_files.files(entries) | evidence
    assert witness.add_checkpoint(request(0, young))[0] == 200
    status, line = witness.add_checkpoint(request(6, grown))
    assert status == 200, line
    cosigned = grown | {"checkpoint": grown["checkpoint"] + line}
    assert len(parse_note(cosigned["checkpoint"]).signatures) == 2

    key.write_text(f"log {log_files.SIGNER.key.vkey}\nwitness w9 {witness.vkey}\nquorum w9\n")
    ended = run("log", "verify", str(log_files.write(tmp_path / "log", cosigned)), "--key", str(key))
    assert ended.code == 0, ended
    ended = run("log", "verify", str(log_files.write(tmp_path / "bare", grown)), "--key", str(key))
    assert (ended.code, "w9" in ended.out + ended.err) == (20, True), ended

    fork = log_files.files([*entries[:6], b"another", *entries[7:]])
    assert witness.add_checkpoint(request(6, young)) == (409, b"14\n")
    assert witness.add_checkpoint(request(14, fork))[0] == 422
    stranger = grown["checkpoint"].replace(log_files.ORIGIN.encode(), b"log.example.com/other")
    assert witness.add_checkpoint(b"old 14\n\n" + stranger)[0] == 404


def test_our_witness_satisfies_its_auditor(aics: Aics, run: Run, tmp_path: Path, key: Path) -> None:
    secret = skey("customer.example/witness", bytes(range(32)), kind=COSIGNATURE)
    vkey = parse_skey(secret, kind=COSIGNATURE).key.vkey
    log = log_files.write(tmp_path / "log", opaque(257))
    memory = ("--memory", str(tmp_path / "memory"), "--first")
    ended = run("log", "witness", str(log), "--key", str(key), *memory, RELEASE_WITNESS_KEY=secret)
    assert ended.code == 0, ended
    quorum = ("--witness-key", vkey, "--quorum", "1", "--max-age", "600")
    assert not aics.verifies("verify-checkpoint", log, key, *quorum)["ok"]
    (log / "checkpoint").write_text(ended.out)
    found = aics.verifies("verify-checkpoint", log, key, *quorum)
    assert (found["ok"], found["witnesses"]) == (True, ["customer.example/witness"])
