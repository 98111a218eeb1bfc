"""For an auditor: the gate's answer that an entry names is about what the entry says, and says what let it pass."""

from collections.abc import Iterator
from datetime import datetime

from release.core.entry import Event, State
from release.core.gate import Trial, Verdict, read_verdict
from release.core.replay import CLOCK_SLACK
from release.errors import FormatError


def gate_problems(event: Event, body: bytes, state: State) -> Iterator[str]:
    """Give what is wrong with the answer that is an entry's evidence; `state` is that after the entry."""
    try:
        verdict = read_verdict(body, name="the gate's answer")
    except FormatError as why:
        yield f"cannot be believed: {why.message}"
        return
    wanted = _wanted(event, state)
    if verdict.trial != wanted:
        yield f"is about {_said(verdict.trial)}, not {_said(wanted) if wanted else 'anything that the entry rests on'}"
    yield from _answer(event, verdict)


def _answer(event: Event, verdict: Verdict) -> Iterator[str]:
    needed = "tripped" if event.action == "rollback.authorized" else "open"
    if verdict.answer != needed:
        yield f"says {verdict.answer}, and the entry needed {needed}"
    late = datetime.fromisoformat(event.occurred_at) - datetime.fromisoformat(verdict.at)
    if needed == "open" and not -CLOCK_SLACK <= late <= CLOCK_SLACK:
        yield f"is of {verdict.at}, and the entry of {event.occurred_at}"


def _wanted(event: Event, state: State) -> Trial | None:
    """Give what must have been on trial: what the ring before serves, or what a way back leaves."""
    ring, on = event.channel, event.before
    if event.action == "promote.authorized" and event.ring is not None:
        ring = event.ring.after
        on = state.channels.get(ring or "")
    if ring is None or on is None:
        return None
    return Trial(library=event.component, ring=ring, version=on.version, manifest=on.manifest, entry=on.entry)


def _said(trial: Trial) -> str:
    return f"{trial.version} on {trial.ring} by entry {trial.entry}"
