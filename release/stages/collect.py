"""Collect: delete from a channel what the log orders deleted, after looking again that nothing needs it.

The collect key deletes below channels and nowhere else. The bucket keeps what it deletes below delete markers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from release.core.approval import stamp
from release.core.collection import Collected, Leftover
from release.core.config import Config
from release.core.handover import LARGEST as LARGEST_POINTER
from release.core.handover import read_pointer
from release.core.plan import DeleteObject, Plan
from release.effects.execute import execute
from release.effects.leftovers import Channel, Strange, channel_of
from release.effects.ordered import Ordered, pending
from release.effects.slots import Slots
from release.errors import IntegrityError, NothingToDoError, RefusedError
from release.ports import Clock, Console, ObjectStore

AT_ONCE: Final = 100
"""Deletes between two looks at the log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What is gone, what this run deleted for it, and how much it had to (`plan`)."""

    collected: Collected
    plan: Plan
    deleted: int


def run(
    config: Config, name: str, slots: Slots, site: ObjectStore, clock: Clock, console: Console, *, dry_run: bool
) -> Report:
    """Carry out the order that the log has for a channel; what is gone already is gone.

    Raises:
        NothingToDoError: the log orders nothing deleted.
        RefusedError: the channel moved since, or the order is too old; nothing more is deleted.
        IntegrityError: something that is to be deleted is needed, or is not what was ordered; nothing is deleted.
    """
    order = _order(slots, name)
    _require_standing(slots, order, clock.now())
    left = list(_still_there(config, order, slots, site, clock.now()))
    actions = [
        DeleteObject(key=config.layout.channel_file(name, file.path), sha256=file.sha256, etag=file.etag)
        for file in left
    ]
    collected = Collected(
        library=config.library.name,
        channel=name,
        entry=order.event.index,
        collection=order.event.manifest,
        deleted=tuple(config.layout.channel_file(name, path) for path in sorted(order.collection.paths)),
    )
    if not dry_run:
        with console.progress(f"collecting garbage of {name}", len(actions)) as progress:
            for start in range(0, len(actions), AT_ONCE):
                _require_standing(slots, order, clock.now())
                execute((tuple(actions[start : start + AT_ONCE]),), site, progress=progress)
    return Report(collected=collected, plan=(tuple(actions),), deleted=0 if dry_run else len(actions))


def ordered_channels(slots: Slots) -> list[str]:
    """List the channels that the log orders something deleted from."""
    return sorted(name for name, state in slots.tail().state.channels.items() if state.collecting)


def _order(slots: Slots, name: str) -> Ordered:
    order = pending(slots, name, slots.tail().state.channels.get(name))
    if order is None:
        raise NothingToDoError(
            f"the log orders nothing deleted from channel {name}", hint=f"release record collect {name}"
        )
    return order


def _require_standing(slots: Slots, order: Ordered, at: datetime) -> None:
    """Stop where a newer entry moved the channel or took over, or time is up (RefusedError)."""
    name, index = order.event.channel or "", order.event.index
    state = slots.tail().state.channels.get(name)
    if state is None or state.entry != order.collection.entry:
        raise RefusedError(
            f"channel {name} was moved after entry {index} ordered its garbage deleted",
            hint=f"nothing more is deleted; two hours after the order: release record collect {name}",
        )
    if state.collecting is None or state.collecting.entry != index:
        raise RefusedError(f"entry {index} orders nothing deleted any more", hint="release collect, again")
    if stamp(at) >= state.collecting.until:
        raise RefusedError(
            f"the order of entry {index} was to be carried out until {state.collecting.until}",
            hint=f"an hour after that: release record collect {name}, then collect at once",
        )


def _still_there(config: Config, order: Ordered, slots: Slots, site: ObjectStore, at: datetime) -> Iterator[Leftover]:
    """Judge again what is ordered, from the log, the manifests and the pointer, as if nobody had judged it before."""
    name = order.event.channel or ""
    state = slots.tail().state.channels[name]
    channel = channel_of(config, slots, site, name, state, at=at)
    shown = _shown(config, site, name)
    for file in order.collection.files:
        if (by := channel.needed.get(file.path) or shown.get(file.path)) is not None:
            raise IntegrityError(
                f"{file.path} of {name} is to be deleted by log entry {order.event.index}, and version {by} needs it",
                hint="nothing was deleted: find out who wrote that entry",
            )
    yield from _judged(channel, order)


def _judged(channel: Channel, order: Ordered) -> Iterator[Leftover]:
    layout, name = channel.config.layout, channel.name
    wanted = {file.path: file for file in order.collection.files}
    for found in channel.judged(layout.channel_file(name, path) for path in sorted(wanted)):
        if isinstance(found, Strange):
            raise IntegrityError(
                f"{found}, and log entry {order.event.index} orders it deleted",
                hint="nothing was deleted: it is no garbage; release audit",
            )
        if (found.sha256, found.etag) != (wanted[found.path].sha256, wanted[found.path].etag):
            raise IntegrityError(
                f"{found.path} of {name} is not the file that log entry {order.event.index} orders deleted",
                hint="nothing was deleted: somebody wrote it since; release audit",
                evidence={"ordered": wanted[found.path].sha256, "found": found.sha256},
            )
        yield found


def _shown(config: Config, site: ObjectStore, name: str) -> dict[str, str]:
    """Give the files that the pointer in the bucket names, whoever put it there."""
    key = config.layout.pointer(name)
    found = site.read(key, limit=LARGEST_POINTER)
    if found is None:
        return {}
    pointer = read_pointer(found.body, name=key)
    return {file.path: pointer.version for file in pointer.files}
