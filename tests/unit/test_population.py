"""The population of a period: complete, joined with what came later, and silent about what nobody recorded."""

import csv
import io
from datetime import date

import pytest

from release.core import document
from release.core.entry import Event
from release.core.period import Period
from release.core.population import COLUMNS, CSV, MOST_ROWS, SIDECAR, Gathering, Population, gathered, population_files
from release.effects.signed_log import SignedLog
from release.errors import ConfigError
from tests.fakes import audited, examples, log_files
from tests.fakes.scenario import World

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def world() -> World:
    return audited.world()


def signed(world: World) -> SignedLog:
    return SignedLog.opened(audited.opened(audited.exported(world)), log_files.policy())


def population(log: SignedLog, period: Period) -> tuple[Population, Rows]:
    files = population_files(gathered(log.bodies(), period, log.policy.logs), log.head, log.blob)
    about = document.decode(Population, files[SIDECAR], name=SIDECAR, limit=10_000)
    rows = list(csv.DictReader(io.StringIO(files[CSV].decode(), newline=""), strict=True))
    return about, rows


def days(first: str | None, last: str | None) -> Period:
    return Period.of(first, last)


def of(rows: Rows, action: str, version: str) -> dict[str, str]:
    [found] = [row for row in rows if (row["action"], row["version_to"]) == (action, version)]
    return found


def test_every_entry_has_its_row_in_order_and_the_sidecar_says_so(world: World) -> None:
    log = signed(world)
    about, rows = population(log, Period())
    assert [int(row["entry"]) for row in rows] == list(range(log.head.size))
    assert tuple(rows[0]) == COLUMNS
    assert (about.first, about.count, about.size, about.root) == (0, len(rows), log.head.size, log.head.root.hex())
    assert {row["problem"] for row in rows} == {""}


def test_a_change_is_joined_with_its_end_its_way_back_its_review_and_its_yank(world: World) -> None:
    _, rows = population(signed(world), Period())
    emergency = of(rows, "promote.authorized", "1.1.0")
    done = of(rows, "promote.completed", "1.1.0")
    back = of(rows, "rollback.authorized", "1.0.0")
    assert emergency["type"] == done["type"] == "emergency"
    assert (emergency["version_from"], emergency["version_to"], emergency["channel"]) == ("1.0.0", "1.1.0", "v1")
    assert emergency["description"] == "checkout is down"
    assert (emergency["outcome"], emergency["outcome_entry"], emergency["ended_at"]) == (
        "completed",
        done["entry"],
        done["occurred_at"],
    )
    assert (done["change"], done["started_at"]) == (emergency["entry"], emergency["occurred_at"])
    assert emergency["approvers"] == "cto (CTO)"
    assert emergency["policy_epoch"] == "0"
    assert emergency["rollback_plan"].startswith("back to 1.0.0, approved until 2026-12-")
    assert emergency["rolled_back_by"] == back["entry"]
    assert emergency["reviewed_by"] == of(rows, "review.completed", "1.1.0")["entry"]
    assert emergency["review_due"].startswith("2026-11-27")
    assert emergency["yanked_by"] == of(rows, "version.yanked", "1.1.0")["entry"]
    assert of(rows, "version.yanked", "1.1.0")["yanked_by"] == ""
    assert of(rows, "promote.authorized", "1.2.0")["approvers"] == "cto (CTO); lead (lead)"


def test_what_the_evidence_knows_is_there_and_what_nobody_recorded_is_empty(world: World) -> None:
    _, rows = population(signed(world), Period())
    published = of(rows, "publish.completed", "1.2.0")
    assert "/manifest.json=" + published["manifest_sha256"] in published["artifacts"]
    assert published["sbom_sha256"] != published["provenance_sha256"] != ""
    assert published["commit"] == world.manifest("1.2.0").source.commit
    first = of(rows, "promote.authorized", "1.0.0")
    assert (first["approvers"], first["policy_epoch"], first["version_from"], first["rollback_plan"]) == ("",) * 4


def test_a_period_is_a_run_of_entries_without_a_gap(world: World) -> None:
    log = signed(world)
    counts = []
    for day in ("2026-11-24", "2026-11-25", "2026-11-26"):
        about, rows = population(log, days(day, day))
        assert {row["occurred_at"][:10] for row in rows} == {day}
        assert [int(row["entry"]) for row in rows] == list(range(about.first or 0, (about.first or 0) + about.count))
        counts.append(about.count)
    assert sum(counts) == log.head.size
    assert population(log, days(None, "2026-11-24"))[0].count == counts[0]
    assert population(log, days("2026-11-26", None))[0].count == counts[2]
    about, rows = population(log, days("2027-01-01", "2027-12-31"))
    assert (about.first, about.count, rows) == (None, 0, [])


def event(world: World, index: int, at: str) -> Event:
    body = log_files.edited(log_files.entries(world)[0], occurredAt=at, index=0)
    made = examples.opened(body, index=0)
    object.__setattr__(made, "index", index)
    return made


def taken(world: World, period: Period, *times: str | None) -> tuple[int | None, int]:
    gathering = Gathering(period=period)
    for index, at in enumerate(times):
        gathering.take(index, "00" * 32, event(world, index, at) if at else None, "" if at else "cannot be read")
    return gathering.first, gathering.count


BEFORE, EARLY, LATE, AFTER = (f"2026-11-{day}Z" for day in ("22T10:00:00", "23T00:05:00", "23T23:59:00", "24T10:00:00"))
SLIGHTLY_BEFORE, SLIGHTLY_AFTER = "2026-11-22T23:58:00Z", "2026-11-24T00:01:00Z"


@pytest.mark.parametrize(
    ("times", "first", "count"),
    [
        ([BEFORE, EARLY, LATE, AFTER], 1, 2),
        ([EARLY, SLIGHTLY_BEFORE, LATE], 0, 3),
        ([LATE, SLIGHTLY_AFTER, LATE, AFTER, LATE], 0, 3),
        ([BEFORE, None, EARLY, None, AFTER], 1, 3),
        ([None, BEFORE, AFTER, None], None, 0),
        ([BEFORE, None, AFTER], None, 0),
        ([LATE, SLIGHTLY_AFTER, None, AFTER], 0, 1),
    ],
)
def test_clocks_that_differ_and_entries_without_a_time_leave_no_gap(
    world: World, times: list[str | None], first: int | None, count: int
) -> None:
    assert taken(world, days("2026-11-23", "2026-11-23"), *times) == (first, count)


def test_entries_that_cannot_be_read_are_of_an_open_period(world: World) -> None:
    assert taken(world, Period(), None, EARLY, None) == (0, 3)
    assert taken(world, Period(), None, None) == (0, 2)


def test_an_entry_that_cannot_be_read_has_a_row_that_says_so() -> None:
    bodies = [b"{}", b"\xff"]
    log = SignedLog.opened(audited.opened(log_files.files(bodies)), log_files.policy())
    _, rows = population(log, Period())
    assert [row["entry"] for row in rows] == ["0", "1"]
    assert all(row["problem"] and row["leaf_hash"] for row in rows)


def test_evidence_that_is_gone_or_changed_is_a_problem_of_the_row_and_not_of_the_table(world: World) -> None:
    good = audited.exported(world)
    for change in ("gone", "changed"):
        bad = dict(good)
        for path in [path for path in good if path.startswith("evidence/")]:
            bad.pop(path)
            if change == "changed":
                bad[path] = b"{}"
        _, rows = population(SignedLog.opened(audited.opened(bad), log_files.policy()), Period())
        assert len(rows) == len(log_files.entries(world))
        assert "evidence/sha256/" in of(rows, "promote.authorized", "1.2.0")["problem"]
        assert "evidence/sha256/" in of(rows, "publish.completed", "1.2.0")["problem"]


def test_a_period_with_too_many_entries_is_refused(world: World) -> None:
    gathering = Gathering(period=Period())
    one = event(world, 0, EARLY)
    for _ in range(MOST_ROWS):
        gathering.take(0, "", one)
    with pytest.raises(ConfigError, match="more than"):
        gathering.take(0, "", one)


@pytest.mark.parametrize(
    ("first", "last"), [("2026-11-25", "2026-11-24"), ("yesterday", None), (None, "2026-W48-2"), ("20261124", None)]
)
def test_a_period_that_is_none_is_refused(first: str | None, last: str | None) -> None:
    with pytest.raises(ConfigError):
        Period.of(first, last)


def test_a_period_says_what_it_is() -> None:
    assert str(Period(date(2026, 11, 1), None)) == "2026-11-01 to the newest entry"
