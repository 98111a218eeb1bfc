"""The worlds in which commands are killed."""

import dataclasses
from functools import cache
from typing import Final

from release.core.handover import Order
from release.effects.read_only_log import watched
from release.effects.recorder import Recorder, Report
from release.errors import ReadOnlyLogError
from release.stages import degrade
from release.stages import record as recording
from tests.fakes import announced, examples
from tests.fakes.object_store import Fault
from tests.fakes.scenario import REASON, World, files
from tests.fakes.visitors import browse

LINES: Final = ("v1", "latest")


def nothing() -> World:
    """1.0.0 is built."""
    world = World()
    world.build("1.0.0")
    return world


def served(*channels: str) -> World:
    """1.0.0 is served, and 1.1.0 is built."""
    world = World()
    world.release("1.0.0", *(channels or ("latest",)))
    world.build("1.1.0")
    return world


def published(*channels: str) -> World:
    """1.1.0 is in the bucket, too."""
    world = served(*channels)
    world.publish("1.1.0")
    return world


def recorded(*channels: str) -> World:
    """The log knows it."""
    world = published(*channels)
    world.record("1.1.0")
    return world


def ordered(*channels: str) -> World:
    """The log says that it is to be served."""
    world = recorded(*channels)
    for channel in channels or ("latest",):
        world.authorize(channel, "1.1.0")
    return world


def promoted(*channels: str) -> World:
    """It is served, and caches hold the version before."""
    world = ordered(*channels)
    browse(world)
    for channel in channels or ("latest",):
        world.promote(channel)
    return world


def invalidated(*channels: str) -> World:
    """Caches hold it, too."""
    world = promoted(*channels)
    for channel in channels or ("latest",):
        world.invalidate(channel)
    return world


def verified() -> World:
    """Somebody looked."""
    world = invalidated()
    world.verify("latest")
    return world


def first_ordered() -> World:
    """1.0.0 is to be the first that latest serves."""
    world = World()
    world.release("1.0.0")
    world.authorize("latest", "1.0.0")
    return world


def fewer_files() -> World:
    """1.1.0 has one entry and one chunk less than the version that is served."""
    world = World()
    world.release("1.0.0", "latest")
    fewer = {path: body for path, body in files("1.1.0").items() if path not in {"tag.esm.min.js", "chunks/shared.js"}}
    world.build("1.1.0", fewer)
    world.release("1.1.0")
    world.authorize("latest", "1.1.0")
    return world


def twice_served() -> World:
    """1.0.0 was served, then 1.1.0, and now 1.2.0."""
    world = World()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        world.release(version, "latest")
    return world


def going_back() -> World:
    """The log says that latest goes back."""
    world = twice_served()
    world.roll_back("latest")
    return world


def went_back() -> World:
    """It went back, and caches hold what it left."""
    world = twice_served()
    browse(world)
    world.roll_back("latest")
    world.promote("latest")
    return world


def went_back_everywhere() -> World:
    """Caches went back, too."""
    world = went_back()
    world.invalidate("latest")
    return world


def looked_back() -> World:
    """Somebody looked."""
    world = went_back_everywhere()
    world.verify("latest")
    return world


def littered() -> World:
    """1.0.0 left a chunk in latest, which no page can still be running."""
    world = World()
    for version in ("1.0.0", "1.1.0"):
        world.release(version, "latest")
    world.clock.sleep(40 * 24 * 3600)
    return world


def condemned() -> World:
    """The log orders the chunk deleted."""
    world = littered()
    world.order_collection("latest")
    return world


def swept() -> World:
    """It is deleted, and caches may hold it."""
    world = condemned()
    world.collect("latest")
    return world


def to_be_approved() -> World:
    """Releases need approval; nobody gave any yet."""
    world = World()
    world.trust()
    world.release("1.0.0")
    return world


def in_an_emergency() -> World:
    """The CTO let 1.0.0 go live alone."""
    world = to_be_approved()
    world.approved("v1", "1.0.0", "cto", emergency=True, reason="checkout is down")
    world.finish("v1")
    return world


def another_epoch() -> World:
    """The keepers changed the trust, and put it up."""
    world = in_an_emergency()
    world.trust()
    return world


def cut_off() -> World:
    """A job died when it had claimed its slot: the log's head does not cover it yet."""
    world = published()
    world.log.break_at(Fault(nth=1, when="after", operation=f"create {world.config.log_layout.slot(3)}", error=_Dead()))
    try:
        world.record("1.1.0")
    except _Dead:
        return world
    raise AssertionError("it did not die")


class _Dead(BaseException):
    """A job is gone."""


def completed() -> World:
    """1.1.0 is released on two channels, and no page says so."""
    return announced.released()


def read_only() -> World:
    """The log takes no writes, and release.toml lets channels go back all the same."""
    config = examples.config()
    world = World(dataclasses.replace(config, log=dataclasses.replace(config.log, when_read_only="degrade")))
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        world.release(version, "latest")
    return world


@cache
def unlogged() -> Order:
    """Give the order to go back to 1.1.0 that such a log leaves."""
    world = read_only()
    frozen = world.recorder(world.log.with_key(lambda action, _: action == "s3:PutObject"))

    def authorize(recorder: Recorder, *, dry_run: bool) -> Report:
        return recording.authorize(
            recorder, world.site, "latest", "1.1.0", reason=REASON, rollback=True, dry_run=dry_run
        )

    try:
        authorize(watched(frozen), dry_run=False)
    except ReadOnlyLogError as why:
        return degrade.run(frozen, authorize(frozen, dry_run=True).event, why).order
    raise AssertionError("it took a write")
