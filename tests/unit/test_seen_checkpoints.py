"""Who asks, approves and records a release each make sure that the log continues what the others saw of it."""

import dataclasses

import pytest

from release.core.approval import Seen
from release.effects.log_view import LogView
from release.errors import FormatError, LogError, TamperedError
from release.stages import approve as approving
from tests.fakes import people
from tests.fakes.log_keys import log_signer
from tests.fakes.scenario import World


@pytest.fixture
def world() -> World:
    """1.0.0 is served; 1.1.0 is published; the log is signed."""
    made = World()
    made.trust()
    made.release("1.0.0")
    made.approved("latest", "1.0.0", "cto", "lead")
    made.finish("latest")
    made.release("1.1.0")
    return made


def view(world: World) -> LogView:
    return world.view()


def other_log(world: World) -> World:
    """What the holder of the record key and the log key makes of it: the same releases, another history, signed."""
    fork = World(world.config)
    fork.known = world.known
    epoch = world.config.log_layout.epoch(0)
    fork.log.put(epoch, world.log.bodies()[epoch])
    fork.clock.sleep(1)
    fork.release("1.0.0")
    fork.approved("latest", "1.0.0", "cto", "lead")
    fork.finish("latest")
    fork.release("1.1.0")
    return fork


def test_the_log_continues_what_was_seen_of_it_at_every_size(world: World) -> None:
    heads = [view(world).head()]
    for number in range(2, 20):
        world.release(f"1.{number}.0")
        heads.append(view(world).head())
    for head in heads:
        view(world).require_continued(head.checkpoint, heads[-1], whose="it")
    with pytest.raises(TamperedError, match="the log shows only 5"):
        view(world).require_continued(heads[-1].checkpoint, heads[0], whose="it")


def test_an_approver_who_saw_the_log_before_notices_a_fork_and_a_log_cut_short(world: World) -> None:
    remembered = view(world).head().note
    request = world.ask("latest", "1.1.0")
    assert approving.same_log(view(world), request, remembered).note == remembered
    assert approving.same_log(view(world), request, None).note == remembered, "the first time there is nothing"
    world.release("1.2.0")
    grown = approving.same_log(view(world), request, remembered)
    assert grown.checkpoint.size == request.seen.size + 1

    fork = other_log(world)
    with pytest.raises(TamperedError, match="the checkpoint that you saw earlier is of another log") as caught:
        approving.same_log(view(fork), fork.ask("latest", "1.1.0"), remembered)
    assert caught.value.evidence.keys() == {"seen", "shown"}
    with pytest.raises(TamperedError, match="the log shows only 5: entries are withheld"):
        approving.same_log(view(fork), fork.ask("latest", "1.1.0"), grown.note)


def test_an_approver_without_memory_notices_that_the_requester_saw_another_log(world: World) -> None:
    fork = other_log(world)
    with pytest.raises(TamperedError, match="the checkpoint of the request is of another log"):
        approving.same_log(view(fork), world.ask("latest", "1.1.0"), None)
    asked = fork.ask("latest", "1.1.0")
    unseen = dataclasses.replace(asked, seen=Seen(size=99, root="0" * 64))
    with pytest.raises(TamperedError, match="has 99 log entries"):
        approving.same_log(view(fork), unseen, None)


def test_what_is_approved_on_one_log_is_not_recorded_in_another(world: World) -> None:
    approval = people.approval(world.ask("latest", "1.1.0"), by=("cto", "lead"))
    fork = other_log(world)
    before = fork.log.bodies()
    with pytest.raises(TamperedError, match="what cto and lead saw is of another log"):
        fork.authorize("latest", "1.1.0", approvals=[approval])
    assert fork.log.bodies() == before
    assert world.authorize("latest", "1.1.0", approvals=[approval]).new


def test_a_head_that_is_gone_forged_or_of_other_tiles_is_no_log_to_approve_on(world: World) -> None:
    request, head = world.ask("latest", "1.1.0"), view(world).head()
    layout = world.config.log_layout
    note = world.log.bodies()[layout.checkpoint]
    for forged in (note.replace(b"\n5\n", b"\n6\n"), b"", log_signer("log.example.com/x").key.vkey.encode()):
        world.log.put(layout.checkpoint, forged)
        with pytest.raises(LogError, match="cannot be believed"):
            world.ask("latest", "1.1.0")
        with pytest.raises(LogError, match="cannot be believed"):
            approving.same_log(view(world), request, head.note)
    world.log.remove(layout.checkpoint)
    with pytest.raises(LogError, match="has no head"):
        world.ask("latest", "1.1.0")
    world.log.put(layout.checkpoint, note)
    world.release("1.2.0")
    for path in [key for key in world.log.bodies() if "tile/0/" in key]:
        world.log.put(path, bytes(len(world.log.bodies()[path])))
    with pytest.raises(TamperedError, match="of another log"):
        approving.same_log(view(world), request, None)
    for path in [key for key in world.log.bodies() if "tile/0/" in key]:
        world.log.remove(path)
    with pytest.raises(LogError, match="is missing"):
        approving.same_log(view(world), request, None)


def test_a_full_tile_stands_for_a_partial_one_that_expired(world: World) -> None:
    earlier = view(world).head()
    world.release("1.2.0")
    now = view(world).head()
    layout = world.config.log_layout
    partial = layout.tile(f"tile/0/000.p/{now.checkpoint.size}")
    whole = world.log.bodies()[partial] + bytes(32 * (256 - now.checkpoint.size))
    world.log.remove(partial)
    world.log.put(layout.tile("tile/0/000"), whole)
    view(world).require_continued(earlier.checkpoint, now, whose="it")


@pytest.mark.parametrize("kept", [b"", b"not a note", b"log.example.com/tag\n1\nAAAA\n\n"])
def test_a_memory_that_is_no_checkpoint_is_said_and_not_passed_over(world: World, kept: bytes) -> None:
    with pytest.raises(FormatError, match="that you saw earlier cannot be believed"):
        approving.same_log(view(world), world.ask("latest", "1.1.0"), kept)
