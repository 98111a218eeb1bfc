"""Scenarios of `keys rotate` on an IAM and a vault in memory, killed before and after every change."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from release.core.handover import Rotated
from release.core.identities import identities
from release.core.key_findings import HeldKey
from release.core.rotation import Plan, is_due, plan
from release.errors import CredentialError, RefusedError
from release.stages.rotate import Rotator, run
from tests.fakes import examples
from tests.fakes.clock import MIDNIGHT, StoppedClock
from tests.fakes.console import RecordingConsole
from tests.fakes.identity_store import CrashedError, FakeIdentities, FakeVault, Kill

OWNED = identities(examples.config(), account="123456789012")
DAY = timedelta(days=1)


@dataclass(kw_only=True)
class FakeProof:
    """Implements `ports.KeyProof`: a key works after it was refused `late` times."""

    iam: FakeIdentities
    late: int = 0
    stage: str | None = None
    asked: list[str] = field(default_factory=list)

    def caller(self, stage: str, key_id: str, secret: str) -> str:
        self.asked.append(key_id)
        if len(self.asked) <= self.late or secret != f"secret of {key_id}" or key_id not in self.iam.held[stage]:
            raise CredentialError("not accepted")
        return OWNED.arn(self.stage or stage)


class World:
    """One stage, publish, with a key that is 80 days old."""

    def __init__(self) -> None:
        self.kill = Kill()
        self.iam = FakeIdentities(owned=OWNED, kill=self.kill, now=MIDNIGHT - 80 * DAY)
        self.vault = FakeVault(kill=self.kill)
        self.vault.store("publish", *self.iam.create_key("publish"))
        self.first = self.vault.ids["publish"]
        self.iam.now = MIDNIGHT
        self.proof = FakeProof(iam=self.iam)
        self.clock = StoppedClock(MIDNIGHT + timedelta(minutes=1))
        self.notes: list[Rotated] = []

    def plan(self, *, wanted: bool = True, at: datetime | None = None, grace: timedelta = timedelta(0)) -> Plan:
        stored = self.vault.key_id("publish")
        keys = self.iam.keys("publish")
        return plan(
            "publish",
            keys,
            stored,
            others={"AKIAOTHER": "record"},
            wanted=wanted,
            now=at or self.clock.now(),
            grace=grace,
        )

    def rotate(self, **how: object) -> Rotated | None:
        rotator = Rotator(
            owned=OWNED,
            keys=self.iam,
            vault=self.vault,
            proof=self.proof,
            clock=self.clock,
            console=RecordingConsole(),
        )
        return run(rotator, self.plan(**how), self.notes.append)  # type: ignore[arg-type]

    @property
    def usable(self) -> list[str]:
        return [key.id_ for key in self.iam.keys("publish") if key.active]


def test_a_new_key_is_proved_stored_and_then_the_old_one_disabled_and_later_deleted() -> None:
    world = World()
    done = world.rotate()
    new = world.vault.ids["publish"]
    assert new != world.first
    assert world.usable == [new]
    assert done == Rotated(stage="publish", made=new, disabled=(world.first,), at="2026-11-24T00:01:01Z")
    assert world.notes == [done]
    assert world.plan(wanted=False).changes is False
    tomorrow = world.clock.now() + DAY
    assert world.plan(wanted=False, at=tomorrow).delete == (world.first,)
    world.iam.now = tomorrow
    world.rotate()
    assert world.usable == [world.vault.ids["publish"]]
    assert [key.id_ for key in world.iam.keys("publish")] == [new, world.vault.ids["publish"]]


@pytest.mark.parametrize("after", [False, True])
def test_a_rotation_that_is_killed_anywhere_is_finished_by_the_next(*, after: bool) -> None:
    for change in range(1, 20):
        world = World()
        world.kill.at, world.kill.after = world.kill.changes + change, after
        try:
            world.rotate()
        except CrashedError:
            key, secret = world.vault.content["publish"]
            assert key in world.usable, "what is stored works"
            halfway = (change, after) in {(2, True), (3, False)}  # GitLab stores id and secret one after the other
            assert (secret == f"secret of {key}") is not halfway
        else:
            assert change == 5, "create, secret, id, disable"
            return
        world.rotate()
        key, secret = world.vault.content["publish"]
        assert key != world.first
        assert world.usable == [key]
        assert secret == f"secret of {key}"
        assert world.rotate() is None or world.usable == [world.vault.ids["publish"]]
    pytest.fail("it never ends")


def test_a_half_stored_key_is_repaired_even_if_none_is_due() -> None:
    world = World()
    world.kill.at = world.kill.changes + 3
    with pytest.raises(CrashedError):
        world.rotate()
    world.rotate(wanted=False)
    key, secret = world.vault.content["publish"]
    assert secret == f"secret of {key}"
    assert world.usable == [key]


def test_with_grace_the_old_key_stays_usable_until_a_later_run() -> None:
    world = World()
    grace = timedelta(hours=2)
    world.rotate(grace=grace)
    new = world.vault.ids["publish"]
    assert world.usable == [world.first, new]
    assert world.plan(grace=grace).waiting == (world.first,)
    assert not world.plan(grace=grace).changes
    world.clock.sleep(3 * 3600)
    world.rotate(grace=grace)
    assert world.usable == [new]


def test_iam_may_take_its_time_and_a_key_that_never_works_is_deleted() -> None:
    world = World()
    world.proof.late = 5
    world.rotate()
    assert world.clock.slept == [5.0] * 5 + [1.0]
    world = World()
    world.proof.late = 1000
    with pytest.raises(CredentialError, match="did not work within 120 s"):
        world.rotate()
    assert world.usable == [world.first] == [world.vault.ids["publish"]]


def test_a_key_of_another_identity_is_never_stored() -> None:
    world = World()
    world.proof.stage = "record"
    with pytest.raises(RefusedError, match="tag-record"):
        world.rotate()
    assert world.usable == [world.first] == [world.vault.ids["publish"]]


def test_a_stored_key_that_is_deleted_or_disabled_is_replaced() -> None:
    for held in ({}, {"old": HeldKey(id_="old", active=False, created=MIDNIGHT - DAY)}):
        world = World()
        world.iam.held["publish"] = dict(held)
        world.vault.ids["publish"] = "old"
        world.rotate(wanted=False) if not world.plan(wanted=False).renew else world.rotate()
        assert world.usable == [world.vault.ids["publish"]]
        assert world.vault.ids["publish"] != "old"


def test_what_nobody_can_tell_is_refused() -> None:
    world = World()
    world.vault.ids["publish"] = "AKIAOTHER"
    with pytest.raises(RefusedError, match="a key of the record stage"):
        world.plan()
    world.vault.ids["publish"] = "AKIAGONE"
    world.iam.create_key("publish")
    with pytest.raises(RefusedError, match="has two others"):
        world.plan()
    del world.vault.ids["publish"]
    with pytest.raises(RefusedError, match="no key of the publish stage is stored there"):
        world.plan()


@pytest.mark.parametrize(("age", "days", "due"), [(80, 90, False), (83, 90, True), (91, 90, True), (0, 1, False)])
def test_a_key_is_due_a_week_before_it_is_too_old(age: int, days: int, *, due: bool) -> None:
    keys = [HeldKey(id_="A", active=True, created=MIDNIGHT - age * DAY)]
    assert is_due(keys, "A", now=MIDNIGHT, days=days) is due
    assert is_due(keys, "B", now=MIDNIGHT, days=days)
