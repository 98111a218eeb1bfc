"""What a release log says, checked against its own rules: one entry after the other, with nothing but the entries.

Written apart from `core.succession`, which decides what may be appended, so that a mistake in one is seen by the
other. The rules that release.toml adds (which channel accepts what) are not in the log and not judged here.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from release.core.entry import (
    FINISHED,
    ORDERED,
    ROTATED,
    ChannelState,
    Collecting,
    Event,
    InForce,
    Origin,
    Outcome,
    State,
)
from release.core.ring_replay import RingReplay
from release.core.version import parse_version
from release.errors import SourceError

# Runners' clocks differ. https://c2sp.org/tlog-tiles knows no time: the order of the slots is what counts.
CLOCK_SLACK: Final = timedelta(minutes=15)
# What an order to collect may take, and what one may still be under way after that.
COLLECTED_WITHIN: Final = timedelta(hours=1)
COLLECTED_SURELY: Final = timedelta(hours=2)


@dataclass(kw_only=True, slots=True)
class Replay:
    """All that the entries up to now amount to.

    Attributes:
        state: of all channels, as replayed.
        published: the manifest of each published version.
        sources: what each was built from, as recorded.
        changelogs: the digest of its changelog section, as recorded.
        newest: the latest entry.
        size: the number of slots, those without an entry included.
        leaf_hash: the last one's RFC 6962 leaf hash, in hex.
    """

    state: State = field(default_factory=State)
    published: dict[str, str] = field(default_factory=dict)
    sources: dict[str, Origin | None] = field(default_factory=dict)
    changelogs: dict[str, str | None] = field(default_factory=dict)
    newest: Event | None = None
    size: int = 0
    leaf_hash: str = ""
    _rings: RingReplay = field(default_factory=RingReplay)
    _latest: datetime | None = None
    _lists: dict[int, str] = field(default_factory=dict)

    def take(self, event: Event, leaf_hash: str) -> Iterator[str]:
        """Take the next entry, and give what is wrong with it; wrong or not, the replay goes on from what it says."""
        yield from self._place(event)
        yield from self._time(event)
        yield from self._rings.take(event, self.state)
        expected = self.state
        try:
            expected, problems = self._expected(event)
            yield from problems
        except SourceError as why:
            yield f"names a version that is none: {why.message}"
        if event.after != expected:
            yield from _differences(expected, event.after)
        self.state, self.newest = event.after, event
        self.skip(event.index, leaf_hash)

    def skip(self, index: int, leaf_hash: str) -> None:
        """Take a slot that holds no entry: it changes nothing, and the next entry follows it."""
        self.size, self.leaf_hash = index + 1, leaf_hash

    def _place(self, event: Event) -> Iterator[str]:
        previous = self.newest
        if event.prev is None:
            if self.size:
                yield "follows no entry, though there is one before it"
        elif (event.prev.index + 1, event.prev.leaf_hash) != (self.size, self.leaf_hash):
            there = f"entry {self.size - 1} with {self.leaf_hash}" if self.size else "none"
            yield f"follows entry {event.prev.index} with leaf hash {event.prev.leaf_hash}; before it is {there}"
        if previous is not None and (event.origin, event.component) != (previous.origin, previous.component):
            yield f"is of the log {event.origin} of {event.component}, not of {previous.origin}"

    def _time(self, event: Event) -> Iterator[str]:
        at = datetime.fromisoformat(event.occurred_at)
        if self._latest is not None and at < self._latest - CLOCK_SLACK:
            yield f"says {event.occurred_at}, which is before an earlier entry's {self._latest:%Y-%m-%dT%H:%M:%SZ}"
        self._latest = at if self._latest is None else max(at, self._latest)

    def _expected(self, event: Event) -> tuple[State, list[str]]:
        match event.action:
            case "publish.completed":
                return self.state, list(self._publish(event))
            case "keys.rotated" | "trust.changed":
                return self._renewal(event)
            case "version.yanked":
                return self._yank(event)
            case "review.completed":
                return self._review(event)
            case "promote.authorized" | "rollback.authorized":
                return self._authorize(event)
            case (
                "promote.completed"
                | "rollback.completed"
                | "promote.failed"
                | "rollback.failed"
                | ("collect.ordered" | "collect.finished")
            ):
                return (self._collect if event.action in {ORDERED, FINISHED} else self._settle)(event)

    def _publish(self, event: Event) -> Iterator[str]:
        parse_version(event.version)
        known = self.published.setdefault(event.version, event.manifest)
        self.sources.setdefault(event.version, event.source)
        self.changelogs.setdefault(event.version, event.source.changelog if event.source else None)
        if known != event.manifest:
            yield f"publishes {event.version} with manifest {event.manifest}; it was published with {known}"

    def _yank(self, event: Event) -> tuple[State, list[str]]:
        serving = [name for name, channel in self.state.channels.items() if channel.version == event.version]
        problems = [f"yanks {event.version}, which {name} serves" for name in serving]
        return dataclasses.replace(self.state, yanked={**self.state.yanked, event.version: event.index}), problems

    def _renewal(self, event: Event) -> tuple[State, list[str]]:
        """Renewed keys change nothing; an epoch decides once it was announced, and none is left out."""
        new, before = event.trust, self.state.trust
        if event.action == ROTATED:
            known = event.manifest in {item.sha256 for item in event.evidence}
            return self.state, [] if known else ["is about a rotation whose document is not its evidence"]
        if new is None:
            return self.state, ["announces no trust epoch"]
        problems = []
        if new.epoch != (wanted := before.epoch + 1 if before else 0):
            problems.append(f"announces trust epoch {new.epoch}, the next one is {wanted}")
        if new.sha256 != event.manifest or new.sha256 not in {item.sha256 for item in event.evidence}:
            problems.append("announces a trust epoch that is not its evidence")
        state = InForce(epoch=new.epoch, sha256=new.sha256, entry=event.index)
        return dataclasses.replace(self.state, trust=state), problems

    def _judged(self, event: Event) -> Iterator[str]:
        """What is approved is judged by the epoch in force."""
        named, force = event.trust, self.state.trust
        if (named and (named.epoch, named.sha256)) != (force and (force.epoch, force.sha256)):
            by = f"trust epoch {named.epoch} ({named.sha256})" if named else "no trust epoch"
            yield f"is judged by {by}; in force is {f'epoch {force.epoch} ({force.sha256})' if force else 'none'}"

    def _authorize(self, event: Event) -> tuple[State, list[str]]:
        name = event.channel or ""
        current = self.state.channels.get(name)
        problems = [*self._judged(event), *self._movement(event, current)]
        new = ChannelState(
            version=event.version,
            manifest=event.manifest,
            pointer_version=current.pointer_version + 1 if current else 1,
            entry=event.index,
            outcome="authorized",
            collecting=current.collecting if current else None,
        )
        state = self._with(name, new)
        if event.emergency:  # how long the review may take stands in the trust epoch, which is not judged here
            due = event.after.reviews.get(str(event.index), event.occurred_at)
            if due <= event.occurred_at:
                problems.append("was an emergency, and no review of it is due")
            state = dataclasses.replace(state, reviews={**state.reviews, str(event.index): due})
        return state, problems

    def _review(self, event: Event) -> tuple[State, list[str]]:
        reviewed, problems = str(event.outcome_of), list(self._judged(event))
        if reviewed not in self.state.reviews:
            return self.state, [*problems, f"reviews entry {reviewed}, which awaits no review"]
        left = {number: due for number, due in self.state.reviews.items() if number != reviewed}
        return dataclasses.replace(self.state, reviews=left), problems

    def _movement(self, event: Event, current: ChannelState | None) -> Iterator[str]:
        if not event.channel:
            yield "names no channel"
        if event.before != current:
            yield "says another state of the channel before it than the entries before it do"
        if self.published.get(event.version) != event.manifest:
            yield f"moves to {event.version} with manifest {event.manifest}, which was never published"
        elif event.source != self.sources.get(event.version):
            yield f"moves to {event.version} as built from another source than it was published from"
        if event.version in self.state.yanked:
            yield f"moves to {event.version}, which entry {self.state.yanked[event.version]} yanked"
        wanted, serves = parse_version(event.version), parse_version(current.version) if current else None
        if event.action == "rollback.authorized":
            if not (event.reason or "").strip():
                yield "rolls back without a reason"
            if serves is None or wanted > serves:
                yield f"rolls {event.channel} back to {wanted}, from {serves or 'nothing'}"
        elif serves is not None and wanted < serves:
            yield f"takes {event.channel} backwards from {serves} to {wanted} without a rollback"

    def _settle(self, event: Event) -> tuple[State, list[str]]:
        name = event.channel or ""
        current = self.state.channels.get(name)
        if current is None or current.entry != event.outcome_of:
            return self.state, [f"is the outcome of entry {event.outcome_of}, which is not the channel's newest"]
        problems = []
        if (current.version, current.manifest) != (event.version, event.manifest):
            problems.append(f"is about {event.version}, entry {event.outcome_of} authorised {current.version}")
        outcome: Outcome = "completed" if event.action.endswith(".completed") else "failed"
        return self._with(name, dataclasses.replace(current, outcome=outcome, concluded=event.index)), problems

    def _collect(self, event: Event) -> tuple[State, list[str]]:
        """Garbage is collected by a list, which is evidence; one list of a channel at a time."""
        name = event.channel or ""
        current = self.state.channels.get(name)
        if current is None:
            return self.state, [f"is about garbage of {name or 'no channel'}, which serves nothing"]
        problems = [] if event.before == current else ["says another state of the channel before it than there was"]
        pending = current.collecting
        if event.action == FINISHED:
            if pending is None or pending.entry != event.outcome_of:
                return self.state, [f"is the end of collection {event.outcome_of}, which is not under way"]
            if self._lists.pop(pending.entry, None) != event.manifest:
                problems.append(f"is about another list than entry {pending.entry}, which ordered the collection")
            return self._with(name, dataclasses.replace(current, collecting=None)), problems
        at = datetime.fromisoformat(event.occurred_at)
        if pending and at < datetime.fromisoformat(pending.until) + COLLECTED_SURELY - COLLECTED_WITHIN:
            problems.append(f"orders a collection while that of entry {pending.entry} may be under way")
        if event.manifest not in {item.sha256 for item in event.evidence if item.kind == "collection"}:
            problems.append("orders a collection whose list is not its evidence")
        self._lists[event.index] = event.manifest
        until = f"{at + COLLECTED_WITHIN:%Y-%m-%dT%H:%M:%SZ}"
        return self._with(
            name, dataclasses.replace(current, collecting=Collecting(entry=event.index, until=until))
        ), problems

    def _with(self, name: str, channel: ChannelState) -> State:
        return dataclasses.replace(self.state, channels={**self.state.channels, name: channel})


def _differences(expected: State, found: State) -> Iterator[str]:
    for title, before, after in (
        ("channel", expected.channels, found.channels),
        ("yanked version", expected.yanked, found.yanked),
        ("review of entry", expected.reviews, found.reviews),
    ):
        yield from _table_differences(title, before, after)
    if expected.trust != found.trust:
        yield f"leaves the trust at {_epoch(found.trust)}; it follows {_epoch(expected.trust)}"


def _table_differences(title: str, expected: Mapping[str, object], found: Mapping[str, object]) -> Iterator[str]:
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            yield f"leaves {title} {name} as {_short(found.get(name))}; it follows {_short(expected.get(name))}"


def _epoch(trust: InForce | None) -> str:
    return f"epoch {trust.epoch} ({trust.sha256}, since entry {trust.entry})" if trust else "no epoch"


def _short(value: object) -> str:
    if isinstance(value, ChannelState):
        return f"{value.version} (pointer {value.pointer_version}, entry {value.entry}, {value.outcome})"
    return "absent" if value is None else str(value)
