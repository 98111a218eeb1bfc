"""A log that is signed: from its key over a release to an auditor who trusts nobody, all on the command line."""

import json
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from release.adapters.aws import AwsAccess, AwsClients
from release.adapters.keyring import Keyring
from release.core.tlog.skey import parse_skey, skey
from tests.functional.conftest import Run
from tests.functional.embedded import PIPELINE, Account, account
from tests.functional.library import SIGNING, VKEY, Library

SKEY = SIGNING["RELEASE_LOG_KEY"]
OTHER = skey("log.example.com/tag", bytes(32))


def test_a_key_is_made_once_and_only_its_public_half_is_shown(run: Run, library: Library, tmp_path: Path) -> None:
    """Nothing needs the key before there is one, and everything says how to make it."""
    toml = (library.folder / "release.toml").read_text()
    library.write("release.toml", toml.replace(f'key = "{VKEY}"\n', ""))
    library.commit("build: no key yet")
    missing = run("config", "check")
    assert (missing.code, "log.key: is missing: Signs the log: 'release log key FILE' makes it" in missing.err) == (
        3,
        True,
    )
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
    library.write("release.toml", toml.replace(VKEY, made.key.vkey))
    assert run("config", "check").code == 0


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
    library.write("large", "x" * 2000)
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}
    ended = run(*command.split(), **nowhere, **variables)
    assert (ended.code, said in ended.err) == (code, True), ended
    assert SKEY.rpartition("+")[2] not in ended.err


@pytest.mark.parametrize("key", [VKEY.replace("tag+", "other+"), skey("log.example.com/tag2", bytes(32)), "a key"])
def test_a_public_key_of_another_log_or_none_at_all_is_refused(run: Run, library: Library, key: str) -> None:
    library.sign_log(key)
    assert run("log", "repair", RELEASE_LOG_KEY=SKEY).code == 3


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


@contextmanager
def record_client(tag: Account) -> Iterator[Any]:
    """Use the record stage's key with other tools than ours."""
    key = Keyring(tag.keys, "tag").variables("record")
    access = AwsAccess(stage="record", region=tag.aws.region, environment=key, endpoint=tag.aws.endpoint)
    with closing(AwsClients(access).s3()) as s3:
        yield s3


@pytest.mark.moto
def test_a_signed_log_is_exported_and_verified_by_whoever_has_its_public_key(tag: Account, tmp_path: Path) -> None:
    copy, vkey, secret = tmp_path / "log.tar", tmp_path / "log.vkey", tmp_path / "log.key"
    assert tag.as_("audit", "log export", str(copy)).code == 5
    assert not copy.exists()
    secret.write_text(f"{SKEY}\n")
    vkey.write_text(f"{VKEY}\n")
    tag.pipeline("1.0.0", "window.tag = 1;\n")
    in_file = {"RELEASE_LOG_KEY_FILE": str(secret)}
    assert tag.as_("record", "log repair", **in_file).out.endswith("covered 5 entries and covers 5\n")
    tag.pipeline("1.1.0", "window.tag = 2;\n")
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
    at = forged.index(b'{"payload":"ey')
    forged[at + 12 : at + 13] = b"f"
    again.write_bytes(forged)
    assert tag.run("log", "verify", str(again), "--key", str(vkey)).code == 20


@pytest.mark.moto
def test_what_a_thief_of_the_record_key_leaves_in_slots_stops_nothing(tag: Account, tmp_path: Path) -> None:
    """He has the AWS key and not the log's key."""
    copy, vkey = tmp_path / "log.tar", tmp_path / "log.vkey"
    vkey.write_text(f"{VKEY}\n")
    tag.pipeline("1.0.0", "window.tag = 1;\n")
    with record_client(tag) as s3:
        for index, body in ((5, b"{}"), (6, b"x" * 70_000), (7, b"")):
            s3.put_object(Bucket="release-log", Key=f"tag/seq/{index:012d}", Body=body, IfNoneMatch="*")
    listed = tag.as_("audit", "log list --last 3").out
    assert listed.count("INVALID") == 3
    assert "slot 6 holds an object of 70000 bytes" in listed
    assert tag.as_("audit", "log show 6").code == 14
    assert "slots 5 to 7 of the release log hold no entry" in tag.as_("audit", "status").err
    assert tag.as_("record", "log repair --dry-run").out.endswith("would cover 8\n")
    tag.library.release("1.1.0", "window.tag = 2;\n")
    said = [tag.as_(stage, command) for stage, command in PIPELINE]
    assert [ended.code for ended in said] == [0] * len(PIPELINE), said
    assert [ended.err.count("holds no entry") for ended in said] == [0, 0, 3, 0, 0, 0, 0, 0]
    assert json.loads(tag.as_("audit", "log show 8 --json").out)["prev"]["index"] == 7
    assert tag.as_("audit", "log export", str(copy)).code == 0
    ended = tag.run("log", "verify", str(copy), "--key", str(vkey), "--json")
    assert ended.code == 21, ended
    assert [(found["kind"], found["index"]) for found in json.loads(ended.out)["findings"]] == [
        ("entry", 5),
        ("entry", 6),
        ("entry", 7),
    ]
