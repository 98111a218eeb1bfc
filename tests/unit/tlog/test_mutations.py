"""Every byte of what a verifier reads: changed, dropped, added or cut off, it is refused or means the same."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import pytest

from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.merkle import Frontier, inclusion_proof, leaf_hash
from release.core.tlog.note import parse_note, sign_note
from release.core.tlog.policy import Policy, parse_policy
from release.core.tlog.proof import Proof, parse_proof
from tests.fakes.log_keys import log_signer, witness_signer

LOG: Final = log_signer()
OTHER: Final = log_signer("log.example/other")
WITNESSES: Final = [witness_signer(f"witness.example/w{number}") for number in (1, 2, 3)]
ENTRIES: Final = [f"entry {number}".encode() for number in range(11)]
HEAD: Final = Checkpoint(LOG.key.name, len(ENTRIES), Frontier().extended(map(leaf_hash, ENTRIES)).root())
POLICY: Final = f"""\
# Who must have seen it.
log {LOG.key.vkey} https://log.example/
witness w1 {WITNESSES[0].key.vkey}
witness w2 {WITNESSES[1].key.vkey}\thttps://w2.example/
witness w3 {WITNESSES[2].key.vkey}
group people 2 w2 w3
group all all w1 people
quorum all
""".encode()
TELLING: Final = b"\0\n\r +=#0A\xff"
"""Bytes that mean something somewhere in these formats, or must not be there."""


def cosigned(text: bytes, *who: int) -> bytes:
    note = parse_note(sign_note(text, [LOG]))
    return note.with_signatures([WITNESSES[one].sign(text, time=1_700_000_000 + one) for one in who]).encode()


NOTE: Final = cosigned(HEAD.encode(), 0, 1, 2)


def subtree(level: int, index: int) -> bytes:
    leaves = ENTRIES[index << level : (index + 1) << level]
    return Frontier().extended(map(leaf_hash, leaves)).root()


def proof(index: int) -> Proof:
    return Proof(index, inclusion_proof(index, len(ENTRIES), subtree), NOTE, b"manifest")


def mutants(body: bytes) -> Iterator[bytes]:
    """Change each byte in three bits and to every telling byte; drop it; put something before it; cut there."""
    for at in range(len(body)):
        others = {body[at] ^ 0x01, body[at] ^ 0x20, body[at] ^ 0x80, *TELLING}
        yield from (body[:at] + bytes([other]) + body[at + 1 :] for other in sorted(others - {body[at]}))
        yield body[:at] + body[at + 1 :]
        yield body[:at]
        yield from (body[:at] + bytes([added]) + body[at:] for added in b"\n 0")
        yield body[:at] + body[at : at + 1] + body[at:]
    yield from (body + bytes([added]) for added in TELLING)


def accepted(body: bytes, read: Callable[[bytes], object]) -> list[tuple[bytes, object]]:
    """Give the mutants that are read, with what they mean; whatever is refused is refused by a TlogError."""
    found = []
    for mutant in mutants(body):
        if mutant == body:
            continue
        try:
            found.append((mutant, read(mutant)))
        except TlogError:
            continue
    return found


def test_a_checkpoint_has_one_text_and_every_text_is_another_checkpoint() -> None:
    text = HEAD.encode()
    for mutant, read in accepted(text, parse_checkpoint):
        assert isinstance(read, Checkpoint)
        assert read != HEAD, mutant
        assert read.encode() == mutant


def test_a_cosigned_checkpoint_is_refused_or_means_the_same() -> None:
    policy = parse_policy(POLICY)
    true = policy.verify(NOTE)
    assert len(true.signed) == 4
    for mutant, read in accepted(NOTE, policy.verify):
        assert read == true, mutant


def test_a_cosigned_checkpoint_of_which_fewer_signatures_are_needed_keeps_its_text() -> None:
    """What may change are the lines of witnesses that nobody asks for: they become unknown keys' lines."""
    policy = parse_policy(POLICY.replace(b"quorum all", b"quorum w1"))
    true = policy.verify(NOTE)
    spared = NOTE.index(b"witness.example/w2")
    for mutant, read in accepted(NOTE, policy.verify):
        assert read.text == true.text, mutant  # type: ignore[attr-defined]  # an Opened
        assert set(read.signed) <= set(true.signed), mutant  # type: ignore[attr-defined]
        assert mutant[:spared].count(b"\n") >= 6
        assert mutant[: spared - 10] == NOTE[: spared - 10], mutant


def test_a_policy_never_comes_to_trust_a_key_or_to_ask_for_less() -> None:
    """Key IDs guard the keys. What a person writes himself is his: the number that a group needs."""
    true = parse_policy(POLICY)
    for mutant, read in accepted(POLICY, parse_policy):
        assert isinstance(read, Policy)
        assert set(read.logs) <= set(true.logs), mutant
        assert set(read.witnesses.values()) <= set(true.witnesses.values()), mutant
        assert read == true or believed(read) <= believed(true), mutant
    assert believed(true) == {(0, 1, 2)}
    assert believed(parse_policy(POLICY.replace(b" 2 w2", b" 1 w2"))) == {(0, 1), (0, 2), (0, 1, 2)}


NOTES: Final = {who: cosigned(HEAD.encode(), *who) for who in [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]}
FOREIGN: Final = sign_note(Checkpoint(OTHER.key.name, 1, bytes(32)).encode(), [OTHER])


def believed(policy: Policy) -> set[tuple[int, ...]]:
    """Give by which witnesses a checkpoint must be cosigned for the policy to believe it."""
    with pytest.raises(TlogError):
        policy.verify(FOREIGN)
    found = set()
    for who, note in NOTES.items():
        try:
            policy.verify(note)
        except TlogError:
            continue
        found.add(who)
    return found


@pytest.mark.parametrize("index", [0, 6, 10])
def test_a_proof_is_refused_or_proves_the_same(index: int) -> None:
    """The note in it is what the tests above change: here it is one that a log alone signed."""
    policy = parse_policy(f"log {LOG.key.vkey}\nquorum none\n".encode())
    true = replace(proof(index), checkpoint=NOTES[()])

    def read(mutant: bytes) -> object:
        found = parse_proof(mutant)
        return found.index, found.path, found.verify(ENTRIES[index], policy)

    same = (index, true.path, HEAD)
    assert read(true.encode()) == same
    for mutant, proven in accepted(true.encode(), read):
        assert proven == same, mutant


def test_a_proof_proves_no_other_entry_at_no_other_place() -> None:
    policy = parse_policy(f"log {LOG.key.vkey}\nquorum none\n".encode())
    for at in range(len(ENTRIES)):
        made = proof(at)
        for index, entry in enumerate(ENTRIES):
            moved = Proof(index, made.path, made.checkpoint)
            if index == at:
                assert moved.verify(entry, policy) == HEAD
                continue
            for found, body in ((made, entry), (moved, entry), (moved, ENTRIES[at])):
                with pytest.raises(TlogError):
                    found.verify(body, policy)
    for mutant in mutants(ENTRIES[3]):
        if mutant != ENTRIES[3]:
            with pytest.raises(TlogError):
                proof(3).verify(mutant, policy)
