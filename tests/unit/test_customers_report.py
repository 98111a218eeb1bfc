import pytest

from release.core import document
from release.core.customers_report import EMPTY, Result, file_name, joined, read_report
from release.core.shards import Shard
from release.errors import FormatError


def result(command: str, ran: int, **failed: int) -> Result:
    return Result(command=tuple(command.split()), ran=ran, failed=failed)


def test_a_command_that_ran_again_has_its_newest_result_last() -> None:
    report = EMPTY.with_result(result("publish", 3, acme=7)).with_result(result("promote", 3))
    report = report.with_result(result("publish", 1))
    assert report.results == (result("promote", 3), result("publish", 1))
    assert read_report(document.encode(report), name="x") == report


def test_shards_are_put_together_command_by_command() -> None:
    first = EMPTY.with_result(result("publish", 3, acme=7)).with_result(result("promote", 3, acme=5))
    second = EMPTY.with_result(result("publish", 2, zeta=9)).with_result(result("promote", 2))
    assert joined([first, second]).results == (result("publish", 5, acme=7, zeta=9), result("promote", 5, acme=5))


def test_each_shard_leaves_a_file_of_its_own() -> None:
    assert {file_name(None), file_name(Shard(1, 2)), file_name(Shard(2, 2))} == {
        "customers.json",
        "customers.1-of-2.json",
        "customers.2-of-2.json",
    }


@pytest.mark.parametrize("body", [b"", b"[]", b'{"type":"other"}', b"\xff"])
def test_what_is_no_report_is_refused(body: bytes) -> None:
    with pytest.raises(FormatError):
        read_report(body, name="customers.json")
