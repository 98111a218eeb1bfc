"""Invalidate: drop what changed from the CDN, and wait until every edge has done so."""

import hashlib
from dataclasses import dataclass
from typing import Final

from release.core.collection import Collected
from release.core.config import Config
from release.core.handover import Promotion
from release.core.layout import ChannelKey, PointerKey
from release.core.plan import Invalidate
from release.errors import FormatError, ServiceError
from release.ports import Cdn, Clock, Console

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 20.0


Changes = Promotion | Collected
"""What left a channel's caches with something older than the bucket has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was dropped. `invalidation` is None where nothing had changed, or in a dry run."""

    action: Invalidate
    invalidation: str | None


def plan(config: Config, changes: Changes, *, attempt: int) -> Invalidate:
    """Give the exact paths to drop and the reference that makes asking twice one invalidation.

    CloudFront takes the same CallerReference with the same paths as the same request
    (API reference, CreateInvalidation): `attempt` is for purging once more on purpose.

    Raises:
        FormatError: a changed key is not of this channel.
    """
    what, keys, (about, channel, entry) = _step(changes)
    for key in keys:
        place = config.layout.parse(key)
        if not isinstance(place, ChannelKey | PointerKey) or place.channel != channel:
            raise FormatError(f"the {what} of {channel} names {key!r}, which is no part of it")
    paths = tuple(sorted(f"/{key}" for key in keys))
    step = "\n".join([about, channel, entry, str(attempt), *paths])
    return Invalidate(paths=paths, reference=hashlib.sha256(step.encode()).hexdigest())


def _step(changes: Changes) -> tuple[str, tuple[str, ...], tuple[str, str, str]]:
    """Give what it is, the keys that changed, and what tells this step from every other: manifest, channel, entry."""
    if isinstance(changes, Collected):
        return "collection", changes.deleted, (changes.collection, changes.channel, str(changes.entry))
    order = changes.order
    # A rollback that could not be logged follows an earlier entry once more: it is another purge than that one's.
    entry = str(order.entry) if order.leaves is None else f"{order.entry} from {order.leaves}"
    return "promotion", changes.changed, (order.manifest, order.channel, entry)


def run(
    config: Config,
    changes: Changes,
    cdn: Cdn,
    clock: Clock,
    console: Console,
    *,
    attempt: int,
    dry_run: bool,
) -> Report:
    """Ask for the invalidation of what was promoted or deleted, and wait for it.

    Raises:
        ServiceError: it did not finish in time; the same command goes on waiting.
        FormatError: the promotion or collection names foreign keys.
    """
    action = plan(config, changes, attempt=attempt)
    if dry_run or not action.paths:
        return Report(action=action, invalidation=None)
    invalidation = cdn.invalidate(action.paths, reference=action.reference)
    started, pause = clock.now(), FIRST_PAUSE
    while not cdn.finished(invalidation):
        waited = (clock.now() - started).total_seconds()
        if waited >= config.wait_seconds:
            raise ServiceError(
                f"invalidation {invalidation} has not finished after {waited:.0f} s",
                hint="run the same command again: it goes on waiting for the same invalidation",
            )
        console.say(f"invalidation {invalidation} is in progress, {waited:.0f} s so far")
        clock.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    return Report(action=action, invalidation=invalidation)
