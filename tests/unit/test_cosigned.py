"""What an auditor concludes from what witnesses signed, and what he does not believe."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from release.core.log_finding import Finding
from release.core.logcheck import Verifier, archived_sizes
from release.core.logtree import TreeFiles
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.merkle import Frontier
from release.core.tlog.note import Note, Signer, parse_note, sign_note
from release.core.tlog.policy import Policy, parse_policy
from tests.fakes import log_files
from tests.fakes.clock import MIDNIGHT
from tests.fakes.log_keys import log_signer, witness_signer
from tests.fakes.scenario import World

Files = dict[str, bytes]
FIRST, SECOND = witness_signer("a.example/w"), witness_signer("b.example/w")
STRANGER = witness_signer("c.example/w")
NOW = MIDNIGHT + timedelta(days=1)
MINUTE = timedelta(minutes=1)


def policy(quorum: str) -> Policy:
    lines = [
        f"log {log_files.SIGNER.key.vkey}",
        f"witness first {FIRST.key.vkey}",
        f"witness second {SECOND.key.vkey}",
        "group both all first second" if quorum == "both" else "group either any first second",
        f"quorum {quorum}",
    ]
    return parse_policy(("\n".join(lines) + "\n").encode())


@pytest.fixture(scope="module")
def world() -> World:
    return log_files.world()


@pytest.fixture(scope="module")
def bodies(world: World) -> list[bytes]:
    return log_files.entries(world)


@pytest.fixture(scope="module")
def files(world: World, bodies: list[bytes]) -> Files:
    return log_files.files(bodies) | log_files.evidence(world)


def seen(files: Files, size: int, *said: tuple[Signer, datetime]) -> bytes:
    """Cosign the archived head of a size."""
    note = parse_note(files[f"checkpoints/{size:012d}"])
    return note.with_signatures([who.sign(note.text, time=int(when.timestamp())) for who, when in said]).encode()


def verify(
    files: Files, notes: Sequence[bytes], quorum: str = "first", *, now: datetime = NOW
) -> tuple[list[Finding], Verifier]:
    verifier = Verifier(
        files=TreeFiles(lambda path, _: files.get(path)),
        policy=policy(quorum),
        archived=archived_sizes(list(files)),
        cosigned=[(f"note {number}", note) for number, note in enumerate(notes)],
        now=now,
    )
    return list(verifier.run()), verifier


def test_a_head_that_grew_since_it_was_cosigned_is_believed_as_far_as_it_was(files: Files) -> None:
    when = MIDNIGHT + 10 * MINUTE
    findings, verifier = verify(files, [seen(files, 5, (FIRST, when)), seen(files, 12, (FIRST, when))])
    assert findings == []
    assert (verifier.witnesses.covered, verifier.witnesses.seen) == (12, when)
    assert kinds(verify(files, [])[0]) == ["signature"]
    assert kinds(verify(files, [seen(files, 14, (STRANGER, when)), seen(files, 14, (SECOND, when))])[0]) == [
        "signature"
    ]


def kinds(findings: list[Finding]) -> list[str]:
    return [finding.kind for finding in findings]


def test_cosignatures_of_several_witnesses_are_merged_wherever_they_stand(files: Files) -> None:
    apart = [seen(files, 14, (FIRST, MIDNIGHT)), seen(files, 14, (SECOND, MIDNIGHT + MINUTE))]
    findings, verifier = verify(files, apart, "both")
    assert (findings, verifier.witnesses.covered, verifier.witnesses.seen) == ([], 14, MIDNIGHT)
    assert verify(files, apart, "either")[1].witnesses.seen == MIDNIGHT + MINUTE
    assert kinds(verify(files, apart[:1], "both")[0]) == ["signature"]
    in_head = files | {"checkpoint": seen(files, 14, (FIRST, MIDNIGHT))}
    assert verify(in_head, apart[1:], "both")[0] == []


def test_who_cosigned_a_larger_head_vouches_for_a_smaller_one(files: Files) -> None:
    notes = [seen(files, 14, (FIRST, MIDNIGHT)), seen(files, 9, (SECOND, MIDNIGHT))]
    findings, verifier = verify(files, notes, "both")
    assert (findings, verifier.witnesses.covered) == ([], 9)


def test_a_frozen_log_is_stale_even_if_a_minority_of_its_witnesses_says_that_it_is_fresh(files: Files) -> None:
    later = MIDNIGHT + timedelta(days=9)
    notes = [seen(files, 14, (FIRST, MIDNIGHT)), seen(files, 14, (SECOND, later))]
    assert kinds(verify(files, notes, "both", now=later)[0]) == ["freshness"]
    assert verify(files, notes, "either", now=later)[0] == []
    both = [seen(files, 14, (FIRST, MIDNIGHT), (SECOND, MIDNIGHT))]
    assert verify(files, both, "both", now=MIDNIGHT + timedelta(days=7))[0] == []
    assert kinds(verify(files, both, "both", now=MIDNIGHT + timedelta(days=7) + MINUTE)[0]) == ["freshness"]


def test_a_cosignature_of_tomorrow_is_said_and_counts_for_nothing(files: Files) -> None:
    for day in (NOW + timedelta(days=1), datetime.max.replace(tzinfo=UTC) - timedelta(days=2)):
        findings, verifier = verify(files, [seen(files, 14, (FIRST, day), (FIRST, MIDNIGHT))])
        assert (kinds(findings), verifier.witnesses.seen) == (["freshness"], MIDNIGHT)
    note = parse_note(files["checkpoint"])
    never = note.with_signatures([FIRST.sign(note.text, time=2**63 - 1)]).encode()
    assert kinds(verify(files, [never])[0]) == ["freshness", "signature"]


def test_back_dated_and_post_dated_entries_are_found(files: Files) -> None:
    """All entries say that they are of midnight."""
    hour = timedelta(hours=1)
    honest = [seen(files, 5, (FIRST, MIDNIGHT + 15 * MINUTE)), seen(files, 14, (FIRST, MIDNIGHT - 15 * MINUTE))]
    assert verify(files, honest)[0] == []
    late = [seen(files, 5, (FIRST, MIDNIGHT - hour)), seen(files, 12, (FIRST, MIDNIGHT + hour))]
    findings, _ = verify(files, late)
    assert [(finding.kind, finding.index) for finding in findings] == [
        *(("rule", index) for index in range(5)),
        *(("rule", index) for index in (12, 13)),
    ]
    assert "but a.example/w saw the log with it on 2026-11-23 23:00 UTC" in findings[0].message
    assert "but a.example/w saw the log without it on 2026-11-24 01:00 UTC" in findings[-1].message
    both = seen(files, 14, (FIRST, MIDNIGHT - hour), (FIRST, MIDNIGHT + hour))
    assert len(verify(files, [both])[0]) == 14, "of two cosignatures over one head the first one counts"
    assert verify(files, [*honest, seen(files, 5, (STRANGER, MIDNIGHT + hour))])[0] == [], "no witness of ours"


def test_a_view_that_others_were_not_shown_is_a_fork(files: Files, bodies: list[bytes]) -> None:
    other = log_files.files([*bodies[:6], log_files.edited(bodies[6], reason="another"), *bodies[7:]])
    note = seen(other, 14, (FIRST, MIDNIGHT))
    assert "fork" in kinds(verify(files, [note])[0])
    assert kinds(verify(files, [seen(other, 6, (FIRST, MIDNIGHT))])[0]) == [], "so far it was the same log"
    shorter = log_files.files(bodies[:9])
    withheld = {path: body for path, body in files.items() if not path.startswith(("checkpoint", "tile"))} | shorter
    findings, _ = verify(withheld, [seen(files, 14, (FIRST, MIDNIGHT))])
    assert kinds(findings)[:2] == ["signature", "fork"]
    assert "entries are withheld" in findings[1].message


def test_what_is_not_signed_by_the_log_or_is_cosigned_wrongly_is_not_believed(files: Files) -> None:
    good = seen(files, 14, (FIRST, MIDNIGHT))
    note = parse_note(good)
    swapped = seen(files, 13, (FIRST, MIDNIGHT))
    bad = [
        b"",
        b"\xff\n\n",
        Note(note.text, note.signatures[1:]).encode(),
        Note(note.text, (note.signatures[0], parse_note(swapped).signatures[1])).encode(),
        log_files.signed(Frontier(), origin="log.example.com/other"),
        sign_note(Checkpoint(log_files.ORIGIN, 0, bytes(32)).encode(), [log_files.SIGNER]),
        sign_note(note.text, [log_signer("log.example.com/other")]),
    ]
    for body in bad:
        findings, verifier = verify(files, [good, body])
        assert kinds(findings) == ["signature"]
        assert findings[0].message.startswith("note 1 cannot be believed")
        assert verifier.witnesses.covered == 14
