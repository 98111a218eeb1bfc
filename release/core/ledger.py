"""The release log as an explanation: which entry stands behind a write that CloudTrail recorded, and the reverse."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from release.core.deeds import Blob, Deed, Derived, Epoch, Identity, Indexed, Purge, Recorded, Slot
from release.core.entry import FINISHED, ORDERED, ROTATED, TRUST_CHANGED, Event
from release.core.layout import MANIFEST, ChannelKey, PointerKey, VersionKey

_COLLECTS: Final = frozenset({ORDERED, FINISHED})
SKEW: Final = 300
"""Seconds that two clocks may differ, and a job may need from deciding on an entry to writing it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """The pipeline and job in the name of a role's session."""

    pipeline: str
    job: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Logged:
    index: int
    at: int
    action: str
    outcome_of: int | None
    version: str
    channel: str | None
    pipeline: str | None
    job: str | None
    evidence: frozenset[str]
    epoch: int | None


class Ledger:
    """What was logged.

    Args:
        events: entries in order, at least those of the period and of `near` seconds around it.
        near: how many seconds a write may be from an entry that explains it: publish writes before its
            entry exists; promote after what authorised it, and before its outcome.
    """

    def __init__(self, events: Iterable[Event], *, near: int) -> None:
        self.near = near
        self._entries = {event.index: _logged(event) for event in events}
        self._in_time = sorted(self._entries.values(), key=lambda entry: entry.at)
        self._of_jobs = [entry for entry in self._in_time if entry.pipeline]
        self._times = [entry.at for entry in self._of_jobs]
        # A channel that failed may be verified again: the last outcome counts.
        self._ended = {entry.outcome_of: entry.at for entry in self._in_time if entry.outcome_of is not None}
        self._pipelines: dict[str, list[_Logged]] = defaultdict(list)
        for entry in self._of_jobs:
            self._pipelines[entry.pipeline or ""].append(entry)
        self._seen: set[Slot | Recorded | str] = set()

    def unexplained(self, deed: Deed, at: int, session: Session | None) -> str | None:
        """Say why no entry explains a write; None if one does.

        Args:
            deed: the write.
            at: when, in seconds since 1970.
            session: of a role; None for a user's key, which only time can tie to a job.
        """
        around = self._around(at)
        if session:
            logged = self._pipelines.get(session.pipeline)
            if not logged:
                return f"pipeline {session.pipeline} is not in the release log"
            around = [entry for entry in logged if abs(entry.at - at) <= self.near]
        if not around:
            whose = f"pipeline {session.pipeline}" if session else "any job"
            return f"the log has nothing of {whose} within {self.near // 60} minutes"
        if any(self._explains(entry, deed, at, session) for entry in around):
            return None
        whose = f"pipeline {session.pipeline}" if session else "that time"
        return f"no entry of {whose} is about it"

    def announces(self, epoch: int, at: int) -> bool:
        """Tell whether an entry announces the trust epoch that was put up at a time."""
        entries = (entry for entry in self._in_time if entry.action == TRUST_CHANGED)
        return any(entry.epoch == epoch and entry.at >= at - SKEW for entry in entries)

    def saw(self, deed: Deed) -> None:
        """Remember a write that took effect, for `unseen`."""
        if isinstance(deed.target, Slot):
            self._seen.add(deed.target)
        elif isinstance(deed.target, VersionKey) and deed.target.path == MANIFEST:
            self._seen.add(deed.target.version)
        elif isinstance(deed.target, PointerKey) and isinstance(deed.source, Recorded):
            self._seen.add(deed.source)

    def unseen(self, *, since: int, until: int) -> Iterator[tuple[int, str]]:
        """Give what was logged in a period and left no trace there: (time, what)."""
        for entry in self._in_time:
            if not since <= entry.at <= until:
                continue
            name = f"entry {entry.index} ({entry.action})"
            if Slot(entry.index) not in self._seen:
                yield entry.at, f"{name}: nobody was seen to write it"
            if (
                entry.action == "publish.completed"
                and entry.at - self.near >= since
                and entry.version not in self._seen
            ):
                yield entry.at, f"{name}: nobody was seen to write the manifest of {entry.version}"
            authorised = self._entries.get(entry.outcome_of) if entry.outcome_of is not None else None
            completed = entry.action.endswith(".completed") and authorised is not None and authorised.at >= since
            if completed and authorised and Recorded(authorised.index) not in self._seen:
                yield entry.at, f"{name}: nobody was seen to move the pointer of {entry.channel}"

    def _around(self, at: int) -> list[_Logged]:
        first, end = bisect_left(self._times, at - self.near), bisect_right(self._times, at + self.near)
        return self._of_jobs[first:end]

    def _explains(self, entry: _Logged, deed: Deed, at: int, session: Session | None) -> bool:
        """Tell whether an entry is about a deed, and on the right side of it in time."""
        before, after = at <= entry.at + SKEW, at >= entry.at - SKEW
        moving = self._is_under_way(entry, at)
        about = False
        match deed.target:
            case VersionKey(version=version) | Indexed(version=version):
                in_time = before if isinstance(deed.target, VersionKey) else after
                about = in_time and (entry.action, entry.version) == ("publish.completed", version)
            case Slot(index=index):
                about = before and after and entry.index == index and (session is None or entry.job == session.job)
            case Recorded(index=index):
                about = after and entry.index == index and entry.action.endswith(".authorized")
            case Blob(sha256=sha256):
                about = before and sha256 in entry.evidence
            case ChannelKey(channel=channel) if deed.act == "delete":
                about = moving and entry.channel == channel and entry.action in _COLLECTS
            case ChannelKey(channel=channel):
                copied = deed.source.version if isinstance(deed.source, VersionKey) else None
                about = moving and (entry.channel, entry.version) == (channel, copied)
            case PointerKey(channel=channel):
                of = entry.channel == channel and entry.action not in _COLLECTS
                about = moving and of and self._is_of(deed.source, channel)
            case Purge():
                about = moving and entry.channel is not None
            case Identity() | Derived() | Epoch() | None:
                about = self._is_beside(deed.target, entry) and (after or entry.action == ROTATED)
        return about

    @staticmethod
    def _is_beside(target: object, entry: _Logged) -> bool:
        """Tell whether entries of this kind have that done with them: any grows the tree, one renews keys."""
        return isinstance(target, Derived) or (isinstance(target, Identity) and entry.action == ROTATED)

    def _is_under_way(self, entry: _Logged, at: int) -> bool:
        """Tell whether a channel may move because of an entry: after what authorised it, and before its outcome."""
        start = entry if entry.outcome_of is None else self._entries.get(entry.outcome_of)
        begun = start is None or at >= start.at - SKEW
        return begun and at <= self._ended.get(start.index if start else entry.index, at) + SKEW

    def _is_of(self, source: object, channel: str) -> bool:
        """Tell whether a recorded pointer is one of the channel; an entry that was not read is unknown, so no."""
        entry = self._entries.get(source.index) if isinstance(source, Recorded) else None
        return entry is not None and entry.channel == channel


def _logged(event: Event) -> _Logged:
    return _Logged(
        index=event.index,
        at=int(datetime.fromisoformat(event.occurred_at).timestamp()),
        action=event.action,
        outcome_of=event.outcome_of,
        version=event.version,
        channel=event.channel,
        pipeline=event.pipeline.id_,
        job=event.pipeline.job,
        evidence=frozenset(blob.sha256 for blob in event.evidence)
        | {sha256 for approved in event.approvals for sha256 in (approved.request, approved.approval)},
        epoch=event.trust.epoch if event.trust else None,
    )
