"""IAM, buckets' policies and a vault in memory, which can stop before or after any call that changes something."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from release.core.identities import BOUNDARY, PROVISION, Identities
from release.core.key_findings import HeldKey
from release.core.keypolicy import Policy
from release.core.provisioning import Made
from release.errors import RefusedError
from tests.fakes.clock import MIDNIGHT


class CrashedError(Exception):
    """The process was killed."""


@dataclass
class Kill:
    """Counts changes; stops at the one numbered `at`, before it happens or right after."""

    at: int | None = None
    after: bool = False
    changes: int = 0

    def change(self, do: Callable[[], None]) -> None:
        self.changes += 1
        if self.changes == self.at and not self.after:
            raise CrashedError
        do()
        if self.changes == self.at:
            raise CrashedError


@dataclass(kw_only=True)
class FakeIdentities:
    """Implements `ports.IdentityStore` and what rotation needs; keys are made at `now`."""

    owned: Identities
    kill: Kill = field(default_factory=Kill)
    now: datetime = MIDNIGHT
    policies: dict[str, Policy] = field(default_factory=dict)
    holders: dict[str, Made] = field(default_factory=dict)
    held: dict[str, dict[str, HeldKey]] = field(default_factory=dict)
    audiences: frozenset[str] | None = None
    _made: int = 0

    def policy(self, name: str) -> Policy | None:
        return self.policies.get(name)

    def write_policy(self, name: str, document: Policy) -> None:
        self.kill.change(lambda: self.policies.update({name: document}))

    def holder(self, stage: str) -> Made | None:
        return self.holders.get(stage)

    def create(self, stage: str, trust: Policy | None) -> None:
        cap = None if stage == PROVISION else self.owned.policy_arn(BOUNDARY)
        self.kill.change(lambda: self.holders.update({stage: Made(boundary=cap, trust=trust)}))

    def cap(self, stage: str) -> None:
        self._change(stage, boundary=self.owned.policy_arn(BOUNDARY))

    def attach(self, stage: str) -> None:
        self._change(stage, attached=frozenset({self.owned.policy_arn(stage)}))

    def set_trust(self, stage: str, trust: Policy) -> None:
        self._change(stage, trust=trust)

    def issuer_audiences(self, host: str) -> frozenset[str] | None:
        del host
        return self.audiences

    def keys(self, stage: str) -> list[HeldKey]:
        return sorted(self.held.get(stage, {}).values(), key=lambda key: (key.created, key.id_))

    def create_key(self, stage: str) -> tuple[str, str]:
        mine = self.held.setdefault(stage, {})
        assert len(mine) < 2, "AWS allows two keys a user"
        self._made += 1
        key = HeldKey(id_=f"AKIA{self._made:012}", active=True, created=self.now + timedelta(seconds=self._made))
        self.kill.change(lambda: mine.update({key.id_: key}))
        return key.id_, f"secret of {key.id_}"

    def disable_key(self, stage: str, key_id: str) -> None:
        key = self.held[stage][key_id]
        self.kill.change(
            lambda: self.held[stage].update({key_id: HeldKey(id_=key_id, active=False, created=key.created)})
        )

    def delete_key(self, stage: str, key_id: str) -> None:
        def delete() -> None:
            self.held[stage].pop(key_id, None)

        self.kill.change(delete)

    def _change(self, stage: str, **changes: object) -> None:
        old = self.holders[stage]
        fields: dict[str, object] = {"boundary": old.boundary, "attached": old.attached, "trust": old.trust, **changes}
        self.kill.change(lambda: self.holders.update({stage: Made(**fields)}))  # type: ignore[arg-type]


@dataclass(kw_only=True)
class FakeBucketPolicies:
    """Implements `ports.BucketPolicyStore`."""

    kill: Kill
    policies: dict[str, Policy] = field(default_factory=dict)

    def read(self, bucket: str) -> Policy | None:
        return self.policies.get(bucket)

    def write(self, bucket: str, policy: Policy, *, before: Policy | None) -> None:
        if self.read(bucket) != before:
            raise RefusedError("changed meanwhile")
        self.kill.change(lambda: self.policies.update({bucket: policy}))


@dataclass(kw_only=True)
class FakeVault:
    """Implements `ports.KeyVault` and `ports.RoleVariables`; like GitLab, keeps id and secret one after the other."""

    kill: Kill
    ids: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    def require_writable(self) -> None:
        pass

    def key_id(self, stage: str) -> str | None:
        return self.ids.get(stage)

    def store(self, stage: str, key_id: str, secret: str) -> None:
        self.kill.change(lambda: self.secrets.update({stage: secret}))
        self.kill.change(lambda: self.ids.update({stage: key_id}))

    def role(self, stage: str) -> str | None:
        return self.roles.get(stage)

    def store_role(self, stage: str, arn: str) -> None:
        self.kill.change(lambda: self.roles.update({stage: arn}))

    @property
    def content(self) -> Mapping[str, tuple[str, str | None]]:
        return {stage: (key, self.secrets.get(stage)) for stage, key in self.ids.items()}
