"""The log's key is replaced, step by step on the command line; an auditor who knows one digest follows all of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.core.tlog.skey import parse_skey
from tests.fakes.log_keys import log_signer, log_skey
from tests.functional.conftest import Ended, Run
from tests.functional.library import ORIGIN, Library
from tests.functional.team import TRUST, Team, team_of

pytestmark = pytest.mark.moto

OLD, NEW = log_signer(ORIGIN), log_signer(ORIGIN, seed="new")
OLD_JOB, NEW_JOB = {"RELEASE_LOG_KEY": log_skey(ORIGIN)}, {"RELEASE_LOG_KEY": log_skey(ORIGIN, seed="new")}


class Rotation:
    """The team, and the steps that docs/keys.md gives it."""

    def __init__(self, team: Team, folder: Path) -> None:
        self.team = team
        self.folder = folder
        self.pin = json.loads(team.done("audit", "trust show --json").out)[0]["sha256"]

    def propose(self, *keys: str) -> None:
        """Write and sign an epoch with these log keys, and put it up."""
        team = self.team
        toml = TRUST.format(cto=team.line("cto"), lead=team.line("lead"))
        (team.keys / "trust.toml").write_text(f"log-keys = {json.dumps(keys)}\n{toml}")
        team.done("audit", "trust propose", str(team.keys / "trust.toml"))
        assert team.sign("trust sign", "cto").code == 0
        team.apply()

    def configure(self, key: str, retired: str = "") -> None:
        library = self.team.tag.library
        library.sign_log(key)
        toml = (library.folder / "release.toml").read_text()
        kept = "\n".join(line for line in toml.splitlines() if not line.startswith("retired = "))
        library.write("release.toml", kept.replace(f'key = "{key}"', f'key = "{key}"\n{retired}'.rstrip()) + "\n")
        library.commit("build: the log's keys")

    def release(self, version: str, source: str, job: dict[str, str]) -> None:
        """Release a version with the log key of the record jobs."""
        team = self.team
        team.tag.library.release(version, source)
        team.done("", "build")
        team.done("publish", "publish")
        team.done("record", "record publish", **job)
        team.done("record", "record promote v1", GITLAB_USER_ID="7", **job, **team.approve("v1", "cto"))
        for stage, command in (
            ("promote", "promote v1"),
            ("invalidate", "invalidate v1"),
            ("", "verify v1 --patience 5"),
        ):
            team.done(stage, command)
        team.done("record", "record outcome v1", **job)

    def verify(self, *more: str) -> Ended:
        """Export the log, and verify the copy with nothing but the first epoch's digest."""
        copy = self.folder / "log.tar"
        copy.unlink(missing_ok=True)
        self.team.done("audit", "log export", str(copy))
        return self.team.tag.run("log", "verify", str(copy), "--trust", self.pin, *more)


@pytest.fixture
def rotation(library: Library, run: Run, tmp_path: Path) -> Iterator[Rotation]:
    with team_of(library, run, tmp_path) as team:
        team.done("record", "record trust", **OLD_JOB)
        yield Rotation(team, tmp_path)


def test_the_log_key_is_replaced_and_the_old_one_is_worth_nothing_afterwards(
    rotation: Rotation, tmp_path: Path
) -> None:
    team, old, new = rotation.team, OLD.key.vkey, NEW.key.vkey
    rotation.release("1.0.0", "window.tag = 1;\n", OLD_JOB)
    assert rotation.verify().code == 0

    made = team.done("audit", "log key", str(tmp_path / "new.key")).out.strip()  # 1: as 'release log key' makes it
    assert parse_skey((tmp_path / "new.key").read_text().strip()).key.vkey == made
    rotation.propose(old, new)  # 2: an epoch with both
    assert rotation.verify().code == 21, "it is put up and not announced"
    team.done("record", "record trust", **OLD_JOB)
    assert rotation.verify().code == 0
    rotation.release("1.1.0", "window.tag = 2;\n", OLD_JOB)
    assert rotation.verify().code == 0

    rotation.configure(new, f'retired = [{{key = "{old}"}}]')  # 3: the new one signs
    rotation.release("1.2.0", "window.tag = 3;\n", NEW_JOB)
    assert rotation.verify().code == 0
    policy = team.done("audit", "trust show --policy").out
    assert policy.splitlines()[1:] == [f"log {old}", f"log {new}", "quorum none"]
    (tmp_path / "policy").write_text(policy)
    assert rotation.verify("--key", str(tmp_path / "policy")).code == 0

    rotation.propose(new)  # 4: an epoch without the old one
    told = team.done("record", "record trust", **NEW_JOB)
    assert told.out.startswith("appended log entry")
    entries = int(told.out.split()[3].rstrip(":")) + 1
    assert f"{old} signs no more: at [log] retired, write entries = {entries} beside it" in told.err
    rotation.configure(new, f'retired = [{{key = "{old}", entries = {entries}}}]')  # 5
    rotation.release("1.3.0", "window.tag = 4;\n", NEW_JOB)
    ended = rotation.verify()
    assert (ended.code, "v1 serves 1.3.0" in ended.out) == (0, True), ended
    assert team.done("record", "record trust", **NEW_JOB).out == ""

    rotation.configure(old)  # a thief with the record key and the old key, whose release.toml is his own
    stolen = team.run("record", "yank 1.0.0 --reason mine", **OLD_JOB)
    assert (stolen.code, "cannot be believed" in stolen.err) == (14, True), "he cannot even go on from our head"


def test_a_job_with_the_old_release_toml_is_told_that_its_key_is_gone(rotation: Rotation) -> None:
    team = rotation.team
    rotation.propose(NEW.key.vkey)
    refused = team.run("record", "record trust", **OLD_JOB)
    assert (refused.code, "does not list [log] key" in refused.err) == (12, True), refused
    rotation.configure(NEW.key.vkey, f'retired = [{{key = "{OLD.key.vkey}"}}]')
    team.done("record", "record trust", **NEW_JOB)
    assert rotation.verify().code == 0
