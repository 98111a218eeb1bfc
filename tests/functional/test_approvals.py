"""Approvals through the command line: real ssh-keygen, real git, each stage with its own key."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.note import open_note, sign_note
from tests.fakes.log_keys import log_signer
from tests.functional.conftest import Run
from tests.functional.library import ORIGIN, SIGNING, Library
from tests.functional.team import TRUST, Team, team_of

pytestmark = pytest.mark.moto

V1, V2 = "window.tag = 1;\n", "window.tag = 2;\n"


@pytest.fixture
def team(library: Library, run: Run, tmp_path: Path) -> Iterator[Team]:
    with team_of(library, run, tmp_path) as made:
        yield made


def newest(team: Team) -> dict[str, object]:
    entry: dict[str, object] = json.loads(team.done("audit", "log list --last 1 --json").out)[0]
    return entry


def test_a_release_goes_live_when_two_people_signed_it_and_not_before(team: Team) -> None:
    team.publish("1.0.0", V1)
    refused = team.run("record", "record promote latest")
    assert refused.code == 12
    assert "promote of 1.0.0 on latest needs an approval" in refused.err
    one = team.approve("latest", "cto")
    assert "1 of the 2 approvals" in team.run("record", "record promote latest", GITLAB_USER_ID="7", **one).err
    both = team.approve("latest", "cto", "lead")
    assert "cto approves and runs it" in team.run("record", "record promote latest", GITLAB_USER_ID="1", **both).err
    team.done("record", "record promote latest", GITLAB_USER_ID="7", **both)
    approvals = newest(team)["approvals"]
    assert isinstance(approvals, list)
    assert [a["principal"] for a in approvals] == ["cto", "lead"]
    team.finish("latest")
    assert "trust epoch 0" in team.done("audit", "log show 1").out, "the first promotion announces it"
    shown = team.done("audit", "log show 2").out
    assert "approved  cto (CTO), lead (lead), by trust epoch 0" in shown
    assert "2 approval(s) by CTO or lead" in team.done("audit", "trust show").out


def test_a_person_sees_what_changes_and_a_stranger_cannot_sign(team: Team) -> None:
    team.publish("1.0.0", V1)
    team.done("record", "record promote v1", GITLAB_USER_ID="7", **team.approve("v1", "cto"))
    team.finish("v1")
    team.publish("1.1.0", V2)
    team.done("audit", "request v1 1.1.0 --reason because")
    shown = team.run("audit", "approve --dry-run", "--key", "none")
    assert shown.code == 0
    for line in ("v1 serves now: 1.0.0 (pointer version 1)", "approved by cto (CTO)", "because: because",
                 "* tag.min.js 16 -> 16 bytes, sha384-", "feat: change"):  # fmt: skip
        assert line in shown.err, (line, shown.err)
    assert "no approver's key" in team.sign("approve", "mallory").err
    assert "no terminal to ask at" in team.run("audit", "approve", "--key", str(team.keys / "cto")).err
    in_ci = team.run("audit", "approve --yes", "--key", str(team.keys / "cto"), CI="true")
    assert (in_ci.code, "nobody signs in a pipeline" in in_ci.err) == (12, True)


def test_the_way_back_at_night_needs_nobody_and_an_emergency_needs_one(team: Team) -> None:
    for version, source in (("1.0.0", V1), ("1.1.0", V2)):
        team.publish(version, source)
        team.done("record", "record promote latest", GITLAB_USER_ID="7", **team.approve("latest", "cto", "lead"))
        team.finish("latest")
    keys = {**team.tag.endpoint, **SIGNING, "RELEASE_KEYS": str(team.tag.keys)}
    back = team.tag.run("rollback", "latest", "--reason", "breaks checkout", **keys)
    assert (back.code, back.out) == (0, "latest serves 1.0.0 again\n"), back
    team.publish("1.1.1", "window.tag = 3;\n")
    team.done("audit", "request latest 1.1.1 --emergency --reason fix")
    variable, _, value = team.sign("approve", "cto").out.strip().partition("=")
    team.done("record", "record promote latest", GITLAB_USER_ID="7", **{variable: value})
    team.finish("latest")
    status = team.run("audit", "status")
    assert "awaits a review until" in status.out
    index = next(e["index"] for e in json.loads(team.done("audit", "log list --json").out) if e["emergency"])
    assert team.done("audit", f"request --review {index} --reason fine").out.startswith(
        f"asks for the review of entry {index}"
    )
    review = f"approve .release/{index}-review.request.json"
    refused = team.sign(review, "cto")
    assert (refused.code, "cto approved it: one person cannot do both" in refused.err) == (12, True), refused
    signed = team.sign(review, "lead")
    assert f"== review of log entry {index}, an emergency" in signed.err
    assert "nobody signed a review" in team.run("record", "record review 0").err
    variable, _, value = signed.out.strip().partition("=")
    (team.tag.library.folder / ".release" / f"{index}-review.approval.json").unlink()
    team.done("record", f"record review {index}", **{variable: value})
    shown = team.done("audit", f"log show {index + 2}").out
    assert ("reason    fine" in shown, "approved  lead (lead), by trust epoch 0" in shown) == (True, True), shown
    assert "awaits a review" not in team.run("audit", "status").out


def test_the_next_epoch_is_signed_by_the_keepers_of_the_one_before(team: Team) -> None:
    toml = TRUST.format(cto=team.line("cto"), lead=team.line("mallory"))
    (team.keys / "trust.toml").write_text(toml)
    proposed = team.done("audit", "trust propose", str(team.keys / "trust.toml"))
    assert f'-          "key": "{team.line("lead")}"' in proposed.err
    refused = team.tag.run("trust", "apply", **team.tag.endpoint, **team.admin)
    assert (refused.code, "signed by 0 of the 1 trust keys" in refused.err) == (14, True)
    assert team.sign("trust sign", "cto").code == 0
    assert "would be put up" in team.tag.run("trust", "apply", "--dry-run", **team.tag.endpoint, **team.admin).out
    for _ in range(2):
        assert team.tag.run("trust", "apply", **team.tag.endpoint, **team.admin).code == 0
    epochs = json.loads(team.done("audit", "trust show --json").out)
    assert [epoch["trust"]["epoch"] for epoch in epochs] == [0, 1]
    assert "cto@example.com" not in json.dumps(epochs)
    dry = team.done("record", "record trust --dry-run").out
    assert dry.splitlines()[-1] == "would append log entry 1: trust.changed trust epoch 1"
    told = team.done("record", "record trust").out
    assert told == "".join(f"appended log entry {n}: trust.changed trust epoch {n}\n" for n in (0, 1))
    again = team.done("record", "record trust")
    assert (again.out, "knows every trust epoch" in again.err) == ("", True)


def test_an_approver_remembers_the_log_and_refuses_another(team: Team, tmp_path: Path) -> None:
    signer = log_signer(ORIGIN)
    team.tag.library.release("1.0.0", V1)
    team.done("", "build")
    team.done("publish", "publish")
    team.done("record", "record publish")
    team.done("audit", "request v1")
    memory = tmp_path / "settings" / "release" / "log.example.com%2Ftag.checkpoint"
    assert team.run("audit", "approve --dry-run", "--key", "none").code == 0
    assert not memory.exists(), "a dry run remembers nothing"
    approved = team.sign("approve", "cto")
    assert (approved.code, "the log has 1 and continues them" in approved.err) == (0, True), approved
    seen = parse_checkpoint(open_note(memory.read_bytes(), [signer.key]).text)
    assert (seen.origin, seen.size) == ("log.example.com/tag", 1)

    other = sign_note(Checkpoint(seen.origin, 1, bytes(32)).encode(), [signer])
    memory.write_bytes(other)
    refused = team.sign("approve", "lead")
    assert (refused.code, "you saw earlier is of another log" in refused.err) == (20, True), refused
    assert f"shown: 1 {seen.root.hex()}" in refused.err
    assert memory.read_bytes() == other, "it is evidence"
    elsewhere = tmp_path / "elsewhere"
    ended = team.run("audit", "approve --yes", "--remember", str(elsewhere), "--key", str(team.keys / "lead"))
    assert ended.code == 0, ended
    assert elsewhere.exists()
