"""Trying a key: everything harmless off its duties is tried, and only a clear refusal is right."""

from dataclasses import dataclass, field

import pytest

from release.core.attempts import HARMLESS, Answer, attempts
from release.core.matrix import Call, matrix
from release.stages import try_keys
from tests.unit.test_keypolicy import OWNERS, made

REFUSED = Answer(verdict="refused", said="AccessDenied")


@dataclass
class FakeTrial:
    """Refuses all but some calls, and remembers what was tried."""

    answers: dict[str, Answer] = field(default_factory=dict)
    tried: list[Call] = field(default_factory=list)

    def attempt(self, call: Call) -> Answer:
        self.tried.append(call)
        return self.answers.get(str(call), REFUSED)


@pytest.mark.parametrize("owner", OWNERS)
def test_all_that_can_be_tried_is_tried_and_no_duty_is(owner: str) -> None:
    config, policies = OWNERS[owner], made(OWNERS[owner])
    for stage in policies.identities.stages:
        trial = FakeTrial()
        report = try_keys.run(config, policies, stage, trial)
        assert report == try_keys.Report(stage=stage, tried=len(trial.tried), findings=())
        cells = [cell for cell in matrix(config, policies, stages=[stage]) if cell.call.act in HARMLESS]
        assert [call for call in trial.tried if call.elsewhere] == []
        assert [cell.call for cell in cells if not cell.wanted and not cell.call.elsewhere] == trial.tried
        assert any(call.foreign for call in trial.tried)


# A call that could change or cost something if a key were all-powerful must never become an attempt.
def test_nothing_else_is_ever_tried() -> None:
    acts = {call.act for stage in made().stages for call in attempts(matrix(OWNERS["users"], made()), stage)}
    harmful = {
        "delete",
        "delete a version of",
        "share",
        "shorten the lock of",
        "purge",
        "change",
        "change the policy of",
    }
    assert not acts & (harmful | {"CreateAccessKey", "CreateUser", "PutUserPolicy", "CreatePolicyVersion"})
    assert {act for act in acts if not act.startswith(("Get", "List"))} == {
        "create",
        "replace",
        "read",
        "list",
        "list all of",
        "list all versions of",
        "list versions of",
        "list versions of all in",
        "see the lock of",
        "see the names in",
        "read the policy of",
        "see how a purge goes at",
        "DeleteAccessKey",
        "UpdateAccessKey",
    }


def test_what_is_permitted_or_unclear_is_a_finding() -> None:
    trial = FakeTrial(
        {
            "replace a version's file": Answer(verdict="permitted", said="PreconditionFailed"),
            "read a log entry": Answer(verdict="unknown", said="SlowDown"),
        }
    )
    report = try_keys.run(OWNERS["users"], made(), "publish", trial)
    unclear, wide = sorted(map(str, report.findings), reverse=True)
    assert wide == (
        "publish: its key may replace a version's file, and should not: s3:PutObject on "
        "arn:aws:s3:::site/tag/1.4.2/tag.min.js (PreconditionFailed)"
    )
    assert unclear == (
        "publish: no clear answer whether its key may read a log entry: s3:GetObject on "
        "arn:aws:s3:::release-log/tag/seq/000000000007 (SlowDown)"
    )
    assert all(finding.remedy for finding in report.findings)
