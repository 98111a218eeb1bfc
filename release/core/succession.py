"""How one log entry follows another: from the newest entry and an intent to the next entry.

These are the rules of promotion, rollback and yank. They are pure: whoever loses the race
for a slot reads the new tail and asks again, and the answer may then be a refusal.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from release.core import channels as rules
from release.core import document
from release.core import rings as ring_rules
from release.core.approval import before_of, stamp
from release.core.channels import Channel
from release.core.collecting import check_spared, finished, ordered
from release.core.entry import (
    ABOUT,
    FINISHED,
    ROTATED,
    Action,
    ChannelState,
    Event,
    Origin,
    Outcome,
    Previous,
    State,
    TrustReference,
)
from release.core.evidence import Evidence
from release.core.permission import Grant
from release.core.pipeline import Pipeline
from release.core.ring_rule import RingRule
from release.core.ring_section import Rings, rule_for
from release.core.rings import Standing
from release.core.slot import Invalid
from release.core.trust_change import announced, check_judged, since
from release.core.version import parse_version
from release.errors import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Tail:
    """The newest entry, and the number of slots with those after it that hold no entry (`invalid`, in order).

    `event` is None for a log without an entry; `leaf_hash` is that of the last slot, whatever it holds.
    """

    size: int = 0
    event: Event | None = None
    leaf_hash: str = ""
    invalid: tuple[Invalid, ...] = ()

    def and_then(self, found: Event | Invalid, leaf_hash: str) -> "Tail":
        """Give the tail of the log with one more slot."""
        if isinstance(found, Event):
            return Tail(size=self.size + 1, event=found, leaf_hash=leaf_hash)
        return Tail(size=self.size + 1, event=self.event, leaf_hash=leaf_hash, invalid=(*self.invalid, found))

    @property
    def state(self) -> State:
        """The state after the newest entry."""
        return self.event.after if self.event else State()


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """What is to be logged, before it has a place in the log.

    `grant` is the permission that people gave for it, `trust` the epoch that it announces; `asked` says that it is
    not to be logged yet, but people are to be asked for permission. `standing` is how the ring before does, where
    there is one. A collection was computed from the channel as it was when `looked_at`; a move `spares` the collection
    of that entry, if it needs no file that this one deletes.
    """

    action: Action
    version: str
    manifest: str
    channel: str | None = None
    outcome_of: int | None = None
    reason: str | None = None
    source: Origin | None = None
    evidence: tuple[Evidence, ...] = ()
    grant: Grant | None = None
    trust: TrustReference | None = None
    asked: bool = False
    standing: Standing | None = None
    looked_at: ChannelState | None = None
    spares: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """What all entries of one log share."""

    origin: str
    component: str
    channels: Mapping[str, Channel]
    pipeline: Pipeline
    rings: Rings | None = None


def already(tail: Tail, intent: Intent) -> int | None:
    """Give the index of the entry that said the same, where the state shows it; else None.

    This is what makes a second run of a job harmless: a channel that is already authorised
    for these bytes, or already has this outcome, needs no second entry.
    """
    newest = tail.event
    if newest is not None and _step(newest) == _step(intent):
        return newest.index
    if intent.action == "version.yanked":
        return tail.state.yanked.get(intent.version)
    if intent.trust or intent.action in {"review.completed", ROTATED}:
        return since(tail.state.trust, intent.trust)
    if intent.channel is None or (state := tail.state.channels.get(intent.channel)) is None:
        return None
    same = (state.version, state.manifest) == (intent.version, intent.manifest)
    if intent.action.endswith(".authorized"):
        return state.entry if same and state.outcome != "failed" else None
    settled = same and state.entry == intent.outcome_of and state.outcome == _outcome(intent.action)
    return state.concluded if settled else None


def restates(event: Event, intent: Intent) -> bool:
    """Tell whether an entry that `already` found stands for the intent: a new approval makes a new entry."""
    return intent.grant is None or intent.grant.approvals == event.approvals


def _step(said: Event | Intent) -> tuple[object, ...]:
    return (said.action, said.version, said.manifest, said.channel, said.outcome_of)


def follow(log: Log, tail: Tail, intent: Intent, *, at: datetime) -> Event:
    """Give the event that would come after `tail`.

    Raises:
        RefusedError: a rule forbids it.
    """
    index, ring = tail.size, ring_of(log, intent)
    before = tail.state.channels.get(intent.channel or "")
    return Event(
        event_id=_event_id(log, intent, tail),
        origin=log.origin,
        index=index,
        action=intent.action,
        outcome_of=intent.outcome_of,
        occurred_at=stamp(at),
        component=log.component,
        version=intent.version,
        channel=intent.channel,
        manifest=intent.manifest,
        reason=intent.reason,
        prev=Previous(index=tail.size - 1, leaf_hash=tail.leaf_hash) if tail.size else None,
        before=before,
        after=_after(log, tail.state, intent, index, at, ring),
        source=intent.source,
        evidence=intent.evidence + _verdict(intent, ring),
        approvals=intent.grant.approvals if intent.grant else (),
        emergency=intent.grant is not None and intent.grant.emergency,
        trust=intent.grant.trust if intent.grant else intent.trust,
        ring=ring,
        pipeline=log.pipeline,
    )


def ring_of(log: Log, intent: Intent) -> RingRule | None:
    """Give the ring's rule that a promotion is held to; an emergency passes what takes time (RefusedError)."""
    if intent.action != "promote.authorized" or intent.asked:
        return None
    rule = rule_for(log.rings, log.channels, intent.channel or "", intent.version)
    if rule is None or intent.grant is None or not intent.grant.emergency:
        return rule
    return dataclasses.replace(rule, waived=True)


def _verdict(intent: Intent, ring: RingRule | None) -> tuple[Evidence, ...]:
    """The gate's answer belongs to an entry that it let pass."""
    verdict = intent.standing.verdict if intent.standing and ring else None
    return (verdict,) if verdict else ()


def _after(log: Log, state: State, intent: Intent, index: int, at: datetime, ring: RingRule | None) -> State:
    match intent.action:
        case "publish.completed" | "keys.rotated":
            return state
        case "trust.changed":
            return dataclasses.replace(state, trust=announced(state.trust, intent.trust, index))
        case "version.yanked":
            return _yank(state, intent, index)
        case "promote.authorized" | "rollback.authorized":
            if not intent.asked:
                check_spared(intent.channel or "", state.channels.get(intent.channel or ""), intent.spares, at=at)
            moved = _moved(state, intent, _authorize(log, state, intent, index))
            if ring is not None:
                wanted = (intent.channel or "", intent.version, intent.manifest)
                ring_rules.check(ring, wanted, state, intent.standing, at)
            return _awaiting_review(moved, intent, index, at)
        case "review.completed":
            return _reviewed(state, intent)
        case (
            "collect.ordered"
            | "collect.finished"
            | ("promote.completed" | "rollback.completed" | "promote.failed" | "rollback.failed")
        ):
            ended = _collect(state, intent, index, at) if intent.action in ABOUT else _settle(state, intent, index)
            return _moved(state, intent, ended)


def _moved(state: State, intent: Intent, channel: ChannelState) -> State:
    return dataclasses.replace(state, channels={**state.channels, intent.channel or "": channel})


def _authorize(log: Log, state: State, intent: Intent, index: int) -> ChannelState:
    channel, version = intent.channel or "", parse_version(intent.version)
    backwards = intent.action == "rollback.authorized"
    current = state.channels.get(channel)
    if not intent.asked:
        check_judged(state.trust, intent.grant.trust if intent.grant else None)
    if intent.grant and intent.grant.serves != before_of(current):
        raise RefusedError(
            f"the approval for {channel} is stale: another release took the channel while this one was recorded",
            hint=f"ask again: release request {channel} {intent.version}",
        )
    if (yank := state.yanked.get(intent.version)) is not None:
        raise RefusedError(
            f"version {intent.version} was yanked (log entry {yank}) and cannot be promoted",
            hint=f"'release log show {yank}' tells why; release a new version instead",
        )
    if backwards and not (intent.reason or "").strip():
        raise RefusedError("a rollback needs a reason", hint="say why: --reason '...'")
    if backwards and current is None:
        raise RefusedError(f"channel {channel} serves nothing that could be rolled back")
    if backwards and current and version > parse_version(current.version):
        raise RefusedError(
            f"channel {channel} serves {current.version}: {intent.version} is newer, that is no rollback",
            hint=f"going forward: release record promote {channel} --version {intent.version}",
        )
    rules.check_move(
        log.channels,
        channel,
        version,
        serves=parse_version(current.version) if current else None,
        backwards=backwards,
    )
    return ChannelState(
        version=intent.version,
        manifest=intent.manifest,
        pointer_version=current.pointer_version + 1 if current else 1,
        entry=index,
        outcome="authorized",
        collecting=current.collecting if current else None,
    )


def _collect(state: State, intent: Intent, index: int, at: datetime) -> ChannelState:
    name = intent.channel or ""
    current = state.channels.get(name)
    if intent.action == FINISHED:
        return finished(name, current, intent.outcome_of)
    return ordered(name, current, intent.looked_at, index, at=at)


def _awaiting_review(state: State, intent: Intent, index: int, at: datetime) -> State:
    if intent.grant is None or intent.grant.review_hours is None:
        return state
    due = stamp(at + timedelta(hours=intent.grant.review_hours))
    return dataclasses.replace(state, reviews={**state.reviews, str(index): due})


def _reviewed(state: State, intent: Intent) -> State:
    reviewed = str(intent.outcome_of)
    check_judged(state.trust, intent.grant.trust if intent.grant else None)
    if reviewed not in state.reviews:
        raise RefusedError(
            f"log entry {reviewed} awaits no review", hint="it was no emergency, or is reviewed: release log list"
        )
    return dataclasses.replace(state, reviews={n: due for n, due in state.reviews.items() if n != reviewed})


def overdue(reviews: Mapping[str, str], *, at: datetime) -> list[str]:
    """List the entries whose emergency should have been reviewed by now, of those that await a review."""
    return [number for number, due in sorted(reviews.items()) if due < stamp(at)]


def _yank(state: State, intent: Intent, index: int) -> State:
    if serving := [name for name, channel in sorted(state.channels.items()) if channel.version == intent.version]:
        raise RefusedError(
            f"version {intent.version} is what {', '.join(serving)} serves",
            hint=f"first: release rollback {serving[0]} --reason '...'",
        )
    return dataclasses.replace(state, yanked={**state.yanked, intent.version: index})


def _settle(state: State, intent: Intent, index: int) -> ChannelState:
    current = state.channels.get(intent.channel or "")
    if current is None or current.entry != intent.outcome_of:
        newer = f"entry {current.entry} ({current.version})" if current else "nothing"
        raise RefusedError(
            f"channel {intent.channel}: entry {intent.outcome_of} is no longer its newest release, {newer} is",
            hint="a later release or rollback took over; its own pipeline records the outcome",
        )
    if (current.version, current.manifest) != (intent.version, intent.manifest):
        raise RefusedError(
            f"entry {intent.outcome_of} authorised {current.version}, the outcome is of {intent.version}",
            hint="verify again from what 'release promote' left, and record that",
        )
    return dataclasses.replace(current, outcome=_outcome(intent.action), concluded=index)


def _outcome(action: Action) -> Outcome:
    match action.rpartition(".")[2]:
        case "completed":
            return "completed"
        case "failed":
            return "failed"
        case _:
            return "authorized"


def _event_id(log: Log, intent: Intent, tail: Tail) -> str:
    """Name the transition, not the attempt: the same step from the same state has the same id."""
    before = tail.state.channels.get(intent.channel or "")
    step = {
        "origin": log.origin,
        "action": intent.action,
        "version": intent.version,
        "manifest": intent.manifest,
        "channel": intent.channel or "",
        "outcomeOf": -1 if intent.outcome_of is None else intent.outcome_of,
        "pointerVersion": before.pointer_version if before else 0,
    }
    return hashlib.sha256(document.canonical(step)).hexdigest()
