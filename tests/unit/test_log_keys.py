"""A log whose key was replaced: jobs with the old and the new key at the same time, and a thief of the old one."""

import pytest

from release.core.entry import Event, encode, statement
from release.core.log_keys import Former, LogKeys
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import parse_checkpoint
from release.core.tlog.note import Note, parse_note
from release.errors import LogError, NotFoundError, ServiceError
from tests.fakes import people
from tests.fakes.log_keys import log_signer
from tests.fakes.scenario import World, every_fault

OLD, NEW, STRANGER = (log_signer(people.ORIGIN, seed=seed) for seed in ("old", "new", "stranger"))


@pytest.fixture
def world() -> World:
    """Five entries signed with the old key; from here on jobs have the new one."""
    made = World()
    made.sign_with(OLD)
    made.release("1.0.0", "v1")
    made.release("1.1.0")
    made.release("1.2.0")
    made.sign_with(NEW, retired=[OLD])
    return made


def size(world: World) -> int:
    return world.slots().tail().size


def test_a_retired_key_counts_for_its_entries_and_for_no_other() -> None:
    keys = LogKeys(current=NEW.key, retired=(Former(key=OLD.key, entries=5),))
    assert [OLD.key in keys.at(index) for index in (0, 4, 5, 9)] == [True, True, False, False]
    assert OLD.key in LogKeys(current=NEW.key, retired=(Former(key=OLD.key),)).at(10**9)
    for number, signer, good in ((5, OLD, True), (6, OLD, False), (6, NEW, True), (1, NEW, True), (5, STRANGER, False)):
        text = f"{people.ORIGIN}\n{number}\n{'A' * 43}=\n".encode()
        note = Note(text, (signer.sign(text),)).encode()
        if good:
            assert keys.checkpoint(note, origin=people.ORIGIN).size == number
        else:
            with pytest.raises(TlogError):
                keys.checkpoint(note, origin=people.ORIGIN)


def test_the_new_key_goes_on_where_the_old_one_stopped(world: World) -> None:
    before = size(world)
    world.yank("1.1.0")
    head = world.log.bodies()[world.config.log_layout.checkpoint]
    assert size(world) == before + 1
    assert world.keys.checkpoint(head, origin=people.ORIGIN).size == before + 1
    with pytest.raises(TlogError):
        LogKeys(current=OLD.key).checkpoint(head, origin=people.ORIGIN)


def test_a_job_with_the_old_key_dies_anywhere_and_one_with_the_new_key_finishes_its_work(world: World) -> None:
    """Archived checkpoints that the old key signed first are as good: another signature, the same root."""
    struck = 0
    for fault in every_fault():
        twin = world.twin()
        twin.sign_with(OLD, retired=[NEW])
        twin.log.break_at(fault)
        try:
            twin.yank("1.1.0")
        except ServiceError:
            struck += 1
        else:
            break
        twin.sign_with(NEW, retired=[OLD])
        twin.yank("1.2.0")
        twin.yank("1.1.0")
        assert [event.version for event in twin.events() if event.action == "version.yanked"].count("1.1.0") == 1
        assert twin.tree().repair() == size(twin)
    assert struck >= 8


def test_an_archived_checkpoint_of_another_root_stops_everything_whoever_signed_it(world: World) -> None:
    for signer in (OLD, NEW, STRANGER):
        twin = world.twin()
        twin.sign_with(NEW, retired=[OLD])
        text = f"{people.ORIGIN}\n{size(twin) + 1}\n{'A' * 43}=\n".encode()
        key = twin.config.log_layout.archived_checkpoint(size(twin) + 1)
        twin.log.put(key, Note(text, (signer.sign(text),)).encode())
        with pytest.raises(LogError, match="is not what the log's entries amount to"):
            twin.yank("1.1.0")


def forged(world: World) -> tuple[Event, bytes]:
    """What the thief of the record key and of the old log key writes into the next slot: 1.1.0, yanked."""
    twin = world.twin()
    twin.sign_with(NEW, retired=[OLD])
    event = twin.yank("1.1.0").event
    return event, encode(statement(event), OLD.sign)


def test_what_the_old_key_signs_after_its_end_is_no_entry_and_stops_nothing(world: World) -> None:
    event, body = forged(world)
    world.sign_with(NEW, retired=[OLD], entries=size(world))
    world.log.put(world.config.log_layout.slot(event.index), body)
    tail = world.slots().tail()
    assert ([found.index for found in tail.invalid], tail.state.yanked) == ([event.index], {})
    with pytest.raises(LogError):
        world.slots().read(event.index)
    report = world.yank("1.2.0")
    assert (report.event.index, report.event.after.yanked) == (event.index + 1, {"1.2.0": event.index + 1})


def test_a_head_that_the_old_key_signs_after_its_end_is_not_believed(world: World) -> None:
    end = size(world)
    world.sign_with(NEW, retired=[OLD], entries=end)
    world.yank("1.1.0")
    layout = world.config.log_layout
    text = parse_note(world.log.bodies()[layout.checkpoint]).text
    assert parse_checkpoint(text).size == end + 1
    world.log.put(layout.checkpoint, Note(text, (OLD.sign(text),)).encode())
    with pytest.raises(LogError, match="was retired before the log had"):
        world.yank("1.2.0")
    with pytest.raises(LogError, match="was retired before the log had"):
        world.view().head()


def test_entries_of_the_old_key_are_read_as_before(world: World) -> None:
    world.sign_with(NEW, retired=[OLD], entries=size(world))
    assert world.slots().published("1.0.0") is not None
    assert len(world.events()) == size(world)
    world.sign_with(NEW)
    with pytest.raises((LogError, NotFoundError)):
        world.slots().published("1.0.0")
