"""The whole matrix, decided by an IAM evaluator that is not ours: both must say the same of every cell."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from release.core.keypolicy import LOG_BUCKET, SITE_BUCKET
from release.core.matrix import Cell, capped, matrix, permits, request, walled
from tests.fakes.iam_simulator import Question, Simulator
from tests.unit.test_keypolicy import ACCOUNT, OWNERS, made

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("iam-simulate")]

CELLS: Final = {"users": 2900, "roles": 2300, "customer": 3500}
"""At least so many: an empty matrix proves nothing."""
LEAST_DUTIES: Final = 60
LEAST_OF_BUCKETS: Final = 250
_ADMINISTRATOR: Final = "administrator"
_EVERYTHING: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
CONDITIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "without TLS": {"aws_securetransport": "false"},
    "from another address": {"aws_sourceip": "203.0.113.200"},
}


class Matrix:
    """The cells of one owner, and what is asked about them."""

    def __init__(self, owner: str) -> None:
        self.config = OWNERS[owner]
        self.policies = made(self.config)
        self.cells = matrix(self.config, self.policies)
        self.questions: list[Question] = []

    def ask(self, cell: Cell, context: Mapping[str, str], **held_against: Any) -> None:  # noqa: ANN401 - fields of Question
        asked = request(self.policies, cell.stage, cell.call, context)
        known = {name: value for name, value in asked.context.items() if value is not None}
        self.questions.append(
            Question(
                principal=asked.principal,
                action=asked.action,
                resource=asked.resource,
                account=ACCOUNT,
                context=known,
                **held_against,
            )
        )

    def answers(self, simulator: Simulator) -> list[bool]:
        decided = simulator.decide(
            self.questions,
            identity={
                **self.policies.stages,
                "boundary": self.policies.boundary,
                _ADMINISTRATOR: _EVERYTHING,
            },
            resource=self.policies.buckets,
        )
        self.questions = []
        return decided

    def bucket(self, cell: Cell) -> str | None:
        name = cell.call.resource.partition(":::")[2].partition("/")[0]
        return {self.config.site.bucket: SITE_BUCKET, self.config.log.bucket: LOG_BUCKET}.get(name)


@pytest.fixture(scope="module", params=OWNERS)
def asked(request: pytest.FixtureRequest) -> Matrix:
    found = Matrix(request.param)
    assert len(found.cells) > CELLS[request.param]
    return found


def differing(cells: Sequence[Cell], ours: Sequence[bool], theirs: Sequence[bool]) -> list[str]:
    pairs = zip(cells, ours, theirs, strict=True)
    return [f"{cell.stage}: {cell.call}: ours is {our}" for cell, our, their in pairs if our != their]


def test_a_key_may_do_its_duties_and_nothing_else(asked: Matrix, simulator: Simulator) -> None:
    for cell in asked.cells:
        asked.ask(cell, {}, identity=[cell.stage])
    theirs = asked.answers(simulator)
    assert differing(asked.cells, [cell.allowed for cell in asked.cells], theirs) == []
    assert differing(asked.cells, [cell.wanted for cell in asked.cells], theirs) == []


@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_duty_holds_without_tls_or_from_another_address(asked: Matrix, simulator: Simulator, condition: str) -> None:
    changed = CONDITIONS[condition]
    duties = [cell for cell in asked.cells if cell.wanted]
    for cell in duties:
        asked.ask(cell, changed, identity=[cell.stage])
    theirs = asked.answers(simulator)
    assert differing(duties, [permits(asked.policies, c.stage, c.call, **changed) for c in duties], theirs) == []
    assert set(theirs) == {condition == "from another address" and not asked.config.keys.source_ips}


def test_the_boundary_and_the_buckets_take_no_duty_away(asked: Matrix, simulator: Simulator) -> None:
    duties = [cell for cell in asked.cells if cell.wanted]
    assert len(duties) > LEAST_DUTIES
    for cell in duties:
        asked.ask(cell, {}, identity=[cell.stage], boundary="boundary", resource_policy=asked.bucket(cell))
    assert differing(duties, [True for _ in duties], asked.answers(simulator)) == []


def test_the_boundary_caps_an_administrators_policy(asked: Matrix, simulator: Simulator) -> None:
    """It leaves reads and writes within the owner's tree, and otherwise nothing but the stage's own duties."""
    for cell in asked.cells:
        asked.ask(cell, {}, identity=[_ADMINISTRATOR], boundary="boundary")
    theirs = asked.answers(simulator)
    assert differing(asked.cells, [capped(asked.policies, c.stage, c.call) for c in asked.cells], theirs) == []
    left = [cell for cell, allowed in zip(asked.cells, theirs, strict=True) if allowed]
    assert [str(cell.call) for cell in left if cell.call.foreign] == []
    assert {cell.stage for cell in left if cell.call.action == "s3:PutObject"} == {"publish", "record", "promote"}
    deleting = {str(cell.call) for cell in left if cell.call.action == "s3:DeleteObject"}
    assert {cell.stage for cell in left if cell.call.action == "s3:DeleteObject"} == {"collect"}
    assert deleting == {f"delete a {what}" for what in ("channel's file", "channel's pointer", "file that is neither")}
    objects = {"s3:GetObject", "s3:GetObjectRetention", "s3:ListBucket", "s3:ListBucketVersions", "s3:PutObject"}
    objects |= {"s3:DeleteObject"}
    assert [f"{c.stage}: {c.call}" for c in left if not c.wanted and c.call.action not in objects] == []


@pytest.mark.parametrize("condition", ["as usual", *CONDITIONS])
def test_a_bucket_refuses_even_an_administrator_and_gives_nothing(
    asked: Matrix, simulator: Simulator, condition: str
) -> None:
    changed = CONDITIONS.get(condition, {})
    cells = [cell for cell in asked.cells if cell.stage == "publish" and asked.bucket(cell)]
    assert len(cells) > LEAST_OF_BUCKETS
    for identity in ([_ADMINISTRATOR], []):
        for cell in cells:
            asked.ask(cell, changed, identity=identity, resource_policy=asked.bucket(cell))
    theirs = asked.answers(simulator)
    refused = [walled(asked.config, asked.policies, cell.stage, cell.call, **changed) for cell in cells]
    assert differing(cells, [not wall for wall in refused], theirs[: len(cells)]) == []
    assert all(refused) == (condition == "without TLS")
    assert any(refused)
    assert not any(theirs[len(cells) :])
