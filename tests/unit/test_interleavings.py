"""Several pipelines at once: whoever is overtaken stops with a clear message and leaves nothing half-done."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest

from release.errors import RefusedError, VerificationError
from release.stages import verify as verifying
from tests.fakes.scenario import World, files
from tests.fakes.visitors import pages
from tests.fakes.wire import Wire

AGAIN = {**files("1.0.0"), "tag.esm.min.js": files("1.2.0")["tag.esm.min.js"]}
"""1.2.0 takes back what 1.1.0 changed in one entry: its bytes, and so their ETag, are those of 1.0.0 again."""


@pytest.fixture(scope="module")
def start() -> World:
    """Latest serves 1.0.0, the log says that 1.1.0 follows, and 1.2.0 is published, too."""
    world = World()
    world.release("1.0.0", "latest")
    world.build("1.2.0", AGAIN)
    world.release("1.1.0")
    world.release("1.2.0")
    world.authorize("latest", "1.1.0")
    return world


def roll_back(world: World) -> None:
    world.roll_back("latest", "1.0.0")
    world.promote("latest")
    world.settle("latest")


def release_a_newer_one(world: World) -> None:
    world.move("latest", "1.2.0")


def must_serve(world: World, version: str) -> None:
    world.expire()
    assert world.held("latest").items() >= world.bundle(version).items()
    assert all(version in found for found in pages(world, "latest").values())
    pointer = world.pointer("latest")
    assert pointer
    assert (pointer.version, pointer.log_index) == (version, world.order("latest").entry)
    assert [channel.drift for channel in world.status().channels] == [()]


@pytest.mark.parametrize(
    ("overtake", "version"), [(roll_back, "1.0.0"), (release_a_newer_one, "1.2.0")], ids=["a rollback", "a release"]
)
def test_whoever_overtakes_a_promotion_at_any_call_has_the_channel_whole(
    start: World, overtake: Callable[[World], None], version: str
) -> None:
    for world, wire in at_every_call(start, overtake):
        order = start.order("latest")
        with pytest.raises(RefusedError) as refused:
            wire.process(world).promote("latest", order)
        assert "a later release or rollback took over" in refused.value.hint
        must_serve(world, version)
        with pytest.raises(RefusedError, match="does not authorise"):
            world.promote("latest", order)
        must_serve(world, version)


@pytest.mark.parametrize("fix", [roll_back, release_a_newer_one], ids=["a rollback", "a release"])
def test_whoever_is_authorised_during_a_promotion_at_any_call_gets_the_channel_afterwards(
    start: World, fix: Callable[[World], None]
) -> None:
    """The slow promotion may go on to its end, or be refused; what was authorised later is carried out after it."""

    def authorise(world: World) -> None:
        if fix is roll_back:
            world.roll_back("latest", "1.0.0")
        else:
            world.authorize("latest", "1.2.0")

    for world, wire in at_every_call(start, authorise):
        with suppress(RefusedError):  # the log said so before it copied anything
            wire.process(world).promote("latest", start.order("latest"))
        pages(world, "latest")
        world.promote("latest")
        world.settle("latest")
        must_serve(world, "1.0.0" if fix is roll_back else "1.2.0")


def test_a_release_that_overtakes_a_rollback_at_any_call_has_the_channel_whole(start: World) -> None:
    going_back = start.twin()
    going_back.promote("latest")
    going_back.settle("latest")
    going_back.roll_back("latest", "1.0.0")
    for world, wire in at_every_call(going_back, release_a_newer_one):
        with pytest.raises(RefusedError):
            wire.process(world).promote("latest", going_back.order("latest"))
        must_serve(world, "1.2.0")


def test_jobs_of_an_older_pipeline_that_run_again_change_nothing(start: World) -> None:
    world = start.twin()
    world.promote("latest")
    world.invalidate("latest")
    world.verify("latest")
    promotion, verification = world.promotions["latest"], world.verifications["latest"]
    world.conclude("latest")
    world.serve("latest", "1.2.0")
    world.promotions["latest"], world.verifications["latest"] = promotion, verification
    before = (world.site.bodies(), world.log.bodies())
    world.publish("1.1.0")
    world.record("1.1.0")
    assert world.invalidate("latest").invalidation == "I2", "the one that it asked for then"
    stale: dict[str, Callable[[], object]] = {
        "channel latest serves 1.2.0: 1.1.0 would take it backwards": lambda: world.authorize("latest", "1.1.0"),
        "does not authorise latest to serve 1.1.0: the log": lambda: world.promote("latest", promotion.order),
        r"entry \d+ is no longer its newest release": lambda: world.conclude("latest"),
    }
    for why, job in stale.items():
        with pytest.raises(RefusedError, match=why):
            job()
    with pytest.raises(VerificationError):
        verifying.require_passed([world.verify("latest")])
    assert (world.site.bodies(), world.log.bodies()) == before
    must_serve(world, "1.2.0")


def at_every_call(start: World, others: Callable[[World], None]) -> Iterator[tuple[World, Wire]]:
    """Give a twin for every call of a promotion, and the wire of a process that others come before at that call."""
    clean = Wire()
    clean.process(start.twin()).promote("latest", start.order("latest"))
    assert len(clean.points) > 20
    for point in clean.points:
        world = start.twin()
        yield world, Wire(meanwhile=(point, partial(others, world)))
