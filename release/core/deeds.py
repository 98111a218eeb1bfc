"""What a CloudTrail record says was done to something of ours, in the words of `matrix.DUTIES`."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from release.core.cloudtrail import Record
from release.core.config import Config
from release.core.identities import BOUNDARY, ROTATE, Identities
from release.core.layout import CUSTOMERS, MANIFEST, PATH_OF_TILE, ChannelKey, PointerKey, VersionKey

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
_ACTS: Final = {
    ("s3", "PutObject"): "create",
    ("s3", "GetObject"): "read",
    ("s3", "HeadObject"): "read",
    ("s3", "ListObjects"): "list",
    ("s3", "ListObjectsV2"): "list",
    ("s3", "DeleteObject"): "delete",
    ("s3", "GetBucketPolicy"): "read the policy of",
    ("cloudfront", "CreateInvalidation"): "purge",
    ("cloudfront", "GetInvalidation"): "see how a purge goes at",
}
_READS: Final = ("Get", "Head", "List", "Describe", "Lookup", "Simulate", "Generate")
_TRAIL_ACTS: Final = frozenset({"StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"})

TRAIL_RECORD: Final = "a CloudTrail record"


@dataclass(frozen=True, slots=True)
class Slot:
    """A log entry."""

    index: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A pointer that an entry authorises."""

    index: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """Where a version's publish entry is."""

    version: str


@dataclass(frozen=True, slots=True)
class Blob:
    """Evidence that entries refer to by digest (hex)."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Epoch:
    """A trust epoch."""

    number: int


@dataclass(frozen=True, slots=True)
class Derived:
    """A file of the log's tree: it follows from the entries."""


@dataclass(frozen=True, slots=True)
class Purge:
    """The distribution."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A user or role of ours, or one of its policies."""


Target = VersionKey | ChannelKey | PointerKey | Slot | Recorded | Indexed | Blob | Epoch | Derived | Purge | Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """What was done.

    Attributes:
        act: as `matrix.DUTIES` says it; the call's own name if it has no word for it.
        place: the kind of thing, as `matrix.DUTIES` says it; empty if it is nothing of ours.
        what: the thing itself, for people.
        writes: whether it would change something.
        target: the thing itself, for the log to explain.
        source: of a copy, what was copied.
    """

    act: str
    place: str
    what: str
    writes: bool
    target: Target | None = None
    source: Target | None = None


def deed(config: Config, owned: Identities, record: Record) -> Deed:
    """Say what was done."""
    act = _ACTS.get((record.service, record.name), record.name)
    writes = not record.name.startswith(_READS)
    what, place, target = _thing(config, owned, record, act)
    source: Target | None = None
    if record.name == "CopyObject":
        bucket, _, key = unquote(record.parameter("x-amz-copy-source")).lstrip("/").partition("/")
        source_place, source = object_(config, bucket, key.partition("?")[0])
        act = f"fill from {_SOURCES.get(source_place, 'elsewhere')}"
    return Deed(act=act, place=place, what=what, writes=writes, target=target, source=source)


_SOURCES: Final = {
    "a version's file": "a published file",
    "a version's manifest": "a published file",
    "a recorded pointer": "a recorded pointer",
}


def _thing(config: Config, owned: Identities, record: Record, act: str) -> tuple[str, str, Target | None]:
    """Give what a call was about: its name, its place and its target."""
    if record.service == "s3":
        return _in_bucket(config, record, act)
    if record.service == "cloudfront":
        found = record.parameter("distributionId", "id")
        ours = config.distribution is not None and found == config.distribution.id_
        return (found, "the distribution", Purge()) if ours else (found, "", None)
    if record.service == "iam":
        return _in_iam(config, owned, record)
    if record.service == "cloudtrail" and record.name in _TRAIL_ACTS:
        return record.parameter("name", "trailName"), "CloudTrail", None
    return record.parameter("roleArn"), "", None


def _in_bucket(config: Config, record: Record, act: str) -> tuple[str, str, Target | None]:
    bucket, key = record.parameter("bucketName"), record.parameter("key")
    if act == "list":
        prefix = record.parameter("prefix")
        key = f"{prefix}0" if prefix.endswith("/") else prefix
        if bucket == config.log.bucket and prefix.startswith(config.log_layout.slots):
            return f"{bucket}/{prefix}", "a log entry", None
    if key:
        return f"{bucket}/{key}", *object_(config, bucket, key)
    names = {config.site.bucket: "the site bucket", config.log.bucket: "the log bucket"}
    if config.keys.trail:
        names.setdefault(config.keys.trail.bucket, "the trail's bucket")
    return bucket, names.get(bucket, ""), None


def object_(config: Config, bucket: str, key: str) -> tuple[str, Target | None]:
    """Give the place of an object and what it is; an empty place if it is none of ours."""
    trail = config.keys.trail
    if bucket == config.site.bucket and key.startswith(config.layout.root):
        found = config.layout.parse(key)
        if isinstance(found, VersionKey):
            return ("a version's manifest" if found.path == MANIFEST else "a version's file"), found
        if isinstance(found, ChannelKey | PointerKey):
            return ("a channel's pointer" if isinstance(found, PointerKey) else "a channel's file"), found
        return _neither(key, config.layout.root), None
    if bucket == config.log.bucket and key.startswith(config.log_layout.prefix):
        return _in_log(config, key)
    if trail and bucket == trail.bucket and key.startswith(trail.prefix):
        return TRAIL_RECORD, None
    return "", None


def _in_log(config: Config, key: str) -> tuple[str, Target | None]:
    logs = config.log_layout
    if (index := logs.parse_slot(key)) is not None:
        return "a log entry", Slot(index)
    if found := re.fullmatch(re.escape(logs.pointers) + r"([0-9]{12})\.json", key):
        return "a recorded pointer", Recorded(int(found[1]))
    if found := re.fullmatch(re.escape(logs.blobs) + r"([0-9a-f]{64})", key):
        return "evidence", Blob(found[1])
    if found := re.fullmatch(re.escape(f"{logs.prefix}versions/") + r"([^/]+)\.json", key):
        return "a version's log index", Indexed(found[1])
    if found := re.fullmatch(re.escape(logs.trust) + r"(0|[1-9][0-9]{0,2})\.json", key):
        return "a trust epoch", Epoch(int(found[1]))
    return _in_tree(config, key)


def _in_tree(config: Config, key: str) -> tuple[str, Target | None]:
    logs = config.log_layout
    for place, pattern in (
        ("an archived checkpoint", re.escape(logs.checkpoints) + r"[0-9]{12}"),
        ("a tile of the log", re.escape(logs.tiles) + PATH_OF_TILE),
        ("the log's head", re.escape(logs.checkpoint)),
    ):
        if re.fullmatch(pattern, key):
            return place, Derived()
    return _neither(key, logs.prefix), None


def _neither(key: str, root: str) -> str:
    """A customer's variant has keys of its own, and a watch of its own."""
    return "" if key.startswith(f"{root}{CUSTOMERS}/") else "a file that is neither"


def _in_iam(config: Config, owned: Identities, record: Record) -> tuple[str, str, Target | None]:
    name = record.parameter("userName", "roleName")
    policy = record.parameter("policyArn", "policyName")
    ours = {owned.name(stage): stage for stage in (*owned.stages, ROTATE, BOUNDARY)}
    if name in ours or record.parameter("path") == owned.path:
        rotating = ours.get(name) == ROTATE
        return name, "the {noun} that rotates" if rotating else "a stage's {noun}", Identity()
    if policy.startswith(owned.tree("policy")[:-1]):
        return policy, "the boundary" if policy == owned.policy_arn(BOUNDARY) else "a stage's policy", Identity()
    provider, gitlab = record.parameter("openIDConnectProviderArn"), config.keys.gitlab
    if gitlab and provider == owned.provider_arn(gitlab.host):
        return provider, "the issuer of GitLab's tokens", Identity()
    return name or policy, "", None
