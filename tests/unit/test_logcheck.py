"""Attacks on a release log, each against a verifier that has the files and one policy, and nothing else."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from release.core.changelog_check import changelog_findings
from release.core.log_finding import Finding
from release.core.logcheck import Verifier, archived_sizes
from release.core.logtree import TreeFiles
from release.core.replay import Replay
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.merkle import Frontier, leaf_hash
from tests.fakes import examples, log_files
from tests.fakes.scenario import World

Files = dict[str, bytes]
Damage = Callable[[bytes], bytes]
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return log_files.world()


@pytest.fixture
def bodies(world: World) -> list[bytes]:
    return log_files.entries(world)


@pytest.fixture
def files(world: World, bodies: list[bytes]) -> Files:
    return log_files.files(bodies) | log_files.evidence(world)


def verify(
    files: Files,
    *,
    anchors: tuple[tuple[str, Checkpoint], ...] = (),
    entries: bool = True,
    now: datetime | None = None,
    witnessed: bool = False,
) -> list[Finding]:
    def read(path: str, limit: int) -> bytes | None:
        body = files.get(path)
        if body is not None and len(body) > limit:
            raise TlogError(f"{path} is larger than {limit} bytes")
        return body

    verifier = Verifier(
        files=TreeFiles(read),
        policy=log_files.policy(witnessed=witnessed),
        anchors=anchors,
        archived=archived_sizes(list(files)),
        entries=entries,
        now=now,
    )
    return list(verifier.run())


def kinds(findings: list[Finding]) -> set[str]:
    return {finding.kind for finding in findings}


def without_archive(files: Files) -> Files:
    return {path: body for path, body in files.items() if not path.startswith("checkpoints/")}


def test_a_log_as_it_should_be_has_no_findings(files: Files) -> None:
    assert verify(files) == []
    assert verify(files, entries=False) == []


# What the holder of the append role and of the log key can do, and who notices.


def test_an_edited_entry_without_the_key_is_found(files: Files, bodies: list[bytes]) -> None:
    forged = log_files.files([*bodies[:3], log_files.edited(bodies[3], reason="x"), *bodies[4:]])
    (bundle,) = [path for path in files if path.startswith("tile/entries/")]
    findings = verify(files | {bundle: forged[bundle]})
    assert {"tree", "rule"} <= kinds(findings)
    wrong = next(finding for finding in findings if finding.message.startswith("the checkpoint is of another log"))
    assert [name for name, _ in wrong.facts] == ["signed", "computed"], "both pieces of evidence are given"


def test_an_edited_entry_signed_again_is_found_by_any_archived_checkpoint(files: Files, bodies: list[bytes]) -> None:
    forged = log_files.files([*bodies[:3], log_files.edited(bodies[3], reason="x"), *bodies[4:]])
    archive = {path: body for path, body in files.items() if path.startswith("checkpoints/")}
    assert "fork" in kinds(verify(files | forged | archive))


def test_an_edited_entry_signed_again_with_a_new_archive_is_found_by_the_chain_and_by_an_anchor(
    files: Files, bodies: list[bytes]
) -> None:
    forged = files | log_files.files([*bodies[:3], log_files.edited(bodies[3], reason="x"), *bodies[4:]])
    (chain,) = verify(forged)
    assert (chain.kind, chain.index) == ("rule", 4)
    assert "leaf hash" in chain.message
    anchored = verify(forged, anchors=(("the CTO's approval", log_files.head(files)),))
    assert kinds(anchored) == {"rule", "fork"}


@pytest.mark.parametrize("at", range(1, 6))
def test_deleted_and_reordered_entries_are_found(files: Files, bodies: list[bytes], at: int) -> None:
    for forged in ([*bodies[:at], *bodies[at + 1 :]], [*bodies[:at], bodies[at + 1], bodies[at], *bodies[at + 2 :]]):
        assert kinds(verify(files | log_files.files(forged))) >= {"entry"}


def test_a_truncated_log_is_found_by_its_archive_and_by_an_anchor(files: Files, bodies: list[bytes]) -> None:
    shorter = log_files.files(bodies[:5])
    assert verify(log_files.evidence(log_files.world()) | shorter) == [], "without an anchor nobody can tell"
    (known, *_) = verify(files | {"checkpoint": shorter["checkpoint"]})
    assert (known.kind, "withheld" in known.message) == ("fork", True)
    (anchored,) = verify(
        log_files.evidence(log_files.world()) | shorter, anchors=(("the last visit", log_files.head(files)),)
    )
    assert anchored.kind == "fork"


def test_a_frozen_log_is_found_by_the_age_of_its_cosignatures(world: World, bodies: list[bytes]) -> None:
    fresh = log_files.files(bodies, cosigned_at=int(NOW.timestamp()) - 3600) | log_files.evidence(world)
    assert verify(fresh, now=NOW, witnessed=True) == []
    (stale,) = verify(fresh, now=NOW + timedelta(days=8), witnessed=True)
    assert stale.kind == "freshness"


def test_a_log_that_no_witness_has_seen_is_not_believed(files: Files) -> None:
    (finding,) = verify(files, now=NOW, witnessed=True)
    assert finding.kind == "signature"


def test_a_fork_is_found_with_both_roots(files: Files, bodies: list[bytes]) -> None:
    other = Frontier().extended(leaf_hash(body) for body in [*bodies[:4], b"another"])
    fork = Checkpoint(log_files.ORIGIN, other.size, other.root())
    (finding,) = verify(files, anchors=(("a colleague's copy", fork),))
    assert finding.kind == "fork"
    assert dict(finding.facts)["signed"] == other.root().hex()


def test_an_anchor_of_another_log_is_said(files: Files) -> None:
    (finding,) = verify(files, anchors=(("elsewhere", Checkpoint("other.example/log", 1, b"\0" * 32)),))
    assert finding.kind == "fork"


def test_back_dating_an_entry_is_found(files: Files, bodies: list[bytes]) -> None:
    forged = [*bodies[:-1], log_files.edited(bodies[-1], occurredAt="2026-01-01T00:00:00Z")]
    (finding,) = verify(files | log_files.files(forged))
    assert (finding.kind, "before an earlier entry" in finding.message) == ("rule", True)


def test_garbage_in_a_slot_is_one_finding_and_the_rest_is_still_judged(files: Files, bodies: list[bytes]) -> None:
    findings = verify(files | log_files.files([*bodies, b"{}", b"\xff" * 65_535, b""]))
    assert [(finding.kind, finding.index) for finding in findings] == [
        ("entry", len(bodies)),
        ("entry", len(bodies) + 1),
        ("entry", len(bodies) + 2),
    ]


# Every file is hostile.


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "longer", "one bit", "huge"])
def test_no_file_can_be_damaged_without_a_finding(files: Files, damage: str) -> None:
    how: dict[str, Damage] = {
        "empty": lambda _: b"",
        "cut": lambda body: body[:-1],
        "longer": lambda body: body + b"\0",
        "one bit": lambda body: body[:-5] + bytes([body[-5] ^ 1]) + body[-4:],
        "huge": lambda body: body * (1 + (1 << 26) // max(1, len(body))),
    }
    chosen = [path for path in files if not path.startswith("checkpoints/")][:: 1 if damage != "huge" else 6]
    if damage != "missing":  # nobody can miss an archived checkpoint; the head and the anchors are for that
        chosen.append("checkpoints/000000000003")
    for path in chosen:
        broken = dict(files)
        if damage == "missing":
            del broken[path]
        else:
            broken[path] = how[damage](files[path])
        assert verify(broken), path


def test_a_full_tile_stands_for_its_partial_one() -> None:
    many = log_files.many(300)
    (partial,) = [path for path in many if path.startswith("tile/entries/") and ".p/" in path]
    body = many.pop(partial)
    extra = b"".join(len(e).to_bytes(2, "big") + e for e in [b"later"] * 212)
    many[partial.partition(".p/")[0]] = body + extra
    assert verify(many, entries=False) == []


def test_evidence_that_was_exchanged_or_lost_is_found(files: Files) -> None:
    path = next(path for path in files if path.startswith("evidence/"))
    (finding,) = verify(files | {path: b"forged"})
    assert (finding.kind, len(finding.facts)) == ("evidence", 2)
    del files[path]
    (finding,) = verify(files)
    assert finding.kind == "evidence"


def test_the_changelog_must_say_what_was_yanked(files: Files) -> None:
    text = (
        "# Changelog\n\n## [1.2.0] - 2026-11-24\n\n- c\n\n## [1.1.0] - 2026-11-24{}\n\n- b\n\n## [1.0.0] - 2026-11-24\n"
    )
    assert verify(files | {"CHANGELOG.md": text.format(" [YANKED]").encode()}) == []
    (finding,) = verify(files | {"CHANGELOG.md": text.format("").encode()})
    assert (finding.kind, "does not mark 1.1.0" in finding.message) == ("changelog", True)


def test_a_changelog_with_a_section_twice_hides_no_other_finding() -> None:
    replay = Replay(published={"1.0.0": "f" * 64, "1.1.0": "f" * 64}, changelogs={"1.0.0": "a" * 64, "1.1.0": "a" * 64})
    twice, gone = changelog_findings("# Changelog\n\n## [1.0.0]\n\n## [1.0.0]\n", replay)
    assert "2 sections for 1.0.0" in twice.message
    assert "no section of 1.1.0" in gone.message


def test_a_published_version_that_is_none_hides_no_other_finding(bodies: list[bytes]) -> None:
    event = examples.opened(bodies[0], index=0)
    odd = examples.sealed(dataclasses.replace(event, version="01.0.0"))
    found = log_files.files([odd, *bodies[1:]]) | {"CHANGELOG.md": b"# Changelog\n"}
    said = [finding.message for finding in verify(found)]
    assert any("names a version that is none" in message for message in said)
    assert any("never published" in message for message in said)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 700, 65_800])
def test_logs_of_all_sizes_are_whole(size: int) -> None:
    assert verify(log_files.many(size), entries=False) == []


def test_a_tile_above_the_lowest_is_computed_again() -> None:
    many = log_files.many(600)
    (upper,) = [path for path in many if path.startswith("tile/1/") and path.endswith(".p/2")]
    many[upper] = b"\0" * 64
    (finding,) = verify(many, entries=False)
    assert (finding.kind, upper in finding.message) == ("tree", True)
