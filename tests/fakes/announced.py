"""What the record stage left of a version's outcomes, for whoever announces it."""

from release.core.handover import Order
from release.core.outcome import Outcome
from release.core.tlog.policy import NONE, Policy
from release.effects.bucket_files import BucketFiles
from release.effects.signed_log import SignedLog
from tests.fakes.scenario import World

CHANGELOG = "# Changelog\n\n## [1.1.0] - 2026-11-24\n\n- a *feature*\n\n## [1.0.0] - 2026-11-01\n\n- the first\n"


def released(version: str = "1.1.0", *channels: str) -> World:
    """Give a world in which 1.0.0 and then this version were released."""
    world = World()
    world.changelog = CHANGELOG
    world.release("1.0.0", "latest")
    world.release(version, *(channels or ("v1", "latest")))
    return world


def outcome(world: World, channel: str) -> Outcome:
    """Give what is left of a channel's newest outcome."""
    concluded = world.slots().tail().state.channels[channel].concluded
    assert concluded is not None
    files = BucketFiles(store=world.log, layout=world.config.log_layout)
    entry, proof = SignedLog.opened(files, Policy(world.keys.ever, {}, {}, NONE)).proven(concluded)
    return Outcome(entry=entry.decode(), proof=proof.encode().decode())


def left(world: World, *channels: str) -> tuple[list[Order], list[Outcome]]:
    """Give the orders of channels and their outcomes."""
    return [world.order(name) for name in channels], [outcome(world, name) for name in channels]
