import dataclasses
import json

import pytest

from release.core import document
from release.core.entry import ROTATED, Event, leaf_hash, statement
from release.core.handover import Rotated, Rotation
from release.core.manifest import digest
from release.core.replay import Replay
from release.effects.recorder import Report
from release.errors import FormatError, LogError, ServiceError
from release.stages import record as recording
from tests.fakes import examples
from tests.fakes.object_store import Fault
from tests.fakes.scenario import World, every_fault

KEYS = ("AKIAEXAMPLE000000001", "AKIAEXAMPLE000000002")
ROWS = (
    Rotated(stage="publish", made=KEYS[1], disabled=(KEYS[0],), at="2026-11-24T00:00:00Z"),
    Rotated(stage="record", deleted=(KEYS[0],), at="2026-11-24T00:00:01Z"),
)
BODY = document.encode(Rotation(library="tag", rotated=ROWS))


def rotate(world: World, body: bytes = BODY, *, dry_run: bool = False) -> Report:
    return recording.rotation(world.recorder(), body, dry_run=dry_run)


def problems(events: list[Event]) -> list[str]:
    replay = Replay()
    return [problem for event in events for problem in replay.take(event, leaf_hash(examples.sealed(event)))]


def test_a_rotation_is_an_entry_of_its_own_and_changes_no_channel() -> None:
    world = World()
    world.release("1.0.0", "latest")
    before = world.slots().tail().state
    event = rotate(world).event
    assert (event.action, event.version, event.manifest) == (ROTATED, "", digest(BODY))
    assert event.reason == "keys of publish, record"
    assert statement(event).subject[0].name == "tag/rotation.json"
    assert event.after == before
    assert world.log.bodies()[world.config.log_layout.evidence(digest(BODY))] == BODY
    world.release("1.1.0", "latest")
    assert problems(world.events()) == []


def test_a_second_run_finishes_the_tree_that_a_dead_one_left() -> None:
    world = World()
    world.log.break_at(Fault(nth=1, when="after", operation=f"create {world.config.log_layout.slot(0)}"))
    with pytest.raises(ServiceError):
        rotate(world)
    assert world.tree().resume().size == 0
    assert rotate(world, dry_run=True).new is False
    assert world.tree().resume().size == 0
    rotate(world)
    assert world.tree().resume().size == 1


def test_it_is_recorded_once_even_if_other_entries_came_between() -> None:
    world = World()
    first = rotate(world)
    world.release("1.0.0")
    again = rotate(world)
    assert (again.event.index, again.new) == (first.event.index, False)
    assert rotate(world, dry_run=True).new is False
    assert len(world.events()) == 2


def test_recording_it_converges_whichever_request_broke() -> None:
    struck = 0
    for fault in every_fault():
        world = World()
        world.log.break_at(fault)
        try:
            rotate(world)
        except ServiceError:
            struck += 1
        else:
            break
        rotate(world)
        assert world.actions() == [ROTATED]
    assert struck >= 4


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", BODY[:-1], BODY.replace(b'"tag"', b'"other"'), BODY.replace(KEYS[0].encode(), b"short")],
    ids=["empty", "nothing in it", "cut", "another library's", "no key id"],
)
def test_what_is_no_rotation_of_this_library_is_refused(body: bytes) -> None:
    world = World()
    with pytest.raises(FormatError):
        rotate(world, body)
    assert world.log.bodies() == {}


def test_only_a_rotation_is_about_no_version() -> None:
    world = World()
    rotate(world)
    world.release("1.0.0")
    rotated, published = world.events()
    for event in (dataclasses.replace(rotated, version="1.0.0"), dataclasses.replace(published, version="")):
        with pytest.raises(LogError):
            examples.opened(examples.resealed(json.loads(document.encode(statement(event)))), index=event.index)


def test_a_rotation_without_its_document_is_found_by_a_replay() -> None:
    world = World()
    event = dataclasses.replace(rotate(world).event, evidence=())
    assert problems([event]) == ["is about a rotation whose document is not its evidence"]
