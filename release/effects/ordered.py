"""The list of a collection that the log orders, read from its evidence."""

from dataclasses import dataclass

from release.core.collecting import UnderCollectionError
from release.core.collection import LARGEST, Collection, read_collection
from release.core.entry import ORDERED, ChannelState, Event
from release.core.manifest import Manifest, digest
from release.effects.slots import Slots
from release.errors import LogError, RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Ordered:
    """The entry and its list."""

    event: Event
    collection: Collection


def pending(slots: Slots, name: str, state: ChannelState | None) -> Ordered | None:
    """Give the collection of a channel that is under way; None if there is none (LogError: its list is damaged)."""
    if state is None or state.collecting is None:
        return None
    event = slots.read(state.collecting.entry)
    if (event.action, event.channel) != (ORDERED, name):
        raise LogError(f"log entry {event.index} orders no collection of channel {name}, though the newest one says so")
    return Ordered(event=event, collection=list_of(slots, event))


def list_of(slots: Slots, event: Event) -> Collection:
    """Read the list that an entry orders deleted (LogError: it is gone, or other bytes)."""
    key = slots.layout.evidence(event.manifest)
    found = slots.store.read(key, limit=LARGEST)
    if found is None or digest(found.body) != event.manifest:
        raise LogError(f"{key} is not the list of log entry {event.index}", hint="compare with the replica")
    return read_collection(found.body, name=key, library=event.component, channel=event.channel or "")


def spared(slots: Slots, why: UnderCollectionError, name: str, manifest: Manifest) -> int:
    """Give the collection that stood in a move's way, if the version needs none of what it deletes.

    Raises:
        RefusedError: it does; or there is another collection by now.
    """
    under_way = pending(slots, name, slots.tail().state.channels.get(name))
    if under_way is None or under_way.event.index != why.entry:
        raise why
    lost = sorted(under_way.collection.paths & {file.path for file in manifest.artifacts})
    if lost:
        raise RefusedError(
            f"{lost[0]}{f' and {len(lost) - 1} more' if lost[1:] else ''} of {manifest.version} may be deleted from "
            f"{name} at this moment: log entry {why.entry} orders it",
            hint=why.hint,
        )
    return why.entry
