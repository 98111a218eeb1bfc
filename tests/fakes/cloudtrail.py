"""CloudTrail records as AWS writes them, and one whole day of a library: its log and all that was done for it.

Shapes: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import gzip
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from release.core.config import Config
from release.core.entry import Event, leaf_hash
from release.core.evidence import Evidence
from release.core.identities import Identities, identities
from release.core.layout import LogLayout
from release.core.manifest import digest
from release.core.pipeline import Pipeline
from release.core.succession import Intent, Log, Tail, follow
from tests.fakes import examples

Json = dict[str, Any]

ACCOUNT: Final = "111122223333"
RUNNER: Final = "198.51.100.7"
DAY: Final = datetime(2026, 11, 24, tzinfo=UTC)
PROJECT: Final = "acme/tag"


def config(kind: str = "roles", *, source_ips: Sequence[str] = ("198.51.100.0/24",)) -> Config:
    """Give a configuration with a trail, and keys that work from the runners only."""
    gitlab = {"url": "https://gitlab.example.com", "project": PROJECT}
    section = {"identities": kind, "source-ips": list(source_ips), "gitlab": gitlab, "trail": {"bucket": "trail"}}
    return examples.config(keys=section, distribution={"account": ACCOUNT})


def at(clock: str) -> datetime:
    """Give a time of the day, such as 08:05:10."""
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return DAY + timedelta(hours=hours, minutes=minutes, seconds=seconds)


@dataclass
class Trail:
    """Records of one day, in order of being made. `caller` and the like give what `call` puts in."""

    config: Config
    records: list[Json] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def owned(self) -> Identities:
        return identities(self.config, account=self.config.account or ACCOUNT)

    def stage(self, stage: str, session: str = "release-11-101") -> Json:
        """Give the userIdentity of a stage: a job's session of its role, or its user."""
        name = self.owned.name(stage)
        if self.owned.kind == "users":
            who = user(name, path=self.owned.path, key=f"AKIA{stage.upper():X<16}")
            return who | {"arn": self.owned.arn(stage)}
        issuer = {
            "type": "Role",
            "principalId": f"AROA{stage.upper():X<17}",
            "arn": self.owned.arn(stage),
            "accountId": ACCOUNT,
            "userName": name,
        }
        return {
            "type": "AssumedRole",
            "principalId": f"{issuer['principalId']}:{session}",
            "arn": f"arn:aws:sts::{self.owned.account}:assumed-role/{name}/{session}",
            "accountId": ACCOUNT,
            "accessKeyId": f"ASIA{digest(name.encode() + session.encode())[:16].upper()}",
            "sessionContext": {
                "sessionIssuer": issuer,
                "attributes": {"creationDate": "2026-11-24T08:00:00Z", "mfaAuthenticated": "false"},
            },
        }

    def call(
        self,
        clock: str,
        who: Json,
        name: str,
        /,
        *,
        service: str = "s3",
        address: str = RUNNER,
        error: str | None = None,
        **parameters: Any,  # noqa: ANN401 - whatever a call takes
    ) -> Json:
        """Append one record."""
        number = next(self._ids)
        reads = name.startswith(("Get", "Head", "List"))
        record: Json = {
            "eventVersion": "1.11",
            "userIdentity": who,
            "eventTime": at(clock).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": "eu-west-1" if service == "s3" else "us-east-1",
            "sourceIPAddress": address,
            "userAgent": "[Boto3/1.43.0 md/Botocore#1.43.0 ua/2.1 os/linux#6.8 lang/python#3.12.3]",
            "requestParameters": parameters or None,
            "responseElements": None,
            "additionalEventData": {
                "SignatureVersion": "SigV4",
                "bytesTransferredIn": 16,
                "x-amz-id-2": "vlR7PnpV2Ce8",
            },
            "requestID": f"A1B2C3{number:010d}",
            "eventID": f"00000000-0000-4000-8000-{number:012d}",
            "readOnly": reads,
            "eventType": "AwsApiCall",
            "managementEvent": service != "s3",
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management" if service != "s3" else "Data",
            "tlsDetails": {"tlsVersion": "TLSv1.3", "clientProvidedHostHeader": "s3.eu-west-1.amazonaws.com"},
        }
        if error:
            record |= {"errorCode": error, "errorMessage": "Access Denied"}
        self.records.append(record)
        return record

    def put(self, clock: str, who: Json, bucket: str, key: str, **more: Any) -> Json:  # noqa: ANN401
        """Append a PutObject."""
        return self.call(clock, who, "PutObject", bucketName=bucket, key=key, Host=f"{bucket}.s3.amazonaws.com", **more)

    def copy(self, clock: str, who: Json, source: str, key: str, **more: Any) -> Json:  # noqa: ANN401
        """Append a CopyObject into the site bucket."""
        copied: Json = {
            "bucketName": "site",
            "key": key,
            "x-amz-copy-source": source,
            "x-amz-metadata-directive": "REPLACE",
        }
        return self.call(clock, who, "CopyObject", **copied, **more)

    def takes(self, clock: str, stage: str, session: str, *, ref: str = "tag:ref:v1.4.2", **more: Any) -> Json:  # noqa: ANN401
        """Append how a job exchanges GitLab's token for a stage's role."""
        subject = f"project_path:{PROJECT}:ref_type:{ref}"
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.example.com"
        who = {
            "type": "WebIdentityUser",
            "principalId": f"{provider}:release-{stage}:{subject}",
            "userName": subject,
            "identityProvider": provider,
        }
        asked: Json = {"roleArn": self.owned.arn(stage), "roleSessionName": session, "durationSeconds": 3600}
        return self.call(clock, who, "AssumeRoleWithWebIdentity", service="sts", **asked, **more)

    def file(self) -> bytes:
        """Give all records as one of CloudTrail's files."""
        return packed(self.records)


def user(name: str, *, path: str = "/", key: str = "AKIAIOSFODNN7EXAMPLE") -> Json:
    """Give the userIdentity of an IAM user."""
    return {
        "type": "IAMUser",
        "principalId": "AIDACKCEVSQ6C2EXAMPLE",
        "arn": f"arn:aws:iam::{ACCOUNT}:user{path}{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name,
    }


def packed(records: Sequence[Json]) -> bytes:
    """Give records as one of CloudTrail's files: in no order."""
    return gzip.compress(json.dumps({"Records": list(reversed(records))}).encode(), mtime=0)


class InMemoryTrail:
    """Implements `ports.TrailFiles`; a file is given in pieces of `piece` bytes."""

    def __init__(self, files: Mapping[str, bytes], *, piece: int = 1000) -> None:
        self._files = files
        self._piece = piece
        self.skipped = 0

    def names(self) -> Iterator[str]:
        yield from self._files

    def chunks(self, name: str) -> Iterable[bytes]:
        body = self._files[name]
        return (body[start : start + self._piece] for start in range(0, len(body), self._piece))


@dataclass
class Logbook:
    """A release log, written by the rules."""

    bodies: list[bytes] = field(default_factory=list)
    tail: Tail = field(default_factory=Tail)

    def add(self, clock: str, intent: Intent, *, pipeline: str | None = "11", job: str | None = "102") -> Event:
        """Append an entry of a job."""
        log: Log = replace(examples.LOG, pipeline=Pipeline(id_=pipeline, job=job, tool="release 1"))
        event = follow(log, self.tail, intent, at=at(clock))
        body = examples.sealed(event)
        self.bodies.append(body)
        self.tail = Tail(size=self.tail.size + 1, event=event, leaf_hash=leaf_hash(body))
        return event

    def objects(self, layout: LogLayout) -> dict[str, bytes]:
        """Give the log bucket's entries by key."""
        return {layout.slot(index): body for index, body in enumerate(self.bodies)}


def clean_day(config: Config) -> tuple[Trail, Logbook]:
    """Release 1.4.2 to latest in pipeline 11, as it is logged and as CloudTrail sees it."""
    trail, log = Trail(config), Logbook()
    manifest = digest(b"1.4.2")
    bill = Evidence(kind="sbom", media_type="application/vnd.cyclonedx+json", sha256="e" * 64)
    log.add("08:05:00", Intent(action="publish.completed", version="1.4.2", manifest=manifest, evidence=(bill,)))
    promoted = Intent(action="promote.authorized", version="1.4.2", manifest=manifest, channel="latest")
    log.add("08:05:10", promoted)
    ended = replace(promoted, action="promote.completed", outcome_of=1)
    log.add("08:20:00", ended, job="107")
    jobs = {"publish": "101", "record": "102", "promote": "104", "invalidate": "105"}
    who = {stage: trail.stage(stage, f"release-11-{job}") for stage, job in jobs.items()}
    if trail.owned.kind == "roles":
        for clock, stage in zip(("08:00:00", "08:04:00", "08:14:00", "08:16:00"), jobs, strict=True):
            trail.takes(clock, stage, f"release-11-{jobs[stage]}")
        trail.takes("08:19:00", "record", "release-11-107")
    trail.call(
        "08:00:01", who["publish"], "HeadObject", bucketName="site", key="tag/1.4.2/tag.min.js", error="AccessDenied"
    )
    trail.call("08:00:02", who["publish"], "ListObjects", bucketName="site", prefix="tag/1.4.2/tag.min.js")
    trail.put("08:00:03", who["publish"], "site", "tag/1.4.2/tag.min.js")
    trail.put("08:00:04", who["publish"], "site", "tag/1.4.2/manifest.json")
    trail.call("08:04:59", who["record"], "GetObject", bucketName="site", key="tag/1.4.2/manifest.json")
    trail.put("08:05:00", who["record"], "release-log", f"tag/evidence/sha256/{bill.sha256}")
    trail.put("08:05:01", who["record"], "release-log", "tag/seq/000000000000")
    trail.put("08:05:01", who["record"], "release-log", "tag/versions/1.4.2.json")
    trail.put("08:05:11", who["record"], "release-log", "tag/seq/000000000001")
    trail.put("08:05:12", who["record"], "release-log", "tag/pointers/000000000001.json")
    trail.copy("08:15:00", who["promote"], "site/tag/1.4.2/tag.min.js", "tag/latest/tag.min.js")
    trail.copy("08:15:01", who["promote"], "release-log/tag/pointers/000000000001.json", "tag/channels/latest.json")
    trail.call(
        "08:16:01",
        who["invalidate"],
        "CreateInvalidation",
        service="cloudfront",
        distributionId="E2EXAMPLE12345",
        invalidationBatch={"callerReference": "c0ffee", "paths": {"quantity": 1, "items": ["/tag/latest/tag.min.js"]}},
    )
    outcome = trail.stage("record", "release-11-107")
    trail.put("08:20:01", outcome, "release-log", "tag/seq/000000000002")
    # And what goes on in any account.
    trail.call("09:00:00", user("JaneDoe"), "RunInstances", service="ec2", address="203.0.113.80", imageId="ami-1")
    reader = {"type": "AWSService", "invokedBy": "cloudfront.amazonaws.com"}
    away = "cloudfront.amazonaws.com"
    trail.call("09:00:01", reader, "GetObject", address=away, bucketName="site", key="tag/latest/tag.min.js")
    writer = {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}
    trail.put("09:05:00", writer, "trail", "AWSLogs/1.json.gz", address="cloudtrail.amazonaws.com")
    return trail, log
