"""What comes with a copy of a log verifies with it, and no byte of it can be changed unseen."""

from datetime import UTC, datetime

import pytest

from release.core import document
from release.core.log_finding import Finding
from release.core.period import Period
from release.core.population import CSV, SIDECAR
from release.effects.signed_log import SignedLog
from release.stages import evidence
from release.stages.verify_log import Question, Report, run
from tests.fakes import audited, log_files
from tests.fakes.console import RecordingConsole
from tests.fakes.scenario import World
from tests.unit.test_epoch_keys import NEW, OLD, announce, named, serve
from tests.unit.test_evidence_pack import PAGE_TEMPLATE

Files = dict[str, bytes]
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECOND = Period.of("2026-11-25", "2026-11-25")


@pytest.fixture(scope="module")
def world() -> World:
    return audited.world()


@pytest.fixture(scope="module")
def copy(world: World) -> Files:
    return audited.exported(world, SECOND)


def report(world: World, files: Files, *, trust: bool = True) -> Report:
    pinned = world.config.approvals.trust if trust else None
    question = Question(policy=log_files.policy(), now=NOW, trust=pinned)
    return run(audited.opened(files), question, RecordingConsole())


def findings(world: World, files: Files) -> list[Finding]:
    return report(world, files).findings


def added(files: Files) -> list[str]:
    return [path for path in files if path.startswith(("population.", "proof/"))]


def test_what_is_exported_verifies(world: World, copy: Files) -> None:
    for period in (None, SECOND, Period(), Period.of("2027-01-01", None)):
        made = report(world, audited.exported(world, period))
        assert made.findings == []
        assert ("copy" in made.skipped) == (period is None)
    events = [event for event in world.events() if event.occurred_at.startswith("2026-11-25")]
    assert added(copy) == [SIDECAR, CSV, *(f"proof/{event.index}.tlog-proof" for event in events)]
    assert audited.exported(world, SECOND) == copy


def test_every_byte_of_a_copy_counts(world: World, copy: Files) -> None:
    for path, body in copy.items():
        for at in (len(body) // 2, len(body) - 1):
            changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            assert findings(world, copy | {path: changed}), f"byte {at} of {path}"
        assert findings(world, copy | {path: body + b"\n"}), path


def test_no_file_that_came_with_it_can_be_left_out_or_put_in(world: World, copy: Files) -> None:
    for path in added(copy):
        assert findings(world, {p: b for p, b in copy.items() if p != path}), path
    proof = next(path for path in added(copy) if path.startswith("proof/"))
    for name in ("proof/0001.tlog-proof", "proof/999.tlog-proof", "proof/note.txt", "proof/0.tlog-proof"):
        assert findings(world, copy | {name: copy[proof]}), name


def test_proofs_alone_are_verified_too(world: World, copy: Files) -> None:
    alone = {path: body for path, body in copy.items() if not path.startswith("population.")}
    made = report(world, alone)
    assert (made.findings, "copy" in made.skipped) == ([], False)


def test_a_population_of_another_period_or_log_is_found(world: World, copy: Files) -> None:
    whole = audited.exported(world, Period())
    assert findings(world, copy | {CSV: whole[CSV]})
    about = document.parse(copy[SIDECAR], limit=10_000)
    for field, value in (("count", 1), ("first", 0), ("size", 1), ("from", "2026-11-24"), ("to", None), ("to", "x")):
        assert findings(world, copy | {SIDECAR: document.canonical(about | {field: value})}), field


def test_without_a_sound_tree_nothing_that_came_with_it_is_judged(world: World, copy: Files) -> None:
    tile = next(path for path in copy if path.startswith("tile/0/"))
    made = report(world, copy | {tile: bytes(len(copy[tile]))})
    assert {finding.kind for finding in made.findings} >= {"tree"}
    assert made.skipped["copy"] == "the log itself is not sound"


def test_a_period_in_which_the_logs_key_changed_verifies_as_one() -> None:
    world = World()
    world.sign_with(OLD)
    announce(world, OLD)
    serve(world, "1.0.0")
    announce(world, OLD, NEW)
    world.sign_with(NEW, retired=[OLD])
    announce(world, NEW)
    serve(world, "1.1.0")
    files = audited.exported(world, Period())
    pinned = world.config.approvals.trust
    for keys in (None, named(OLD, NEW)):
        question = Question(policy=keys, now=NOW, trust=pinned)
        made = run(audited.opened(files), question, RecordingConsole())
        assert (made.findings, "copy" in made.skipped) == ([], False)
    assert b"not signed" not in files[CSV]
    log = SignedLog.opened(audited.opened(files), named(OLD, NEW))
    for version in ("1.0.0", "1.1.0"):
        pack = evidence.run(log, version, evidence.Beside(manifest=None, changelog=None), PAGE_TEMPLATE)
        assert evidence.judge(audited.opened(dict(pack.files)), named(OLD, NEW), PAGE_TEMPLATE, pinned).findings == ()
