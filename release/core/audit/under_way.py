"""What the log says must happen by some time: outcomes of promotions, reviews of emergencies, the next trust epoch."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from release.core.audit.finding import Finding, drift, soon
from release.core.audit.said import Said
from release.core.collecting import is_over
from release.core.trust import Trust

REVIEW_NOTICE: Final = timedelta(hours=24)
EPOCH_NOTICE: Final = timedelta(days=30)


def about_outcomes(said: Said, *, now: datetime, grace: timedelta) -> Iterator[Finding]:
    """Judge how the newest move of each channel ended; one that a later move took over has no end of its own."""
    for name, state in sorted(said.replay.state.channels.items()):
        event = said.authorised.get(name)
        since = event.occurred_at if event else "an unknown time"
        if state.outcome == "failed":
            yield drift(f"{name}: {state.version} failed its verification (entry {state.concluded}), and is still on")
        elif state.outcome == "authorized" and (event is None or _older(event.occurred_at, now - grace)):
            yield drift(
                f"{name}: entry {state.entry} authorised {state.version} at {since}, and no outcome is recorded"
            )
        elif state.outcome == "authorized":
            yield soon(f"{name}: a move to {state.version} is under way since {since} (entry {state.entry})")


def about_collections(said: Said, *, now: datetime) -> Iterator[Finding]:
    """Judge what was ordered deleted: within hours it is, and is recorded as deleted."""
    for name, state in sorted(said.replay.state.channels.items()):
        if state.collecting is not None:
            text = f"{name}: entry {state.collecting.entry} orders garbage deleted, and no end of that is recorded"
            yield drift(text) if is_over(state.collecting, at=now) else soon(text)


def about_reviews(said: Said, *, now: datetime) -> Iterator[Finding]:
    """Judge the reviews of emergencies: each release that one person approved must be reviewed in time."""
    for entry, due in sorted(said.replay.state.reviews.items(), key=lambda row: int(row[0])):
        text = f"entry {entry} was an emergency, and its review"
        if _older(due, now):
            yield drift(f"{text} was due at {due}: release record review {entry} --reason '...'")
        elif _older(due, now + REVIEW_NOTICE):
            yield soon(f"{text} is due at {due}")


def about_epoch(newest: Trust, *, now: datetime) -> Iterator[Finding]:
    """Judge whether releases can be approved now and for some time: an expired trust epoch approves nothing."""
    text = f"trust epoch {newest.epoch}"
    if _older(newest.expires, now):
        yield drift(f"{text} expired at {newest.expires}: nothing can be approved until its keepers issue the next one")
    elif _older(newest.expires, now + EPOCH_NOTICE):
        yield soon(f"{text} expires at {newest.expires}: release trust propose")


def _older(stamp: str, than: datetime) -> bool:
    return datetime.fromisoformat(stamp) <= than
