"""A policy that is wider by one action, condition or resource is noticed: by the matrix, held against the duties.

That none is wider than its stage needs is shown with the stages themselves.
"""

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from release.core.keypolicy import Policies, guard
from release.core.matrix import Cell, matrix, permits
from release.core.matrix_table import differences
from tests.unit.test_keypolicy import OWNERS, made

MADE: Final = {owner: made(config) for owner, config in OWNERS.items()}
DANGEROUS: Final = frozenset(
    {
        "cloudfront:UpdateDistribution",
        "iam:PassRole",
        "iam:PutUserPolicy",
        "s3:DeleteObject",
        "s3:PutBucketPolicy",
        "s3:PutObjectAcl",
    }
)
GUARD: Final[Mapping[str, Mapping[str, str]]] = {
    "Bool": {"aws_securetransport": "false"},
    "IpAddress": {"aws_sourceip": "203.0.113.200"},
}
"""What each statement is guarded by, and a request that this must refuse."""

Place = tuple[str, str, int]
"""Owner, stage, number of the statement."""


def statements() -> Iterator[tuple[Place, dict[str, Any]]]:
    for owner, policies in MADE.items():
        for stage, policy in policies.stages.items():
            for number, statement in enumerate(policy["Statement"]):
                yield (owner, stage, number), statement


def mutant(place: Place, changed: Mapping[str, Any]) -> Policies:
    owner, stage, number = place
    policy = copy.deepcopy(MADE[owner].stages[stage])
    policy["Statement"][number] = changed
    return dataclasses.replace(MADE[owner], stages={**MADE[owner].stages, stage: policy})


def noticed(place: Place, changed: Mapping[str, Any]) -> list[str]:
    """What is wrong with the policies once a statement is changed: not as the duties say, or an action in vain."""
    owner, stage, _ = place
    cells = matrix(OWNERS[owner], mutant(place, changed), stages=[stage])
    return [*differences(cells), *(f"{action} gives nothing" for action in in_vain(place, changed, cells))]


def in_vain(place: Place, changed: Mapping[str, Any], cells: Sequence[Cell]) -> list[str]:
    """The actions of a statement that give the stage none of its duties."""
    owner, stage, _ = place
    found = []
    for action in changed["Action"]:
        alone = {"Version": "2012-10-17", "Statement": [{**changed, "Action": [action]}]}
        policies = dataclasses.replace(MADE[owner], stages={**MADE[owner].stages, stage: alone})
        if not any(c.wanted and c.call.action == action and permits(policies, stage, c.call) for c in cells):
            found.append(action)
    return found


def granted(owner: str) -> set[str]:
    return {action for place, statement in STATEMENTS if place[0] == owner for action in statement["Action"]}


def conditions_dropped(statement: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for operator in statement["Condition"]:
        rest = {name: keys for name, keys in statement["Condition"].items() if name != operator}
        yield operator, {**statement, "Condition": rest}


STATEMENTS: Final = list(statements())
ADDED: Final = {
    f"{'-'.join(place[:2])}-{statement['Sid']}-{action}": (
        place,
        {**statement, "Action": [*statement["Action"], action]},
    )
    for place, statement in STATEMENTS
    for action in sorted(granted(place[0]) | DANGEROUS)
    if action not in statement["Action"]
}
UNCONDITIONAL: Final = {
    f"{'-'.join(place[:2])}-{statement['Sid']}-{operator}": (place, changed)
    for place, statement in STATEMENTS
    for operator, changed in conditions_dropped(statement)
    if operator not in GUARD
}


def test_the_policies_as_they_are_have_nothing_to_notice() -> None:
    assert [(place, found) for place, statement in STATEMENTS if (found := noticed(place, statement))] == []


def test_there_are_mutants() -> None:
    assert len(ADDED) > 800
    assert len(UNCONDITIONAL) > 30


@pytest.mark.parametrize(("place", "changed"), ADDED.values(), ids=ADDED)
def test_one_action_more_is_noticed(place: Place, changed: Mapping[str, Any]) -> None:
    assert noticed(place, changed)


@pytest.mark.parametrize(("place", "changed"), UNCONDITIONAL.values(), ids=UNCONDITIONAL)
def test_a_condition_less_is_noticed(place: Place, changed: Mapping[str, Any]) -> None:
    assert noticed(place, changed)


@pytest.mark.parametrize(("place", "statement"), STATEMENTS, ids=[f"{p[0]}-{p[1]}-{s['Sid']}" for p, s in STATEMENTS])
def test_a_statement_for_every_resource_is_noticed(place: Place, statement: Mapping[str, Any]) -> None:
    assert noticed(place, {**statement, "Resource": ["*"]})


@pytest.mark.parametrize(("place", "statement"), STATEMENTS, ids=[f"{p[0]}-{p[1]}-{s['Sid']}" for p, s in STATEMENTS])
@pytest.mark.parametrize("operator", sorted(GUARD))
def test_a_statement_that_forgets_the_guard_is_noticed(
    place: Place, statement: Mapping[str, Any], operator: str
) -> None:
    if operator not in guard(OWNERS[place[0]]):
        return
    changed = {**statement, "Condition": {k: v for k, v in statement["Condition"].items() if k != operator}}
    policies = mutant(place, changed)
    owner, stage, _ = place
    cells = matrix(OWNERS[owner], policies, stages=[stage])
    assert any(permits(policies, stage, cell.call, **GUARD[operator]) for cell in cells)
    assert not any(permits(MADE[owner], stage, cell.call, **GUARD[operator]) for cell in cells)
