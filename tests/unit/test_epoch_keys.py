"""An auditor who knows the first trust epoch only: whose keys count for which part of the log, also after rotations."""

import dataclasses
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from release.core.entry import Event, encode, statement
from release.core.epoch_policy import policy_of, policy_text
from release.core.log_finding import Finding
from release.core.logcheck import Verifier, archived_sizes
from release.core.logtree import TreeFiles
from release.core.tlog.checkpoint import parse_checkpoint
from release.core.tlog.note import Note, Signer, open_note, parse_note
from release.core.tlog.policy import NONE, Policy, parse_policy
from release.core.trust import Terms
from release.stages import record as recording
from tests.fakes import log_files, people
from tests.fakes.log_keys import log_signer, witness_signer
from tests.fakes.scenario import World

if TYPE_CHECKING:
    from collections.abc import Callable

Files = dict[str, bytes]
OLD, NEW, STRANGER = (log_signer(people.ORIGIN, seed=seed) for seed in ("old", "new", "stranger"))
W1, W2, W3 = (witness_signer(f"witness.example/{name}") for name in ("w1", "w2", "w3"))
NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)


def keys(*signers: Signer, **more: object) -> Terms:
    return people.terms(log_keys=tuple(signer.key.vkey for signer in signers), **more)


def announce(world: World, *signers: Signer) -> int:
    """Put up an epoch with these log keys and announce it; gives the entry."""
    world.trust(people.trust(world.known, terms=keys(*signers)))
    ((report,), _) = recording.trust(world.recorder(), dry_run=False)
    return report.event.index


def serve(world: World, version: str) -> None:
    world.release(version)
    world.approved("v1", version, "cto")
    world.finish("v1")


@pytest.fixture(scope="module")
def rotated() -> World:
    """Signed by OLD, which makes way for NEW over an epoch that lists both."""
    world = World()
    world.sign_with(OLD)
    announce(world, OLD)
    serve(world, "1.0.0")
    announce(world, OLD, NEW)
    serve(world, "1.1.0")
    world.sign_with(NEW, retired=[OLD])
    serve(world, "1.2.0")
    announce(world, NEW)
    serve(world, "1.3.0")
    return world


def files(world: World) -> Files:
    root = world.config.log_layout.prefix
    return {key.removeprefix(root): body for key, body in world.log.bodies().items()}


def verify(
    world: World, found: Files | None = None, *, key: Policy | None = None, now: datetime = NOW
) -> list[Finding]:
    shown = files(world) if found is None else found
    verifier = Verifier(
        files=TreeFiles(lambda path, _: shown.get(path)),
        policy=key,
        archived=archived_sizes([*shown]),
        trust=world.config.approvals.trust,
        now=now,
    )
    return list(verifier.run())


def named(*signers: Signer) -> Policy:
    return Policy(tuple(signer.key for signer in signers), {}, {}, NONE)


def announcements(world: World) -> list[int]:
    return [event.index for event in world.events() if event.action == "trust.changed"]


def test_the_digest_of_the_first_epoch_is_enough_through_a_rotation(rotated: World) -> None:
    assert verify(rotated) == []
    assert len(announcements(rotated)) == 3


def test_a_copy_verifies_at_every_step_of_a_rotation() -> None:
    world = World()
    world.sign_with(OLD)
    steps: list[Callable[[], object]] = [
        lambda: announce(world, OLD),
        lambda: serve(world, "1.0.0"),
        lambda: announce(world, OLD, NEW),
        lambda: world.sign_with(NEW, retired=[OLD]),
        lambda: serve(world, "1.1.0"),
        lambda: world.sign_with(OLD, retired=[NEW]),  # a job of an older tag still has the old key
        lambda: serve(world, "1.2.0"),
        lambda: world.sign_with(NEW, retired=[OLD]),
        lambda: announce(world, NEW),
        lambda: serve(world, "1.3.0"),
    ]
    for step in steps:
        step()
        assert verify(world) == []


def test_with_both_a_named_key_and_an_epoch_only_what_both_allow_counts(rotated: World) -> None:
    assert verify(rotated, key=named(OLD, NEW)) == []
    assert {finding.kind for finding in verify(rotated, key=named(NEW))} >= {"entry", "signature"}
    assert "cannot be believed" in verify(rotated, key=named(OLD))[0].message
    assert any("cannot be believed" in finding.message for finding in verify(rotated, key=named(STRANGER)))


def resigned(world: World, last: Event, signer: Signer) -> Files:
    """What somebody with the record key and an old log key makes of the log: his entry at the end, signed anew."""
    body = encode(statement(last), signer.sign)
    bodies = [*log_files.entries(world), body]
    found = log_files.files(bodies, archive=False) | {
        path: body for path, body in files(world).items() if path.startswith(("trust/", "evidence/"))
    }
    head = parse_note(found["checkpoint"]).text
    return found | {"checkpoint": Note(head, (NEW.sign(head),)).encode()}


def another(world: World) -> Event:
    """The next entry as the program would write it."""
    twin = world.twin()
    twin.sign_with(NEW, retired=[OLD])
    twin.yank("1.0.0")
    return twin.events()[-1]


def test_the_old_key_signs_no_entry_after_the_epoch_without_it(rotated: World) -> None:
    event = another(rotated)
    (finding,) = verify(rotated, resigned(rotated, event, OLD))
    assert (finding.kind, finding.index) == ("entry", event.index)
    assert verify(rotated, resigned(rotated, event, NEW)) == []


def test_the_old_key_signs_no_checkpoint_after_the_epoch_without_it(rotated: World) -> None:
    """The stolen key says the truth about the tree, and is not believed; before it was gone it was."""
    found = files(rotated)
    gone = announcements(rotated)[-1]
    for path in [path for path in found if path.startswith("checkpoints/")]:
        text = parse_note(found[path]).text
        size = parse_checkpoint(text).size
        findings = verify(rotated, found | {path: Note(text, (OLD.sign(text),)).encode()})
        assert [finding.kind for finding in findings] == (["signature"] if size - 1 > gone else []), size
    text = parse_note(found["checkpoint"]).text
    head = found | {"checkpoint": Note(text, (OLD.sign(text),)).encode()}
    assert "cannot be believed" in verify(rotated, head)[0].message


def test_a_newer_key_may_sign_what_an_older_job_left_unsigned(rotated: World) -> None:
    found = files(rotated)
    for path in [path for path in found if path.startswith("checkpoints/")]:
        text = parse_note(found[path]).text
        assert verify(rotated, found | {path: Note(text, (NEW.sign(text),)).encode()}) == []


def test_a_key_of_nobody_signs_nothing(rotated: World) -> None:
    found = files(rotated)
    path = max(path for path in found if path.startswith("checkpoints/"))
    text = parse_note(found[path]).text
    (finding,) = verify(rotated, found | {path: Note(text, (STRANGER.sign(text),)).encode()})
    assert (finding.kind, "no known key signed" in finding.message) == ("signature", True)


def test_a_lost_key_is_replaced_by_an_epoch_whose_key_announces_it() -> None:
    """Nobody has the old key any more: the keepers' signatures are what makes the new one believable."""
    world = World()
    world.sign_with(OLD)
    announce(world, OLD)
    serve(world, "1.0.0")
    world.sign_with(NEW, retired=[OLD])
    announce(world, NEW)
    serve(world, "1.1.0")
    assert verify(world) == []


def test_a_new_key_that_no_epoch_names_signs_nothing() -> None:
    world = World()
    world.sign_with(OLD)
    announce(world, OLD)
    serve(world, "1.0.0")
    world.sign_with(NEW, retired=[OLD])
    world.release("1.1.0")
    assert "cannot be believed" in verify(world)[0].message
    world.trust(people.trust(world.known, terms=keys(OLD, NEW)))
    recording.trust(world.recorder(), dry_run=False)
    index = next(event.index for event in world.events() if event.version == "1.1.0")
    findings = verify(world)
    assert (findings[0].kind, findings[0].index) == ("entry", index), "it came before the epoch that names its key"


def test_whoever_has_the_old_key_cannot_withhold_the_epoch_that_retired_it_from_who_knows_the_new_one() -> None:
    """He shows the log as it was before, and goes on from there with the key that he has."""
    world = World()
    world.sign_with(OLD)
    announce(world, OLD)
    serve(world, "1.0.0")
    forged = files(world)
    assert verify(world, forged, key=named(OLD)) == []
    findings = verify(world, forged, key=named(OLD, NEW))
    assert [(finding.kind, NEW.key.vkey in finding.message) for finding in findings] == [("signature", True)]


def test_a_named_key_from_before_epochs_listed_any_still_counts_for_its_time() -> None:
    world = World()
    world.sign_with(OLD)
    world.trust(people.trust(terms=keys()))
    recording.trust(world.recorder(), dry_run=False)
    serve(world, "1.0.0")
    world.sign_with(NEW, retired=[OLD])
    announce(world, NEW)
    serve(world, "1.1.0")
    assert verify(world, key=named(OLD, NEW)) == []


def test_an_epoch_that_names_no_key_needs_a_named_one() -> None:
    world = World()
    world.trust()
    recording.trust(world.recorder(), dry_run=False)
    assert verify(world)[0].message.startswith("trust epoch 0 names no log key")
    assert verify(world, key=named(log_signer(people.ORIGIN))) == []


def test_witnesses_and_quorum_are_those_of_the_newest_epoch() -> None:
    world = World()
    world.sign_with(OLD)
    terms = keys(OLD, witnesses=tuple(w.key.vkey for w in (W1, W2, W3)), quorum=2)
    world.trust(people.trust(terms=terms))
    recording.trust(world.recorder(), dry_run=False)
    found, at = files(world), int(NOW.timestamp())
    note = parse_note(found["checkpoint"])
    for witnesses, kinds in (
        ((W1,), ["signature"]),
        ((W1, W3), []),
        ((W1, log_witness("x")), ["signature"]),
        ((W1, W2, W3), []),
    ):
        cosigned = note.with_signatures([w.sign(note.text, time=at) for w in witnesses]).encode()
        assert [f.kind for f in verify(world, found | {"checkpoint": cosigned})] == kinds
    seen = note.with_signatures([w.sign(note.text, time=at) for w in (W1, W2)]).encode()
    late = verify(world, found | {"checkpoint": seen}, now=NOW + timedelta(days=8))
    assert [finding.kind for finding in late] == ["freshness"]


def log_witness(name: str) -> Signer:
    return witness_signer(f"witness.example/{name}")


def test_the_policy_of_an_epoch_is_one_that_other_tools_read() -> None:
    terms = keys(OLD, NEW, witnesses=(W1.key.vkey, W2.key.vkey), quorum=1)
    epoch = people.trust(terms=terms)
    assert policy_text(epoch).splitlines() == [
        "# log.example.com/tag, trust epoch 0",
        f"log {OLD.key.vkey}",
        f"log {NEW.key.vkey}",
        f"witness w1 {W1.key.vkey}",
        f"witness w2 {W2.key.vkey}",
        "group witnesses 1 w1 w2",
        "quorum witnesses",
    ]
    assert parse_policy(policy_text(epoch).encode()) == policy_of(epoch)
    assert policy_of(people.trust(terms=dataclasses.replace(terms, quorum=0))).quorum == NONE


def test_the_head_is_signed_by_the_new_key_after_the_rotation(rotated: World) -> None:
    assert {key for key, _ in open_note(files(rotated)["checkpoint"], [OLD.key, NEW.key]).signed} == {NEW.key}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_order_of_epochs_and_keys_exactly_what_was_not_allowed_is_found(seed: int) -> None:
    """Jobs sign with whatever key they have, keepers list whatever keys they like; the rules are told apart here."""
    chance, pool = random.Random(seed), (OLD, NEW, STRANGER)  # noqa: S311 - a story, not a secret
    world = World()
    world.sign_with(chance.choice(pool))
    epochs: list[tuple[int, set[Signer]]] = []
    signed: list[tuple[int, Signer, str]] = []
    for step in range(10):
        listed = set(chance.sample(pool, chance.randint(1, 3)))
        signer = chance.choice(sorted(listed, key=lambda one: one.key.vkey) if not step or step == 9 else pool)
        world.sign_with(signer, retired=[other for other in pool if other != signer])
        if step in {0, 9} or (chance.random() < 0.4 and signer in listed):
            epochs.append((announce(world, *listed), listed))
            signed.append((epochs[-1][0], signer, "announces"))
        else:
            world.release(f"1.0.{step}")
            signed.append((world.slots().tail().size - 1, signer, "publishes"))

    def in_force(index: int) -> set[Signer]:
        return next(keys for at, keys in reversed([(-1, epochs[0][1]), *epochs]) if at < index)

    ends = [*(at for at, _ in epochs[1:]), 10**9]
    until = {
        key: max((end for end, (_, keys) in zip(ends, epochs, strict=True) if key in keys), default=-1) for key in pool
    }
    wrong = [index for index, signer, does in signed if does == "publishes" and signer not in in_force(index)]
    late = [index + 1 for index, signer, _ in signed if index > until[signer]]
    found = verify(world)
    assert [finding.index for finding in found if finding.kind == "entry"] == wrong
    archived = [int(finding.message[12:24]) for finding in found if finding.kind == "signature"]
    assert sorted(archived) == late
    assert {finding.kind for finding in found} <= {"entry", "signature"}
