"""A witness of other people: its own key, its own memory, and what the log's writers try to do behind its back."""

import json
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from release.adapters.witness_memory import open_memory
from release.core.tag_anchor import trailer
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.note import COSIGNATURE, cosignatures, open_note, parse_note
from release.core.tlog.skey import parse_skey, skey
from tests.fakes import log_files
from tests.fakes.clock import MIDNIGHT
from tests.fakes.scenario import World
from tests.fakes.ssh import SshKey
from tests.fakes.web_server import Reply, WebServer
from tests.functional.conftest import Ended, Run
from tests.functional.library import Library

NAME = "customer.example/witness"
SKEY = skey(NAME, bytes(range(32)), kind=COSIGNATURE)
SIGNER = parse_skey(SKEY, kind=COSIGNATURE)
Files = dict[str, bytes]
Visit = Callable[..., Ended]


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "memory"


@pytest.fixture
def visit(run: Run, tmp_path: Path, memory: Path) -> Visit:
    """Show a log to the witness."""
    key = tmp_path / "log.vkey"
    key.write_text(log_files.SIGNER.key.vkey + "\n")
    shown = iter(range(100))

    def visit(files: Files | str, *options: str, **variables: str) -> Ended:
        source = files if isinstance(files, str) else str(log_files.write(tmp_path / f"shown-{next(shown)}", files))
        arguments = ("log", "witness", source, "--key", str(key), "--memory", str(memory), *options)
        return run(*arguments, **{"RELEASE_WITNESS_KEY": SKEY, **variables})

    return visit


def times(note: bytes) -> list[int]:
    return [time for time, _ in cosignatures(parse_note(note), SIGNER.key)]


def kept(memory: Path) -> Files:
    return {path.relative_to(memory).as_posix(): path.read_bytes() for path in memory.rglob("*") if path.is_file()}


def test_a_key_is_made_once_and_only_its_public_half_is_shown(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "witness.key"
    ended = run("log", "witness-key", str(file), "--name", NAME)
    made = parse_skey(file.read_text().strip(), kind=COSIGNATURE)
    assert (ended.code, ended.out) == (0, f"{made.key.vkey}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip().split("+", 4)[4] not in ended.out + ended.err
    assert run("log", "witness-key", str(file), "--name", NAME).code == 3
    assert run("log", "witness-key", str(tmp_path / "b"), "--name", "no name").code == 3
    assert json.loads(run("log", "witness-key", str(tmp_path / "c"), "--name", NAME, "--json").out)["vkey"]


def test_it_follows_a_log_that_grows_and_each_day_says_that_nothing_happened(visit: Visit, memory: Path) -> None:
    ended = visit(log_files.many(5), "--first")
    assert ended.code == 0, ended
    checkpoint = (memory / "checkpoint").read_bytes()
    assert ended.out.encode() == checkpoint, "what is printed was remembered first"
    opened = open_note(checkpoint, [log_files.SIGNER.key, SIGNER.key])
    assert {key.name for key, _ in opened.signed} == {log_files.ORIGIN, NAME}
    ended = visit(log_files.many(5))
    assert (ended.code, "5 entries as before, nothing new since" in ended.err) == (0, True)
    assert times((memory / "checkpoint").read_bytes()) >= times(checkpoint)
    with WebServer({f"/{path}": Reply(body=body) for path, body in log_files.many(300).items()}) as server:
        ended = visit(server.url)
    assert (ended.code, "300 entries, 295 new since" in ended.err) == (0, True)
    assert sorted(kept(memory)) == ["checkpoint", "history/000000000005", "history/000000000300"]
    day = kept(memory)["history/000000000005"]
    assert open_note(day, [log_files.SIGNER.key]).text == parse_note(checkpoint).text


def test_for_each_size_the_first_and_the_newest_cosignature_are_kept(visit: Visit, memory: Path) -> None:
    visit(log_files.many(5), "--first")
    note = parse_note((memory / "checkpoint").read_bytes())
    days = [SIGNER.sign(note.text, time=time) for time in (1_700_000_000, 1_700_086_400)]
    old = log_files.many(5)["checkpoint"]
    (memory / "checkpoint").write_bytes(parse_note(old).with_signatures(days[1:]).encode())
    (memory / "history/000000000005").write_bytes(parse_note(old).with_signatures(days).encode())
    assert visit(log_files.many(5)).code == 0
    first, newest = times(kept(memory)["history/000000000005"])
    assert first == 1_700_000_000
    assert [newest] == times(kept(memory)["checkpoint"])
    assert newest > 1_790_000_000


def test_a_dry_run_judges_and_writes_nothing(visit: Visit, memory: Path) -> None:
    ended = visit(log_files.many(5), "--first", "--dry-run", "--json")
    facts = json.loads(ended.out)
    assert (facts["dryRun"], facts["outcome"], facts["size"], facts["checkpoint"]) == (True, "first", 5, None)
    assert not memory.exists()
    visit(log_files.many(5), "--first")
    before = kept(memory)
    assert visit(log_files.many(5, b"fork"), "--dry-run").code == 20
    assert visit(log_files.many(7), "--dry-run").code == 0
    assert kept(memory) == before


# Attacks


def test_an_older_genuine_head_is_not_cosigned(visit: Visit, run: Run, memory: Path, tmp_path: Path) -> None:
    visit(log_files.many(9), "--first")
    before = kept(memory)
    ended = visit(log_files.many(5))
    assert (ended.code, "entries are withheld" in ended.err) == (20, True)
    assert "proof of misbehaviour" not in ended.out, "anybody can serve an old copy"
    added = {path: body for path, body in kept(memory).items() if path not in before}
    assert kept(memory).items() >= before.items()
    assert sorted(path.partition("/")[2] for path in added) == ["known", "proof", "shown"]
    folder = str(memory / next(iter(added)).partition("/")[0])
    assert run("log", "verify-conflict", folder, "--key", str(tmp_path / "log.vkey")).code == 22
    assert run("log", "verify-conflict", str(memory), "--key", str(tmp_path / "log.vkey")).code == 10
    assert visit(log_files.many(9)).code == 0, "the log itself goes on"


@pytest.mark.parametrize("size", [9, 12])
def test_a_log_that_was_rewritten_or_truncated_and_signed_again_is_proven_to_be_a_fork(
    visit: Visit, run: Run, memory: Path, tmp_path: Path, size: int
) -> None:
    log, fork = log_files.many(9), log_files.many(size, b"other")
    visit(log, "--first")
    before = kept(memory)
    ended = visit(fork)
    assert ended.code == 20
    assert "proof of misbehaviour" in ended.out
    assert log["checkpoint"].decode() in ended.out
    assert fork["checkpoint"].decode() in ended.out
    folder = next(path.partition("/")[0] for path in kept(memory) if path.startswith("conflict-"))
    assert (memory / folder / "known").read_bytes() == log["checkpoint"]
    assert (memory / folder / "shown").read_bytes() == fork["checkpoint"]
    assert (memory / folder / "proof").read_text().startswith("size 9\nsigned ")
    assert kept(memory).items() >= before.items()
    keys = ("--key", str(tmp_path / "log.vkey"))
    ended = run("log", "verify-conflict", str(memory / folder), *keys)
    assert (ended.code, ended.out[:45]) == (0, f"proven: the key of {log_files.ORIGIN} signed"), ended
    assert json.loads(run("log", "verify-conflict", str(memory / folder), *keys, "--json").out)["shown"] == size
    again = json.loads(visit(fork, "--json").out)
    assert (again["outcome"], again["checkpoint"], again["conflicts"][0]["proven"]) == ("refused", None, True)
    assert again["conflicts"][0]["folder"] == folder, "the same evidence is kept once"


def test_a_log_that_stands_still_although_it_should_not_is_frozen(visit: Visit, memory: Path, tmp_path: Path) -> None:
    visit(log_files.many(9), "--first")
    before = kept(memory)
    ended = visit(log_files.many(9), "--expect-size", "10")
    assert (ended.code, "an old copy" in ended.err) == (23, True)
    newer = tmp_path / "what-the-auditor-has"
    newer.write_bytes(log_files.many(10)["checkpoint"])
    assert visit(log_files.many(9), "--compare", str(newer), "--dry-run").code == 20
    assert kept(memory) == before
    assert visit(log_files.many(10), "--compare", str(newer), "--expect-size", "10").code == 0


def test_a_tag_that_saw_more_than_is_shown_tells_of_a_freeze(
    visit: Visit, memory: Path, library: Library, tmp_path: Path
) -> None:
    def tag(name: str, files: Files, origin: str = log_files.ORIGIN) -> None:
        seen = log_files.head(files)
        library.git("tag", "-a", name, "-m", f"x\n\n{trailer(Checkpoint(origin, seen.size, seen.root))}")

    clone = ("--repository", str(library.folder))
    tag("v1.0.0", log_files.many(5))
    tag("other-v9", log_files.many(50), "log.example.com/other")
    library.git("tag", "light")
    visit(log_files.many(9), "--first", *clone)
    assert visit(log_files.many(9), *clone).code == 0
    before = kept(memory)
    tag("v1.1.0", log_files.many(12))
    ended = visit(log_files.many(9), *clone)
    assert (ended.code, "what the tag v1.1.0 saw knows 12 entries, this log shows only 9" in ended.err) == (20, True)
    assert visit(log_files.many(13), *clone, "--dry-run").code == 0
    fork = visit(log_files.many(13, b"other"), *clone, "--dry-run")
    assert (fork.code, "what the tag v1.0.0 saw is of another log" in fork.out) == (20, True)
    assert kept(memory) == before, "a tag is not signed by the log: it is no evidence against it"
    signers, key = tmp_path / "signers", SshKey("ana")
    signers.write_text(f"ana {key.line}\n")
    signed = (*clone, "--allowed-signers", str(signers))
    assert visit(log_files.many(9), *signed).code == 0, "nobody signed these"
    signing = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key.write(tmp_path / 'key')}")
    library.git(*signing, "tag", "-s", "v1.2.0", "-m", trailer(log_files.head(log_files.many(20))))
    ended = visit(log_files.many(13), *signed, "--dry-run")
    assert (ended.code, "what the tag v1.2.0, signed by ana, saw knows 20" in ended.err) == (20, True)
    library.git("tag", "-a", "v2", "-m", "Release-Log: what I saw")
    assert visit(log_files.many(9), *clone).code == 16


def test_two_views_of_one_log_are_proven_when_the_two_who_were_shown_them_compare(
    visit: Visit, memory: Path, tmp_path: Path
) -> None:
    visit(log_files.many(9), "--first")
    theirs = tmp_path / "what-the-auditor-has"
    theirs.write_bytes(log_files.many(6, b"other")["checkpoint"])
    ended = visit(log_files.many(11), "--compare", str(theirs))
    assert (ended.code, "proof of misbehaviour" in ended.out) == (20, True)
    assert any(path.startswith("conflict-") for path in kept(memory))
    theirs.write_bytes(b"hello\n")
    assert visit(log_files.many(11), "--compare", str(theirs)).code == 16


def test_a_head_that_is_not_signed_or_not_there_is_not_cosigned(visit: Visit, memory: Path) -> None:
    visit(log_files.many(5), "--first")
    before = kept(memory)
    files = log_files.many(6)
    for bad in (files | {"checkpoint": files["checkpoint"].replace(b"\n6\n", b"\n7\n")}, {"tile/0/000": b""}):
        ended = visit(bad)
        assert (ended.code, "cannot be believed" in ended.err) == (20, True)
    incomplete = {"checkpoint": files["checkpoint"]}
    assert visit(incomplete).code == 20
    with WebServer({"/checkpoint": Reply(status=403)}) as server:
        assert visit(server.url).code == 11
    assert kept(memory) == before


# What its cosignatures are worth to an auditor


@pytest.fixture(scope="module")
def world() -> World:
    return log_files.world()


@pytest.fixture(scope="module")
def log(world: World) -> Files:
    return log_files.files(log_files.entries(world)) | log_files.evidence(world)


@pytest.fixture
def audit(run: Run, tmp_path: Path) -> Visit:
    """Verify a log as who trusts its key and demands the witness's."""
    keys = tmp_path / "policy"
    keys.write_text(f"log {log_files.SIGNER.key.vkey}\nwitness w {SIGNER.key.vkey}\nquorum w\n")
    shown = iter(range(100))

    def audit(files: Files, *options: str) -> Ended:
        source = log_files.write(tmp_path / f"audited-{next(shown)}", files)
        return run("log", "verify", str(source), "--key", str(keys), *options)

    return audit


def test_an_auditor_takes_a_witnesss_word_from_its_memory_or_from_the_copy(
    visit: Visit, audit: Visit, memory: Path, log: Files
) -> None:
    visit(log, "--first")
    assert audit(log).code == 20, "who demands a witness does not believe a log without"
    ended = audit(log, "--cosigned", str(memory))
    assert (ended.code, "witnesses vouch for 14 entries" in ended.out, "nothing newer" in ended.out) == (0, True, True)
    copy = log | {"cosigned/a": (memory / "checkpoint").read_bytes()}
    facts = json.loads(audit(copy, "--json").out)
    assert (facts["cosigned"], facts["findings"]) == (14, [])
    bad = audit(copy | {"cosigned/b": b"x" * 10_000, "cosigned/c": b"x"}, "--json")
    assert (bad.code, len(json.loads(bad.out)["findings"])) == (20, 2)
    crowd = {f"cosigned/{number}": b"x" for number in range(4097)}
    assert "at most 4096 are read" in audit(log | crowd, "--cosigned", str(memory)).out


def cosigned(files: Files, size: int, when: datetime) -> bytes:
    note = parse_note(files[f"checkpoints/{size:012d}"])
    return note.with_signatures([SIGNER.sign(note.text, time=int(when.timestamp()))]).encode()


def test_a_log_that_nobody_saw_lately_is_stale(audit: Visit, log: Files) -> None:
    frozen = log | {"cosigned/a": cosigned(log, 12, MIDNIGHT)}
    ended = audit(frozen, "--stale-after", "3650")
    assert (ended.code, "12 entries, seen 2026-11-24 00:00 UTC; 2 entries since" in ended.out) == (0, True)
    assert audit(frozen, "--stale-after", "1").code == 23
    assert audit(frozen, "--stale-after", "0").code == 2


def test_an_entry_that_was_slipped_in_under_an_old_date_is_found(audit: Visit, log: Files) -> None:
    ended = audit(log | {"cosigned/a": cosigned(log, 13, MIDNIGHT + timedelta(hours=8))}, "--stale-after", "3650")
    assert (ended.code, "it is back-dated" in ended.err) == (21, True)


def test_who_is_shown_another_view_than_the_witness_learns_it_and_can_prove_it(
    visit: Visit, audit: Visit, memory: Path, log: Files, world: World
) -> None:
    """The same key signs two logs: one for the witness, one for the auditor."""
    visit(log, "--first")
    bodies = log_files.entries(world)
    view = log_files.files([*bodies[:-1], log_files.edited(bodies[-1], reason="another")]) | log_files.evidence(world)
    assert audit(view).code == 20, "his view has no quorum"
    ended = audit(view, "--cosigned", str(memory))
    assert (ended.code, "proof of misbehaviour" in ended.out) == (20, True)
    assert view["checkpoint"].decode() in ended.out
    assert (memory / "checkpoint").read_bytes().decode() in ended.out
    old = log_files.files(bodies[:9]) | log_files.evidence(world)
    ended = audit(old, "--cosigned", str(memory))
    assert (ended.code, "entries are withheld" in ended.out, "proof of" in ended.out) == (20, True, False)


# The witness's own mishaps


def test_a_witness_that_lost_its_memory_believes_nobody(visit: Visit, memory: Path) -> None:
    ended = visit(log_files.many(5))
    assert (ended.code, "--first" in ended.err) == (10, True)
    visit(log_files.many(5), "--first")
    assert visit(log_files.many(5), "--first").code == 3
    note = (memory / "checkpoint").read_bytes()
    (memory / "checkpoint").unlink()
    for options in ((), ("--first",)):
        ended = visit(log_files.many(5), *options)
        assert (ended.code, "git history" in ended.err) == (16, True)
    planted = log_files.many(3, b"other")["checkpoint"]
    for bad in (planted, note.replace(b"\n5\n", b"\n4\n"), b"", b"\xff"):
        (memory / "checkpoint").write_bytes(bad)
        assert visit(log_files.many(3, b"other")).code == 16
    future = SIGNER.sign(parse_note(planted).text, time=4_000_000_000)
    (memory / "checkpoint").write_bytes(parse_note(planted).with_signatures([future]).encode())
    assert visit(log_files.many(3, b"other")).code == 12
    (memory / "checkpoint").unlink()
    (memory / "checkpoint").symlink_to("history/000000000005")
    assert visit(log_files.many(5)).code == 16


def test_two_witnesses_never_work_with_one_memory(visit: Visit, memory: Path) -> None:
    visit(log_files.many(5), "--first")
    with open_memory(memory):
        assert visit(log_files.many(5)).code == 12
    assert visit(log_files.many(5)).code == 0


def test_a_memory_that_cannot_be_written_gives_no_cosignature(visit: Visit, memory: Path) -> None:
    memory.mkdir()
    (memory / "history").write_bytes(b"a file where the folder must be")
    ended = visit(log_files.many(5), "--first")
    assert (ended.code, ended.out) == (16, "")


WRONG = {
    "none": ({"RELEASE_WITNESS_KEY": ""}, 8),
    "two": ({"RELEASE_WITNESS_KEY_FILE": "x"}, 8),
    "a log's": ({"RELEASE_WITNESS_KEY": skey(NAME, bytes(32))}, 8),
    "cut": ({"RELEASE_WITNESS_KEY": SKEY[:-3]}, 8),
    "no such file": ({"RELEASE_WITNESS_KEY": "", "RELEASE_WITNESS_KEY_FILE": "absent"}, 8),
}


@pytest.mark.parametrize(("variables", "code"), WRONG.values(), ids=WRONG)
def test_without_its_own_key_it_does_not_start(visit: Visit, variables: dict[str, str], code: int) -> None:
    ended = visit(log_files.many(5), "--first", **variables)
    assert ended.code == code
    assert SKEY.rpartition("+")[2][:20] not in ended.err


def test_keys_of_two_logs_are_refused(run: Run, tmp_path: Path) -> None:
    keys = tmp_path / "policy"
    keys.write_text(f"witness w {SIGNER.key.vkey}\nquorum w\n")
    source = log_files.write(tmp_path / "log", log_files.many(5))
    arguments = ("log", "witness", str(source), "--key", str(keys), "--memory", str(tmp_path / "m"), "--first")
    assert run(*arguments, RELEASE_WITNESS_KEY=SKEY).code == 3
