"""Foresee: what a rollback would do, for the person who is about to do it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from release.core.approval import Approval
from release.core.config import Config
from release.core.duration import rough
from release.core.entry import ChannelState, Event
from release.core.succession import Intent, Tail
from release.effects.authority import Asked, permit
from release.effects.choice import DEEPEST_ROLLBACK
from release.effects.log_view import LogView
from release.effects.published import published_entry, published_manifest
from release.effects.slots import Slots
from release.effects.trusted import load
from release.errors import ReleaseError
from release.ports import Clock, ObjectStore

# `tests/unit/test_rollback_requests.py` counts them; a version more, or a customer more, changes neither.
REQUESTS, REQUESTS_A_FILE = 47, 4
DOWNLOADS, DOWNLOADS_A_FILE = 9, 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """One of the two versions: `event` let the channel serve it, `ended` says how; None: it never served it."""

    version: str
    event: Event | None
    outcome: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Foresight:
    """What would be done. `approval` says who permits it, or why nobody does; `files` is None if that is not known."""

    leaves: Served | None
    goes_to: Served
    approval: str
    permitted: bool
    files: int | None
    last_move: timedelta | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Eyes:
    """What is looked at, all of it with a key that reads."""

    config: Config
    slots: Slots
    site: ObjectStore
    view: LogView
    clock: Clock
    given: tuple[Approval, ...]


def run(eyes: Eyes, tail: Tail, channel: str, version: str) -> Foresight:
    """Look ahead. Whatever cannot be found out is said so, and stops nobody.

    Raises:
        ReleaseError: the log cannot be read.
    """
    current = tail.state.channels.get(channel)
    permitted, approval = _approval(eyes, tail, channel, version)
    return Foresight(
        leaves=_served(eyes.slots, current) if current else None,
        goes_to=_earlier(eyes.slots, current, version),
        approval=approval,
        permitted=permitted,
        files=_files(eyes, version),
        last_move=_took(eyes.slots, current),
    )


def lines(found: Foresight, *, now: datetime) -> Iterator[str]:
    """Write it for people."""
    for served in (found.leaves, found.goes_to):
        if served is not None:
            yield f"  {_line(served, now)}"
    yield f"  approval: {found.approval}"
    work = "five steps"
    if found.files is not None:
        requests = REQUESTS + REQUESTS_A_FILE * found.files
        downloads = DOWNLOADS + DOWNLOADS_A_FILE * found.files
        files = "1 file" if found.files == 1 else f"{found.files} files"
        work = f"{files}, about {requests} requests to S3 and {downloads} downloads to verify it"
    if found.last_move is not None:
        work += f"; from its entry to its outcome the last move took {rough(found.last_move)}"
    yield f"  work: {work}"


def _served(slots: Slots, state: ChannelState) -> Served:
    return Served(version=state.version, event=slots.read(state.entry), outcome=state.outcome)


def _earlier(slots: Slots, current: ChannelState | None, version: str) -> Served:
    state = current
    for _ in range(DEEPEST_ROLLBACK):
        state = slots.read(state.entry).before if state else None
        if state is None:
            break
        if state.version == version:
            return _served(slots, state)
    return Served(version=version, event=None, outcome="")


def _approval(eyes: Eyes, tail: Tail, channel: str, version: str) -> tuple[bool, str]:
    try:
        trusted = load(eyes.config, eyes.slots)
        if trusted.newest is None:
            return True, "nobody has to approve, [approvals] required = false"
        published = published_entry(eyes.slots, version)
        intent = Intent(
            action="rollback.authorized",
            version=version,
            manifest=published.manifest,
            channel=channel,
            source=published.source,
        )
        asked = Asked(
            config=eyes.config,
            slots=eyes.slots,
            clock=eyes.clock,
            trusted=trusted,
            newest=trusted.newest,
            view=eyes.view,
            given=eyes.given,
            repository=None,
            actor=None,
        )
        permission = permit(asked, intent, tail)
    except ReleaseError as why:
        return False, f"MISSING: {why.message}" + (f"; next: {why.hint}" if why.hint else "")
    if isinstance(permission, Event):
        return True, f"log entry {permission.index} authorises it already"
    return True, "given by " + ", ".join(f"{a.principal} ({a.role})" for a in permission.approvals)


def _files(eyes: Eyes, version: str) -> int | None:
    try:
        recorded = published_entry(eyes.slots, version).manifest
        return len(published_manifest(eyes.config, eyes.site, version, recorded).artifacts)
    except ReleaseError:
        return None  # the record stage tells why, before anything is changed


def _took(slots: Slots, state: ChannelState | None) -> timedelta | None:
    if state is None or state.concluded is None:
        return None
    times = [datetime.fromisoformat(slots.read(index).occurred_at) for index in (state.concluded, state.entry)]
    return times[0] - times[1]


def _line(served: Served, now: datetime) -> str:
    if served.event is None:
        return f"{served.version}: this channel never served it in its last {DEEPEST_ROLLBACK} moves"
    event = served.event
    age = rough(now - datetime.fromisoformat(event.occurred_at))
    ended = {"completed": "verified", "failed": "its verification FAILED"}.get(served.outcome, "no outcome is recorded")
    who = event.pipeline.url or event.pipeline.actor or "no pipeline"
    names = ", ".join(f"{a.principal} ({a.role})" for a in event.approvals)
    approved = f", approved by {names}" if names else ""
    return (
        f"{served.version}: released {event.occurred_at} ({age} ago) by {who}{approved}; {ended}, entry {event.index}"
    )
