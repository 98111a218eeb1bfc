from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.core.channels import Channel
from release.core.entry import Action, leaf_hash
from release.core.manifest import digest
from release.core.succession import Intent, Tail, already, follow
from release.core.version import parse_version
from release.errors import RefusedError
from tests.fakes import examples
from tests.fakes.clock import MIDNIGHT
from tests.fakes.examples import LOG, intent, tail_after


def promote(version: str, channel: str = "latest") -> Intent:
    return intent("promote.authorized", version, channel)


def back(version: str, channel: str = "latest", reason: str | None = "it breaks checkout") -> Intent:
    return intent("rollback.authorized", version, channel, reason=reason)


def settle(action: Action, version: str, outcome_of: int, channel: str = "latest") -> Intent:
    return intent(action, version, channel, outcome_of=outcome_of)


def yank(version: str) -> Intent:
    return intent("version.yanked", version, reason="it leaks")


def versions_after(*intents: Intent) -> dict[str, str]:
    return {name: state.version for name, state in tail_after(*intents).state.channels.items()}


def refusal(wanted: Intent, *earlier: Intent) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        follow(LOG, tail_after(*earlier), wanted, at=MIDNIGHT)
    return caught.value


def test_the_first_entry_follows_nothing() -> None:
    event = follow(LOG, Tail(), intent("publish.completed"), at=MIDNIGHT)
    assert (event.index, event.prev, event.before, event.after) == (0, None, None, Tail().state)


def test_an_entry_is_chained_to_the_bytes_of_the_one_before() -> None:
    first = follow(LOG, Tail(), intent("publish.completed"), at=MIDNIGHT)
    body = examples.sealed(first)
    second = follow(LOG, Tail(size=1, event=first, leaf_hash=leaf_hash(body)), promote("1.4.2"), at=MIDNIGHT)
    assert second.prev is not None
    assert (second.index, second.prev.index, second.prev.leaf_hash) == (1, 0, leaf_hash(body))
    assert examples.opened(examples.sealed(second), index=1) == second


def test_times_are_written_in_utc() -> None:
    noon = datetime(2026, 11, 24, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert follow(LOG, Tail(), promote("1.0.0"), at=noon).occurred_at == "2026-11-24T10:00:00Z"


def test_publishing_moves_no_channel() -> None:
    tail = tail_after(promote("1.4.1"), intent("publish.completed", "1.4.2"))
    assert tail.state == tail_after(promote("1.4.1")).state


def test_a_promotion_says_what_the_channel_is_to_serve_and_what_it_served() -> None:
    tail = tail_after(promote("1.4.1"), promote("1.4.2"))
    assert tail.event is not None
    assert tail.event.before == tail_after(promote("1.4.1")).state.channels["latest"]
    now = tail.state.channels["latest"]
    assert (now.version, now.manifest, now.pointer_version) == ("1.4.2", digest(b"1.4.2"), 2)
    assert (now.entry, now.outcome) == (1, "authorized")


def test_an_entry_carries_the_state_of_all_channels() -> None:
    intents = [promote("1.4.2"), promote("1.4.2", "v1"), promote("2.0.0-rc.1", "next"), back("1.4.1")]
    assert versions_after(*intents) == {"latest": "1.4.1", "v1": "1.4.2", "next": "2.0.0-rc.1"}


def test_a_backport_moves_its_own_line_only() -> None:
    released = [promote("1.4.2", "v1.4"), promote("1.4.2", "v1"), promote("1.4.2")]
    assert versions_after(*released, promote("1.3.9", "v1.3")) == {
        "v1.4": "1.4.2",
        "v1": "1.4.2",
        "latest": "1.4.2",
        "v1.3": "1.3.9",
    }
    for channel in ("v1", "latest"):
        wanted = promote("1.3.9", channel)
        assert refusal(wanted, *released).message == f"channel {channel} serves 1.4.2: 1.3.9 would take it backwards"


REFUSED = {
    "backwards": (promote("1.4.1"), [promote("1.4.2")], "channel latest serves 1.4.2: 1.4.1 would take it backwards"),
    "backwards from one that failed": (
        promote("1.4.1"),
        [promote("1.4.2"), settle("promote.failed", "1.4.2", 0)],
        "channel latest serves 1.4.2: 1.4.1 would take it backwards",
    ),
    "a prerelease on latest": (promote("1.5.0-rc.1"), [], "channel latest does not take version 1.5.0-rc.1"),
    "a prerelease on its line": (promote("2.0.0-rc.1", "v2"), [], "channel v2 does not take version 2.0.0-rc.1"),
    "a rollback to a prerelease": (
        back("1.4.2-rc.1"),
        [promote("1.4.2")],
        "channel latest does not take version 1.4.2-rc.1",
    ),
    "another line": (promote("1.4.2", "v1.3"), [], "channel v1.3 does not take version 1.4.2"),
    "no channel": (promote("1.4.2", "stable"), [], "there is no channel 'stable'"),
    "yanked": (
        promote("1.4.2"),
        [promote("1.4.1"), yank("1.4.2")],
        "version 1.4.2 was yanked (log entry 1) and cannot be promoted",
    ),
    "a rollback to a yanked version": (
        back("1.4.0"),
        [promote("1.4.2"), yank("1.4.0")],
        "version 1.4.0 was yanked (log entry 1) and cannot be promoted",
    ),
    "a rollback without a reason": (back("1.4.1", reason=None), [promote("1.4.2")], "a rollback needs a reason"),
    "a rollback with an empty reason": (back("1.4.1", reason=""), [promote("1.4.2")], "a rollback needs a reason"),
    "a rollback with a blank reason": (back("1.4.1", reason=" \n"), [promote("1.4.2")], "a rollback needs a reason"),
    "a rollback that goes forwards": (
        back("1.4.3"),
        [promote("1.4.2")],
        "channel latest serves 1.4.2: 1.4.3 is newer, that is no rollback",
    ),
    "a rollback of nothing": (back("1.4.1"), [], "channel latest serves nothing that could be rolled back"),
    "an outcome of a promotion that another followed": (
        settle("promote.completed", "1.4.1", 0),
        [promote("1.4.1"), promote("1.4.2")],
        "channel latest: entry 0 is no longer its newest release, entry 1 (1.4.2) is",
    ),
    "an outcome of a promotion that was rolled back": (
        settle("promote.completed", "1.4.2", 1),
        [promote("1.4.1"), promote("1.4.2"), back("1.4.1")],
        "channel latest: entry 1 is no longer its newest release, entry 2 (1.4.1) is",
    ),
    "an outcome of nothing": (
        settle("promote.completed", "1.4.2", 0),
        [],
        "channel latest: entry 0 is no longer its newest release, nothing is",
    ),
    "an outcome on another channel": (
        settle("promote.completed", "1.4.2", 0, "v1"),
        [promote("1.4.2")],
        "channel v1: entry 0 is no longer its newest release, nothing is",
    ),
}


@pytest.mark.parametrize(("wanted", "earlier", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_rule_forbids_is_refused(wanted: Intent, earlier: list[Intent], message: str) -> None:
    assert refusal(wanted, *earlier).message == message


def test_an_outcome_is_of_the_version_that_was_authorised() -> None:
    """The order is a file that another job handed over: its entry may be right and its version wrong."""
    assert "1.4.2" in refusal(settle("promote.completed", "1.4.3", 0), promote("1.4.2")).message


def test_what_a_channel_is_to_serve_cannot_be_yanked() -> None:
    """Even if the promotion was logged after the yank was first checked."""
    assert "latest" in refusal(yank("1.4.2"), promote("1.4.2")).message


def test_a_rollback_goes_back_and_keeps_counting() -> None:
    state = tail_after(promote("1.4.1"), promote("1.4.2"), back("1.4.1")).state.channels["latest"]
    assert (state.version, state.pointer_version, state.entry) == ("1.4.1", 3, 2)


def test_after_a_rollback_the_way_forward_is_open() -> None:
    assert versions_after(promote("1.4.1"), promote("1.4.2"), back("1.4.1"), promote("1.4.3")) == {"latest": "1.4.3"}


def test_a_version_that_failed_may_be_authorised_again() -> None:
    failed = [promote("1.4.2"), settle("promote.failed", "1.4.2", 0)]
    assert already(tail_after(*failed), promote("1.4.2")) is None
    again = tail_after(*failed, promote("1.4.2")).state.channels["latest"]
    assert (again.entry, again.pointer_version, again.outcome) == (2, 2, "authorized")


def test_an_outcome_changes_the_outcome_only() -> None:
    before = tail_after(promote("1.4.2")).state.channels["latest"]
    after = tail_after(promote("1.4.2"), settle("promote.completed", "1.4.2", 0)).state.channels["latest"]
    assert (after.version, after.entry, after.pointer_version) == (before.version, before.entry, before.pointer_version)
    assert (before.outcome, after.outcome) == ("authorized", "completed")


def test_a_yank_is_remembered_and_moves_nothing() -> None:
    tail = tail_after(promote("1.4.2"), yank("1.4.1"), promote("1.4.3"))
    assert tail.state.yanked == {"1.4.1": 1}
    assert tail.state.channels["latest"].version == "1.4.3"


ALREADY = {
    "authorised": (promote("1.4.2"), [promote("1.4.2")], 0),
    "authorised and completed": (promote("1.4.2"), [promote("1.4.2"), settle("promote.completed", "1.4.2", 0)], 0),
    "rolled back": (back("1.4.1"), [promote("1.4.1"), promote("1.4.2"), back("1.4.1")], 2),
    "yanked": (yank("1.4.1"), [promote("1.4.2"), yank("1.4.1"), promote("1.4.3")], 1),
    "published": (intent("publish.completed"), [promote("1.4.1"), intent("publish.completed")], 1),
    "completed": (
        settle("promote.completed", "1.4.2", 0),
        [promote("1.4.2"), settle("promote.completed", "1.4.2", 0)],
        1,
    ),
    "failed": (settle("promote.failed", "1.4.2", 0), [promote("1.4.2"), settle("promote.failed", "1.4.2", 0)], 1),
}


@pytest.mark.parametrize(("wanted", "earlier", "index"), ALREADY.values(), ids=ALREADY.keys())
def test_what_was_said_need_not_be_said_again(wanted: Intent, earlier: list[Intent], index: int) -> None:
    assert already(tail_after(*earlier), wanted) == index


NOT_YET = {
    "an empty log": (promote("1.4.2"), []),
    "another channel": (promote("1.4.2", "v1"), [promote("1.4.2")]),
    "another version": (promote("1.4.2"), [promote("1.4.1")]),
    "the same version with other bytes": (
        promote("1.4.2"),
        [intent("promote.authorized", "1.4.2", "latest", manifest="0" * 64)],
    ),
    "it went on since": (promote("1.4.1"), [promote("1.4.1"), promote("1.4.2")]),
    "no outcome yet": (settle("promote.completed", "1.4.2", 0), [promote("1.4.2")]),
    "another outcome": (
        settle("promote.failed", "1.4.2", 0),
        [promote("1.4.2"), settle("promote.completed", "1.4.2", 0)],
    ),
    "an outcome of the time before": (
        settle("promote.failed", "1.4.2", 2),
        [promote("1.4.2"), settle("promote.failed", "1.4.2", 0), promote("1.4.2")],
    ),
    "an outcome that the time after had": (
        settle("promote.completed", "1.4.2", 0),
        [
            promote("1.4.2"),
            settle("promote.failed", "1.4.2", 0),
            promote("1.4.2"),
            settle("promote.completed", "1.4.2", 2),
        ],
    ),
    "another yank": (yank("1.4.1"), [promote("1.4.2"), yank("1.4.0")]),
}


@pytest.mark.parametrize(("wanted", "earlier"), NOT_YET.values(), ids=NOT_YET.keys())
def test_what_was_not_said_is_not_taken_for_said(wanted: Intent, earlier: list[Intent]) -> None:
    assert already(tail_after(*earlier), wanted) is None


def test_one_step_from_one_state_has_one_id_whenever_it_is_tried() -> None:
    tail = tail_after(promote("1.4.1"))
    later = MIDNIGHT + timedelta(hours=1)
    elsewhere = tail_after(promote("1.4.1"), intent("publish.completed", "1.4.2"))
    ids = {
        follow(LOG, tail, promote("1.4.2"), at=MIDNIGHT).event_id,
        follow(LOG, tail, promote("1.4.2"), at=later).event_id,
        follow(LOG, elsewhere, promote("1.4.2"), at=MIDNIGHT).event_id,
    }
    assert len(ids) == 1
    again = tail_after(promote("1.4.1"), promote("1.4.2"), back("1.4.1"))
    assert follow(LOG, again, promote("1.4.2"), at=MIDNIGHT).event_id not in ids


CHOICES = [promote, back]
VERSIONS = ["1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.0.0-rc.1"]


@given(
    st.lists(
        st.builds(
            lambda make, version, channel: make(version, channel),
            st.sampled_from(CHOICES),
            st.sampled_from(VERSIONS),
            st.sampled_from(["latest", "next", "v1"]),
        )
        | st.builds(yank, st.sampled_from(VERSIONS)),
        max_size=12,
    )
)
def test_whatever_is_tried_a_channel_moves_by_the_rules(attempts: list[Intent]) -> None:
    """Invariants 6 and 7: forwards unless a reason takes it back, never to a yanked or foreign version."""
    tail = Tail()
    for wanted in attempts:
        before = tail.state
        try:
            event = follow(LOG, tail, wanted, at=MIDNIGHT)
        except RefusedError:
            continue
        tail = Tail(size=tail.size + 1, event=event, leaf_hash="0" * 64)
        if wanted.channel is None:
            continue
        moved, was = event.after.channels[wanted.channel], before.channels.get(wanted.channel)
        assert wanted.version not in before.yanked
        assert (parse_version(wanted.version).prerelease is None) is (wanted.channel != "next")
        assert moved.pointer_version == (was.pointer_version + 1 if was else 1)
        assert {k: v for k, v in event.after.channels.items() if k != wanted.channel} == {
            k: v for k, v in before.channels.items() if k != wanted.channel
        }
        if was and parse_version(wanted.version) < parse_version(was.version):
            assert event.action == "rollback.authorized"
            assert event.reason


def test_a_channel_that_is_no_longer_declared_does_not_move() -> None:
    log = type(LOG)(origin=LOG.origin, component="tag", channels={"v1": Channel()}, pipeline=LOG.pipeline)
    with pytest.raises(RefusedError, match="there is no channel 'latest'"):
        follow(log, tail_after(promote("1.4.1")), promote("1.4.2"), at=MIDNIGHT)
