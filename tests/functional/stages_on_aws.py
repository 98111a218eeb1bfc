"""The stages, in this process, on an embedded AWS where each has its own user with the policy that a test gives it."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from release.adapters import resources
from release.adapters.aws import AwsAccess, AwsClients
from release.adapters.cloudfront import CloudFront
from release.adapters.embedded.aws import ACCOUNT, AccessKey, EmbeddedAws
from release.adapters.embedded.provision import provision
from release.adapters.key_directory import AwsKeyDirectory
from release.adapters.s3 import S3Store
from release.core.config import Config
from release.core.handover import Order, Verification
from release.core.identities import BOUNDARY
from release.core.keypolicy import Policies, Policy, policies
from release.effects.trail import TrailBucket
from release.errors import NotFoundError, NothingToDoError, PermissionDenied
from release.stages import inspect_keys, watch
from release.stages import invalidate as invalidating
from release.stages import publish as publishing
from release.stages import record as recording
from release.stages import status as looking
from tests.fakes import examples
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.scenario import REASON, World, files

TRAIL: Final = "AWSLogs/"
_DAY: Final = 24 * 3600


def config(distribution: str = "E2EXAMPLE12345") -> Config:
    trail = {"bucket": "trail", "prefix": TRAIL}
    return examples.config(distribution={"id": distribution}, keys={"trail": trail})


def rendered(settings: Config) -> Policies:
    return policies(settings, account=ACCOUNT, template=lambda file: resources.text("keys-policy", file))


@dataclass(frozen=True, kw_only=True)
class Holder:
    """One stage's key, and what it reaches."""

    site: S3Store
    log: S3Store
    trail: S3Store
    cdn: CloudFront
    directory: AwsKeyDirectory


class Stages:
    """Every stage with its own key; `owner` is a key that may do everything, for accidents."""

    def __init__(self, settings: Config, made: Policies, holders: Mapping[str, Holder]) -> None:
        self.config = settings
        self.policies = made
        self.world = World(settings)
        self.owner = holders["owner"]
        self._of = holders

    def publish(self, version: str, *, dry_run: bool = False) -> None:
        self.world.publish(version, site=self._of["publish"].site, dry_run=dry_run)

    def record(self, version: str, *, dry_run: bool = False) -> None:
        manifest, body = publishing.read_bundle(self.config, self.world.bundles[version])
        key, evidence = self._of["record"], self.world.evidence(version)
        recording.publish(self.world.recorder(key.log), key.site, manifest, body, evidence, dry_run=dry_run)

    def authorize(self, channel: str, version: str, *, back: bool = False, dry_run: bool = False) -> Order:
        key = self._of["record"]
        report = recording.authorize(
            self.world.recorder(key.log), key.site, channel, version, reason=REASON, rollback=back, dry_run=dry_run
        )
        return recording.order_of(report.event, self.config.library.name)

    def promote(self, order: Order, *, dry_run: bool = False) -> None:
        key = self._of["promote"]
        self.world.promote(order.channel, order, site=key.site, log=key.log, dry_run=dry_run)

    def invalidate(self, channel: str, *, dry_run: bool = False) -> None:
        promotion, cdn = self.world.promotions[channel], self._of["invalidate"].cdn
        world = self.world
        invalidating.run(self.config, promotion, cdn, world.clock, world.console, attempt=1, dry_run=dry_run)

    def conclude(self, channel: str) -> None:
        order = self.world.promotions[channel].order
        self.world.verifications[channel] = Verification(order=order, passed=True, findings=())
        self.world.conclude(channel, log=self._of["record"].log)

    def yank(self, version: str) -> None:
        self.world.yank(version, log=self._of["record"].log)

    def move(self, channel: str, version: str, *, back: bool = False) -> None:
        """Let a channel serve a version, every step twice, as after a lost answer."""
        for _ in range(2):
            order = self.authorize(channel, version, back=back)
        for _ in range(2):
            self.promote(order)
            self.invalidate(channel)
            self.conclude(channel)

    def look(self) -> None:
        """Do all that the audit key is for."""
        key = self._of["audit"]
        slots = self.world.slots(key.log)
        looking.run(self.config, slots, key.site, None)
        list(slots.events(first=0, size=slots.tail().size))
        report = inspect_keys.run(self.config, self.policies, key.directory, self.world.clock)
        unseen = [str(found) for found in report.findings if "cannot be looked at" in str(found)]
        if unseen:
            raise PermissionDenied(unseen[0])
        now = int(self.world.clock.now().timestamp())
        trail = TrailBucket(key.trail, prefix=TRAIL, account=ACCOUNT, since=now - _DAY, until=now)
        with pytest.raises(NothingToDoError):  # the trail's one file has no record
            watch.run(
                self.config,
                self.policies.identities,
                slots,
                trail,
                watch.Period(since=now - _DAY, until=now, now=now),
            )

    def delete(self, store: S3Store, key: str) -> None:
        """Lose an object, as no stage can."""
        store._client.delete_object(Bucket=store._bucket, Key=key)


@contextmanager
def stages(change: Callable[[str, Policy], Policy]) -> Iterator[Stages]:
    """Open an account as `keys provision` makes it, but with each stage's policy changed by `change`.

    The buckets have no policies of their own: those only take away, and would let nothing be deleted.
    """
    with EmbeddedAws() as aws, ExitStack() as until:
        site = provision(aws.session(), bucket="site", log_bucket="release-log", endpoint=aws.endpoint)
        settings = config(site.distribution)
        made = rendered(settings)
        held = {"owner": aws.admin, **_users(aws, made, change)}
        found = Stages(
            settings, made, {stage: _holder(aws, settings, made, stage, key, until) for stage, key in held.items()}
        )
        _start_trail(aws, found)
        yield found


def _users(aws: EmbeddedAws, made: Policies, change: Callable[[str, Policy], Policy]) -> dict[str, AccessKey]:
    owned, keys = made.identities, {}
    iam: Any = aws.session().client("iam", endpoint_url=aws.endpoint)
    with closing(iam):
        changed = {stage: change(stage, policy) for stage, policy in made.stages.items()}
        for name, policy in {BOUNDARY: made.boundary, **changed}.items():
            iam.create_policy(PolicyName=owned.name(name), Path=owned.path, PolicyDocument=json.dumps(policy))
        for stage in owned.stages:
            name, cap = owned.name(stage), owned.policy_arn(BOUNDARY)
            iam.create_user(UserName=name, Path=owned.path, PermissionsBoundary=cap)
            iam.attach_user_policy(UserName=name, PolicyArn=owned.policy_arn(stage))
            key = iam.create_access_key(UserName=name)["AccessKey"]
            keys[stage] = AccessKey(id=key["AccessKeyId"], secret=key["SecretAccessKey"])
    return keys


def _holder(
    aws: EmbeddedAws, settings: Config, made: Policies, stage: str, key: AccessKey, until: ExitStack
) -> Holder:
    environment = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    clients = AwsClients(
        AwsAccess(stage=stage, region=aws.region, environment=environment, endpoint=aws.endpoint, attempts=1)
    )
    s3, iam = until.enter_context(closing(clients.s3())), until.enter_context(closing(clients.iam()))
    cloudfront = until.enter_context(closing(clients.cloudfront()))
    return Holder(
        site=S3Store(s3, bucket=settings.site.bucket, stage=stage),
        log=S3Store(s3, bucket=settings.log.bucket, stage=stage),
        trail=S3Store(s3, bucket="trail", stage=stage),
        cdn=CloudFront(cloudfront, distribution=settings.distribution.id_, stage=stage, account=ACCOUNT),
        directory=AwsKeyDirectory(iam, s3, made.identities),
    )


def _start_trail(aws: EmbeddedAws, found: Stages) -> None:
    s3: Any = aws.session().client("s3", endpoint_url=aws.endpoint)
    with closing(s3):
        s3.create_bucket(Bucket="trail", CreateBucketConfiguration={"LocationConstraint": aws.region})
        day = f"{found.world.clock.now():%Y/%m/%d}"
        key = f"{TRAIL}{ACCOUNT}/CloudTrail/{aws.region}/{day}/{ACCOUNT}_CloudTrail_{aws.region}_1_a.json.gz"
        s3.put_object(Bucket="trail", Key=key, Body=gzip.compress(b'{"Records": []}'))


def story(s: Stages) -> None:
    """All that the stages do in the life of a library, with the accidents that take other ways through them."""
    layout, log = s.config.layout, s.config.log_layout
    manifest = s.world.build("1.0.0")
    with pytest.raises(NotFoundError):  # too early: nothing is published
        s.record("1.0.0")
    first = layout.artifact("1.0.0", manifest.artifacts[0].path)
    body = files("1.0.0")[manifest.artifacts[0].path]
    s.owner.site.create(first, body, _headers(first, body))  # a run that was cut off after its first file
    s.publish("1.0.0", dry_run=True)
    s.publish("1.0.0")
    s.publish("1.0.0")
    with pytest.raises(NotFoundError):  # too early: nothing is recorded
        s.authorize("latest", "1.0.0")
    s.record("1.0.0", dry_run=True)
    s.record("1.0.0")
    s.record("1.0.0")
    s.delete(s.owner.log, log.version_index("1.0.0"))  # cut off between entry and index
    s.record("1.0.0")
    order = s.authorize("latest", "1.0.0")
    s.delete(s.owner.log, log.pointer(order.entry))  # cut off between entry and pointer
    with pytest.raises(NotFoundError):
        s.promote(order)
    s.authorize("latest", "1.0.0")
    s.promote(order, dry_run=True)
    s.promote(order)
    s.invalidate("latest", dry_run=True)
    s.delete(s.owner.site, layout.pointer("latest"))  # cut off before the pointer moved
    s.look()
    s.delete(s.owner.site, layout.channel_file("latest", "tag.min.js"))  # and before the last copy
    s.look()
    s.promote(order)
    s.move("latest", "1.0.0")
    for version in ("1.1.0", "2.0.0"):
        s.publish(version)
        s.record(version)
        s.move("latest", version)
    s.move("v2", "2.0.0")
    s.move("latest", "1.0.0", back=True)
    s.yank("1.1.0")
    s.look()
    s.delete(s.owner.site, layout.artifact("2.0.0", "tag.min.js"))  # what nobody can do, and must be told of
    with pytest.raises(NotFoundError):
        s.promote(s.authorize("latest", "2.0.0"))
    s.delete(s.owner.site, layout.manifest("2.0.0"))
    s.look()


def _headers(key: str, body: bytes) -> Any:  # noqa: ANN401 - what any store takes
    store = InMemoryObjectStore()
    store.put(key, body)
    found = store.describe(key)
    assert found is not None
    return found.headers
