"""Scenarios of `keys provision`: the planner and the stage on an IAM in memory, killed at every change."""

import pytest

from release.core import provisioning
from release.core.config import Config
from release.core.identities import BOUNDARY, PROVISION
from release.core.key_findings import HeldKey
from release.core.keypolicy import Policies, sid_suffix
from release.core.provisioning import Made, Step
from release.errors import ConfigError, NotFoundError, RefusedError
from release.stages.provision import Places, check_issuer, execute, look
from tests.fakes import examples
from tests.fakes.clock import MIDNIGHT
from tests.fakes.console import RecordingConsole
from tests.fakes.identity_store import CrashedError, FakeBucketPolicies, FakeIdentities, FakeVault, Kill
from tests.unit.test_keypolicy import OWNERS, made

BUCKETS = {"site-bucket": "site", "log-bucket": "release-log"}
FOREIGN = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "s3:*"}


class World:
    """One account, in which everything is killed together."""

    def __init__(self, config: Config) -> None:
        self.policies: Policies = made(config)
        self.kill = Kill()
        self.iam = FakeIdentities(owned=self.policies.identities, kill=self.kill)
        self.s3 = FakeBucketPolicies(kill=self.kill)
        self.vault = FakeVault(kill=self.kill)
        self.mine = FakeVault(kill=self.kill)

    def places(self, *, administrator: bool = False) -> Places:
        users = self.policies.identities.kind == "users"
        stages = self.vault if users else None
        return Places(
            identities=self.iam,
            policies=self.s3,
            buckets=BUCKETS,
            issuer="gitlab.example.com",
            vault=self.mine if administrator else stages,
            roles=None if users or administrator else self.vault,
            console=RecordingConsole(),
        )

    def foundation(self) -> list[Step]:
        places, owned = self.places(administrator=True), self.policies.identities
        steps = provisioning.foundation(
            self.policies,
            seen={name: self.iam.policy(name) for name in (BOUNDARY, PROVISION)},
            holder=look(places, owned, PROVISION),
            buckets={name: self.s3.read(bucket) for name, bucket in BUCKETS.items()},
        )
        execute(places, owned, steps)
        return steps

    def ordinary(self) -> list[Step]:
        places, owned = self.places(), self.policies.identities
        buckets = {name: self.s3.read(bucket) for name, bucket in BUCKETS.items()}
        provisioning.require_foundation(self.policies, self.iam.policy(BOUNDARY), buckets)
        seen = {stage: look(places, owned, stage) for stage in self.policies.stages}
        steps = provisioning.ordinary(self.policies, seen, tell_gitlab=places.roles is not None)
        execute(places, owned, steps)
        return steps


@pytest.fixture(params=OWNERS)
def world(request: pytest.FixtureRequest) -> World:
    return World(OWNERS[request.param])


def test_everything_is_made_once_capped_and_with_its_own_policy(world: World) -> None:
    world.foundation()
    world.ordinary()
    owned = world.policies.identities
    for stage in owned.stages:
        assert world.iam.policies[stage] == world.policies.stages[stage]
        assert world.iam.holders[stage] == Made(
            boundary=owned.policy_arn(BOUNDARY),
            attached=frozenset({owned.policy_arn(stage)}),
            trust=world.policies.trust.get(stage),
        )
    if owned.kind == "users":
        assert {stage: key for stage, (key, _) in world.vault.content.items()} == {
            stage: world.iam.keys(stage)[0].id_ for stage in owned.stages
        }
    else:
        assert world.vault.roles == {stage: owned.arn(stage) for stage in owned.stages}
        assert not any(world.iam.keys(stage) for stage in owned.stages)
    assert world.foundation() == []
    assert world.ordinary() == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("owner", ["users", "roles"])
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(owner: str, *, after: bool) -> None:
    for change in range(1, 100):
        world = World(OWNERS[owner])
        world.foundation()
        world.kill.at, world.kill.after = world.kill.changes + change, after
        try:
            world.ordinary()
        except CrashedError:
            assert all(made.boundary for stage, made in world.iam.holders.items() if stage != PROVISION)
        else:
            assert change > 3 * len(world.policies.stages)
            return
        try:
            world.ordinary()
        except RefusedError:
            for stage, keys in world.iam.held.items():  # as the hint says
                if stage != PROVISION and world.vault.ids.get(stage) not in keys:
                    keys.clear()
            world.ordinary()
        assert world.ordinary() == []
        for stage, (key, secret) in world.vault.content.items():
            assert [held.id_ for held in world.iam.keys(stage)] == [key]
            assert secret == f"secret of {key}"
    pytest.fail("it never ends")


def test_nothing_is_made_without_the_boundary(world: World) -> None:
    with pytest.raises(NotFoundError, match="boundary"):
        world.ordinary()
    world.foundation()
    world.iam.policies[BOUNDARY] = {"Version": "2012-10-17", "Statement": []}
    with pytest.raises(RefusedError, match="boundary"):
        world.ordinary()
    world.foundation()
    del world.s3.policies["site"]
    with pytest.raises(RefusedError, match="site-bucket") as refused:
        world.ordinary()
    assert "--foundation" in refused.value.hint
    assert PROVISION in world.iam.holders
    assert len(world.iam.holders) == 1


def test_an_older_identity_gets_its_boundary_and_its_trust_policy(world: World) -> None:
    world.foundation()
    owned = world.policies.identities
    trust = {"Version": "2012-10-17", "Statement": []} if owned.kind == "roles" else None
    world.iam.holders["publish"] = Made(attached=frozenset({owned.policy_arn("publish")}), trust=trust)
    kinds = [step.kind for step in world.ordinary() if step.name == "publish"]
    assert kinds == ["policy", "cap", *(["trust", "role-variable"] if trust else ["key"])]
    assert world.iam.holders["publish"].boundary == owned.policy_arn(BOUNDARY)


def test_a_policy_of_another_is_refused(world: World) -> None:
    world.foundation()
    world.iam.holders["record"] = Made(attached=frozenset({"arn:aws:iam::aws:policy/AdministratorAccess"}))
    with pytest.raises(RefusedError, match="AdministratorAccess"):
        world.ordinary()


def test_a_disabled_key_is_said_and_not_replaced() -> None:
    world = World(OWNERS["users"])
    world.foundation()
    world.ordinary()
    key = world.vault.ids["promote"]
    world.iam.held["promote"][key] = HeldKey(id_=key, active=False, created=MIDNIGHT)
    world.vault.ids["record"] = "AKIAELSEWHERE"
    with pytest.raises(RefusedError, match="not the one that is stored") as refused:
        world.ordinary()
    assert "delete it" in refused.value.hint
    world.vault.ids["record"] = world.iam.keys("record")[0].id_
    with pytest.raises(RefusedError, match=r"promote stage already has the access key .* is disabled"):
        world.ordinary()


def test_statements_of_other_libraries_stay_and_ours_are_replaced() -> None:
    world = World(OWNERS["users"])
    suffix = sid_suffix("tag")
    theirs = {**FOREIGN, "Sid": "VersionsAreCreateOnlyotherlib123456"}
    unnamed = {name: value for name, value in FOREIGN.items() if name != "Sid"}
    gone = {**FOREIGN, "Sid": f"NoLongerWritten{suffix}"}
    wrong = {**FOREIGN, "Sid": "TlsOnly"}
    world.s3.policies["site"] = {"Version": "2012-10-17", "Statement": [theirs, wrong, unnamed, gone, FOREIGN]}
    world.foundation()
    wanted = world.policies.buckets["site-bucket"]["Statement"]
    assert world.s3.policies["site"]["Statement"] == [*wanted, theirs, unnamed, FOREIGN]
    assert world.foundation() == []


def test_a_bucket_policy_that_grows_too_long_is_refused() -> None:
    wanted = made().buckets["site-bucket"]
    current = {"Version": "2012-10-17", "Statement": [{**FOREIGN, "Resource": ["r" * 19_000]}]}
    with pytest.raises(ConfigError, match="20480"):
        provisioning.merge(current, wanted, suffix="tag", name="site-bucket")


def test_the_issuer_must_be_known_with_every_audience() -> None:
    world = World(OWNERS["roles"])
    with pytest.raises(NotFoundError, match=r"oidc-provider/gitlab\.example\.com"):
        check_issuer(world.places(), world.policies)
    world.iam.audiences = frozenset({"release-publish"})
    with pytest.raises(RefusedError, match=r"release-audit, .*release-record"):
        check_issuer(world.places(), world.policies)
    world.iam.audiences = provisioning.audiences(world.policies.identities)
    check_issuer(world.places(), world.policies)


def test_without_a_place_for_secrets_no_key_is_made() -> None:
    world = World(examples.config())
    with pytest.raises(ConfigError, match="no place"):
        execute(
            Places(identities=world.iam, policies=world.s3, buckets=BUCKETS, console=RecordingConsole()),
            world.policies.identities,
            [Step(kind="create", name="publish"), Step(kind="key", name="publish")],
        )
    assert not world.iam.holders
