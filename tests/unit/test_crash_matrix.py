"""Every command x every call that it makes x whatever may happen to a call: it stays whole and converges.

A call is struck, the process ends as it ends, and visitors come: through a cache that keeps what it had, and through
one that has nothing. Then the same command runs again, without any option more, and must come to where a run comes to
that nothing happened to. docs/crashes.md tells how many points there are; a test keeps it true.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from inspect import signature
from pathlib import Path

import pytest
import typer

from release.cli import build_app
from release.core.layout import MANIFEST
from release.errors import ReleaseError
from tests.fakes.crash_rows import CALLERS, ELSEWHERE, ONE_FILE, ROWS, Row
from tests.fakes.scenario import World
from tests.fakes.visitors import browse, pages
from tests.fakes.wire import FAULTS, Killed, Point, Strike, Wire

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "crashes.md"
SELDOM = 4
TWICE = {"promote": 15, "rollback": 15}
"""How many pairs of blows are drawn for each row of a command; elsewhere `SELDOM`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clean:
    """A run that nothing happened to: where it began, its calls, and what it came to."""

    world: World
    points: tuple[Point, ...]
    gave: object
    end: object


@cache
def clean(row: Row) -> Clean:
    world = row.before()
    browse(world)
    ended, wire = world.twin(), Wire()
    gave = row.run(wire.process(ended))
    return Clean(world=world, points=tuple(sorted(wire.points)), gave=gave, end=result(ended))


def result(world: World) -> object:
    """Give all that a command leaves, without the time at which it did."""
    pointers = f"{world.config.layout.root}channels/"
    names = [
        key.removeprefix(pointers).removesuffix(".json") for key in world.site.bodies() if key.startswith(pointers)
    ]
    found = {name: pointer for name in names if (pointer := world.pointer(name))}
    return (
        world.actions(),
        {key: body for key, body in world.site.bodies().items() if not key.startswith(pointers)},
        {name: (pointer.version, pointer.log_index) for name, pointer in found.items()},
        [sorted(invalidation.paths) for invalidation in world.cdn.invalidations],
        {channel: found.passed for channel, found in world.verifications.items()},
        [key for key in world.log.bodies() if "/trust/" in key],
        world.announced.pages,
    )


def attempt(row: Row, world: World, strike: Strike | None = None) -> tuple[Wire, object | ReleaseError | Killed]:
    """Run the command in a process of its own; gives what came of it."""
    wire = Wire(strike)
    try:
        return wire, row.run(wire.process(world))
    except (ReleaseError, Killed) as end:
        return wire, end


# What must hold at any moment.


def must_be_whole(world: World, before: World) -> None:
    """Demand that pages get one version whole, that the log authorised, and that nothing is damaged."""
    events = world.events()
    authorised = {(event.channel, event.version) for event in events if event.action.endswith(".authorized")}
    for channel in world.slots().tail().state.channels:
        found = pages(world, channel)
        assert set(pages(before, channel)) <= set(found), f"an entry of {channel} is gone"
        assert {(channel, version) for versions in found.values() for version in versions} <= authorised
        pointer = world.pointer(channel)
        if pointer:
            assert (events[pointer.log_index].channel, events[pointer.log_index].version) == (channel, pointer.version)
            assert {file.path for file in pointer.files} == set(world.bundle(pointer.version))
            assert world.held(pointer.version) == world.bundles[pointer.version].files
    for version, bundle in world.bundles.items():
        held, whole = world.held(version), bundle.files
        assert held == whole or (MANIFEST not in held and held.items() <= whole.items()), f"{version} is damaged"


def must_be_settled(row: Row, world: World) -> None:
    """Demand that the rest of the pipeline goes through, and that log, bucket and cache then say the same."""
    row.after(world)
    tail = world.slots().tail()
    assert world.tree().resume().size == tail.size
    assert {channel.outcome for channel in tail.state.channels.values()} <= {"completed"}
    if tail.state.channels:
        assert [channel.drift for channel in world.status().channels] == [()] * len(tail.state.channels)


def must_say_so(row: Row, end: object, world: World) -> None:
    """Demand that a run which claims success had it."""
    if not isinstance(end, ReleaseError | Killed):
        assert (end, result(world)) == (clean(row).gave, clean(row).end), "it claimed success"


def must_converge(row: Row, world: World) -> None:
    """Run the command again, later and without any option more: it must come to where a clean run comes to."""
    world.clock.sleep(61)
    _, end = attempt(row, world)
    assert not isinstance(end, ReleaseError | Killed), end
    must_say_so(row, end, world)


def state(world: World) -> object:
    """Give all that the next run depends on: where it is the same, that run is the same."""
    buckets = [
        (key, found.info.etag, found.info.headers.cache_control, tuple(found.info.headers.metadata.items()))
        for store in (world.site, world.log)
        for key, found in store._bucket.objects.items()
    ]
    cached = {path: (purged, page and page[1]) for path, (purged, page) in world._cached.items()}
    passed = {
        channel: found.passed for channel, found in world.verifications.items()
    }  # who verifies again says why again
    asked = [invalidation.paths for invalidation in world.cdn.invalidations]
    return hash((frozenset(buckets), frozenset(cached.items()), repr((asked, world.promotions, passed))))


# The matrix.


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_whatever_happens_to_a_call_the_channel_is_whole_and_the_same_command_again_converges(row: Row) -> None:
    start, seen = clean(row), set[object]()
    for strike in strikes(row):
        world = start.world.twin()
        wire, end = attempt(row, world, strike)
        assert wire.struck, strike
        assert isinstance(end, Killed) == strike.fault.startswith("killed"), (strike, end)
        must_say_so(row, end, world)
        if not wire.late and state(world) in seen:
            continue
        seen.add(state(world))
        must_be_whole(world, start.world)
        if strike.fault == "slow" and wire.late:
            wire.arrive()
            must_be_whole(world, start.world)
        must_converge(row, world)
        wire.arrive()
        must_be_whole(world, start.world)
        must_be_settled(row, world)


def strikes(row: Row) -> list[Strike]:
    return [Strike(point=point, fault=fault) for point in clean(row).points for fault in point.faults]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_whoever_pulls_the_plug_twice_has_to_say_the_same_command_a_third_time(row: Row) -> None:
    start, drawn = clean(row), random.Random(row.name)  # noqa: S311 - the same name is to be the same run
    for first in drawn.sample(strikes(row), TWICE.get(row.command, SELDOM)):
        world, looked = start.world.twin(), Wire()
        wire, _ = attempt(row, world, first)
        wire.arrive()
        again = world.twin()
        row.run(looked.process(again))
        point = drawn.choice(looked.points)
        world.clock.sleep(61)
        wire, end = attempt(row, world, Strike(point=point, fault=drawn.choice(point.faults)))
        must_say_so(row, end, world)
        wire.arrive()
        must_be_whole(world, start.world)
        must_converge(row, world)
        must_be_settled(row, world)


# What the matrix covers.


def commands() -> Iterator[tuple[str, bool]]:
    """Give every command of the command line, and whether it has --dry-run: then it changes something."""

    def walk(app: typer.Typer, *path: str) -> Iterator[tuple[str, bool]]:
        for made in app.registered_commands:
            assert made.callback
            name = made.name or made.callback.__name__.replace("_", "-")
            yield " ".join((*path, name)), "dry_run" in signature(made.callback).parameters
        for group in app.registered_groups:
            assert isinstance(group.typer_instance, typer.Typer)
            yield from walk(group.typer_instance, *path, str(group.name))

    return walk(build_app(["--help"]))


def test_every_command_that_changes_something_is_in_the_matrix() -> None:
    known = {row.command for row in ROWS} | set(ELSEWHERE) | ONE_FILE | CALLERS
    changing = {name for name, changes in commands() if changes}
    assert changing - known == set(), "make a Row of it in tests/fakes/crash_rows.py"
    assert known - changing == {"verify"}, "no such command, or it changes nothing"
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in ELSEWHERE.values() if f"def {name}(" not in tests] == []


def table() -> str:
    counts = [(len(clean(row).points), len(effects(row)), len(strikes(row))) for row in ROWS]
    lines = [
        f"| `release {row.command}` | {row.story} | {' | '.join(map(str, n))} |"
        for row, n in zip(ROWS, counts, strict=True)
    ]
    total = " | ".join(f"**{sum(column):,}**" for column in zip(*counts, strict=True))
    head = ["| command | situation | calls | of them with an effect | points |", "|---|---|--:|--:|--:|"]
    return "\n".join([*head, *lines, f"| **all** | {len(ROWS)} situations | {total} |", ""])


def effects(row: Row) -> list[Point]:
    return [point for point in clean(row).points if point.faults == FAULTS]


def points_in(text: str) -> dict[str, int]:
    """Give the number of points of each row of a table, by command and situation."""
    cells = [[cell.strip(" *") for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    return {" ".join(row[:2]): int(row[-1].replace(",", "")) for row in cells}


def test_the_document_says_how_many_points_are_tried_at_least() -> None:
    before, begin, rest = DOCUMENT.read_text().partition("<!-- points -->\n")
    written, end, after = rest.partition("<!-- end -->\n")
    if not written:
        DOCUMENT.write_text(f"{before}{begin}{table()}{end}{after}")
    told, tried = points_in(written), points_in(table())
    again = "delete the table, run this test twice, and look at it"
    assert list(told) == list(tried), f"another row: {again}"
    assert {name: tried[name] for name in told if tried[name] < told[name]} == {}, f"are these fewer points? {again}"


def test_no_call_goes_past_the_wire() -> None:
    row = next(row for row in ROWS if row.command == "rollback")
    world, wire = row.before(), Wire()
    before = (world.log.calls["any"], world.site.calls["write"], world.cdn.calls["invalidate"])
    row.run(wire.process(world))
    after = (world.log.calls["any"], world.site.calls["write"], world.cdn.calls["invalidate"])
    counted = Counter("log" if point.port == "log" else point.operation for point in wire.points)
    assert (counted["log"], counted["copy"], counted["invalidate"]) == tuple(
        now - then for now, then in zip(after, before, strict=True)
    )
