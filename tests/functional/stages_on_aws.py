"""The stages, in this process, on an embedded AWS where each has its own user with the policy that a test gives it."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import pytest

from release.adapters import resources
from release.adapters.aws import AwsAccess, AwsClients, NewKeys
from release.adapters.delivery.cloudfront import CloudFront
from release.adapters.embedded.aws import ACCOUNT, AccessKey, EmbeddedAws
from release.adapters.embedded.provision import provision
from release.adapters.iam import IamIdentities
from release.adapters.key_directory import AwsKeyDirectory
from release.adapters.s3 import S3Store
from release.adapters.s3_history import S3History
from release.commands.log_verify import CHECKED
from release.compose.auditing import Audit, Reach
from release.core.approval import Approval
from release.core.audit.finding import AREAS
from release.core.caching import LOG
from release.core.config import ApprovalsSection, Config
from release.core.document import encode
from release.core.entry import Event
from release.core.handover import Order, Verification
from release.core.identities import BOUNDARY, ROTATE
from release.core.keypolicy import Policies, Policy, policies
from release.core.rotation import plan
from release.effects.choice import order_of
from release.effects.trail import TrailBucket
from release.effects.trusted import load
from release.errors import LogError, NotFoundError, NothingToDoError, PermissionDenied
from release.ports import KeyProof
from release.stages import approve as approving
from release.stages import audit as auditing
from release.stages import collection as collecting
from release.stages import export_log, inspect_keys, watch
from release.stages import invalidate as invalidating
from release.stages import publish as publishing
from release.stages import record as recording
from release.stages import request as asking
from release.stages import rotate as rotating
from release.stages import status as looking
from tests.fakes import examples, people
from tests.fakes.folder import InMemoryFolder
from tests.fakes.identity_store import FakeVault, Kill
from tests.fakes.scenario import CHANGELOG, REASON, World, files

TRAIL: Final = "AWSLogs/"
_DAY: Final = 24 * 3600
# "Be aware of the name difference": https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
_NAMED_OTHERWISE: Final = {"ListObjectVersions": "ListBucketVersions"}


def config(distribution: str = "E2EXAMPLE12345") -> Config:
    trail = {"bucket": "trail", "prefix": TRAIL}
    return examples.config(distribution={"id": distribution}, log={"lock-days": 30}, keys={"trail": trail})


def rendered(settings: Config) -> Policies:
    return policies(settings, account=ACCOUNT, template=lambda file: resources.text("keys-policy", file))


@dataclass(frozen=True, kw_only=True)
class Holder:
    """One stage's key, and what it reaches. `calls` are the requests it made, as `service:Operation`."""

    site: S3Store
    log: S3Store
    trail: S3Store
    site_history: S3History
    log_history: S3History
    cdn: CloudFront
    directory: AwsKeyDirectory
    identities: IamIdentities
    calls: set[str]


class Nowhere:
    """An archive that keeps nothing."""

    def add(self, path: str, body: bytes) -> None:
        """Take a file."""


class Stages:
    """Every stage with its own key; `owner` is a key that may do everything, for accidents."""

    def __init__(self, settings: Config, made: Policies, holders: Mapping[str, Holder], proof: KeyProof) -> None:
        self.config = settings
        self.policies = made
        self.world = World(settings)
        self.owner = holders["owner"]
        self.holders = holders
        self._proof = proof

    def publish(self, version: str, *, dry_run: bool = False) -> None:
        self.world.publish(version, site=self.holders["publish"].site, dry_run=dry_run)

    def record(self, version: str, *, dry_run: bool = False) -> None:
        manifest, body = publishing.read_bundle(self.config, self.world.bundles[version])
        key, evidence = self.holders["record"], self.world.evidence(version)
        recording.publish(self.world.recorder(key.log), key.site, manifest, body, evidence, dry_run=dry_run)

    def authorize(self, channel: str, version: str, *, back: bool = False, approvals: Sequence[Approval] = ()) -> Order:
        key = self.holders["record"]
        recorder = replace(self.world.recorder(key.log), approvals=tuple(approvals))
        report = recording.authorize(recorder, key.site, channel, version, reason=REASON, rollback=back, dry_run=False)
        return order_of(report.event, self.config.library.name)

    def promote(self, order: Order, *, dry_run: bool = False) -> None:
        key = self.holders["promote"]
        self.world.promote(order.channel, order, site=key.site, log=key.log, dry_run=dry_run)

    def invalidate(self, channel: str, *, dry_run: bool = False) -> None:
        promotion, cdn = self.world.promotions[channel], self.holders["invalidate"].cdn
        world = self.world
        invalidating.run(self.config, promotion, cdn, world.clock, world.console, attempt=1, dry_run=dry_run)

    def conclude(self, channel: str) -> None:
        order = self.world.promotions[channel].order
        self.world.verifications[channel] = Verification(order=order, passed=True, findings=())
        self.world.conclude(channel, log=self.holders["record"].log)

    def order_collection(self, channel: str, *, dry_run: bool = False) -> Event:
        key = self.holders["record"]
        report = self.world.order_collection(channel, site=key.site, log=key.log, dry_run=dry_run).report
        assert report is not None
        return report.event

    def collect(self, channel: str, *, dry_run: bool = False) -> None:
        key = self.holders["collect"]
        self.world.collect(channel, site=key.site, log=key.log, dry_run=dry_run)

    def finish_collection(self, channel: str) -> None:
        key, collected = self.holders["record"], self.world.collections[channel].collected
        collecting.finish(self.world.recorder(key.log), key.site, collected, dry_run=False)

    def yank(self, version: str) -> None:
        self.world.yank(version, log=self.holders["record"].log)

    def move(self, channel: str, version: str, *, back: bool = False) -> None:
        """Let a channel serve a version."""
        self.promote(self.authorize(channel, version, back=back))
        self.invalidate(channel)
        self.conclude(channel)

    def export(self) -> None:
        """Copy the log for an auditor; what comes out is another test's."""
        slots = self.world.slots(self.holders["audit"].log)
        archive = Nowhere()
        export_log.run(slots, export_log.head(slots), None, archive)

    def audit(self) -> None:
        """Hold all that the audit key reaches against the log; what is found is another test's, but not a refusal."""
        key, world = self.holders["audit"], self.world
        histories = {self.config.site.bucket: key.site_history, self.config.log.bucket: key.log_history}
        reach = Reach(
            config=self.config,
            clock=world.clock,
            console=world.console,
            project=InMemoryFolder(),
            slots=lambda: world.slots(key.log),
            site=lambda: key.site,
            history=lambda bucket: histories[bucket],
            public=lambda: world.public,
            repository=lambda: world.repository,
            keys=lambda: inspect_keys.run(self.config, self.policies, key.directory, world.clock),
        )
        errors = {kind: error for kind, (_, error) in CHECKED.items()}
        looks = Audit(reach=reach, grace=timedelta(hours=4), newest=None, errors=errors).looks(frozenset(AREAS))
        for area in auditing.run([row for row in looks if row[0] not in {"cdn", "git"}], world.console).areas:
            if isinstance(area.unread, PermissionDenied):
                raise area.unread

    def look(self) -> None:
        """Do all that the audit key is for."""
        if self.holders["audit"] is self.owner:
            return
        self.export()
        self.audit()
        key = self.holders["audit"]
        slots = self.world.slots(key.log)
        looking.run(self.config, slots, key.site, None)
        load(self.config, slots)
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

    def rotate(self, stage: str) -> None:
        """Renew a stage's key; it is the old one that `Stages` goes on with, so let this be the last thing."""
        keys, vault, now = self.holders["rotate"].identities, FakeVault(kill=Kill()), self.world.clock.now()
        held = {name: keys.keys(name) for name in self.policies.stages if name != ROTATE}
        others = {key.id_: name for name, found in held.items() for key in found if name != stage}
        for _ in range(2):  # the second run deletes what the first disabled
            rotator = rotating.Rotator(
                owned=self.policies.identities,
                keys=keys,
                vault=vault,
                proof=self._proof,
                clock=self.world.clock,
                console=self.world.console,
            )
            stored = vault.key_id(stage) or held[stage][0].id_
            todo = plan(stage, keys.keys(stage), stored, others=others, wanted=True, now=now, grace=timedelta(0))
            rotating.run(rotator, todo, lambda _: None)

    def trust(self) -> None:
        """Let people approve from now on."""
        first = people.trust()
        key = self.config.log_layout.epoch(0)
        self.owner.log.create(key, people.signed(first), LOG)
        pinned = ApprovalsSection(required=True, trust=people.known(first).sha256)
        self.config = self.world.config = replace(self.config, approvals=pinned)

    def approved(self, channel: str, version: str) -> Order:
        """Ask, look, approve and record, twice: the second time nobody hands over the approval."""
        key, world = self.holders["audit"], self.world
        wish = asking.Wish(
            channel=channel,
            version=version,
            action="promote",
            emergency=False,
            reason=None,
            hours=24,
            rollback_days=7,
            nonce="c" * 32,
        )
        request = asking.run(
            self.config, world.slots(key.log), world.view(key.log), world.clock, world.repository, wish
        )
        bare = Approval(request=encode(request).decode())
        project = InMemoryFolder({"CHANGELOG.md": CHANGELOG.encode()})
        view = world.view(key.log)
        approving.same_log(view, request, view.head().note)
        approving.difference(self.config, world.slots(key.log), key.site, world.repository, project, bare, request)
        approval = people.approval(request, by=("cto", "lead"))
        self.authorize(channel, version, approvals=(approval,))
        return self.authorize(channel, version)

    def approvals(self, order: Order) -> list[str]:
        """Give the digests of what the entry of an order names as its approvals."""
        return [one.approval for one in self.world.slots(self.owner.log).read(order.entry).approvals]

    def delete(self, store: S3Store, key: str) -> None:
        """Lose an object with all its versions, as no stage can."""
        s3, bucket = store._client, store._bucket
        page = s3.list_object_versions(Bucket=bucket, Prefix=key)
        for version in [*page["Versions"], *page.get("DeleteMarkers", [])]:
            if version["Key"] != key:
                continue
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])


@contextmanager
def stages(change: Callable[[str, Policy], Policy], only: str | None = None) -> Iterator[Stages]:
    """Open an account as `keys provision` makes it, but with each stage's policy changed by `change`.

    The buckets have no policies of their own: those only take away, and would let nothing be deleted.

    Args:
        change: given a stage and its policy, the one to apply.
        only: the stage that uses its own key; all others use the owner's, which is faster. None for all.
    """
    with EmbeddedAws() as aws, ExitStack() as until:
        site = provision(aws.session(), bucket="site", log_bucket="release-log", endpoint=aws.endpoint)
        settings = config(site.distribution)
        made = rendered(settings)
        held = _users(aws, made, change)
        used = {
            stage: _holder(aws, made, stage, held[stage], settings, until) for stage in held if only in {None, stage}
        }
        owner = _holder(aws, made, "owner", aws.admin, settings, until)
        holders = {**dict.fromkeys(held, owner), **used, "owner": owner}
        reach = AwsAccess(stage=ROTATE, region=aws.region, environment={}, endpoint=aws.endpoint)
        found = Stages(settings, made, holders, NewKeys(reach))
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


def _holder(aws: EmbeddedAws, made: Policies, stage: str, key: AccessKey, settings: Config, until: ExitStack) -> Holder:
    environment = {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    clients = AwsClients(
        AwsAccess(stage=stage, region=aws.region, environment=environment, endpoint=aws.endpoint, attempts=1)
    )
    s3, iam = until.enter_context(closing(clients.s3())), until.enter_context(closing(clients.iam()))
    cloudfront = until.enter_context(closing(clients.cloudfront()))
    calls: set[str] = set()

    def see(model: Any, **_: object) -> None:  # noqa: ANN401 - an event of botocore
        calls.add(f"{model.service_model.service_name}:{_NAMED_OTHERWISE.get(model.name, model.name)}")

    assert settings.distribution is not None
    clients_made: list[Any] = [s3, iam, cloudfront]
    for client in clients_made:
        client.meta.events.register("before-call", see)
    return Holder(
        site=S3Store(s3, bucket=settings.site.bucket, stage=stage),
        log=S3Store(s3, bucket=settings.log.bucket, stage=stage),
        trail=S3Store(s3, bucket="trail", stage=stage),
        site_history=S3History(s3, bucket=settings.site.bucket, stage=stage),
        log_history=S3History(s3, bucket=settings.log.bucket, stage=stage),
        cdn=CloudFront(cloudfront, distribution=settings.distribution.id_, stage=stage, account=ACCOUNT),
        directory=AwsKeyDirectory(iam, s3, made.identities),
        identities=IamIdentities(iam, made.identities, caller=stage),
        calls=calls,
    )


def _start_trail(aws: EmbeddedAws, found: Stages) -> None:
    s3: Any = aws.session().client("s3", endpoint_url=aws.endpoint)
    with closing(s3):
        s3.create_bucket(Bucket="trail", CreateBucketConfiguration={"LocationConstraint": aws.region})
        day = f"{found.world.clock.now():%Y/%m/%d}"
        key = f"{TRAIL}{ACCOUNT}/CloudTrail/{aws.region}/{day}/{ACCOUNT}_CloudTrail_{aws.region}_1_a.json.gz"
        s3.put_object(Bucket="trail", Key=key, Body=gzip.compress(b'{"Records": []}'))


def story(s: Stages, stage: str | None = None) -> None:
    """All that the stages do in the life of a library, with the accidents that take other ways through them.

    Args:
        s: the stages.
        stage: leave out what comes before the first thing that this stage does.
    """
    if stage == ROTATE:
        return s.rotate("invalidate")
    if stage == "collect":
        for version in ("1.0.0", "1.1.0"):
            s.publish(version)
            s.record(version)
            s.move("latest", version)
        return _collect(s)
    _publish(s)
    _serve(s)
    s.publish("1.1.0")
    s.record("1.1.0")
    s.move("latest", "1.1.0")
    s.move("latest", "1.0.0", back=True)
    s.delete(s.owner.log, s.config.log_layout.checkpoint)  # cut off before the head moved
    s.yank("1.1.0")
    _collect(s)
    _approve(s)
    return s.rotate("invalidate")


def _publish(s: Stages) -> None:
    layout, log = s.config.layout, s.config.log_layout
    artifact = s.world.build("1.0.0").artifacts[0]
    with pytest.raises(NotFoundError):  # too early: nothing is published
        s.record("1.0.0")
    body = files("1.0.0")[artifact.path]
    s.owner.site.create(layout.artifact("1.0.0", artifact.path), body, LOG)  # a run that was cut off
    with pytest.raises(NothingToDoError):  # too early: nothing is recorded
        s.export()
    s.publish("1.0.0", dry_run=True)
    s.publish("1.0.0")
    s.publish("1.0.0")
    with pytest.raises(NotFoundError):  # too early: nothing is recorded
        s.authorize("latest", "1.0.0")
    s.record("1.0.0", dry_run=True)
    s.record("1.0.0")
    s.delete(s.owner.log, log.version_index("1.0.0"))  # cut off between entry and index
    s.record("1.0.0")
    s.record("1.0.0")


def _serve(s: Stages) -> None:
    layout, log = s.config.layout, s.config.log_layout
    order = s.authorize("latest", "1.0.0")
    s.delete(s.owner.log, log.pointer(order.entry))  # cut off between entry and pointer
    with pytest.raises(NotFoundError):
        s.promote(order)
    s.authorize("latest", "1.0.0")
    s.promote(order, dry_run=True)
    s.promote(order)
    s.delete(s.owner.site, layout.pointer("latest"))  # cut off before the pointer moved
    s.look()
    s.delete(s.owner.site, layout.channel_file("latest", "tag.min.js"))  # and before the last copy
    s.look()
    s.promote(order)
    s.invalidate("latest", dry_run=True)
    s.move("latest", "1.0.0")


def _collect(s: Stages) -> None:
    """Collect what the versions before left, and lose, each time for a while, what the collection rests on."""
    layout, log = s.config.layout, s.config.log_layout
    s.world.clock.sleep(31 * _DAY)
    s.order_collection("latest", dry_run=True)
    order = s.order_collection("latest")
    s.order_collection("latest")
    serves = s.world.slots(s.owner.log).tail().state.channels["latest"].version
    for store, key, error in (
        (s.owner.log, log.evidence(order.manifest), LogError),
        (s.owner.site, layout.manifest(serves), NotFoundError),
    ):
        body = _body(store, key)
        s.delete(store, key)
        with pytest.raises(error):
            s.collect("latest")
        store.create(key, body, LOG)
    pointer = layout.pointer("latest")
    body = _body(s.owner.site, pointer)
    s.delete(s.owner.site, pointer)
    s.collect("latest", dry_run=True)
    s.owner.site.create(pointer, body, LOG)
    s.collect("latest")
    for gone in s.world.collections["latest"].collected.deleted:
        s.delete(s.owner.site, gone)  # with the versions below the delete markers
    s.collect("latest")
    s.finish_collection("latest")
    s.finish_collection("latest")


def _body(store: S3Store, key: str) -> bytes:
    found = store.read(key, limit=1 << 20)
    assert found is not None
    return found.body


def _approve(s: Stages) -> None:
    """Release with approvals, then lose what nobody can delete: each job must tell."""
    layout, log = s.config.layout, s.config.log_layout
    s.publish("1.2.0")
    s.record("1.2.0")
    s.trust()
    with pytest.raises(NotFoundError):
        s.approved("latest", "1.3.0")
    order = s.approved("latest", "1.2.0")
    s.promote(order)
    s.look()
    s.delete(s.owner.site, layout.artifact("1.2.0", "tag.min.js"))
    with pytest.raises(NotFoundError):
        s.promote(order)
    s.delete(s.owner.site, layout.manifest("1.2.0"))
    s.look()
    for sha256 in s.approvals(order):
        s.delete(s.owner.log, log.evidence(sha256))
    with pytest.raises(LogError):
        s.promote(order)
    with pytest.raises(LogError):  # the way back rests on the approval of what it leaves
        s.authorize("latest", "1.0.0", back=True)
    size = s.world.slots(s.owner.log).tail().size
    s.delete(s.owner.log, log.tile(f"tile/entries/000.p/{size}"))
    with pytest.raises(LogError):
        s.yank("1.2.0")
    with pytest.raises(LogError):
        s.export()
