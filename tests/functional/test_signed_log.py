"""A log that is signed: from its key over a release to an auditor who trusts nobody, all on the command line."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.core.tlog.skey import parse_skey, skey
from tests.functional.conftest import Run
from tests.functional.embedded import PIPELINE, Account, account
from tests.functional.library import Library

SKEY = skey("log.example.com/tag", bytes(range(32)))
VKEY = parse_skey(SKEY).key.vkey
OTHER = skey("log.example.com/tag", bytes(32))


def test_a_key_is_made_once_and_only_its_public_half_is_shown(run: Run, library: Library, tmp_path: Path) -> None:
    file = tmp_path / "log.key"
    ended = run("log", "key", str(file))
    assert ended.code == 0, ended
    made = parse_skey(file.read_text().strip())
    assert ended.out == f"{made.key.vkey}\n"
    assert made.key.name == "log.example.com/tag"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "PRIVATE" not in ended.out + ended.err
    before = file.read_bytes()
    assert run("log", "key", str(file)).code == 3
    assert file.read_bytes() == before
    assert json.loads(run("log", "key", str(tmp_path / "second"), "--json").out)["vkey"] != made.key.vkey
    assert run("log", "key", str(tmp_path / "no" / "folder")).code == 3
    assert library.git("status", "--porcelain") == ""


WRONG = {
    "none": ({}, 8, "release log key"),
    "two": ({"RELEASE_LOG_KEY": SKEY, "RELEASE_LOG_KEY_FILE": "log.key"}, 8, "unset one"),
    "cut": ({"RELEASE_LOG_KEY": SKEY[:-5]}, 8, "holds no log key"),
    "the public half": ({"RELEASE_LOG_KEY": VKEY}, 8, "holds no log key"),
    "another key's id": ({"RELEASE_LOG_KEY": "+".join([*OTHER.split("+")[:4], SKEY.split("+", 4)[4]])}, 8, "key ID"),
    "another key": ({"RELEASE_LOG_KEY": OTHER}, 3, "not the private half"),
    "no such file": ({"RELEASE_LOG_KEY_FILE": "absent.key"}, 8, "cannot be read"),
    "a large file": ({"RELEASE_LOG_KEY_FILE": "large"}, 8, "larger than"),
}


@pytest.mark.parametrize(("variables", "code", "said"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("command", ["yank 1.0.0 --reason broken", "log repair"])
def test_without_the_right_key_nothing_is_asked_or_written(
    run: Run, library: Library, variables: dict[str, str], code: int, said: str, command: str
) -> None:
    """Nothing listens where AWS should be: to ask it would be another error."""
    library.sign_log(VKEY)
    library.write("large", "x" * 2000)
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}
    ended = run(*command.split(), **nowhere, **variables)
    assert (ended.code, said in ended.err) == (code, True), ended
    assert SKEY.rpartition("+")[2] not in ended.err


@pytest.mark.parametrize("key", [VKEY.replace("tag+", "other+"), skey("log.example.com/tag2", bytes(32)), "a key"])
def test_a_public_key_of_another_log_or_none_at_all_is_refused(run: Run, library: Library, key: str) -> None:
    library.sign_log(key)
    assert run("log", "repair", RELEASE_LOG_KEY=SKEY).code == 3


def test_a_log_without_a_key_has_nothing_to_repair(run: Run) -> None:
    assert run("log", "repair").code == 5


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    with account(library, run, tmp_path / "keys") as opened:
        yield opened


def witnessed(tag: Account, copy: Path, size: int) -> None:
    """A witness sees a copy; what it signed is in the next one, for auditors who demand it."""
    folder = copy.parent
    vkey, again = folder / "log.vkey", folder / "again.tar"
    witness = folder / "witness.key"
    vkeys = tag.run("log", "witness-key", str(witness), "--name", "customer.example/w").out.strip()
    policy, memory = folder / "policy", folder / "memory"
    policy.write_text(f"log {VKEY}\nwitness w {vkeys}\nquorum w\n")
    seeing = ("log", "witness", str(copy), "--key", str(vkey), "--memory", str(memory), "--first")
    assert tag.run(*seeing, RELEASE_WITNESS_KEY_FILE=str(witness)).code == 0
    assert tag.run("log", "verify", str(copy), "--key", str(policy)).code == 20
    assert tag.as_("audit", "log export", str(again), "--cosigned", str(memory)).code == 0
    ended = tag.run("log", "verify", str(again), "--key", str(policy))
    assert (ended.code, f"witnesses vouch for {size} entries" in ended.out) == (0, True), ended


@pytest.mark.moto
def test_a_signed_log_is_exported_and_verified_by_whoever_has_its_public_key(tag: Account, tmp_path: Path) -> None:
    tag.pipeline("1.0.0", "window.tag = 1;\n")  # before the log had a key
    copy, vkey, secret = tmp_path / "log.tar", tmp_path / "log.vkey", tmp_path / "log.key"
    assert tag.as_("audit", "log export", str(copy)).code == 5
    assert not copy.exists()
    secret.write_text(f"{SKEY}\n")
    vkey.write_text(f"{VKEY}\n")
    tag.library.sign_log(VKEY)
    signing = {"RELEASE_LOG_KEY_FILE": str(secret)}
    assert tag.as_("record", "log repair --dry-run", **signing).out.endswith("would cover 5\n")
    assert tag.as_("record", "log repair", **signing).out.endswith("covered 0 entries and covers 5\n")
    tag.library.release("1.1.0", "window.tag = 2;\n")
    for stage, command in PIPELINE:
        ended = tag.as_(stage, command, **(signing if stage == "record" else {}))
        assert ended.code == 0, (command, ended)
    size = len(json.loads(tag.as_("audit", "log list --json").out))
    ended = tag.as_("audit", "log export --json", str(copy))
    assert (ended.code, json.loads(ended.out)["size"]) == (0, size), ended
    ended = tag.run("log", "verify", str(copy), "--key", str(vkey))
    assert ended.code == 0, ended
    assert "latest serves 1.1.0" in ended.out

    proof, entry = tmp_path / "1.1.0.tlog-proof", tmp_path / "entry.json"
    ended = tag.as_("audit", "log proof --version 1.1.0", "-o", str(proof), "--entry", str(entry))
    assert ended.code == 0, ended
    ended = tag.run("log", "verify-proof", str(proof), "--entry", str(entry), "--key", str(vkey))
    assert (ended.code, "publish.completed 1.1.0" in ended.out) == (0, True), ended

    period = tmp_path / "period.tar"
    planned = tag.as_("audit", "log export --from 2020-01-01 --dry-run --json", str(period))
    assert (planned.code, period.exists()) == (0, False), planned
    ended = tag.as_("audit", "log export --from 2020-01-01 --json", str(period))
    assert json.loads(ended.out) == json.loads(planned.out)
    assert json.loads(ended.out)["parts"]["proof"]["files"] == size
    plan = tag.as_("audit", "log export --from 2020-01-01 --dry-run", str(period)).out
    assert ["proof", str(size)] in [line.split()[:2] for line in plan.splitlines()]
    ended = tag.run("log", "verify", str(period), "--key", str(vkey))
    assert (ended.code, "ok    the proofs and the population" in ended.out) == (0, True), ended

    pack = tmp_path / "1.1.0"
    ended = tag.as_("audit", "log evidence 1.1.0 --json", "-o", str(pack))
    assert (ended.code, "manifest.json" in json.loads(ended.out)["files"]) == (0, True), ended
    ended = tag.run("log", "verify-evidence", str(pack), "--key", str(vkey))
    assert (ended.code, "promote.authorized 1.1.0 latest" in ended.out) == (0, True), ended

    again = tmp_path / "again.tar"
    assert tag.as_("audit", "log export", str(again)).code == 0
    assert again.read_bytes() == copy.read_bytes()

    witnessed(tag, copy, size)

    forged = bytearray(copy.read_bytes())
    at = forged.index(b'"version":"1.1.0"')
    forged[at + 13 : at + 14] = b"9"
    again.write_bytes(forged)
    assert tag.run("log", "verify", str(again), "--key", str(vkey)).code == 20
