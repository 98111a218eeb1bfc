"""The way back at 3 a.m.: with nothing installed, with GitLab down, and with a release log that takes no writes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from release.core.unlogged import read_unlogged
from tests.fakes.faulty_s3 import FORWARD, Answer, FaultyS3, Request, refusal
from tests.functional.conftest import Ended, Run
from tests.functional.embedded import Account, account
from tests.functional.library import SIGNING, Library
from tests.functional.team import team_of
from tests.functional.test_release import V1, V2, log_actions, served

pytestmark = pytest.mark.moto

DEGRADE: Final = 'origin = "log.example.com/tag"\nwhen-read-only = "degrade"'
# Nothing listens there.
GITLAB_IS_DOWN: Final = {
    "CI": "true",
    "CI_SERVER_URL": "http://127.0.0.1:9",
    "CI_API_V4_URL": "http://127.0.0.1:9/api/v4",
    "CI_JOB_TOKEN": "none",
    "CI_PIPELINE_URL": "http://127.0.0.1:9/pipelines/1",
    "GITLAB_USER_ID": "7",
}


@pytest.fixture
def tag(library: Library, run: Run, tmp_path: Path) -> Iterator[Account]:
    with account(library, run, tmp_path / "keys") as opened:
        yield opened


class Bare:
    """A folder that holds release.toml alone, and a process that finds no program and no git."""

    def __init__(self, tag: Account, folder: Path, **variables: str) -> None:
        self.tag = tag
        self.folder = folder
        folder.mkdir()
        self.write((tag.library.folder / "release.toml").read_text())
        self.variables = {"PATH": "/nonexistent", **tag.endpoint, **SIGNING, "RELEASE_KEYS": str(tag.keys), **variables}

    def write(self, toml: str) -> None:
        (self.folder / "release.toml").write_text(toml)

    def degrade(self) -> None:
        self.write((self.folder / "release.toml").read_text().replace('origin = "log.example.com/tag"', DEGRADE))

    def release(self, *arguments: str, **variables: str) -> Ended:
        """Run the real program with no environment but this."""
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "release", *arguments],
            cwd=self.folder,
            env=self.variables | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def rollback(self, *more: str, **variables: str) -> Ended:
        return self.release("rollback", "latest", "--reason", "breaks checkout", *more, **variables)


@contextmanager
def read_only(tag: Account) -> Iterator[None]:
    """Let the log bucket's policy deny every write, as somebody does who freezes it."""
    s3 = tag.aws.session().client("s3", endpoint_url=tag.aws.endpoint)
    before = s3.get_bucket_policy(Bucket="release-log")["Policy"]
    deny = {
        "Sid": "Frozen",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObject"],
        "Resource": ["arn:aws:s3:::release-log/*"],
    }
    policy = json.loads(before)
    s3.put_bucket_policy(Bucket="release-log", Policy=json.dumps({**policy, "Statement": [*policy["Statement"], deny]}))
    yield
    s3.put_bucket_policy(Bucket="release-log", Policy=before)


class NoWritesToTheLog(FaultyS3):
    """Answers 503 to every write to the log bucket, and lets the server answer all else."""

    def next_answer(self, request: Request) -> Answer:
        if request.method == "PUT" and request.target.startswith("/release-log/"):
            return refusal(503, "SlowDown", "Please reduce your request rate.")
        return super().next_answer(request)


def test_a_folder_with_release_toml_and_python_is_enough_while_gitlab_is_down(tag: Account, tmp_path: Path) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    bare = Bare(tag, tmp_path / "bare", **GITLAB_IS_DOWN)
    ended = bare.rollback()
    assert (ended.code, ended.out) == (0, "latest serves 1.0.0 again\n"), ended
    assert served(tag, "latest/tag.min.js") == V1
    assert served(tag, "v1/tag.min.js") == V2
    assert log_actions(tag)[-2:] == [
        ("rollback.authorized", "1.0.0", "latest"),
        ("rollback.completed", "1.0.0", "latest"),
    ]


def test_a_log_that_cannot_be_written_stops_a_rollback_or_not_as_configured_and_is_told_later_by_the_same_command(
    tag: Account, tmp_path: Path
) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    bare, before = Bare(tag, tmp_path / "bare", **GITLAB_IS_DOWN), log_actions(tag)
    with read_only(tag):
        ended = bare.rollback()
        assert ended.code == 24, ended
        entry = f"rollback.authorized 1.0.0 on latest could not be logged as entry {len(before)}"
        assert f"{entry}, and latest was left as it is: " in ended.err
        assert "may not s3:PutObject on arn:aws:s3:::release-log/tag/seq/" in ended.err
        assert "next: make the log bucket writable and run the same command again" in ended.err
        assert served(tag, "latest/tag.min.js") == V2
        bare.degrade()
        ended = bare.rollback()
        assert ended.code == 25, ended
        assert (served(tag, "latest/tag.min.js"), served(tag, "v1/tag.min.js")) == (V1, V2)
        missing = "rollback.authorized and rollback.completed could not be written"
        assert f"latest serves 1.0.0, and the log does not know it: {missing}" in ended.err
        kept = read_unlogged((bare.folder / ".release" / "latest.unlogged.json").read_bytes(), name="it", library="tag")
        (move,) = kept.moves
        assert (move.version, move.entry, move.leaves, move.outcome) == ("1.0.0", 2, 7, "completed")
        assert (move.reason, move.pipeline.actor) == ("breaks checkout", "u:7")
    assert log_actions(tag) == before

    # Everybody sees it, and nobody takes the channel on before the log knows.
    text = "it was rolled back from entry 7 to 1.0.0, and that is not logged yet"
    status = tag.as_("audit", "status")
    assert (status.code, f"latest: {text}" in status.err) == (15, True), status
    audit = tag.as_("audit", "audit --json")
    assert (audit.code, text in audit.out) == (15, True), audit
    old = tag.as_("promote", "promote latest")
    assert (old.code, "rolled back from log entry 7, and the log does not know it" in old.err) == (12, True), old
    refused = bare.release("record", "promote", "latest", "--version", "1.1.0")
    assert (refused.code, "latest was rolled back to 1.0.0 at " in refused.err) == (12, True), refused

    ended = bare.rollback()
    assert ended.code == 0, ended
    assert log_actions(tag)[len(before) :] == [
        ("rollback.authorized", "1.0.0", "latest"),
        ("rollback.completed", "1.0.0", "latest"),
    ]
    assert "since 20" in tag.as_("audit", f"log show {len(before)}").out
    assert not (bare.folder / ".release" / "latest.unlogged.json").exists()
    assert tag.as_("audit", "status").code == 0
    tag.pipeline("1.2.0", "window.tag = 3;\n")


def test_a_log_bucket_whose_server_answers_503_is_a_log_that_cannot_be_written(tag: Account, tmp_path: Path) -> None:
    tag.pipeline("1.0.0", V1)
    tag.pipeline("1.1.0", V2)
    bare, before = Bare(tag, tmp_path / "bare"), log_actions(tag)
    with NoWritesToTheLog(otherwise=FORWARD, upstream=tag.aws.endpoint) as server:
        down = {"AWS_ENDPOINT_URL": server.url}
        ended = bare.rollback(**down)
        assert (ended.code, "no clear answer to s3:PutObject" in ended.err) == (24, True), ended
        assert served(tag, "latest/tag.min.js") == V2
        bare.degrade()
        assert bare.rollback(**down).code == 25
        assert served(tag, "latest/tag.min.js") == V1
    assert log_actions(tag) == before
    # Another machine, which knows nothing of it, finds it in the bucket and logs it.
    other = Bare(tag, tmp_path / "other")
    ended = other.rollback()
    assert (ended.code, "it went to 1.0.0 already" in ended.err) == (0, True), ended
    assert log_actions(tag)[len(before) :] == [
        ("rollback.authorized", "1.0.0", "latest"),
        ("rollback.completed", "1.0.0", "latest"),
    ]


def test_without_the_log_a_rollback_needs_the_same_approval(library: Library, run: Run, tmp_path: Path) -> None:
    with team_of(library, run, tmp_path) as team:
        for version, source in (("1.0.0", V1), ("1.1.0", V2), ("1.2.0", "window.tag = 3;\n")):
            team.publish(version, source)
            team.done("record", "record promote latest", GITLAB_USER_ID="7", **team.approve("latest", "cto", "lead"))
            team.finish("latest")
        bare = Bare(team.tag, tmp_path / "bare")
        bare.degrade()
        with read_only(team.tag):
            refused = bare.rollback("--to", "1.0.0")
            assert (refused.code, "the way back to 1.1.0 only" in refused.err) == (12, True), refused
            assert served(team.tag, "latest/tag.min.js") == "window.tag = 3;\n"
            ended = bare.rollback()
            assert ended.code == 25, ended
            assert served(team.tag, "latest/tag.min.js") == V2
        told = bare.release("record", "rollback", "latest", "--reason", "breaks checkout")
        assert told.code == 0, told
        assert "rollback.authorized 1.1.0 on latest" in told.out
