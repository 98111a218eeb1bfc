"""Invalidate: drop what changed from the CDN, and wait until every edge has done so."""

import hashlib
from dataclasses import dataclass
from typing import Final

from release.core.config import Config
from release.core.handover import Promotion
from release.core.layout import ChannelKey, PointerKey
from release.core.plan import Invalidate
from release.errors import FormatError, ServiceError
from release.ports import Cdn, Clock, Console

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was dropped. `invalidation` is None where nothing had changed, or in a dry run."""

    action: Invalidate
    invalidation: str | None


def plan(config: Config, promotion: Promotion, *, attempt: int) -> Invalidate:
    """Give the exact paths to drop and the reference that makes asking twice one invalidation.

    CloudFront takes the same CallerReference with the same paths as the same request
    (API reference, CreateInvalidation): `attempt` is for purging once more on purpose.

    Raises:
        FormatError: a changed key is not of this library's channels.
    """
    order = promotion.order
    for key in promotion.changed:
        place = config.layout.parse(key)
        if not isinstance(place, ChannelKey | PointerKey) or place.channel != order.channel:
            raise FormatError(f"the promotion of {order.channel} names {key!r}, which is no part of it")
    paths = tuple(sorted(f"/{key}" for key in promotion.changed))
    # A rollback that could not be logged follows an earlier entry once more: it is another purge than that one's.
    entry = str(order.entry) if order.leaves is None else f"{order.entry} from {order.leaves}"
    step = "\n".join([order.manifest, order.channel, entry, str(attempt), *paths])
    return Invalidate(paths=paths, reference=hashlib.sha256(step.encode()).hexdigest())


def run(
    config: Config, promotion: Promotion, cdn: Cdn, clock: Clock, console: Console, *, attempt: int, dry_run: bool
) -> Report:
    """Ask for the invalidation and wait for it.

    Raises:
        ServiceError: it did not finish in time; the same command goes on waiting.
        FormatError: the promotion names foreign keys.
    """
    action = plan(config, promotion, attempt=attempt)
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
