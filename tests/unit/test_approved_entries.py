"""What approvals do to the log: an entry says who approved it, a late one is stale, an emergency asks for a review."""

import dataclasses
from collections.abc import Iterable
from datetime import timedelta

import pytest

from release.core.approval import Before, Seen
from release.core.entry import Approved, Event, Previous, TrustReference, leaf_hash
from release.core.evidence import Evidence
from release.core.permission import Grant
from release.core.replay import Replay
from release.core.succession import Intent, already, follow, overdue, restates
from release.errors import RefusedError
from tests.fakes import examples
from tests.fakes.clock import MIDNIGHT
from tests.fakes.examples import DIGEST, LOG, intent, tail_after

EPOCH = TrustReference(epoch=0, sha256=DIGEST)
TRUST = intent(
    "trust.changed", "", manifest=DIGEST, trust=EPOCH, evidence=(Evidence(kind="trust", media_type="", sha256=DIGEST),)
)
UNASKED = intent("promote.authorized", "1.0.0", "latest")


def grant(serves: Before | None, *, by: str = "cto", review_hours: int | None = None) -> Grant:
    return Grant(
        approvals=(Approved(principal=by, role="CTO", request=DIGEST, approval=DIGEST),),
        trust=EPOCH,
        serves=serves,
        seen=Seen(size=1, root=DIGEST),
        review_hours=review_hours,
        evidence={},
    )


def approved(version: str, serves: Before | None, *, by: str = "cto", review_hours: int | None = None) -> Intent:
    given = grant(serves, by=by, review_hours=review_hours)
    return intent("promote.authorized", version, "latest", grant=given)


def serving(version: str, pointer_version: int) -> Before:
    return Before(version=version, manifest=UNASKED.manifest, pointer_version=pointer_version)


FIRST = approved("1.0.0", None)


def test_an_entry_says_who_approved_it_by_which_epoch() -> None:
    event = follow(LOG, tail_after(TRUST, FIRST), approved("1.1.0", serving("1.0.0", 1)), at=MIDNIGHT)
    assert examples.opened(examples.sealed(event), index=2) == event
    assert [a.principal for a in event.approvals] == ["cto"]
    assert (event.trust, event.emergency) == (EPOCH, False)


def test_an_approval_is_stale_once_another_release_took_the_channel() -> None:
    """Two approved releases race for a slot; whoever loses must ask again."""
    late = approved("1.2.0", serving("1.0.0", 1))
    with pytest.raises(RefusedError, match="the approval for latest is stale"):
        follow(LOG, tail_after(TRUST, FIRST, approved("1.1.0", serving("1.0.0", 1))), late, at=MIDNIGHT)


def test_a_new_approval_makes_a_new_entry_and_the_same_one_does_not() -> None:
    tail = tail_after(TRUST, FIRST)
    assert tail.event is not None
    assert already(tail, FIRST) == 1
    assert restates(tail.event, FIRST)
    assert restates(tail.event, UNASKED)  # nothing was asked of anybody
    assert not restates(tail.event, approved("1.0.0", None, by="lead"))


def test_an_emergency_must_be_reviewed_in_time() -> None:
    tail = tail_after(TRUST, approved("1.0.0", None, review_hours=48))
    assert tail.event is not None
    assert tail.event.emergency
    assert tail.state.reviews == {"1": "2026-11-26T00:00:00Z"}
    assert overdue(tail.state.reviews, at=MIDNIGHT + timedelta(hours=48)) == []
    assert overdue(tail.state.reviews, at=MIDNIGHT + timedelta(hours=48, seconds=1)) == ["1"]


def test_a_review_is_recorded_once_and_of_an_emergency_only() -> None:
    emergency = approved("1.0.0", None, review_hours=48)
    review = intent("review.completed", "1.0.0", "latest", outcome_of=1, grant=grant(None, by="lead"))
    reviewed = tail_after(TRUST, emergency, review)
    assert reviewed.state.reviews == {}
    assert reviewed.state.channels == tail_after(TRUST, emergency).state.channels
    assert already(reviewed, review) == 2
    other = dataclasses.replace(review, outcome_of=2)
    for tail, wanted, number in ((tail_after(TRUST, FIRST), review, 1), (reviewed, other, 2)):
        with pytest.raises(RefusedError, match=f"log entry {number} awaits no review"):
            follow(LOG, tail, wanted, at=MIDNIGHT)


def test_a_replay_knows_emergencies_and_their_reviews() -> None:
    published = intent("publish.completed", "1.0.0")
    emergency = approved("1.0.0", None, review_hours=48)
    log = [
        published,
        TRUST,
        emergency,
        intent("review.completed", "1.0.0", "latest", outcome_of=2, grant=grant(None, by="lead")),
    ]
    events = [tail_after(*log[:size]).event for size in (1, 2, 3, 4)]
    assert problems(events) == []
    first, trust, second, third = (event for event in events if event)
    forgotten = dataclasses.replace(second, after=dataclasses.replace(second.after, reviews={}))
    assert problems([first, trust, forgotten]) == [
        "was an emergency, and no review of it is due",
        "leaves review of entry 2 as absent; it follows 2026-11-24T00:00:00Z",
    ]
    other = dataclasses.replace(third, outcome_of=0)
    assert "reviews entry 0, which awaits no review" in problems([first, trust, second, other])


def problems(events: Iterable[Event | None]) -> list[str]:
    """Replay entries, each chained to the one before."""
    replay, found = Replay(), list[str]()
    for event in filter(None, events):
        prev = event.prev and Previous(index=event.prev.index, leaf_hash=replay.leaf_hash)
        chained = dataclasses.replace(event, prev=prev)
        found += replay.take(chained, leaf_hash(examples.sealed(chained)))
    return found
