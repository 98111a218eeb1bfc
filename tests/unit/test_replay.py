import dataclasses
from typing import Any

import pytest

from release.core.entry import ChannelState, Event, Origin, Previous, leaf_hash
from release.core.replay import Replay
from tests.fakes import examples, log_files


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return log_files.world().events()


def replayed(events: list[Event]) -> list[tuple[int, str]]:
    """Replay entries whose hashes are right, and give what is wrong with which."""
    replay, found = Replay(), []
    for event in events:
        chained = event
        if replay.newest and event.prev:
            chained = dataclasses.replace(event, prev=Previous(index=event.prev.index, leaf_hash=replay.leaf_hash))
        found += [(event.index, problem) for problem in replay.take(chained, leaf_hash(examples.sealed(chained)))]
    return found


def test_what_the_program_writes_is_right(events: list[Event]) -> None:
    assert [event.action for event in events].count("rollback.completed") == 1
    assert replayed(events) == []


def find(events: list[Event], action: str, nth: int = 0) -> int:
    return [event.index for event in events if event.action == action][nth]


def changed(events: list[Event], index: int, **fields: Any) -> list[Event]:  # noqa: ANN401 - any field
    return [dataclasses.replace(e, **fields) if e.index == index else e for e in events]


def state(event: Event, **fields: Any) -> Any:  # noqa: ANN401 - any field
    """The state after an event, with something about `latest` changed."""
    latest = dataclasses.replace(event.after.channels["latest"], **fields)
    return dataclasses.replace(event.after, channels={**event.after.channels, "latest": latest})


OTHER = Origin(commit="f" * 40, tag="v9.9.9")
MUTANTS: dict[str, tuple[str, int, dict[str, Any], str]] = {
    "a rollback without a reason": ("rollback.authorized", 0, {"reason": " "}, "without a reason"),
    "a manifest that was never published": ("promote.authorized", 1, {"manifest": "f" * 64}, "never published"),
    "a source that it was not published from": ("promote.authorized", 1, {"source": OTHER}, "from another source"),
    "a way back to another source": ("rollback.authorized", 0, {"source": OTHER}, "from another source"),
    "another state before": ("promote.authorized", 1, {"before": None}, "another state of the channel before"),
    "no channel": ("promote.authorized", 1, {"channel": None}, "names no channel"),
    "a promotion that goes back": ("rollback.authorized", 0, {"action": "promote.authorized"}, "backwards"),
    "a rollback that goes forward": (
        "promote.authorized",
        1,
        {"action": "rollback.authorized", "reason": "x"},
        "rolls",
    ),
    "an outcome of another entry": ("promote.completed", 1, {"outcome_of": 1}, "not the channel's newest"),
    "an outcome of another version": ("promote.completed", 1, {"version": "1.0.0"}, "authorised 1.1.0"),
    "a failure called a success": ("promote.failed", 0, {"action": "promote.completed"}, "leaves channel latest"),
    "a time before the entries before": ("version.yanked", 0, {"occurred_at": "2026-11-23T23:00:00Z"}, "is before"),
    "another log's name": ("version.yanked", 0, {"origin": "log.example.com/other"}, "is of the log"),
    "a version that is none": ("promote.authorized", 1, {"version": "01.0.0"}, "a version that is none"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_an_entry_that_breaks_a_rule_is_found_with_its_index(events: list[Event], name: str) -> None:
    action, nth, fields, message = MUTANTS[name]
    index = find(events, action, nth)
    found = replayed(changed(events, index, **fields))
    assert any(at == index and message in problem for at, problem in found), found


def test_a_version_published_twice_with_other_bytes_is_found(events: list[Event]) -> None:
    index = find(events, "publish.completed", 1)
    found = replayed(changed(events, index, version="1.0.0"))
    assert any(at == index and "was published with" in problem for at, problem in found)


def test_a_promotion_of_a_yanked_version_is_found(events: list[Event]) -> None:
    yank = find(events, "version.yanked")
    later = find(events, "promote.authorized", 2)
    bad = changed(events, later, version="1.1.0", manifest=events[find(events, "publish.completed", 1)].manifest)
    assert any(at == later and f"which entry {yank} yanked" in problem for at, problem in replayed(bad))


def test_a_yank_of_what_is_served_is_found(events: list[Event]) -> None:
    index = find(events, "version.yanked")
    assert any("which latest serves" in problem for _, problem in replayed(changed(events, index, version="1.0.0")))


@pytest.mark.parametrize(
    "fields",
    [{"pointer_version": 99}, {"entry": 0}, {"version": "9.9.9"}, {"outcome": "failed"}, {"manifest": "0" * 64}],
)
def test_a_state_that_does_not_follow_is_found(events: list[Event], fields: dict[str, object]) -> None:
    index = find(events, "promote.completed", 1)
    found = replayed(changed(events, index, after=state(events[index], **fields)))
    assert any(at == index and "leaves channel latest" in problem for at, problem in found)


def test_a_channel_that_appears_from_nowhere_is_found(events: list[Event]) -> None:
    index = find(events, "publish.completed", 1)
    after = events[index].after
    stray = ChannelState(version="1.0.0", manifest="0" * 64, pointer_version=1, entry=0, outcome="completed")
    smuggled = dataclasses.replace(after, channels={**after.channels, "v1": stray})
    found = replayed(changed(events, index, after=smuggled))
    assert (index, "leaves channel v1 as 1.0.0 (pointer 1, entry 0, completed); it follows absent") in found


@pytest.mark.parametrize("dropped", range(1, 8))
def test_a_dropped_or_moved_entry_is_found(events: list[Event], dropped: int) -> None:
    replay = Replay()
    problems: list[str] = []
    for event in events[:dropped] + events[dropped + 1 :]:
        problems += replay.take(event, leaf_hash(examples.sealed(event)))
    assert any("follows entry" in problem for problem in problems)
