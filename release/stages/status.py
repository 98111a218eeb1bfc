"""Status: what each channel serves, since when, by whose doing, and whether that is what the log says."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from release.core import document
from release.core import plan as planning
from release.core.config import Config
from release.core.entry import ChannelState, Event
from release.core.handover import LARGEST as LARGEST_POINTER
from release.core.handover import Pointer
from release.core.slot import Invalid
from release.effects.channel_drift import file_drift, pointer_drift, recorded_manifest, says
from release.effects.ring_places import RingPlace, places
from release.effects.slots import Slots
from release.errors import NothingToDoError, ReleaseError
from release.ports import Clock, ObjectStore, PublicSite

ORIGIN: Final = "https://customer.example"
OK: Final = 200  # RFC 9110, 15.3.1


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelStatus:
    """One channel. `since` is RFC 3339; `drift` says how the world differs from the log."""

    channel: str
    version: str
    outcome: str
    since: str
    entry: int
    pipeline: str | None
    cache_control: str | None
    drift: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All channels of the log, in order of name, the yanked versions, and what awaits a review until when.

    `invalid` are the newest slots, if they hold no entry.
    """

    entries: int
    channels: tuple[ChannelStatus, ...]
    yanked: tuple[str, ...]
    reviews: Mapping[str, str]
    invalid: tuple[Invalid, ...]
    rings: tuple[RingPlace, ...] = ()


def run(
    config: Config, slots: Slots, site: ObjectStore, public: PublicSite | None, *, at: datetime | None = None
) -> Report:
    """Compare the log, the bucket and (unless `public` is None) the public address.

    `at` is the time by which what the rings hold is told.

    Raises:
        NothingToDoError: nothing was ever promoted.
    """
    tail = slots.tail()
    if not tail.state.channels:
        raise NothingToDoError("no channel serves anything yet", hint="release record promote, release promote")
    rows = []
    for name, state in sorted(tail.state.channels.items()):
        event = slots.read(state.entry)
        rows.append(
            ChannelStatus(
                channel=name,
                version=state.version,
                outcome=state.outcome,
                since=event.occurred_at,
                entry=state.entry,
                pipeline=event.pipeline.url,
                cache_control=_cache_control(config, site, name),
                drift=tuple(_drift(config, site, public, event, state)),
            )
        )
    return Report(
        entries=tail.size,
        channels=tuple(rows),
        yanked=tuple(sorted(tail.state.yanked)),
        reviews=tail.state.reviews,
        invalid=tail.invalid,
        rings=places(config, slots, tail.state, at=at) if at else (),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One of many looks, at a time: a report, or the problem that kept it from being made."""

    at: datetime
    report: Report | None = None
    problem: str | None = None


def looks(look: Callable[[], Report], clock: Clock, *, every: float) -> Iterator[Look]:
    """Look again and again, for ever. A look that fails is said and ends nothing: who watches wants to see it mend."""
    while True:
        at = clock.now()
        try:
            yield Look(at=at, report=look())
        except ReleaseError as why:
            yield Look(at=at, problem=why.message)
        clock.sleep(every)


def _cache_control(config: Config, site: ObjectStore, channel: str) -> str | None:
    info = site.describe(config.layout.pointer(channel))
    return info.headers.cache_control if info else None


def _drift(
    config: Config, site: ObjectStore, public: PublicSite | None, authorised: Event, state: ChannelState
) -> Iterator[str]:
    if state.outcome == "authorized":
        yield "no outcome is recorded: the promotion is under way or was cut off"
    if state.outcome == "failed":
        yield "its verification failed"
    manifest = recorded_manifest(config, site, state)
    if manifest is None:
        yield f"{config.layout.manifest(state.version)} is not the manifest of the log"
        return
    pointer = planning.pointer_for(config, manifest, authorised)
    yield from pointer_drift(config, site, pointer)
    yield from file_drift(config, site, pointer.channel, manifest)
    if public is not None:
        yield from _public_drift(config, public, pointer)


def _public_drift(config: Config, public: PublicSite, pointer: Pointer) -> Iterator[str]:
    path = "/" + config.layout.pointer(pointer.channel)
    try:
        got = public.fetch(path, encoding="identity", origin=ORIGIN, limit=LARGEST_POINTER)
    except ReleaseError as why:
        yield f"the public address: {why.message}"
        return
    if got.status != OK:
        yield f"the public address: HTTP {got.status}"
    elif got.body != document.encode(pointer):
        yield f"the public address still {says(got.body, path)}"
