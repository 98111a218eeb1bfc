"""Record a collection: order a channel's garbage deleted, and say that it was."""

from dataclasses import dataclass
from typing import Final

from release.core import document
from release.core.caching import DOCUMENT
from release.core.channels import find
from release.core.collecting import is_over
from release.core.collection import Collected, Collection
from release.core.entry import FINISHED, ORDERED
from release.core.evidence import Evidence
from release.core.manifest import digest
from release.core.succession import Intent
from release.effects.leftovers import channel_of, collection_of
from release.effects.ordered import list_of, pending
from release.effects.recorder import Recorder, Report
from release.errors import NothingToDoError, RefusedError
from release.ports import ObjectStore

DEEPEST: Final = 100
"""How many entries back a collection that was concluded already is looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was found in a channel. `report` is None if nothing is garbage; `strange` files are drift, and stay."""

    channel: str
    collection: Collection | None
    report: Report | None
    strange: tuple[str, ...] = ()


def order(recorder: Recorder, site: ObjectStore, name: str, *, dry_run: bool) -> Found:
    """Record which files of a channel are garbage and shall be deleted; an order under way stays the order.

    Raises:
        NothingToDoError: the channel serves nothing.
        RefusedError: there is no such channel, or it moved meanwhile.
    """
    find(recorder.config.channels, name)
    slots, at = recorder.slots, recorder.clock.now()
    state = slots.tail().state.channels.get(name)
    if state is None:
        raise NothingToDoError(f"channel {name} serves nothing, so nothing in it is garbage", hint="release status")
    if state.collecting and not is_over(state.collecting, at=at) and (known := pending(slots, name, state)):
        return Found(channel=name, collection=known.collection, report=recorder.again(known.event, dry_run=dry_run))
    collection, strange = collection_of(channel_of(recorder.config, slots, site, name, state, at=at))
    drift = tuple(str(one) for one in strange)
    if collection is None:
        return Found(channel=name, collection=None, report=None, strange=drift)
    body = document.encode(collection)
    intent = Intent(
        action=ORDERED,
        version="",
        manifest=digest(body),
        channel=name,
        reason=_counts(collection),
        evidence=(Evidence(kind="collection", media_type=DOCUMENT, sha256=digest(body)),),
        looked_at=state,
    )
    if not dry_run:
        slots.leave_evidence(body)
    report = recorder.append(intent, dry_run=dry_run)
    return Found(channel=name, collection=collection, report=report, strange=drift)


def finish(recorder: Recorder, site: ObjectStore, collected: Collected, *, dry_run: bool) -> Report:
    """Record that a channel's garbage was deleted, after finding that it is gone.

    Raises:
        RefusedError: some of it is still there, or the log waits for no such collection.
    """
    slots, name = recorder.slots, collected.channel
    tail = slots.tail()
    for event in slots.events(first=max(0, tail.size - DEEPEST), size=tail.size):
        if (event.action, event.outcome_of) == (FINISHED, collected.entry):
            return recorder.again(event, dry_run=dry_run)
    ordered = slots.read(collected.entry)
    if (ordered.action, ordered.channel, ordered.manifest) != (ORDERED, name, collected.collection):
        raise RefusedError(f"log entry {collected.entry} orders no such collection of {name}", hint="release collect")
    layout, paths = recorder.config.layout, list_of(slots, ordered).paths
    there = [key for path in sorted(paths) if site.describe(key := layout.channel_file(name, path))]
    if there:
        raise RefusedError(
            f"{there[0]} is still there, and {len(there) - 1} more that log entry {collected.entry} orders deleted",
            hint=f"release collect {name}, again",
        )
    intent = Intent(
        action=FINISHED,
        version="",
        manifest=collected.collection,
        channel=name,
        outcome_of=collected.entry,
        reason=f"{len(paths)} files deleted",
    )
    return recorder.append(intent, dry_run=dry_run)


def _counts(collection: Collection) -> str:
    files, size = len(collection.files), sum(file.bytes for file in collection.files)
    versions = len({file.version for file in collection.files})
    more = f"; {collection.left} more are left for the next time" if collection.left else ""
    return f"{files} files, {size:,} bytes, of {versions} versions that it served before {collection.since}{more}"
