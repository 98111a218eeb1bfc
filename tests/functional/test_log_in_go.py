"""A log is what its format says: code that is not ours, and not in Python, accepts what is right and nothing else."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from release.core.dsse import seal
from release.core.entry import PAYLOAD_TYPE
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.merkle import Frontier, leaf_hash
from release.core.tlog.note import sign_note
from tests.fakes import log_files
from tests.fakes.go_checker import Checker, built
from tests.fakes.log_keys import log_signer
from tests.functional.conftest import Run
from tests.functional.embedded import account
from tests.functional.library import VKEY, Library

# One worker builds the program once.
pytestmark = [pytest.mark.go, pytest.mark.xdist_group("go")]

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Checker:
    return built(tmp_path_factory.mktemp("go"))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "log.vkey"
    file.write_text(log_files.SIGNER.key.vkey + "\n")
    return file


def opaque(size: int) -> Files:
    return log_files.files([b"entry %d" % index for index in range(size)])


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 513, 2000])
def test_every_size_is_one_tree_for_both(checker: Checker, tmp_path: Path, key: Path, size: int) -> None:
    files = opaque(size)
    found = checker.accepts(log_files.write(tmp_path / "log", files), key)
    root = base64.b64encode(log_files.head(files).root).decode()
    assert (found["origin"], found["size"], found["root"]) == (log_files.ORIGIN, size, root)
    assert (found["inclusions"], found["consistency"]) == (size, size)
    assert found["tiles"] == len([path for path in files if path.startswith("tile/") and "entries" not in path])


def places(body: bytes) -> list[int]:
    """Choose some bits of a file, of its first and last byte among them."""
    bits = len(body) * 8
    return sorted({*range(0, bits, max(1, bits // 6)), bits - 8, bits - 1})


@pytest.mark.parametrize(("size", "only"), [(3, ""), (257, "tile/")])
def test_no_bit_can_be_flipped(checker: Checker, tmp_path: Path, key: Path, size: int, only: str) -> None:
    evidence = log_files.evidence(log_files.world())
    files = opaque(size) | dict(list(evidence.items())[:2])
    log = log_files.write(tmp_path / "log", files)
    assert checker.accepts(log, key)["evidence"] == 2
    for path, body in files.items():
        for bit in places(body) if path.startswith(only) else []:
            forged = bytearray(body)
            forged[bit // 8] ^= 1 << bit % 8
            (log / path).write_bytes(forged)
            assert checker.refusal(log, key), (path, bit)
        (log / path).write_bytes(body)
    checker.accepts(log, key)


def swapped(files: Files) -> Files:
    del files
    return {"tile/entries/000.p/3": b"\0\7entry 1\0\7entry 0\0\7entry 2"}


def cut(files: Files) -> Files:
    return {"tile/entries/000.p/3": files["tile/entries/000.p/3"][:-1]}


def longer(files: Files) -> Files:
    return {"tile/0/000.p/3": files["tile/0/000.p/3"] + bytes(32)}


def signed_by_another(files: Files) -> Files:
    del files
    leaves = Frontier().extended(leaf_hash(b"entry %d" % index) for index in range(3))
    point = Checkpoint(log_files.ORIGIN, 3, leaves.root())
    return {"checkpoint": sign_note(point.encode(), [log_signer(log_files.ORIGIN, seed="stolen")])}


def of_another_log(files: Files) -> Files:
    del files
    leaves = Frontier().extended(leaf_hash(b"entry %d" % index) for index in range(3))
    return {"checkpoint": log_files.signed(leaves, origin="log.example.com/other")}


def forked(files: Files) -> Files:
    """Another history, whole and signed by the log's own key; but somebody kept the old checkpoints."""
    del files
    fork = log_files.files([b"entry 0", b"other 1", b"entry 2"])
    return {path: body for path, body in fork.items() if path != "checkpoints/000000000002"}


FORGED: dict[str, tuple[Callable[[Files], Files], str]] = {
    "two entries swapped": (swapped, "the entries have"),
    "an entry cut off": (cut, "cut off"),
    "a tile too long": (longer, "not what the entries amount to"),
    "another key": (signed_by_another, "no verifiable signatures"),
    "another log": (of_another_log, "no checkpoint of"),
    "a fork": (forked, "checkpoints/000000000002"),
}


@pytest.mark.parametrize(("forge", "said"), FORGED.values(), ids=FORGED)
def test_a_forged_log_is_refused(
    checker: Checker, tmp_path: Path, key: Path, forge: Callable[[Files], Files], said: str
) -> None:
    files = opaque(3)
    log = log_files.write(tmp_path / "log", files | forge(files))
    assert said in checker.refusal(log, key)


def test_what_is_missing_is_noticed(checker: Checker, tmp_path: Path, key: Path) -> None:
    files = opaque(3)
    for path in files:
        log = log_files.write(tmp_path / path.replace("/", "-"), {p: body for p, body in files.items() if p != path})
        assert f"{path} is missing" in checker.refusal(log, key)


@pytest.mark.moto
def test_what_the_command_line_exports_is_accepted(
    checker: Checker, library: Library, run: Run, tmp_path: Path
) -> None:
    """From the tag to the tar file that an auditor gets, and its evidence with it."""
    key, copy = tmp_path / "log.vkey", tmp_path / "log.tar"
    key.write_text(f"{VKEY}\n")
    with account(library, run, tmp_path / "keys") as tag:
        tag.pipeline("1.0.0", "window.tag = 1;\n")
        ended = tag.as_("audit", "log export --json", str(copy))
        assert ended.code == 0, ended
    exported = json.loads(ended.out)
    found = checker.accepts(copy, key)
    assert (found["size"], bytes.fromhex(exported["root"])) == (exported["size"], base64.b64decode(found["root"]))
    assert (found["signed"], found["evidence"] > 0) == (exported["size"], True)
    forged = copy.read_bytes().replace(b'{"payload":"ey', b'{"payload":"fy')
    copy.write_bytes(forged)
    assert "the entries have" in checker.refusal(copy, key)


def test_a_proof_in_one_file_proves_its_entry_and_no_other(
    checker: Checker, run: Run, tmp_path: Path, key: Path
) -> None:
    """And a checkpoint that a witness cosigned is one for who does not know the witness."""
    bodies = log_files.entries(log_files.world())
    source = log_files.write(tmp_path / "log", log_files.files(bodies, cosigned_at=1_800_000_000))
    proof, entry = tmp_path / "5.tlog-proof", tmp_path / "5.json"
    made = run("log", "proof", "5", "--source", str(source), "--key", str(key), "-o", str(proof), "--entry", str(entry))
    assert made.code == 0, made
    assert checker.accepts_proof(proof, entry, key)["size"] == len(bodies)
    good = proof.read_bytes()
    for bad in (good.replace(b"index 5", b"index 4"), good.replace(b"\n14\n", b"\n15\n"), good[:-9], b""):
        proof.write_bytes(bad)
        assert checker.refusal_of_proof(proof, entry, key)
    proof.write_bytes(good)
    entry.write_bytes(bodies[4])
    assert "entry 5" in checker.refusal_of_proof(proof, entry, key)


def test_every_entry_is_an_envelope_that_the_logs_key_signed(checker: Checker, tmp_path: Path, key: Path) -> None:
    """What is in the tree and is none is counted as none: a wrong signature, another key's, anything at all."""
    bodies = log_files.entries(log_files.world())
    found = checker.accepts(log_files.write(tmp_path / "log", log_files.files(bodies)), key)
    assert (found["size"], found["signed"]) == (len(bodies), len(bodies))
    other = seal(
        b'{"_type":"https://in-toto.io/Statement/v1"}', PAYLOAD_TYPE, log_signer(log_files.ORIGIN, seed="2").sign
    )
    wrong = [
        b"garbage",
        bodies[0].replace(b'"payload":"ey', b'"payload":"ew'),
        bodies[1].replace(b"in-toto+json", b"in-toto+JSON"),
        other,
        other.replace(json.loads(other)["signatures"][0]["keyid"].encode(), log_files.SIGNER.key.id.hex().encode()),
    ]
    found = checker.accepts(log_files.write(tmp_path / "more", log_files.files([*bodies, *wrong])), key)
    assert (found["size"], found["signed"]) == (len(bodies) + len(wrong), len(bodies))
