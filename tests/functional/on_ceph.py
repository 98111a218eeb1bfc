"""A library on Ceph's S3 gateway: each stage has a user of its own, and the policy that `keys render` gives it.

Buckets belong to an administrator and have the policies that `keys render` gives them. They keep no
versions, for this server does not honour `If-None-Match` where they do (tests/contract/test_object_lock.py).
There is no CloudFront: a small web server reads the site's bucket with a key of its own, as a CDN does.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, chdir, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import urllib3
from botocore.exceptions import ClientError

from release.cli import main
from release.core.keypolicy import LOG_BUCKET, SITE_BUCKET
from tests.fakes.ceph import CephGateway, Key
from tests.fakes.ceph_policies import readable
from tests.fakes.web_server import Reply, Request, WebServer
from tests.functional.conftest import Ended, Run, environment
from tests.functional.library import Library, signing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The stages that use the server; `invalidate` talks to CloudFront alone.
STAGES: Final = ("publish", "record", "promote", "collect", "audit")
PIPELINE: Final = (
    ("", "build"),
    ("publish", "publish"),
    ("record", "record publish"),
    ("record", "record promote"),
    ("promote", "promote"),
    ("", "verify --patience 0"),
    ("record", "record outcome"),
)

# What serves a bucket with a reader's key, and gives the public address.
Edge = Callable[[CephGateway, str, Key], AbstractContextManager[str]]


class BucketServer(WebServer):
    """Serves a bucket's objects as they are, to any origin."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        super().__init__({})
        self._s3 = s3
        self._bucket = bucket

    def reply(self, request: Request) -> Reply:
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=unquote(request.path[1:]))
        except ClientError as error:
            return Reply(status=error.response["ResponseMetadata"]["HTTPStatusCode"])
        with closing(found["Body"]) as body:
            headers = (
                ("Content-Type", found["ContentType"]),
                ("Cache-Control", found["CacheControl"]),
                ("Access-Control-Allow-Origin", "*"),
            )
            return Reply(headers=headers, body=body.read())


@dataclass(frozen=True, kw_only=True)
class CephSite:
    """A library's buckets and keys."""

    gateway: CephGateway
    library: Library
    run: Run
    bucket: str
    log_bucket: str
    url: str
    keys: dict[str, Key]
    policies: dict[str, dict[str, Any]]
    owner: "S3Client"

    def as_(self, stage: str, command: str, *more: str, **variables: str) -> Ended:
        """Run a command with the key of `stage` ("" for none), these variables, and nothing else."""
        key = self.gateway.environment(self.keys[stage] if stage else None)
        return self.run(*command.split(), *more, **key, **signing(stage, variables), **variables)

    def pipeline(self, version: str, source: str) -> None:
        """Release a version; every step must end well."""
        self.library.release(version, source)
        self.steps(PIPELINE)

    def steps(self, steps: Sequence[tuple[str, str]]) -> None:
        for stage, command in steps:
            ended = self.as_(stage, command)
            assert ended.code == 0, (command, ended)

    @contextmanager
    def without(self, stage: str, resource: str) -> Iterator[None]:
        """Take the right to write some objects away from a stage, for a time: it stops where it needs it."""
        user, policy = self.user(stage), self.policies[stage]
        refused = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{resource}"}
        self.gateway.set_policy(user, {**policy, "Statement": [*policy["Statement"], refused]})
        yield
        self.gateway.set_policy(user, policy)

    def user(self, stage: str) -> str:
        return f"{stage}-{self.bucket}"

    @contextmanager
    def client(self, stage: str) -> "Iterator[S3Client]":
        """Use a stage's key with other tools than ours."""
        with closing(self.gateway.clients(self.keys[stage]).s3()) as s3:
            yield s3

    def keys_in(self, bucket: str) -> list[str]:
        return [found["Key"] for found in self.owner.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def etags(self) -> dict[str, str]:
        """Give all objects of both buckets, and what tells one body from another."""
        return {
            f"{bucket}/{found['Key']}": found["ETag"]
            for bucket in (self.bucket, self.log_bucket)
            for found in self.owner.list_objects_v2(Bucket=bucket).get("Contents", [])
        }

    def served(self, path: str) -> str:
        return urllib3.request("GET", f"{self.url}/tag/{path}").data.decode()

    def log(self) -> list[tuple[str, str, str | None]]:
        entries = json.loads(self.as_("audit", "log list --last 0 --json").out)
        return [(e["action"], e["version"], e.get("channel")) for e in entries]


@contextmanager
def bucket_server(ceph: CephGateway, bucket: str, reader: Key) -> Iterator[str]:
    """Serve a bucket without any cache; gives the public address."""
    with closing(ceph.clients(reader).s3()) as s3, BucketServer(s3, bucket) as server:
        yield server.url


@contextmanager
def ceph_site(ceph: CephGateway, library: Library, run: Run, edge: Edge = bucket_server) -> Iterator[CephSite]:
    """Make two buckets, and one user a stage with exactly the policy that the program gives."""
    name = uuid.uuid4().hex
    site, log = f"site-{name}", f"log-{name}"
    objects = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{site}/*"}
    # Who may list is told 404 of what is not there; others are told 403.
    names = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{site}"}
    reader = ceph.add_user(f"edge-{name}", {"Version": "2012-10-17", "Statement": [objects, names]})
    with (
        closing(ceph.clients(ceph.administrator).s3()) as owner,
        edge(ceph, site, reader) as url,
    ):
        settle(library, ceph, bucket=site, log_bucket=log, url=url)
        for bucket, policy in ((site, SITE_BUCKET), (log, LOG_BUCKET)):
            owner.create_bucket(Bucket=bucket)
            owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps(readable(rendered(run, policy))))
        told = {stage: readable(rendered(run, stage)) or {} for stage in STAGES}
        yield CephSite(
            gateway=ceph,
            library=library,
            run=run,
            bucket=site,
            log_bucket=log,
            url=url,
            keys={stage: ceph.add_user(f"{stage}-{site}", policy) for stage, policy in told.items()},
            policies=told,
            owner=owner,
        )


def settle(library: Library, ceph: CephGateway, *, bucket: str, log_bucket: str, url: str) -> None:
    """Point release.toml at the buckets."""
    toml = (library.folder / "release.toml").read_text()
    toml = toml.replace('bucket = "site"\n', f'bucket = "{bucket}"\nendpoint = "{ceph.endpoint}"\n')
    toml = toml.replace('bucket = "release-log"', f'bucket = "{log_bucket}"').replace("https://cdn.example.com", url)
    library.write("release.toml", toml + '[keys]\nsource-ips = ["127.0.0.0/8"]\n')
    library.commit("chore: point at the gateway")


def runner(folder: Path) -> Run:
    """Make what the fixture `run` is, for fixtures that outlive a test."""

    def run(*arguments: str, **variables: str) -> Ended:
        out, err = StringIO(), StringIO()
        with chdir(folder), environment(variables), redirect_stdout(out), redirect_stderr(err):
            code = main(list(arguments))
        return Ended(code, out.getvalue(), err.getvalue())

    return run


def rendered(run: Run, stage: str) -> dict[str, Any]:
    """Give the policy that the program gives a stage."""
    ended = run("keys", "render", stage, "--account", "123456789012")
    assert ended.code == 0, ended
    policy: dict[str, Any] = json.loads(ended.out)
    return policy
