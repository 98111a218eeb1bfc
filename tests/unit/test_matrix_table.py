"""The table that a reviewer reads: all cells counted, whatever is wrong seen, 88 columns."""

import copy
import dataclasses
import json
import re

import pytest

from release.core.keypolicy import Policies
from release.core.matrix import Cell, capped, matrix
from release.core.matrix_table import differences, require_duties, table
from release.errors import DriftError
from tests.fakes import examples
from tests.unit.test_keypolicy import GITLAB, OWNERS, made


def cells_of(owner: str) -> list[Cell]:
    return matrix(OWNERS[owner], made(OWNERS[owner]))


def written(cells: list[Cell]) -> str:
    stages = {cell.stage for cell in cells}
    return "\n".join(table(cells, capped=dict.fromkeys(stages, 0)))


def with_first_statement(stage: str, **changes: object) -> Policies:
    whole = made()
    policy = copy.deepcopy(whole.stages[stage])
    policy["Statement"][0] |= changes
    return dataclasses.replace(whole, stages={**whole.stages, stage: policy})


@pytest.mark.parametrize("owner", OWNERS)
def test_the_policies_give_each_stage_its_duties_and_nothing_else(owner: str) -> None:
    require_duties(cells_of(owner))


@pytest.mark.parametrize("owner", OWNERS)
def test_every_cell_is_counted(owner: str) -> None:
    cells = cells_of(owner)
    text = written(cells)
    totals = re.findall(r"^  (?:own|foreign), (?:allowed|denied) +([0-9 ]+)$", text, re.MULTILINE)
    assert sum(int(number) for line in totals for number in line.split()) == len(cells)
    assert text.endswith(
        f"{len(cells)} cells: {sum(c.allowed for c in cells)} allowed, "
        f"{sum(not c.allowed for c in cells)} denied; none not as the duties say"
    )
    assert re.search(r"^  foreign, allowed +[0 ]+$", text, re.MULTILINE)
    assert "WIDE" not in text.split("\n\n", 1)[1]
    assert text.count("+ ") + len(re.findall(r"\+$", text, re.MULTILINE)) == sum(c.allowed for c in cells) + 1


@pytest.mark.parametrize("owner", OWNERS)
def test_it_fits_88_columns(owner: str) -> None:
    assert max(map(len, written(cells_of(owner)).splitlines())) <= 88


def test_every_place_and_every_denied_call_is_named() -> None:
    cells = cells_of("users")
    text = " ".join(written(cells).split())
    assert all(cell.call.place in text and cell.call.act in text for cell in cells)


def test_one_action_too_many_stands_out() -> None:
    wide = with_first_statement("publish", Action=["s3:PutObject", "s3:PutObjectAcl"], Condition={})
    cells = matrix(examples.config(), wide)
    assert re.search(r"^  share +WIDE +\.", written(cells), re.MULTILINE)
    assert "publish may share a version's file (s3:PutObjectAcl), and that is not its duty" in differences(cells)
    with pytest.raises(DriftError, match="publish may share a version's manifest") as caught:
        require_duties(cells)
    assert "do not apply these policies" in caught.value.hint


def test_another_librarys_files_stand_out() -> None:
    wide = with_first_statement("publish", Resource=["arn:aws:s3:::site/other/1*"])
    cells = matrix(examples.config(), wide)
    text = written(cells)
    assert re.search(r"^a version's file, of another library +publish", text, re.MULTILINE)
    assert re.search(r"^  create +WIDE", text, re.MULTILINE)
    assert re.search(r"^  create +LACK", text, re.MULTILINE)
    assert re.search(r"^  foreign, allowed +2 ", text, re.MULTILINE)


def test_one_action_too_few_stands_out() -> None:
    cells = matrix(examples.config(), with_first_statement("invalidate", Action=["cloudfront:GetInvalidation"]))
    assert re.search(r"^  purge +\. +\. +\. +LACK", written(cells), re.MULTILINE)
    assert differences(cells) == [
        "invalidate may not purge the distribution (cloudfront:CreateInvalidation), and that is its duty"
    ]


@pytest.mark.parametrize("owner", OWNERS)
def test_the_boundary_lets_through_all_that_the_policies_allow(owner: str) -> None:
    policies = made(OWNERS[owner])
    assert all(capped(policies, cell.stage, cell.call) for cell in cells_of(owner) if cell.allowed)


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
@pytest.mark.parametrize("keys", [{}, {"gitlab": GITLAB, "trail": {"bucket": "trail"}}], ids=["users", "roles"])
@pytest.mark.parametrize("customer", [{}, {"customer": "acme"}], ids=["library", "customer"])
def test_in_other_partitions_every_arn_is_of_them_and_the_duties_are_the_same(
    region: str, partition: str, keys: dict[str, object], customer: dict[str, object]
) -> None:
    config = examples.config(site={"region": region, **customer}, keys=keys)
    policies = made(config)
    arns = {arn for policy in policies.named().values() for arn in re.findall(r"arn:[a-z-]*:", json.dumps(policy))}
    assert arns == {f"arn:{partition}:"}
    require_duties(matrix(config, policies))
