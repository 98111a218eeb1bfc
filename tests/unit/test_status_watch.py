"""Status again and again: what is shown of each look, and that no failed look ends it."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import pytest

from release.commands.status_watch import lines
from release.errors import LogError, ReleaseError, ServiceError
from release.stages import status as stage
from tests.fakes.scenario import World

SHORT: Final = "public, max-age=300, s-maxage=60, no-transform"
UNDER_WAY: Final = "no outcome is recorded: the promotion is under way or was cut off"


@pytest.fixture
def world() -> World:
    made = World()
    made.release("1.0.0", "latest")
    return made


def watched(world: World, *between: Callable[[], object]) -> list[str]:
    """Look once, and once more after each of these happened; gives all lines without their times."""
    happens = iter(between)
    sleep = world.clock.sleep

    def look() -> stage.Report:
        return stage.run(world.config, world.slots(), world.site, None, at=world.clock.now())

    class Clock:
        now = staticmethod(world.clock.now)

        @staticmethod
        def sleep(seconds: float) -> None:
            sleep(seconds)
            next(happens)()

    looks = islice(stage.looks(look, Clock(), every=60), len(between) + 1)
    return [line.split("  ", 1)[1] for seen in looks for line in lines(seen)]


def test_each_look_is_a_line_a_channel_with_its_age_its_cache_header_and_what_differs(world: World) -> None:
    def promoted() -> None:
        world.release("1.1.0")
        world.authorize("latest", "1.1.0")
        world.promote("latest")

    seen = watched(world, promoted, lambda: world.settle("latest"), lambda: world.yank("1.0.0"))
    assert seen == [
        f"latest  1.0.0  completed  0 s  1  {SHORT}  as the log says",
        f"latest  1.1.0  authorized  0 s  4  {SHORT}  {UNDER_WAY}",
        f"latest  1.1.0  completed  1 min  4  {SHORT}  as the log says",
        f"latest  1.1.0  completed  2 min  4  {SHORT}  as the log says",
        "yanked: 1.0.0",
    ]


def test_a_file_that_somebody_changed_is_seen(world: World) -> None:
    world.site.put("tag/latest/tag.min.js", b"evil")
    (line,) = watched(world)
    assert "tag.min.js has other bytes than version 1.0.0" in line


@pytest.mark.parametrize("error", [ServiceError("the answer was lost"), LogError("the log is damaged")])
def test_a_look_that_fails_is_said_and_the_next_one_is_made(world: World, error: ReleaseError) -> None:
    def looks() -> Iterator[stage.Report]:
        yield stage.run(world.config, world.slots(), world.site, None)
        raise error

    def broken() -> None:
        world.site.remove("tag/channels/latest.json")

    made = looks()
    seen = list(islice(stage.looks(lambda: next(made), world.clock, every=1), 2))
    assert [(look.report is None, look.problem) for look in seen] == [(False, None), (True, error.message)]
    assert list(lines(seen[1])) == [f"2026-11-24T00:00:01Z  no answer: {error.message}"]
    broken()
    assert "its pointer does not exist" in watched(world)[0]
