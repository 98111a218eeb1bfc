"""Request: write down what somebody is to approve, from the log and the repository."""

from dataclasses import dataclass
from datetime import timedelta

from release.core.approval import Direction, Request, Seen, before_of, stamp
from release.core.config import Config
from release.core.entry import Event
from release.core.pipeline import Pipeline
from release.core.succession import Intent, Log, Tail, follow
from release.effects.authority import authors_since
from release.effects.log_view import LogView
from release.effects.published import published_entry
from release.effects.slots import Slots
from release.errors import ConfigError
from release.ports import Clock, Repository


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What somebody wants to be approved. `nonce` are 16 random bytes in hex; hours and days say for how long."""

    channel: str
    version: str
    action: Direction
    emergency: bool
    reason: str | None
    hours: int
    rollback_days: int
    nonce: str


def run(
    config: Config,
    slots: Slots,
    view: LogView,
    clock: Clock,
    repository: Repository | None,
    wish: Wish,
) -> Request:
    """Make the request; what the channel's rules forbid is refused here and not only after it was approved.

    Args:
        config: of the library.
        slots: the release log.
        view: its tree, whose newest checkpoint the request carries.
        clock: for how long the approval is valid.
        repository: the library's; None for a rollback, which brings nothing newly written.
        wish: what is wanted.

    Raises:
        NotFoundError: the log does not say that the version was published.
        RefusedError: a rule forbids it.
        ConfigError: an emergency without a reason.
        LogError: the log's newest checkpoint is not signed by its key.
    """
    if wish.emergency and not (wish.reason or "").strip():
        raise ConfigError("an emergency needs a reason", hint="say why: --reason '...'")
    published = published_entry(slots, wish.version)
    tail, now = slots.tail(), clock.now()
    intent = intent_of(wish.action, wish.channel, published, wish.reason)
    log = Log(
        origin=config.log.origin,
        component=config.library.name,
        channels=config.channels,
        pipeline=Pipeline(tool="request"),
    )
    follow(log, tail, intent, at=now)
    before = before_of(tail.state.channels.get(wish.channel))
    head = view.head().checkpoint
    way_back = wish.action == "promote" and wish.rollback_days > 0 and before is not None
    return Request(
        origin=config.log.origin,
        action=wish.action,
        component=config.library.name,
        channel=wish.channel,
        version=wish.version,
        manifest=published.manifest,
        source=published.source,
        before=before,
        seen=Seen(size=head.size, root=head.root.hex()),
        authors=authors(config, slots, repository, tail, intent),
        emergency=wish.emergency,
        reason=wish.reason,
        nonce=wish.nonce,
        not_before=stamp(now),
        expires=stamp(now + timedelta(hours=wish.hours)),
        rollback_until=stamp(now + timedelta(days=wish.rollback_days)) if way_back else None,
    )


def authors(config: Config, slots: Slots, repository: Repository | None, tail: Tail, intent: Intent) -> tuple[str, ...]:
    """Give the opaque ids of who wrote what the step brings; nobody for a rollback."""
    if repository is None or intent.action == "rollback.authorized":
        return ()
    return tuple(sorted(authors_since(repository, slots, config.log.origin, tail, intent.channel or "", intent)))


def intent_of(action: Direction, channel: str, published: Event, reason: str | None) -> Intent:
    """Give what would be logged."""
    return Intent(
        action="rollback.authorized" if action == "rollback" else "promote.authorized",
        version=published.version,
        manifest=published.manifest,
        channel=channel,
        reason=reason,
        source=published.source,
        asked=True,
    )
