"""What became of each command that was run for many customers: a file that one job leaves for the next."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from release.core import document
from release.core.layout import CUSTOMER
from release.core.shape import rule
from release.core.shards import Shard

LARGEST: Final = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of one command: for how many customers it ran, and for whom it did not end well, with exit code."""

    command: tuple[str, ...] = rule(minimum=1, most=100)
    ran: int = rule(minimum=1)
    failed: Mapping[str, int] = rule(most=100_000, key_pattern=CUSTOMER, key_means="a customer's name")


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomersReport:
    """The results of one job after another, the newest last; of each command the newest."""

    type_: Literal["customers-report/v1"]
    results: tuple[Result, ...] = rule(most=200)

    def with_result(self, result: Result) -> "CustomersReport":
        """Give the report with one more result."""
        others = [one for one in self.results if one.command != result.command]
        return dataclasses.replace(self, results=(*others, result))


EMPTY: Final = CustomersReport(type_="customers-report/v1", results=())


def file_name(shard: Shard | None) -> str:
    """Name a shard's report."""
    return "customers.json" if shard is None else f"customers.{shard.number}-of-{shard.of}.json"


def read_report(body: bytes, *, name: str) -> CustomersReport:
    """Read a report (FormatError)."""
    return document.decode(CustomersReport, body, name=name, limit=LARGEST)


def joined(reports: Iterable[CustomersReport]) -> CustomersReport:
    """Put the reports of all shards together, each command once."""
    found: dict[tuple[str, ...], Result] = {}
    for report in reports:
        for result in report.results:
            known = found.get(result.command)
            ran = result.ran + (known.ran if known else 0)
            failed = {**(known.failed if known else {}), **result.failed}
            found[result.command] = Result(command=result.command, ran=ran, failed=failed)
    return CustomersReport(type_="customers-report/v1", results=tuple(found.values()))
