"""When a channel's garbage may be deleted, and what waits for that: rules between two entries of the log.

A delete cannot be tied to the log's newest entry, and an object that a move copies over itself keeps its ETag. So an
order to collect holds for an hour, and for one hour more no version is authorised that needs a file it names:
a delete that is still on its way then finds nothing that anybody needs.
"""

import dataclasses
from datetime import datetime, timedelta
from typing import Final

from release.core.approval import stamp
from release.core.entry import ChannelState, Collecting
from release.errors import RefusedError

DELETED_WITHIN: Final = timedelta(hours=1)
"""How long after an order its files may be deleted."""
LAST_DELETES: Final = timedelta(hours=1)
"""How long after that a move still reckons with a delete: clocks differ, and a job may hang before a request."""


class UnderCollectionError(RefusedError):
    """A channel's garbage is being collected, and nobody looked whether the move needs any of it.

    Args:
        channel: its name.
        entry: that ordered the collection.
        until: when nothing of it can be under way any more.
    """

    def __init__(self, channel: str, entry: int, until: str) -> None:
        super().__init__(
            f"garbage of channel {channel} is being collected by log entry {entry}",
            hint=f"finish that: release collect {channel}, invalidate, record outcome; or wait until {until}",
        )
        self.entry = entry


def until(at: datetime) -> str:
    """Give the time until which an order of this time may be carried out."""
    return stamp(at + DELETED_WITHIN)


def over(collecting: Collecting) -> str:
    """Give the time from which on nothing of a collection is under way any more."""
    return stamp(datetime.fromisoformat(collecting.until) + LAST_DELETES)


def is_over(collecting: Collecting, *, at: datetime) -> bool:
    """Tell whether nothing of a collection is under way any more."""
    return over(collecting) <= stamp(at)


def check_spared(name: str, current: ChannelState | None, spares: int | None, *, at: datetime) -> None:
    """Refuse a move of a channel whose garbage is being collected, unless it spares that collection.

    Raises:
        UnderCollectionError: it does not.
    """
    collecting = current.collecting if current else None
    if collecting is not None and collecting.entry != spares and not is_over(collecting, at=at):
        raise UnderCollectionError(name, collecting.entry, over(collecting))


def ordered(
    name: str, current: ChannelState | None, looked_at: ChannelState | None, index: int, *, at: datetime
) -> ChannelState:
    """Give a channel's state after an order to collect its garbage.

    Args:
        name: of the channel.
        current: its state.
        looked_at: the state that the garbage was found by.
        index: of the entry.
        at: when.

    Raises:
        RefusedError: it serves nothing, a release took it meanwhile, or another collection is under way.
    """
    if current is None:
        raise RefusedError(f"channel {name} serves nothing, so nothing in it is garbage")
    if current.collecting is not None and not is_over(current.collecting, at=at):
        raise RefusedError(
            f"entry {current.collecting.entry} orders a collection of channel {name} already",
            hint=f"carry that one out first: release collect {name}",
        )
    if current != looked_at:
        raise RefusedError(
            f"channel {name} moved while its garbage was looked for", hint=f"again: release record collect {name}"
        )
    return dataclasses.replace(current, collecting=Collecting(entry=index, until=until(at)))


def finished(name: str, current: ChannelState | None, order: int | None) -> ChannelState:
    """Give a channel's state after the collection that an entry ordered.

    Raises:
        RefusedError: it is not what the log waits for.
    """
    collecting = current.collecting if current else None
    if current is None or collecting is None or collecting.entry != order:
        newer = f"entry {collecting.entry} does" if collecting else "nothing does"
        raise RefusedError(f"entry {order} orders no collection of channel {name} any more: {newer}")
    return dataclasses.replace(current, collecting=None)
