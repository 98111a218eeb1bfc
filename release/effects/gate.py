"""Ask a ring's gate, and find how the ring before a promotion does."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from release.core import document, rings
from release.core.approval import stamp
from release.core.entry import ChannelState
from release.core.evidence import Evidence
from release.core.gate import MEDIA_TYPE, Gate, Trial, Verdict, judge
from release.core.manifest import digest
from release.core.rings import Standing
from release.core.succession import Intent, Log, Tail, ring_of
from release.effects.slots import Slots
from release.errors import RefusedError, ReleaseError
from release.ports import Clock, ErrorSource

Source = Callable[[], ErrorSource]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gatekeeper:
    """Who asks the gate: its rule, the source, opened when it is needed, and the clock."""

    gate: Gate
    source: Source
    clock: Clock

    def ask(self, trial: Trial) -> Verdict:
        """Ask for what is on trial now. Whatever goes wrong is no answer, and the verdict says so."""
        try:
            counted = self.source().count(version=trial.version, ring=trial.ring)
        except ReleaseError as why:
            return judge(self.gate, trial, why.message, at=stamp(self.clock.now()))
        return judge(self.gate, trial, counted, at=stamp(self.clock.now()))


def trial_of(library: str, ring: str, state: ChannelState) -> Trial:
    """Give what is on trial on a ring."""
    return Trial(library=library, ring=ring, version=state.version, manifest=state.manifest, entry=state.entry)


def evidence_of(verdict: Verdict) -> Evidence:
    """Say how an entry names a verdict."""
    return Evidence(kind="gate", media_type=MEDIA_TYPE, sha256=digest(document.encode(verdict)))


def since(slots: Slots, state: ChannelState) -> datetime:
    """Give when a channel's version was verified there, or else when it was authorised."""
    index = state.entry if state.concluded is None else state.concluded
    return datetime.fromisoformat(slots.read(index).occurred_at)


def held(
    slots: Slots, log: Log, intent: Intent, tail: Tail, keeper: Gatekeeper | None, at: datetime
) -> tuple[Intent, Verdict | None]:
    """Add to a promotion how the ring before it does; gives also the gate's answer, if it was asked.

    Raises:
        RefusedError: it is not the version's turn, or not yet; or a gate took it back from there.
        TrippedError, ServiceError: the gate is closed.
    """
    rule = ring_of(log, intent)
    if rule is None:
        return intent, None
    wanted = (intent.channel or "", intent.version, intent.manifest)
    serves = tail.state.channels.get(wanted[0])
    if serves and not rule.waived and rings.took_back(slots.read(serves.entry), intent.version):
        raise RefusedError(
            f"the gate took {intent.version} back from {wanted[0]} (log entry {serves.entry}): it does not come again",
            hint=f"release a new version; in an emergency: release request {wanted[0]} {intent.version} --emergency",
        )
    on = rings.on_ring_before(rule, tail.state, *wanted)
    standing = None if on is None else Standing(on=on, since=since(slots, on))
    rings.check(replace(rule, gate=False), wanted, tail.state, standing, at)
    if on is None or standing is None or keeper is None or not rule.gate or rule.waived:
        return replace(intent, standing=standing), None
    verdict = keeper.ask(trial_of(log.component, rule.after or "", on))
    verdict.require_open()
    return replace(intent, standing=replace(standing, verdict=evidence_of(verdict))), verdict
