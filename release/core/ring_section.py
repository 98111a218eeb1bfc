"""The table of release.toml that makes channels rings: in which order, how long on each, when, and by whose leave."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from release.core import channels as rules
from release.core.channels import Channel
from release.core.gate import Gate, check_gate
from release.core.ring_rule import DAYS, HOUR, HOURS, LONGEST_SOAK, Day, RingRule
from release.core.shape import Problem, rule
from release.core.version import parse_version

SOAK: Final = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Rings:
    """Channels in the order in which they get a version. Times are UTC."""

    order: tuple[str, ...] = rule(minimum=2, most=20, doc="Names of channels, the first ring first.")
    soak_hours: Mapping[str, int] = rule(
        dict, most=20, minimum=0, maximum=LONGEST_SOAK, doc="How long a version stays on a ring; 24 if not said."
    )
    work_days: tuple[Day, ...] = rule((), most=7, doc="Days on which a ring may get a version; all if absent.")
    from_hour: int = rule(0, **HOUR, doc="Not before this hour of such a day.")
    until_hour: int = rule(HOURS, **HOUR, doc="Not from this hour on.")
    gate: Gate | None = rule(None, doc="Who says how a version does on the ring before.")


def check_rings(rings: Rings, channels: Mapping[str, Channel]) -> Iterator[Problem]:
    """Give what no single field can tell; places are below the table."""
    for index, name in enumerate(rings.order):
        place = ("order", index)
        if name not in channels:
            yield Problem(place, f"{name} is no channel: {', '.join(channels)} are")
        elif name in rings.order[:index]:
            yield Problem(place, f"{name} stands there twice")
        elif not (index and (before := channels.get(rings.order[index - 1]))):
            continue
        elif before.accepts not in {"any", channels[name].accepts}:
            yield Problem(place, f"{name} takes versions that the ring before it does not: they could never come")
    for name in rings.soak_hours:
        if name not in rings.order:
            yield Problem(("soak-hours", name), "is no ring of the order")
    if rings.from_hour >= rings.until_hour:
        yield Problem(("until-hour",), "is not after from-hour: no version could ever go on")
    if rings.gate:
        yield from (Problem(("gate", *problem.place), problem.message) for problem in check_gate(rings.gate))


def rule_for(rings: Rings | None, channels: Mapping[str, Channel], channel: str, version: str) -> RingRule | None:
    """Give the rule that a promotion of a version to a channel is held to; None if no ring holds it."""
    declared = rules.find(channels, channel)
    if rings is None or declared not in rings.order:
        return None
    place = rings.order.index(declared)
    days = RingRule(
        days=tuple(day for day in DAYS if day in rings.work_days),
        from_hour=rings.from_hour,
        until_hour=rings.until_hour,
    )
    if place == 0:
        return days
    before = rings.order[place - 1]
    (name,) = rules.names_for({before: Channel(accepts="any")}, parse_version(version))
    soak = rings.soak_hours.get(before, SOAK)
    return dataclasses.replace(days, after=name, soak_hours=soak, gate=rings.gate is not None)


def follows(rings: Rings | None, channels: Mapping[str, Channel], channel: str) -> bool:
    """Tell whether a channel is a ring with one before it: it gets no version by itself."""
    return rings is not None and rules.find(channels, channel) in rings.order[1:]
