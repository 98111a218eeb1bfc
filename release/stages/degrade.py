"""Degrade: the way back while the release log cannot be written, as far as release.toml allows it.

Nothing goes live that is not in the log, here too: an earlier entry authorised the same version for the same channel,
and the log says that it went well. What is missing is only the entry that says that the channel went back.
"""

from dataclasses import dataclass
from datetime import datetime

from release.core.approval import stamp
from release.core.entry import Event
from release.core.handover import Order
from release.core.succession import Tail
from release.core.unlogged import Move
from release.effects.read_only_log import earlier
from release.effects.recorder import Recorder
from release.errors import NotFoundError, ReadOnlyLogError, RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The order to carry out, and what of it the log does not know."""

    order: Order
    move: Move


def run(recorder: Recorder, wanted: Event, why: ReadOnlyLogError) -> Report:
    """Find the earlier entry that a channel may follow again.

    Args:
        recorder: the log; it is only read.
        wanted: the entry that would have been written: rules and approvals permit it.
        why: what the log bucket answered instead.

    Raises:
        ReadOnlyLogError: release.toml says that a rollback is refused then.
        RefusedError: there is no such earlier entry, or its pointer is too old to be believed.
        NotFoundError: the pointer of that entry was not recorded.
    """
    channel = wanted.channel or ""
    if recorder.config.log.when_read_only != "degrade":
        raise refusal(wanted, why)
    tail, now = recorder.slots.tail(), recorder.clock.now()
    found = earlier(recorder.slots, tail, channel, wanted.version)
    _check_pointer(recorder, found, now)
    move = Move(
        version=found.version,
        manifest=found.manifest,
        entry=found.index,
        leaves=_newest(tail, channel),
        size=tail.size,
        reason=wanted.reason or "",
        at=stamp(now),
        why=why.message[:2000],
        outcome="authorized",
        pipeline=recorder.pipeline,
    )
    order = Order(
        kind="rollback",
        library=recorder.config.library.name,
        channel=channel,
        version=found.version,
        manifest=found.manifest,
        entry=found.index,
        leaves=move.leaves,
    )
    return Report(order=order, move=move)


def refusal(wanted: Event, why: ReadOnlyLogError) -> ReadOnlyLogError:
    """Say what could not be logged, and that nothing was changed."""
    return ReadOnlyLogError(
        f"{wanted.action} {wanted.version} on {wanted.channel} could not be logged as entry {wanted.index}, "
        f"and {wanted.channel} was left as it is: {why.message}",
        hint="make the log bucket writable and run the same command again; "
        "or let it go back without: [log] when-read-only = 'degrade' (docs/rollback.md)",
        evidence=why.evidence,
    )


def _newest(tail: Tail, channel: str) -> int:
    state = tail.state.channels.get(channel)
    if state is None:
        raise RefusedError(f"channel {channel} serves nothing that could be rolled back")
    return state.entry


def _check_pointer(recorder: Recorder, found: Event, now: datetime) -> None:
    """Make sure that there is something to copy, before anything moves; promote proves what it says."""
    pointer = recorder.slots.pointer(found.index)
    if pointer is None:
        raise NotFoundError(f"the pointer of log entry {found.index} was not recorded", hint="make the log writable")
    if pointer.expires <= stamp(now):
        raise RefusedError(
            f"the pointer of log entry {found.index} may be believed until {pointer.expires} only",
            hint="make the log bucket writable: then a new one is written",
        )
