"""What a witness cosigns and what it refuses, whatever the tiles say."""

import base64
from collections.abc import Callable

import pytest

from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.merkle import EMPTY_ROOT, Frontier, verify_consistency
from release.core.tlog.note import sign_note
from release.core.tlog.tile import Tile
from release.core.witness import Seen, judge, proven, seen
from tests.fakes import log_files
from tests.fakes.log_keys import log_signer, witness_signer

SIZES = (0, 1, 2, 3, 4, 7, 8, 255, 256, 257, 300, 512, 513)
Files = dict[str, bytes]


def reader(files: Files, read: list[str] | None = None) -> Callable[[Tile], bytes]:
    def tile(wanted: Tile) -> bytes:
        if read is not None:
            read.append(wanted.path)
        if wanted.path not in files:
            raise TlogError(f"{wanted.path} is missing")
        return files[wanted.path]

    return tile


def head(files: Files, where: str = "the head") -> Seen:
    return seen(where, files["checkpoint"], [log_files.SIGNER.key])


@pytest.fixture(scope="module")
def logs() -> dict[int, Files]:
    return {size: log_files.many(size) for size in SIZES}


@pytest.fixture(scope="module")
def forks() -> dict[int, Files]:
    return {size: log_files.many(size, b"another") for size in SIZES if size}


def test_every_continuation_is_judged_fine_and_every_other_log_is_proven_to_be_one(
    logs: dict[int, Files], forks: dict[int, Files]
) -> None:
    for new in SIZES[1:]:
        for old in (size for size in SIZES if size <= new):
            assert judge(head(logs[new]), [head(logs[old], "memory")], reader(logs[new])).findings == []
            if not old:
                continue
            result = judge(head(forks[new]), [head(logs[old], "memory")], reader(forks[new]))
            assert [finding.kind for finding in result.findings] == ["fork"]
            (conflict,) = result.conflicts
            # What anybody can check with the two notes: the first `old` entries of the fork have another root.
            assert conflict.proven
            assert conflict.root is not None
            assert conflict.root == head(forks[old]).checkpoint.root != head(logs[old]).checkpoint.root
            root = head(forks[new]).checkpoint.root
            verify_consistency(old, conflict.root, new, root, conflict.path)
            proven(conflict.known, conflict.shown, conflict.proof().encode())
            lines = conflict.proof().splitlines()
            assert lines[:2] == [f"size {old}", f"signed {base64.b64encode(head(logs[old]).checkpoint.root).decode()}"]


def test_a_smaller_head_is_refused_and_proves_nothing(logs: dict[int, Files]) -> None:
    result = judge(head(logs[256]), [head(logs[300], "memory")], reader(logs[256]))
    assert "memory knows 300 entries, this log shows only 256" in result.findings[0].message
    assert [conflict.proven for conflict in result.conflicts] == [False]


@pytest.mark.parametrize("old", [1, 4, 256, 257])
def test_bad_tiles_accuse_nobody(logs: dict[int, Files], old: int) -> None:
    """Who serves the tiles need not have the log's key: only what hashes lead to is held against the log."""
    forked = log_files.many(513, b"another")
    used: list[str] = []
    judge(head(logs[513]), [head(logs[old], "memory")], reader(logs[513], used))
    for path in used:
        for bad in (logs[513] | {path: forked[path]}, logs[513] | {path: b"short"}, without(logs[513], path)):
            result = judge(head(logs[513]), [head(logs[old], "memory")], reader(bad))
            assert ([finding.kind for finding in result.findings], result.conflicts) == (["tree"], [])


def without(files: Files, path: str) -> Files:
    return {name: body for name, body in files.items() if name != path}


def test_few_tiles_are_read_and_none_twice() -> None:
    large = log_files.many(5_000)
    read: list[str] = []
    known = [head(log_files.many(size), f"memory {size}") for size in (1000, 1001)]
    assert judge(head(large), known, reader(large, read)).findings == []
    assert len(read) == len(set(read)) <= 4


def test_all_that_is_known_is_held_against_the_head(logs: dict[int, Files], forks: dict[int, Files]) -> None:
    known = [head(logs[3], "memory"), head(forks[2], "the auditor"), head(forks[7], "the customer")]
    result = judge(head(logs[4]), known, reader(logs[4]))
    assert [finding.message.split(" is ")[0].split(" knows ")[0] for finding in result.findings] == [
        "the auditor",
        "the customer",
    ]


def test_a_checkpoint_of_another_log_or_signer_or_of_an_impossible_tree_is_none() -> None:
    frontier = Frontier().extended([bytes(32)])
    note = log_files.signed(frontier, cosigned_at=1)
    found = seen("x", note, [log_files.SIGNER.key])
    assert found.note.encode() == log_files.signed(frontier), "signatures of others are dropped"
    other = log_signer("log.example.com/other")
    stranger = sign_note(Checkpoint(log_files.ORIGIN, 1, bytes(32)).encode(), [other])
    for body, keys in [
        (note, [other.key]),
        (note, [witness_signer().key]),
        (stranger, [other.key]),
        (log_files.signed(frontier, origin="log.example.com/other"), [log_files.SIGNER.key]),
        (b"hello\n", [other.key]),
        (sign_note(Checkpoint(log_files.ORIGIN, 0, bytes(32)).encode(), [log_files.SIGNER]), [log_files.SIGNER.key]),
    ]:
        with pytest.raises(TlogError):
            seen("x", body, keys)
    empty = sign_note(Checkpoint(log_files.ORIGIN, 0, EMPTY_ROOT).encode(), [log_files.SIGNER])
    assert seen("x", empty, [log_files.SIGNER.key]).checkpoint.size == 0
    result = judge(found, [seen("y", log_files.signed(frontier), [log_files.SIGNER.key])], reader({}))
    assert result.findings == []
    elsewhere = seen("y", sign_note(Checkpoint(other.key.name, 1, bytes(32)).encode(), [other]), [other.key])
    assert judge(found, [elsewhere], reader({})).findings[0].kind == "fork"


def test_a_proof_of_a_conflict_that_was_changed_proves_nothing(logs: dict[int, Files], forks: dict[int, Files]) -> None:
    known, shown = head(logs[300]), head(forks[513])
    (conflict,) = judge(shown, [known], reader(forks[513])).conflicts
    proof = conflict.proof()
    proven(known, shown, proof.encode())
    lines = proof.splitlines(keepends=True)
    honest = judge(head(logs[513]), [head(forks[300])], reader(logs[513])).conflicts[0].proof()
    bad = {
        "nothing": "",
        "no path": "".join(lines[:3]),
        "a hash less": "".join(lines[:-1]),
        "a hash more": proof + lines[-1],
        "many": proof + lines[-1] * 100,
        "another size": proof.replace("size 300", "size 299"),
        "another size's way to write it": proof.replace("size 300", "size 0300"),
        "the signed root": proof.replace(lines[2], lines[1].replace("signed", "proven")),
        "another line": proof + "more x\n",
        "no base64": proof.replace("path ", "path !", 1),
        "a short hash": "".join([*lines[:3], "path AAAA\n", *lines[4:]]),
        "another pair's": honest,
        "not ASCII": proof + "\u2014",
    }
    for body in bad.values():
        with pytest.raises(TlogError):
            proven(known, shown, body.encode())
    for first, second in [(shown, known), (known, known), (head(logs[300]), head(logs[513]))]:
        with pytest.raises(TlogError):
            proven(first, second, proof.encode())
    proven(head(logs[300]), head(forks[300]), b"")
