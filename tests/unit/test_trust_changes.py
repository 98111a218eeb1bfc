"""A change of trust is an entry of the log: an epoch decides from there on, and nothing decides unannounced."""

import dataclasses

import pytest

from release.core.document import encode as document_of
from release.core.entry import TRUST_CHANGED, Event, leaf_hash
from release.core.replay import Replay
from release.effects.recorder import Report
from release.errors import LogError, RefusedError, ServiceError
from release.ports import Repository
from release.stages import record as recording
from tests.fakes import examples, people
from tests.fakes.scenario import World, every_fault


@pytest.fixture
def world() -> World:
    """1.0.0 is published, and the first epoch is put up but not announced."""
    made = World()
    made.trust()
    made.release("1.0.0")
    return made


def announce(world: World, *, dry_run: bool = False) -> list[Report]:
    return recording.trust(world.recorder(), dry_run=dry_run)[0]


def problems(events: list[Event]) -> list[str]:
    replay = Replay()
    return [problem for event in events for problem in replay.take(event, leaf_hash(examples.sealed(event)))]


def test_an_epoch_is_announced_once_and_the_state_says_which_one_decides(world: World) -> None:
    (report,) = announce(world)
    event = report.event
    assert world.known is not None
    assert (event.action, event.version, event.manifest) == (TRUST_CHANGED, "", world.known.sha256)
    assert event.after.trust is not None
    assert (event.after.trust.epoch, event.after.trust.entry) == (0, event.index)
    text = world.log.bodies()[world.config.log_layout.evidence(world.known.sha256)]
    assert text == document_of(world.known.trust)
    assert announce(world) == []
    world.trust()
    (second,) = announce(world)
    assert second.event.after.trust is not None
    assert second.event.after.trust.epoch == 1
    assert problems(world.events()) == []


def test_several_epochs_are_announced_in_their_order(world: World) -> None:
    world.trust()
    world.trust()
    assert [report.event.reason for report in announce(world)] == [f"trust epoch {n}" for n in range(3)]
    assert problems(world.events()) == []


def test_a_release_announces_first_what_is_not_announced_yet(world: World) -> None:
    world.approved("latest", "1.0.0", "cto", "lead")
    assert [event.action for event in world.events()[-2:]] == [TRUST_CHANGED, "promote.authorized"]
    assert problems(world.events()) == []


def test_a_dry_run_announces_nothing_and_says_that_it_must_be_done(world: World) -> None:
    before = world.log.bodies()
    assert [report.new for report in announce(world, dry_run=True)] == [False]
    approval = people.approval(world.ask("latest", "1.0.0"), by=("cto", "lead"))
    with pytest.raises(RefusedError, match="is not in the log yet"):
        world.authorize("latest", "1.0.0", approvals=[approval], dry_run=True)
    assert world.log.bodies() == before


def test_announcing_converges_whichever_request_broke(world: World) -> None:
    struck = 0
    for fault in every_fault():
        twin = world.twin()
        twin.log.break_at(fault)
        try:
            announce(twin)
        except ServiceError:
            struck += 1
        else:
            break
        announce(twin)
        assert [event.action for event in twin.events()].count(TRUST_CHANGED) == 1
    assert struck >= 4


def test_an_approval_judged_while_the_trust_changes_is_asked_for_again(world: World) -> None:
    """The epoch is announced by another job after this one judged and before it claims its slot."""
    announce(world)
    approval = people.approval(world.ask("latest", "1.0.0"), by=("cto", "lead"))

    def overtaken() -> Repository:
        world.trust()
        announce(world)
        return world.repository

    pipeline = dataclasses.replace(examples.PIPELINE, actor="u:42")
    late = dataclasses.replace(world.recorder(), approvals=(approval,), repository=overtaken, pipeline=pipeline)
    with pytest.raises(RefusedError, match="judged by trust epoch 0, in force is epoch 1"):
        recording.authorize(late, world.site, "latest", "1.0.0", reason=None, rollback=False, dry_run=False)
    world.authorize("latest", "1.0.0", approvals=[approval])
    assert problems(world.events()) == []


def test_an_announced_epoch_that_is_gone_or_another_stops_everything(world: World) -> None:
    announce(world)
    approval = people.approval(world.ask("latest", "1.0.0"), by=("cto", "lead"))
    key, other = world.config.log_layout.epoch(1), people.trust(world.known, expires="2027-05-01T00:00:00Z")
    world.trust()
    announce(world)
    world.log.remove(key)
    with pytest.raises(LogError, match="announced trust epoch 1, and the log bucket has another"):
        world.authorize("latest", "1.0.0", approvals=[approval])
    world.log.put(key, people.signed(other))
    with pytest.raises(LogError, match="announced trust epoch 1, and the log bucket has another"):
        announce(world)


def test_an_entry_judged_by_another_epoch_than_the_one_in_force_is_found(world: World) -> None:
    world.approved("latest", "1.0.0", "cto", "lead")
    *before, last = world.events()
    assert last.trust is not None
    cases = {
        "by no trust epoch": dataclasses.replace(last, trust=None, approvals=()),
        "by trust epoch 1": dataclasses.replace(last, trust=dataclasses.replace(last.trust, epoch=1)),
        "by trust epoch 0 (fff": dataclasses.replace(last, trust=dataclasses.replace(last.trust, sha256="f" * 64)),
    }
    for said, forged in cases.items():
        (problem,) = problems([*before, forged])
        assert f"is judged {said}" in problem


def test_an_announcement_that_is_out_of_order_or_without_its_epoch_is_found(world: World) -> None:
    announce(world)
    *before, last = world.events()
    assert last.trust is not None
    skipped = dataclasses.replace(last, trust=dataclasses.replace(last.trust, epoch=1))
    assert "announces trust epoch 1, the next one is 0" in problems([*before, skipped])
    assert "announces a trust epoch that is not its evidence" in problems(
        [*before, dataclasses.replace(last, evidence=())]
    )
    assert "announces no trust epoch" in problems([*before, dataclasses.replace(last, trust=None)])
    quiet = dataclasses.replace(last, after=dataclasses.replace(last.after, trust=None))
    assert any("leaves the trust at no epoch" in problem for problem in problems([*before, quiet]))
