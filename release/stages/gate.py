"""Gate: ask how a ring's version does, and say what a tripped gate takes the ring back to."""

from dataclasses import dataclass
from typing import Final

from release.core import channels as rules
from release.core.config import Config
from release.core.entry import ChannelState, Event
from release.core.gate import Trial, Verdict
from release.effects.choice import previous_good
from release.effects.gate import Gatekeeper, trial_of
from release.effects.slots import Slots
from release.errors import NothingToDoError, RefusedError
from release.ports import Console

EVERY: Final = 60
_LONGEST_REASON: Final = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a ring serves, and the entry that says so."""

    state: ChannelState
    event: Event

    @property
    def is_going_back(self) -> bool:
        """Whether a gate took the ring back, and that was cut off or not verified."""
        by_gate = any(one.kind == "gate" for one in self.event.evidence)
        return self._is_back and by_gate and self.state.outcome != "completed"

    @property
    def _is_back(self) -> bool:
        return self.event.action == "rollback.authorized"

    def trial(self, config: Config) -> Trial:
        """Give what is on trial.

        Raises:
            RefusedError: the ring was taken back, so nothing is.
        """
        channel = self.event.channel or ""
        if self._is_back:
            raise RefusedError(
                f"{channel} went back to {self.state.version} (entry {self.state.entry}): nothing is on trial there",
                hint=f"'release log show {self.state.entry}' tells why; release a new version",
            )
        return trial_of(config.library.name, channel, self.state)


def standing(config: Config, slots: Slots, ring: str) -> Standing:
    """Find what a ring serves.

    Raises:
        RefusedError: it is no ring.
        NothingToDoError: it serves nothing.
    """
    order = config.rings.order if config.rings else ()
    if rules.find(config.channels, ring) not in order:
        raise RefusedError(f"{ring} is no ring", hint=f"[rings] order of release.toml: {', '.join(order) or 'none'}")
    state = slots.tail().state.channels.get(ring)
    if state is None:
        raise NothingToDoError(f"{ring} serves nothing", hint=f"release record promote {ring}")
    return Standing(state=state, event=slots.read(state.entry))


def watch(keeper: Gatekeeper, trial: Trial, console: Console, *, minutes: int) -> Verdict:
    """Ask once, or every minute for so long; the first tripped answer ends it, else the last answer counts."""
    steps = minutes * 60 // EVERY
    with console.progress(f"watching {trial.version} on {trial.ring}", steps + 1) as progress:
        verdict = keeper.ask(trial)
        progress.advance()
        for _ in range(steps):
            if verdict.answer == "tripped":
                break
            keeper.clock.sleep(EVERY)
            verdict = keeper.ask(trial)
            progress.advance()
    return verdict


def way_back(slots: Slots, verdict: Verdict) -> tuple[str, str]:
    """Give the version that a tripped gate takes its ring back to, and the reason. The same again if it did already.

    Raises:
        RefusedError: the gate is not tripped, or its verdict is about something that the ring serves no more.
        NothingToDoError: there is no version to go back to.
    """
    trial, reason = verdict.trial, verdict.said()[:_LONGEST_REASON]
    if verdict.answer != "tripped":
        raise RefusedError(f"no reason to go back: {verdict.said()}", hint=f"release gate {trial.ring}")
    tail = slots.tail()
    state = tail.state.channels.get(trial.ring)
    event = slots.read(state.entry) if state else None
    if state is None or event is None:
        raise NothingToDoError(f"{trial.ring} serves nothing")
    back = event.action == "rollback.authorized" and event.before is not None and event.before.entry == trial.entry
    if back:
        return state.version, event.reason or reason
    if (state.entry, state.version, state.manifest) != (trial.entry, trial.version, trial.manifest):
        raise RefusedError(
            f"the gate's verdict is about {trial.version} (log entry {trial.entry}), and {trial.ring} serves"
            f" {state.version} by entry {state.entry}",
            hint=f"another release or rollback came first: release gate {trial.ring}",
        )
    return previous_good(slots, trial.ring, tail), reason
