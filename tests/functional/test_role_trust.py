"""Which of GitLab's jobs may take a stage's role, decided by an IAM evaluator that is not ours."""

from collections.abc import Mapping
from typing import Final

import pytest

from release.core.identities import STAGES
from tests.fakes.iam_simulator import Question, Simulator
from tests.unit.test_keypolicy import ACCOUNT, OWNERS, made

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("iam-simulate")]

MADE: Final = made(OWNERS["roles"])
HOST: Final = "gitlab.example.com"
TAG: Final = "project_path:acme/tag:ref_type:tag:ref:v1.4.2"
MAIN: Final = "project_path:acme/tag:ref_type:branch:ref:main"
SUBJECTS: Final[Mapping[str, str]] = {
    "a tag of another name": "project_path:acme/tag:ref_type:tag:ref:nightly",
    "a tag that only begins as ours do": "project_path:acme/tag:ref_type:tag:ref:vnext",
    "another branch": "project_path:acme/tag:ref_type:branch:ref:v1.4.2",
    "a branch named as the protected one begins": "project_path:acme/tag:ref_type:branch:ref:main2",
    "another project": "project_path:acme/other:ref_type:tag:ref:v1.4.2",
    "another project's protected branch": "project_path:acme/other:ref_type:branch:ref:main",
    "a project whose name begins like ours": "project_path:acme/tagger:ref_type:tag:ref:v1.4.2",
    "a group whose name ends like ours": "project_path:evil/acme/tag:ref_type:tag:ref:v1.4.2",
    "a project of our name in another group": "project_path:evil/tag:ref_type:tag:ref:v1.4.2",
    "nothing": "",
}
SESSIONS: Final = ("evil", "release", "release-12", "xrelease-12-34", "Release-12-34")


def taking(stage: str, **changes: str) -> Question:
    """A job asks for a stage's role, in order but for the changes."""
    claims = {"sub": MAIN if stage == "audit" else TAG, "aud": f"release-{stage}", "session": "release-12-34"} | changes
    host = claims.get("issuer", HOST)
    return Question(
        principal=MADE.identities.provider_arn(host),
        action="sts:AssumeRoleWithWebIdentity",
        resource=MADE.identities.arn(stage),
        account=ACCOUNT,
        context={f"{host}:sub": claims["sub"], f"{host}:aud": claims["aud"], "sts:RoleSessionName": claims["session"]},
        identity=[],
        resource_policy=stage,
    )


def refused(stage: str) -> dict[str, Question]:
    asked = {f"of {whose}": taking(stage, sub=subject) for whose, subject in SUBJECTS.items()}
    asked["of the other kind of ref"] = taking(stage, sub=TAG if stage == "audit" else MAIN)
    asked |= {f"for {other}": taking(stage, aud=f"release-{other}") for other in STAGES if other != stage}
    asked |= {f"for {aud}": taking(stage, aud=aud) for aud in ("https://gitlab.example.com", "sts.amazonaws.com")}
    asked |= {f"as {name}": taking(stage, session=name) for name in SESSIONS}
    return asked | {"of another issuer": taking(stage, issuer="gitlab.com")}


def test_only_a_job_of_that_stage_of_that_project_may_take_its_role(simulator: Simulator) -> None:
    asked = {(stage, how): question for stage in STAGES for how, question in refused(stage).items()}
    asked |= {(stage, "in order"): taking(stage) for stage in STAGES}
    decided = simulator.decide(list(asked.values()), identity={}, resource={}, trust=MADE.trust)
    assert len(decided) == len(STAGES) * 25
    allowed = {asking for asking, may in zip(asked, decided, strict=True) if may}
    assert allowed == {(stage, "in order") for stage in STAGES}
