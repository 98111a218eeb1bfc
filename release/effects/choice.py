"""What follows from the log's state: which channels a version moves, and what a channel goes back to."""

from collections.abc import Mapping
from typing import Final

from release.core.channels import Channel, names_for
from release.core.entry import Event, State
from release.core.handover import Order
from release.core.ring_section import Rings, follows
from release.core.succession import Tail
from release.core.unlogged import is_told
from release.core.version import parse_version
from release.effects.slots import Slots
from release.errors import NothingToDoError

DEEPEST_ROLLBACK: Final = 50


def channels_of(
    channels: Mapping[str, Channel], version: str, state: State, rings: Rings | None = None
) -> tuple[list[str], list[str]]:
    """Split the channels a version belongs to into (to move, to leave): a backport moves only its own line.

    A ring that has one before it is neither: its turn comes later, and is named.

    Raises:
        NothingToDoError: there is none to move.
    """
    wanted = parse_version(version)
    names = [name for name in names_for(channels, wanted) if not follows(rings, channels, name)]
    serving = {name: parse_version(current.version) for name, current in state.channels.items()}
    leave = [name for name in names if name in serving and serving[name] > wanted]
    move = [name for name in names if name not in leave]
    if not move:
        reason = f"{', '.join(leave)} serve newer versions" if leave else "it belongs to no channel of release.toml"
        raise NothingToDoError(f"version {version} moves nothing: {reason}")
    return move, leave


def previous_good(slots: Slots, channel: str, tail: Tail, *, reason: str | None = None) -> str:
    """Find what to roll back to: the newest earlier version of the channel that was verified and not yanked.

    A rollback for the same `reason` as the one that the channel's newest entry is, is that one again: whoever was
    cut off at its very end, and says the same command once more, does not go back one version further.

    Raises:
        NothingToDoError: there is none.
    """
    current = tail.state.channels.get(channel)
    if current is None:
        raise NothingToDoError(f"channel {channel} serves nothing", hint="release status")
    newest = slots.read(current.entry)
    if newest.action == "rollback.authorized" and (
        current.outcome != "completed" or (reason is not None and is_told(newest.reason, reason))
    ):
        return current.version  # it was cut off, not verified, or is done: go on with it, not one version further
    state, steps = current, 0
    while (earlier := slots.read(state.entry).before) is not None and steps < DEEPEST_ROLLBACK:
        state, steps = earlier, steps + 1
        good = state.outcome == "completed" and state.version not in tail.state.yanked
        if good and parse_version(state.version) < parse_version(current.version):
            return state.version
    raise NothingToDoError(
        f"channel {channel} never served an older version that was verified",
        hint="name one that is published: --to 1.2.3",
    )


def order_of(event: Event, library: str) -> Order:
    """Give the order to promote that an authorising entry amounts to."""
    return Order(
        kind="rollback" if event.action == "rollback.authorized" else "promote",
        library=library,
        channel=event.channel or "",
        version=event.version,
        manifest=event.manifest,
        entry=event.index,
    )
