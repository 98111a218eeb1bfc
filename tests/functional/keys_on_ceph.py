"""One owner's buckets on Ceph's gateway, full of its and others' objects, and a user for every key there is.

The buckets have no policies that protect them: a key must be right without them.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from release.adapters import resources
from release.core.config import Config
from release.core.identities import PROVISION
from release.core.keypolicy import Policies, policies
from release.core.matrix import Cell, calls, matrix
from tests.fakes import examples
from tests.fakes.ceph import CephGateway
from tests.fakes.ceph_policies import readable
from tests.functional.s3_calls import put

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ACCOUNT: Final = "123456789012"
# The gateway's `*` ends at the first character that equals the one after it (rgw_string.cc, match_wildcards), so that
# v*.json is not v1.4.json: a channel of two numbers would be narrower here than on AWS.
CHANNELS: Final[Mapping[str, Mapping[str, object]]] = {"v{major}": {}, "latest": {}, "next": {"accepts": "prerelease"}}


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """`clients` are by stage, over TLS; `plain` without."""

    config: Config
    policies: Policies
    cells: tuple[Cell, ...]
    owner: "S3Client"
    clients: Mapping[str, "S3Client"]
    plain: Mapping[str, "S3Client"]

    def bodies(self) -> dict[str, bytes]:
        """Give every object that the cells are about, as its owner sees it."""
        found = {}
        for bucket, key in _objects(self.cells):
            with closing(self.owner.get_object(Bucket=bucket, Key=key)["Body"]) as body:
                found[f"{bucket}/{key}"] = body.read()
        return found

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Let objects be deleted, and put them back."""
        before = self.bodies()
        yield
        for bucket, key in _objects(self.cells):
            put(self.owner, bucket, key, before[f"{bucket}/{key}"])


@contextmanager
def keyring(
    ceph: CephGateway, *, customer: str | None = None, source_ips: tuple[str, ...] = ("127.0.0.0/8",)
) -> Iterator[Keyring]:
    """Fill buckets of their own, and give each stage of the owner a user with the policy that the program renders."""
    name = uuid.uuid4().hex
    config = examples.config(
        channels=CHANNELS,
        site={"bucket": f"site-{name}", **({"customer": customer} if customer else {})},
        log={"bucket": f"log-{name}"},
        keys={"trail": {"bucket": f"trail-{name}"}, "source-ips": list(source_ips)},
    )
    made = policies(config, account=ACCOUNT, template=lambda file: resources.text("keys-policy", file))
    asked = tuple(_asked(config, made))
    with ExitStack() as stack:
        owner = stack.enter_context(closing(ceph.clients(ceph.administrator).s3()))
        _fill(owner, asked)
        keys = {
            stage: ceph.add_user(f"{stage}-{name}", readable(policy))
            for stage, policy in {**made.stages, PROVISION: made.provision}.items()
        }
        clients, plain = (
            {
                stage: stack.enter_context(closing(ceph.clients(key, endpoint=endpoint).s3()))
                for stage, key in keys.items()
            }
            for endpoint in (ceph.endpoint, ceph.plain_endpoint)
        )
        yield Keyring(config=config, policies=made, cells=asked, owner=owner, clients=clients, plain=plain)


def _asked(config: Config, made: Policies) -> Iterator[Cell]:
    """Give what S3 is asked for. The matrix has no row of the key that provisions; all it may is read two policies.

    Keys that S3 has no policy for are the same nobody for every owner: once is enough.
    """
    once = () if config.site.customer is None else ("invalidate", "rotate")
    stages = [stage for stage in made.identities.stages if stage not in once]
    yield from (cell for cell in matrix(config, made, stages=stages) if cell.call.action.startswith("s3:"))
    for call in calls(config, made.identities):
        if call.action.startswith("s3:"):
            may = call.act == "read the policy of" and not call.foreign
            yield Cell(stage=PROVISION, call=call, allowed=may, wanted=may)


def _fill(owner: "S3Client", cells: tuple[Cell, ...]) -> None:
    nobody = {"Service": "cloudfront.amazonaws.com"}
    for bucket in sorted({bucket for bucket, _ in _objects(cells)}):
        owner.create_bucket(Bucket=bucket)
        owner.put_bucket_policy(Bucket=bucket, Policy=_to_read(bucket, nobody))
    # What is copied from elsewhere is the thief's own, open to everybody: only the key may stand in the way.
    owner.create_bucket(Bucket="elsewhere")
    owner.put_bucket_policy(Bucket="elsewhere", Policy=_to_read("elsewhere", "*"))
    put(owner, "elsewhere", "evil.js")
    for bucket, key in _objects(cells):
        put(owner, bucket, key, f"{bucket}/{key}".encode())


def _objects(cells: tuple[Cell, ...]) -> list[tuple[str, str]]:
    places = {cell.call.resource.rpartition(":")[2].partition("/") for cell in cells}
    return sorted((bucket, key) for bucket, slash, key in places if slash)


def _to_read(bucket: str, principal: object) -> str:
    objects = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [objects]})
