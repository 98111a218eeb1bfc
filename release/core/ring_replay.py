"""What entries say of rings, checked against the entries before them.

Written apart from `core.rings`, which decides what may be appended, as `core.replay` is from `core.succession`. That
release.toml asks for rings is not in the log: an entry that states no rule is judged by none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from release.core.entry import Event, State
from release.core.ring_rule import RingRule

_WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(kw_only=True, slots=True)
class RingReplay:
    """When each channel's version was verified, and which version a gate took from a channel last."""

    _verified: dict[str, datetime] = field(default_factory=dict)
    _taken: dict[str, str] = field(default_factory=dict)

    def take(self, event: Event, before: State) -> Iterator[str]:
        """Take the next entry, and give what is wrong with the rule that it states; `before` is the state before it."""
        name = event.channel or ""
        if event.ring is not None:
            yield from self._order(event, event.ring, before)
            if not event.ring.waived:
                yield from self._time(event, event.ring)
        if event.action.endswith(".authorized"):
            by_gate = event.action == "rollback.authorized" and any(one.kind == "gate" for one in event.evidence)
            self._taken[name] = event.before.version if by_gate and event.before else ""
        elif event.action in {"promote.completed", "rollback.completed"}:
            self._verified[name] = datetime.fromisoformat(event.occurred_at)

    def _order(self, event: Event, rule: RingRule, before: State) -> Iterator[str]:
        on = before.channels.get(rule.after or "")
        if event.action != "promote.authorized":
            yield "states a ring's rule, and is no promotion"
        if rule.waived and not event.emergency:
            yield "passed its ring's rule as in an emergency, and was none"
        if rule.after and (on is None or (on.version, on.manifest) != (event.version, event.manifest)):
            yield f"goes to {event.channel} before {rule.after}, which serves {on.version if on else 'nothing'}"
        elif rule.after and (on is None or on.outcome != "completed"):
            yield f"goes to {event.channel} before it was verified on {rule.after}"

    def _time(self, event: Event, rule: RingRule) -> Iterator[str]:
        at = datetime.fromisoformat(event.occurred_at)
        since = self._verified.get(rule.after or "")
        if since is not None and at < since + timedelta(hours=rule.soak_hours):
            yield f"leaves {rule.after} after less than {rule.soak_hours} hours, at {event.occurred_at}"
        today = not rule.days or _WEEK[at.weekday()] in rule.days
        if not today or not rule.from_hour <= at.hour < rule.until_hour:
            yield f"goes to {event.channel} at {event.occurred_at}, outside the ring's days and hours"
        if self._taken.get(event.channel or "") == event.version:
            yield f"brings back {event.version}, which the gate of {event.channel} took from it"
        if rule.gate and [one.kind for one in event.evidence].count("gate") != 1:
            yield "names no answer of its ring's gate"
