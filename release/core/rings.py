"""Rings: a version goes from channel to channel in order, stays on each for a while, and must do well there.

A channel that is not in the order is held by no ring. A way back is never held up.
"""

from dataclasses import dataclass
from datetime import datetime

from release.core.entry import ChannelState, Event, State
from release.core.evidence import Evidence
from release.core.ring_rule import RingRule
from release.errors import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What was found of the ring before: what it serves, since when that is verified, and the gate's answer."""

    on: ChannelState
    since: datetime
    verdict: Evidence | None = None


def on_ring_before(rule: RingRule, state: State, channel: str, version: str, manifest: str) -> ChannelState | None:
    """Give what the ring before serves, once that is the version, verified; None for the first ring.

    Raises:
        RefusedError: it serves something else, or is not verified.
    """
    if rule.after is None:
        return None
    on = state.channels.get(rule.after)
    if on is None or (on.version, on.manifest) != (version, manifest):
        raise RefusedError(
            f"{version} goes to {rule.after} before it goes to {channel}: {rule.after} serves"
            f" {on.version if on else 'nothing'}",
            hint=f"release record promote {rule.after} --version {version}",
        )
    if on.outcome != "completed":
        raise RefusedError(
            f"{version} did not complete on {rule.after}, the ring before {channel}: it is {on.outcome}",
            hint=f"finish it there: release promote {rule.after}, and what follows",
        )
    return on


def check(rule: RingRule, wanted: tuple[str, str, str], state: State, standing: Standing | None, at: datetime) -> None:
    """Refuse a promotion that the rule holds; `wanted` are channel, version and manifest.

    Raises:
        RefusedError: it is not the version's turn, not yet, or not today; or the ring before changed meanwhile.
    """
    channel, version, _ = wanted
    on = on_ring_before(rule, state, channel, version, wanted[2])
    if on is not None and (standing is None or standing.on != on):
        raise RefusedError(
            f"{rule.after}, the ring before {channel}, changed while this was recorded",
            hint="run the same command again",
        )
    if rule.waived:
        return
    if standing is not None and at < rule.soaked(standing.since):
        raise RefusedError(
            f"{version} stays on {rule.after} until {rule.soaked(standing.since):%Y-%m-%dT%H:%M:%SZ}:"
            f" {rule.soak_hours} hours since it was verified there",
            hint=f"run the same command then; in an emergency: release request {channel} {version} --emergency",
        )
    if not rule.works(at):
        raise RefusedError(
            f"{channel} gets no version now: {rule.working_time()}",
            hint=f"run the same command then; in an emergency: release request {channel} {version} --emergency",
        )
    if rule.gate and (standing is None or standing.verdict is None):
        raise RefusedError(f"the gate of {rule.after} did not let {version} go on to {channel}", hint="release gate")


def took_back(event: Event, version: str) -> bool:
    """Tell whether an entry is the way back by which a gate took this version from its ring."""
    by_gate = event.action == "rollback.authorized" and any(one.kind == "gate" for one in event.evidence)
    return by_gate and event.before is not None and event.before.version == version


def holding(rule: RingRule, on: ChannelState, since: datetime, at: datetime) -> str:
    """Say what holds a version that the ring before serves."""
    if on.outcome != "completed":
        return f"{on.version} is {on.outcome} on {rule.after}"
    if at < rule.soaked(since):
        return f"{on.version} stays on {rule.after} until {rule.soaked(since):%Y-%m-%dT%H:%M:%SZ}"
    if not rule.works(at):
        return f"{on.version} waits for {rule.working_time()}"
    return f"{on.version} may come from {rule.after}{', if its gate is open' if rule.gate else ''}"
