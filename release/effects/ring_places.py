"""Where each version is in the rings, and what holds it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from release.core.channels import declarations
from release.core.config import Config
from release.core.entry import ChannelState, State
from release.core.ring_rule import RingRule
from release.core.ring_section import rule_for
from release.core.rings import holding
from release.core.version import parse_version
from release.effects.gate import since
from release.effects.slots import Slots


@dataclass(frozen=True, kw_only=True, slots=True)
class RingPlace:
    """One ring: what it serves, and what holds the newer version of the ring before; None where there is none."""

    ring: str
    version: str | None
    next: str | None = None
    holds: str | None = None


def places(config: Config, slots: Slots, state: State, *, at: datetime) -> tuple[RingPlace, ...]:
    """Give the rings in their order; a ring that is a line, such as `v{major}`, is shown once for each of its names."""
    return tuple(_places(config, slots, state, at)) if config.rings else ()


def _places(config: Config, slots: Slots, state: State, at: datetime) -> Iterator[RingPlace]:
    for declared in config.rings.order if config.rings else ():
        names = [declared] if "{" not in declared else _names(config, state, declared)
        for name in names:
            serves = state.channels.get(name)
            version = serves.version if serves else None
            waiting = _waiting(config, state, name, serves)
            if waiting is None:
                yield RingPlace(ring=name, version=version)
                continue
            rule, on = waiting
            yield RingPlace(ring=name, version=version, next=on.version, holds=holding(rule, on, since(slots, on), at))


def _names(config: Config, state: State, declared: str) -> list[str]:
    return [name for name in sorted(state.channels) if declared in declarations(config.channels, name)]


def _waiting(
    config: Config, state: State, name: str, serves: ChannelState | None
) -> tuple[RingRule, ChannelState] | None:
    """Give the rule of a ring and what waits on the ring before, if that is newer."""
    for on in state.channels.values():
        rule = rule_for(config.rings, config.channels, name, on.version)
        if rule is None or rule.after is None or state.channels.get(rule.after) != on:
            continue
        if serves is None or parse_version(on.version) > parse_version(serves.version):
            return rule, on
    return None
