"""What approvals do to the log: an entry says who approved it, a late one is stale, an emergency asks for a review."""

import dataclasses
from collections.abc import Iterable
from datetime import timedelta

import pytest

from release.core.approval import Before
from release.core.entry import Approved, Event, Previous, TrustReference, decode, encode, leaf_hash, statement
from release.core.permission import Grant
from release.core.replay import Replay
from release.core.succession import Intent, already, follow, overdue, restates
from release.errors import RefusedError
from tests.fakes.clock import MIDNIGHT
from tests.fakes.examples import DIGEST, LOG, intent, tail_after

FIRST = intent("promote.authorized", "1.0.0", "latest")


def grant(serves: Before | None, *, by: str = "cto", review_hours: int | None = None) -> Grant:
    return Grant(
        approvals=(Approved(principal=by, role="CTO", request=DIGEST, approval=DIGEST),),
        trust=TrustReference(epoch=2, sha256=DIGEST),
        serves=serves,
        seen=None,
        review_hours=review_hours,
        evidence={},
    )


def approved(version: str, serves: Before | None, *, by: str = "cto", review_hours: int | None = None) -> Intent:
    given = grant(serves, by=by, review_hours=review_hours)
    return intent("promote.authorized", version, "latest", grant=given)


def serving(version: str, pointer_version: int) -> Before:
    return Before(version=version, manifest=FIRST.manifest, pointer_version=pointer_version)


def test_an_entry_says_who_approved_it_by_which_epoch() -> None:
    event = follow(LOG, tail_after(FIRST), approved("1.1.0", serving("1.0.0", 1)), at=MIDNIGHT)
    assert decode(encode(statement(event)), index=1) == event
    assert [a.principal for a in event.approvals] == ["cto"]
    assert (event.trust, event.emergency) == (TrustReference(epoch=2, sha256=DIGEST), False)


def test_an_approval_is_stale_once_another_release_took_the_channel() -> None:
    """Two approved releases race for a slot; whoever loses must ask again."""
    late = approved("1.2.0", serving("1.0.0", 1))
    with pytest.raises(RefusedError, match="the approval for latest is stale"):
        follow(LOG, tail_after(FIRST, intent("promote.authorized", "1.1.0", "latest")), late, at=MIDNIGHT)


def test_a_new_approval_makes_a_new_entry_and_the_same_one_does_not() -> None:
    first = approved("1.0.0", None)
    tail = tail_after(first)
    assert tail.event is not None
    assert already(tail, first) == 0
    assert restates(tail.event, first)
    assert restates(tail.event, FIRST)  # nothing was asked of anybody
    assert not restates(tail.event, approved("1.0.0", None, by="lead"))


def test_an_emergency_must_be_reviewed_in_time() -> None:
    tail = tail_after(approved("1.0.0", None, review_hours=48))
    assert tail.event is not None
    assert tail.event.emergency
    assert tail.state.reviews == {"0": "2026-11-26T00:00:00Z"}
    assert overdue(tail.state.reviews, at=MIDNIGHT + timedelta(hours=48)) == []
    assert overdue(tail.state.reviews, at=MIDNIGHT + timedelta(hours=48, seconds=1)) == ["0"]


def test_a_review_is_recorded_once_and_of_an_emergency_only() -> None:
    emergency = approved("1.0.0", None, review_hours=48)
    review = intent("review.completed", "1.0.0", "latest", outcome_of=0)
    reviewed = tail_after(emergency, review)
    assert reviewed.state.reviews == {}
    assert reviewed.state.channels == tail_after(emergency).state.channels
    assert already(reviewed, review) == 1
    other = dataclasses.replace(review, outcome_of=1)
    for tail, wanted, number in ((tail_after(FIRST), review, 0), (reviewed, other, 1)):
        with pytest.raises(RefusedError, match=f"log entry {number} awaits no review"):
            follow(LOG, tail, wanted, at=MIDNIGHT)


def test_a_replay_knows_emergencies_and_their_reviews() -> None:
    published = intent("publish.completed", "1.0.0")
    emergency = approved("1.0.0", None, review_hours=48)
    log = [published, emergency, intent("review.completed", "1.0.0", "latest", outcome_of=1)]
    events = [tail_after(*log[:size]).event for size in (1, 2, 3)]
    assert problems(events) == []
    first, second, third = (event for event in events if event)
    forgotten = dataclasses.replace(second, after=dataclasses.replace(second.after, reviews={}))
    assert problems([first, forgotten]) == [
        "was an emergency, and no review of it is due",
        "leaves review of entry 1 as absent; it follows 2026-11-24T00:00:00Z",
    ]
    other = dataclasses.replace(third, outcome_of=0)
    assert "reviews entry 0, which awaits no review" in problems([first, second, other])


def problems(events: Iterable[Event | None]) -> list[str]:
    """Replay entries, each chained to the one before."""
    replay, found = Replay(), list[str]()
    for event in filter(None, events):
        prev = event.prev and Previous(index=event.prev.index, leaf_hash=replay.leaf_hash)
        chained = dataclasses.replace(event, prev=prev)
        found += replay.take(chained, leaf_hash(encode(statement(chained))))
    return found
