"""Work in several processes: in order, not far ahead, and never lost in silence."""

import os
from collections.abc import Iterator

import pytest

from release.adapters.workers import Processes
from release.errors import ServiceError


def test_results_come_in_the_order_of_the_items_and_few_items_are_taken_ahead() -> None:
    taken: list[str] = []

    def items() -> Iterator[str]:
        for number in range(12):
            taken.append(f"{number}")
            yield f"{number}"

    given = []
    for result in Processes(2).each(int, items()):
        given.append(result)
        assert len(taken) - len(given) <= 2
    assert given == list(range(12))


def test_a_process_that_dies_is_an_error() -> None:
    with pytest.raises(ServiceError, match="died"):
        list(Processes(2).each(os._exit, [7, 7, 7]))


def test_an_error_of_the_work_is_raised_here() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(Processes(1).each(int, ["1", "x"]))


def test_whoever_stops_early_leaves_no_process_behind() -> None:
    results = Processes(1).each(int, (f"{number}" for number in range(1000)))
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
