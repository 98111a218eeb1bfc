"""Rings through the stages: what record holds back, what it leaves in the log, and what passes all the same."""

from datetime import timedelta
from decimal import Decimal

import pytest

from release.core.gate import Counted, read_verdict
from release.core.ring_rule import RingRule
from release.errors import RefusedError, ServiceError, TrippedError
from release.stages import gate as gating
from tests.fakes import examples, people
from tests.fakes.scenario import World

RINGS = {
    "order": ["canary", "latest"],
    "soak-hours": {"canary": 2},
    "gate": {
        "kind": "prometheus",
        "url": "https://p.example",
        "errors": 'sum(e{v="{{version}}"})',
        "samples": 'sum(s{v="{{version}}"})',
        "max": "0.01",
        "min-samples": 100,
    },
}
SOAK = 2 * 3600
GOOD, BAD = (Counted(errors=Decimal(n), samples=Decimal(1000)) for n in (1, 11))


@pytest.fixture
def world() -> World:
    """1.0.0 is served by both rings, 1.1.0 by the canary."""
    made = World(examples.config(channels={"canary": {}, "latest": {}}, rings=RINGS, approvals={"required": False}))
    made.counted = GOOD
    made.release("1.0.0", "canary")
    made.clock.sleep(SOAK)
    made.serve("latest", "1.0.0")
    made.release("1.1.0", "canary")
    return made


def test_the_soak_is_counted_from_the_log_and_then_the_gate_is_asked(world: World) -> None:
    world.clock.sleep(SOAK - 1)
    before = world.log.bodies()
    with pytest.raises(RefusedError, match="stays on canary until"):
        world.authorize("latest", "1.1.0")
    assert world.log.bodies() == before
    world.clock.sleep(1)
    event = world.authorize("latest", "1.1.0").event
    assert event.ring == RingRule(after="canary", soak_hours=2, gate=True)
    (kept,) = event.evidence
    verdict = read_verdict(world.log.bodies()[world.config.log_layout.evidence(kept.sha256)], name="it")
    assert (verdict.answer, verdict.trial.version, verdict.trial.ring) == ("open", "1.1.0", "canary")


@pytest.mark.parametrize(
    ("counted", "error"),
    [
        (BAD, TrippedError),
        (Counted(errors=Decimal(0), samples=Decimal(99)), ServiceError),
        (ServiceError("Prometheus gave HTTP 503"), ServiceError),
    ],
)
def test_a_closed_gate_leaves_nothing_in_the_log(
    world: World, counted: Counted | ServiceError, error: type[Exception]
) -> None:
    world.clock.sleep(SOAK)
    world.counted, before = counted, world.log.bodies()
    with pytest.raises(error):
        world.authorize("latest", "1.1.0")
    assert world.log.bodies() == before


def test_a_dry_run_asks_and_leaves_nothing(world: World) -> None:
    world.clock.sleep(SOAK)
    before = world.log.bodies()
    assert world.authorize("latest", "1.1.0", dry_run=True).event.ring is not None
    assert world.log.bodies() == before


def test_what_was_let_through_is_not_held_up_when_its_job_runs_again(world: World) -> None:
    world.clock.sleep(SOAK)
    first = world.authorize("latest", "1.1.0")
    world.counted = BAD
    again = world.authorize("latest", "1.1.0")
    assert (first.new, again.new, again.event) == (True, False, first.event)
    world.finish("latest")


def test_a_tripped_gate_says_where_to_and_why_once(world: World) -> None:
    world.counted = BAD
    keeper = world.recorder().keeper
    assert keeper is not None
    standing = gating.standing(world.config, world.slots(), "canary")
    verdict = gating.watch(keeper, standing.trial(world.config), world.console, minutes=0)
    version, reason = gating.way_back(world.slots(), verdict)
    assert (version, reason) == ("1.0.0", verdict.said())
    world.roll_back("canary", version, reason=reason, verdict=verdict)
    assert gating.standing(world.config, world.slots(), "canary").is_going_back, "until it is verified"
    world.finish("canary")
    assert gating.way_back(world.slots(), verdict) == (version, reason), "the same again, and no further"
    after = gating.standing(world.config, world.slots(), "canary")
    assert not after.is_going_back
    with pytest.raises(RefusedError, match="nothing is on trial"):
        after.trial(world.config)
    with pytest.raises(RefusedError, match=r"the gate took 1\.1\.0 back from canary"):
        world.authorize("canary", "1.1.0")
    world.release("1.2.0", "canary")
    with pytest.raises(RefusedError, match=r"is about 1\.1\.0 .* and canary serves 1\.2\.0"):
        gating.way_back(world.slots(), verdict)


def test_an_open_gate_is_no_reason_to_go_back(world: World) -> None:
    keeper = world.recorder().keeper
    assert keeper is not None
    trial = gating.standing(world.config, world.slots(), "canary").trial(world.config)
    with pytest.raises(RefusedError, match="no reason to go back"):
        gating.way_back(world.slots(), keeper.ask(trial))
    with pytest.raises(RefusedError, match="there is no channel 'nowhere'"):
        gating.standing(world.config, world.slots(), "nowhere")


def test_an_approved_emergency_passes_soak_and_gate_and_its_entry_says_so() -> None:
    world = World(examples.config(channels={"canary": {}, "latest": {}}, rings=RINGS))
    world.trust()
    world.counted = BAD
    world.release("1.0.0")
    world.approved("canary", "1.0.0", "cto")
    world.finish("canary")
    with pytest.raises(RefusedError, match="stays on canary until"):
        world.approved("latest", "1.0.0", "cto", "lead")
    event = world.approved("latest", "1.0.0", "cto", emergency=True, reason="checkout is down").event
    assert event.emergency
    assert event.ring == RingRule(after="canary", soak_hours=2, gate=True, waived=True)
    assert event.evidence == ()


def test_an_approval_that_was_given_early_counts_when_the_soak_is_over() -> None:
    world = World(examples.config(channels={"canary": {}, "latest": {}}, rings=RINGS))
    world.trust()
    world.counted = GOOD
    world.release("1.0.0")
    world.approved("canary", "1.0.0", "cto")
    world.finish("canary")
    approval = people.approval(world.ask("latest", "1.0.0"), by=("cto", "lead"))
    with pytest.raises(RefusedError, match="stays on canary until"):
        world.authorize("latest", "1.0.0", approvals=[approval])
    world.clock.sleep(timedelta(hours=2).total_seconds())
    assert world.authorize("latest", "1.0.0", approvals=[approval]).event.approvals != ()
