"""Rings: the rule that holds a promotion, as it is decided and as a verifier replays it."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from release.core.channels import Channel
from release.core.entry import Approved, Event, Previous, leaf_hash
from release.core.evidence import Evidence
from release.core.gate import MEDIA_TYPE
from release.core.manifest import digest
from release.core.permission import Grant
from release.core.replay import Replay
from release.core.ring_rule import RingRule
from release.core.ring_section import Rings, check_rings, follows, rule_for
from release.core.rings import Standing, holding, took_back
from release.core.succession import Intent, Log, Tail, follow
from release.errors import RefusedError
from tests.fakes import examples
from tests.fakes.examples import intent

STABLE = Channel()
CHANNELS = dict.fromkeys(("canary", "early", "latest", "v{major}"), STABLE)
ORDER = ("canary", "early", "latest")
GATE: dict[str, Any] = {
    "kind": "prometheus",
    "url": "https://p.example",
    "errors": 'sum(e{v="{{version}}"})',
    "samples": 'sum(s{v="{{version}}"})',
    "max": "0.01",
    "min-samples": 100,
}
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
VERDICT = Evidence(kind="gate", media_type=MEDIA_TYPE, sha256="c" * 64)


def rings_of(**fields: Any) -> Rings:  # noqa: ANN401 - any field
    config = examples.config(
        channels={name: {} for name in CHANNELS}, rings={"order": list(ORDER), "soak-hours": {"canary": 2}, **fields}
    )
    assert config.rings is not None
    return config.rings


class World:
    """A log with rings, whose entries are made one after the other."""

    def __init__(self, rings: Rings | None = None) -> None:
        self.rings = rings or rings_of()
        self.log = Log(
            origin=examples.LOG.origin,
            component="tag",
            channels=CHANNELS,
            pipeline=examples.PIPELINE,
            rings=self.rings,
        )
        self.tail = Tail()
        self.times: list[datetime] = []
        self.events: list[Event] = []

    def add(self, wanted: Intent, at: datetime) -> Event:
        event = follow(self.log, self.tail, wanted, at=at)
        self.tail = self.tail.and_then(event, leaf_hash(examples.sealed(event)))
        self.times.append(at)
        self.events.append(event)
        return event

    def standing(self, ring: str, verdict: Evidence | None = None) -> Standing:
        on = self.tail.state.channels[ring]
        return Standing(on=on, since=self.times[on.concluded or on.entry], verdict=verdict)

    def promote(self, ring: str, version: str = "1.4.2", at: datetime = MONDAY, **changes: Any) -> Event:  # noqa: ANN401
        return self.add(intent("promote.authorized", version, ring, **changes), at)

    def live(self, ring: str, version: str = "1.4.2", at: datetime = MONDAY, **changes: Any) -> None:  # noqa: ANN401
        entry = self.promote(ring, version, at, **changes).index
        self.add(intent("promote.completed", version, ring, outcome_of=entry), at)


def refusal(world: World, ring: str, at: datetime = MONDAY, version: str = "1.4.2", **changes: Any) -> str:  # noqa: ANN401
    with pytest.raises(RefusedError) as caught:
        world.promote(ring, version, at, **changes)
    return caught.value.message


def test_a_version_goes_from_ring_to_ring_in_order() -> None:
    world = World()
    assert "goes to canary before it goes to early: canary serves nothing" in refusal(world, "early")
    world.live("canary")
    assert "goes to early before it goes to latest" in refusal(world, "latest", MONDAY + timedelta(days=9))
    later = MONDAY + timedelta(hours=2)
    world.live("early", at=later, standing=world.standing("canary"))
    much_later = later + timedelta(hours=24)
    event = world.promote("latest", at=much_later, standing=world.standing("early"))
    assert event.ring == RingRule(after="early", soak_hours=24), "24 hours where nothing is said"


def test_it_must_have_been_verified_on_the_ring_before() -> None:
    world = World()
    world.promote("canary")
    assert "did not complete on canary" in refusal(world, "early", MONDAY + timedelta(days=9))


def test_another_version_on_the_ring_before_holds_it() -> None:
    world = World()
    world.live("canary")
    world.live("canary", "1.4.3")
    assert "canary serves 1.4.3" in refusal(world, "early", MONDAY + timedelta(days=9))


@pytest.mark.parametrize(
    ("after", "held"), [(timedelta(), True), (timedelta(seconds=7199), True), (timedelta(hours=2), False)]
)
def test_it_stays_on_a_ring_for_as_long_as_is_said(after: timedelta, held: bool) -> None:
    world = World()
    world.live("canary")
    if held:
        why = refusal(world, "early", MONDAY + after, standing=world.standing("canary"))
        assert "stays on canary until 2026-11-23T12:00:00Z" in why
    else:
        assert world.promote("early", at=MONDAY + after, standing=world.standing("canary")).channel == "early"


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        (datetime(2026, 11, 26, 15, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 26, 16, tzinfo=UTC), False),
        (datetime(2026, 11, 26, 7, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 27, 10, tzinfo=UTC), False),  # a Friday
    ],
)
def test_nothing_goes_out_on_a_friday_or_at_night(at: datetime, open_: bool) -> None:
    days = {"work-days": ["mon", "tue", "wed", "thu"], "from-hour": 8, "until-hour": 16}
    world = World(rings_of(**days))
    if open_:
        assert world.promote("canary", at=at).ring is not None
    else:
        assert "canary gets no version now: mon, tue, wed, thu, 08:00 to 16:00 UTC" in refusal(world, "canary", at)


def test_a_ring_with_a_gate_takes_nothing_without_its_answer() -> None:
    world = World(rings_of(gate=GATE))
    world.live("canary")
    later = MONDAY + timedelta(hours=3)
    assert "the gate of canary did not let" in refusal(world, "early", later, standing=world.standing("canary"))
    event = world.promote("early", at=later, standing=world.standing("canary", VERDICT))
    assert event.evidence == (VERDICT,)
    assert event.ring == RingRule(after="canary", soak_hours=2, gate=True)


def test_what_changed_on_the_ring_before_meanwhile_is_seen() -> None:
    world = World()
    world.live("canary")
    before = world.standing("canary")
    world.live("canary", "1.4.3")
    world.add(intent("rollback.authorized", "1.4.2", "canary", reason="x"), MONDAY)
    world.add(intent("rollback.completed", "1.4.2", "canary", outcome_of=4), MONDAY)
    assert "changed while this was recorded" in refusal(world, "early", MONDAY + timedelta(days=1), standing=before)


def test_a_way_back_is_never_held_up() -> None:
    world = World(rings_of(**{"work-days": ["mon"]}))
    world.live("canary", "1.4.1")
    world.live("canary", "1.4.2")
    friday = datetime(2026, 11, 27, 23, tzinfo=UTC)
    assert world.add(intent("rollback.authorized", "1.4.1", "canary", reason="x"), friday).ring is None


def test_a_channel_outside_the_order_is_held_by_no_ring() -> None:
    assert World().promote("v1").ring is None


def test_an_emergency_passes_what_takes_time_and_says_so_but_not_the_order() -> None:
    world = World(rings_of(gate=GATE, **{"work-days": ["tue"]}))
    grant = Grant(
        approvals=(Approved(principal="cto", role="CTO", request="1" * 64, approval="2" * 64),),
        trust=None,  # type: ignore[arg-type]  # the log has no epoch
        serves=None,
        seen=None,  # type: ignore[arg-type]
        review_hours=48,
        evidence={},
    )
    assert "goes to canary before" in refusal(world, "early", grant=grant)
    world.live("canary", grant=grant)
    event = world.promote("early", grant=grant, standing=world.standing("canary"))
    assert event.ring == RingRule(after="canary", soak_hours=2, days=("tue",), gate=True, waived=True)


def test_only_the_first_ring_gets_a_version_by_itself() -> None:
    assert [follows(rings_of(), CHANNELS, name) for name in ("canary", "early", "v1")] == [False, True, False]
    assert not follows(None, CHANNELS, "early")


def test_a_ring_may_be_a_line() -> None:
    rings = Rings(order=("canary", "v{major}", "v{major}.{minor}"))
    channels = dict.fromkeys(rings.order, STABLE)
    rule = rule_for(rings, channels, "v1.4", "1.4.2")
    assert rule is not None
    assert rule.after == "v1"


def test_status_says_what_holds_a_version() -> None:
    rule = RingRule(after="canary", soak_hours=2, days=("mon",), gate=True)
    on = examples.channel_state()
    done = dataclasses.replace(on, outcome="completed", concluded=8)
    assert holding(rule, on, MONDAY, MONDAY) == "1.4.2 is authorized on canary"
    assert holding(rule, done, MONDAY, MONDAY) == "1.4.2 stays on canary until 2026-11-23T12:00:00Z"
    assert holding(rule, done, MONDAY, MONDAY + timedelta(days=1)) == "1.4.2 waits for mon, 00:00 to 24:00 UTC"
    later = MONDAY + timedelta(hours=2)
    assert holding(rule, done, MONDAY, later) == "1.4.2 may come from canary, if its gate is open"


def test_a_rule_is_said_to_people() -> None:
    rule = RingRule(after="canary", soak_hours=2, days=("mon",), gate=True)
    assert rule.said() == "after canary, 2 hours there; mon, 00:00 to 24:00 UTC; its gate was asked"
    waived = dataclasses.replace(rule, waived=True)
    assert waived.said() == "after canary, 2 hours there; mon, 00:00 to 24:00 UTC; all but the order waived"
    assert RingRule().said() == "the first; every day, 00:00 to 24:00 UTC"


def problems(**fields: Any) -> list[str]:  # noqa: ANN401 - any field
    channels = {**CHANNELS, "next": Channel(accepts="prerelease")}
    return [problem.message for problem in check_rings(Rings(**fields), channels)]


def test_a_wrong_order_is_told_when_release_toml_is_read() -> None:
    assert "nowhere is no channel" in problems(order=("canary", "nowhere"))[0]
    assert problems(order=("canary", "early", "canary")) == ["canary stands there twice"]
    assert "could never come" in problems(order=("next", "latest"))[0]
    assert problems(order=ORDER, soak_hours={"v1": 3}) == ["is no ring of the order"]
    assert "is not after from-hour" in problems(order=ORDER, from_hour=9, until_hour=9)[0]
    assert problems(order=ORDER) == []


def history() -> list[Event]:
    world = World(rings_of(gate=GATE, **{"work-days": ["mon"], "from-hour": 8}))
    world.add(intent("publish.completed"), MONDAY)
    world.live("canary")
    world.live("early", at=MONDAY + timedelta(hours=2), standing=world.standing("canary", VERDICT))
    return world.events


def replayed(events: list[Event]) -> list[str]:
    replay, found = Replay(), list[str]()
    for event in events:
        prev = Previous(index=event.index - 1, leaf_hash=replay.leaf_hash) if event.index else None
        chained = dataclasses.replace(event, prev=prev)
        found += replay.take(chained, leaf_hash(examples.sealed(chained)))
    return found


def test_a_verifier_finds_nothing_wrong_with_what_the_program_writes() -> None:
    assert replayed(history()) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"ring": RingRule(after="canary", soak_hours=3)}, "leaves canary after less than 3 hours"),
        ({"ring": RingRule(after="latest")}, "goes to early before latest, which serves nothing"),
        ({"ring": RingRule(after="canary", days=("tue",))}, "outside the ring's days and hours"),
        ({"ring": RingRule(after="canary", until_hour=12)}, "outside the ring's days and hours"),
        ({"ring": RingRule(after="canary", gate=True), "evidence": ()}, "names no answer of its ring's gate"),
        ({"ring": RingRule(after="canary", waived=True)}, "passed its ring's rule as in an emergency, and was none"),
        ({"action": "rollback.authorized", "reason": "x"}, "states a ring's rule, and is no promotion"),
        ({"occurred_at": "2026-11-23T11:59:59Z"}, "leaves canary after less than 2 hours"),
    ],
)
def test_a_verifier_finds_what_broke_the_rule_that_the_entry_states(change: dict[str, Any], finding: str) -> None:
    events = [dataclasses.replace(e, **change) if e.index == 3 else e for e in history()]
    assert any(finding in problem for problem in replayed(events)), replayed(events)


def taken_back() -> list[Event]:
    world = World()
    world.add(intent("publish.completed", "1.4.1"), MONDAY)
    world.add(intent("publish.completed"), MONDAY)
    world.live("canary", "1.4.1")
    world.live("canary")
    world.add(intent("rollback.authorized", "1.4.1", "canary", reason="errors", evidence=(VERDICT,)), MONDAY)
    world.promote("canary")
    return world.events


def test_a_version_that_its_gate_took_back_does_not_come_again() -> None:
    events = taken_back()
    assert took_back(events[-2], "1.4.2")
    assert not took_back(events[-2], "1.4.3")
    assert not took_back(dataclasses.replace(events[-2], evidence=()), "1.4.2"), "a person's reason is not the gate's"
    assert replayed(events) == ["brings back 1.4.2, which the gate of canary took from it"]
    assert replayed([dataclasses.replace(e, evidence=()) for e in events]) == []


def test_a_verifier_finds_a_ring_before_that_was_not_verified() -> None:
    events = history()
    early = dataclasses.replace(events[3], index=2, after=dataclasses.replace(events[1].after))
    assert any("before it was verified on canary" in found for found in replayed([*events[:2], early]))


def test_the_manifest_of_each_version_is_its_own() -> None:
    """What the tests above rest on: a version is on a ring only with the bytes that were published."""
    world = World()
    world.live("canary")
    swapped = dataclasses.replace(intent("promote.authorized", "1.4.2", "early"), manifest=digest(b"other"))
    with pytest.raises(RefusedError, match="goes to canary before"):
        world.add(swapped, MONDAY + timedelta(days=2))
