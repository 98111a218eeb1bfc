"""Rings through the command line: a canary whose gate trips is back on the old version by itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.error_sources import PROMETHEUS_QUERIES, TOKEN, ErrorSources
from tests.fakes.web_server import serving
from tests.functional.conftest import Ended, Run
from tests.functional.library import SIGNING, Library
from tests.functional.team import Team, team_of

pytestmark = pytest.mark.moto

RINGS = """
[channels.canary]
[channels.latest]

[rings]
order = ["canary", "latest"]
soak-hours = {{canary = 0}}

[rings.gate]
kind = "prometheus"
url = "{url}"
errors = '{errors}'
samples = '{samples}'
max = "0.01"
min-samples = 1000
"""


@pytest.fixture
def source() -> Iterator[ErrorSources]:
    with serving(ErrorSources()) as server:
        yield server


@pytest.fixture
def team(library: Library, run: Run, tmp_path: Path, source: ErrorSources) -> Iterator[Team]:
    toml = (library.folder / "release.toml").read_text().partition('[channels."v{major}"]')[0]
    library.write("release.toml", toml + RINGS.format(url=source.url, **PROMETHEUS_QUERIES))
    library.commit("build: rings")
    with team_of(library, run, tmp_path) as made:
        yield made


def forget(team: Team) -> None:
    """Drop what people left on their own machines, which are not the jobs'."""
    for kind in ("request", "approval"):
        for left in (team.tag.library.folder / ".release").glob(f"*.{kind}.json"):
            left.unlink()


def canary(team: Team, version: str, *request: str) -> None:
    forget(team)
    team.publish(version, f"window.tag = '{version}';\n")
    team.done("audit", "request", *request)
    ended = team.sign("approve", "cto")
    assert ended.code == 0, ended
    variable, _, value = ended.out.strip().partition("=")
    forget(team)
    promoted = team.done("record", "record promote", GITLAB_USER_ID="7", **{variable: value})
    assert promoted.out.splitlines()[-1].endswith(f"promote.authorized {version} on canary"), "and on no other ring"
    team.finish("canary")


def everything(team: Team, *command: str) -> Ended:
    """Run a command as somebody who has all keys."""
    keys = {**team.tag.endpoint, **SIGNING, "RELEASE_KEYS": str(team.tag.keys), "RELEASE_GATE_TOKEN": TOKEN}
    return team.tag.run(*command, **keys)


def log(team: Team) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(team.done("audit", "log list --json").out)
    return found


def served(team: Team, channel: str) -> str:
    newest = log(team)[-1]["after"]["channels"]
    return str(newest[channel]["version"])


def verified(team: Team, copy: Path) -> Ended:
    """Verify a copy of the log from the first trust epoch's digest alone."""
    team.done("audit", f"log export {copy}")
    toml = (team.tag.library.folder / "release.toml").read_text()
    pinned = toml.partition('trust = "')[2].partition('"')[0]
    return team.done("", f"log verify {copy} --trust {pinned}")


def test_a_canary_whose_gate_trips_is_back_by_itself_and_the_log_says_why(
    team: Team, source: ErrorSources, tmp_path: Path
) -> None:
    canary(team, "1.0.0")
    gate = {"RELEASE_GATE_TOKEN": TOKEN}
    closed = team.run("audit", "gate canary", **gate)
    assert (closed.code, "Prometheus gave 0 values" in closed.err) == (11, True), closed
    assert team.run("audit", "gate canary").code == 11, "no token: no answer"
    source.counts["1.0.0"] = (10, 5000)
    opened = team.done("audit", "gate canary --json", **gate)
    assert (json.loads(opened.out)["answer"], json.loads(opened.out)["errors"]) == ("open", "10")
    both = team.approve("latest", "cto", "lead")
    team.done("record", "record promote latest --version 1.0.0", GITLAB_USER_ID="7", **both, **gate)
    ring = log(team)[-1]
    assert ring["ring"]["after"] == "canary"
    assert [one["kind"] for one in ring["evidence"]] == ["gate"]
    assert "; its gate was asked" in team.done("audit", f"log show {ring['index']}").out
    team.finish("latest")

    canary(team, "1.1.0")
    source.counts["1.1.0"] = (900, 5000)
    both = team.approve("latest", "cto", "lead")
    size = len(log(team))
    refused = team.run("record", "record promote latest --version 1.1.0", GITLAB_USER_ID="7", **both, **gate)
    assert (refused.code, "900 errors in 5000 samples, at most 0.01 of each" in refused.err) == (19, True), refused
    assert len(log(team)) == size

    status = team.done("audit", "status").out
    assert "ring canary serves 1.1.0\nring latest serves 1.0.0; 1.1.0 may come from canary, if its gate" in status

    tripped = everything(team, "gate", "canary", "--roll-back", "--watch", "1")
    assert (tripped.code, "canary was taken back" in tripped.err) == (19, True), tripped
    entries = log(team)
    assert [entry["action"] for entry in entries[size:]] == ["rollback.authorized", "rollback.completed"]
    assert "900 errors in 5000 samples" in entries[size]["reason"]
    assert ([one["kind"] for one in entries[size]["evidence"]], entries[size]["version"]) == (["gate"], "1.0.0")
    again = everything(team, "gate", "canary", "--roll-back")
    assert (again.code, "nothing is on trial there" in again.err, len(log(team))) == (12, True, size + 2), again
    assert everything(team, "rollback", "canary", "--from-gate").code == 0, "the same again, and no further"
    assert (len(log(team)), served(team, "canary")) == (size + 2, "1.0.0")

    given = team.approve("canary", "cto")
    old = team.run("record", "record promote canary --version 1.1.0", GITLAB_USER_ID="7", **given, **gate)
    assert (old.code, "the gate took 1.1.0 back from canary" in old.err) == (12, True), old

    canary(team, "1.2.0", "--rollback-days", "0")
    source.counts["1.2.0"] = (900, 5000)
    alone = everything(team, "gate", "canary", "--roll-back")
    assert (alone.code, "canary was NOT taken back" in alone.err) == (19, True), alone
    assert "release request --rollback canary --reason '...'; release approve" in alone.err
    assert served(team, "canary") == "1.2.0"
    team.done("audit", "request --rollback canary --reason errors")
    assert team.sign("approve", "cto").code == 0
    team.done("record", "record rollback canary --from-gate")  # the job died here
    finished = everything(team, "gate", "canary", "--roll-back")
    assert (finished.code, "canary was taken back" in finished.err) == (19, True), finished
    assert [entry["action"] for entry in log(team)[-2:]] == ["rollback.authorized", "rollback.completed"]
    assert verified(team, tmp_path / "log").code == 0
