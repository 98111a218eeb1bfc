"""Which stage may do what: every call any stage makes, on every place, held against what its key should be able to do.

`DUTIES` is the statement that a reviewer signs: it is written by hand and knows nothing of the policies.
A call that is not in it belongs to nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from release.core.config import Config
from release.core.evaluation import Request, refusal
from release.core.identities import BOUNDARY, PROVISION, Identities
from release.core.keypolicy import LOG_BUCKET, SITE_BUCKET, Policies
from release.core.layout import CUSTOMERS, LogLayout, SiteLayout

# What S3 is asked for at an object: (IAM action, condition keys of the request). A HEAD is a GET, a copy is a PUT.
_COPY: Final = "s3:x-amz-copy-source"
_OBJECT_ACTS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "create": ("s3:PutObject", {"s3:if-none-match": "*"}),
    "replace": ("s3:PutObject", {"s3:if-match": '"etag"'}),
    "overwrite": ("s3:PutObject", {}),
    "fill from a published file": ("s3:PutObject", {_COPY: "{version}"}),
    "fill from a recorded pointer": ("s3:PutObject", {_COPY: "{pointer}"}),
    "fill from elsewhere": ("s3:PutObject", {_COPY: "elsewhere/evil.js"}),
    "read": ("s3:GetObject", {}),
    "delete": ("s3:DeleteObject", {"s3:if-match": '"etag"'}),
    "delete blindly": ("s3:DeleteObject", {}),
    "delete a version of": ("s3:DeleteObjectVersion", {}),
    "share": ("s3:PutObjectAcl", {}),
    "shorten the lock of": ("s3:PutObjectRetention", {}),
    "see the lock of": ("s3:GetObjectRetention", {}),
}
_BUCKET_ACTS: Final = {
    "read the policy of": "s3:GetBucketPolicy",
    "change the policy of": "s3:PutBucketPolicy",
    "drop the policy of": "s3:DeleteBucketPolicy",
    "change versioning of": "s3:PutBucketVersioning",
    "let things expire in": "s3:PutLifecycleConfiguration",
}
_KEY_ACTS: Final = ("CreateAccessKey", "DeleteAccessKey", "ListAccessKeys", "UpdateAccessKey")
_IDENTITY_ACTS: Final[Mapping[str, Sequence[str]]] = {
    "user": (
        *_KEY_ACTS,
        "GetAccessKeyLastUsed",
        "AttachUserPolicy",
        "CreateUser",
        "DeleteUserPermissionsBoundary",
        "GetUser",
        "ListAttachedUserPolicies",
        "ListGroupsForUser",
        "ListUserPolicies",
        "PutUserPermissionsBoundary",
        "PutUserPolicy",
    ),
    "role": (
        "AttachRolePolicy",
        "CreateRole",
        "DeleteRolePermissionsBoundary",
        "GetRole",
        "ListAttachedRolePolicies",
        "ListRolePolicies",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
    ),
}
_POLICY_ACTS: Final = (
    "CreatePolicy",
    "CreatePolicyVersion",
    "DeletePolicyVersion",
    "GetPolicy",
    "GetPolicyVersion",
    "ListPolicyVersions",
)

_VERSION, _MANIFEST = "a version's file", "a version's manifest"
_CHANNEL, _POINTER = "a channel's file", "a channel's pointer"
_ENTRY, _INDEX, _RECORDED = "a log entry", "a version's log index", "a recorded pointer"
_EVIDENCE, _TRUST = "evidence", "a trust epoch"
_TILE, _ARCHIVED, _HEAD = "a tile of the log", "an archived checkpoint", "the log's head"
_PURGED = "the distribution"
_STAGE, _ROTATE_KEY = "a stage's {noun}", "the {noun} that rotates"
_POLICY, _CAP = "a stage's policy", "the boundary"
_FOLDERS, _POINTERS = "the folders of the library", "the folder of the pointers"
_BUCKETS: Final = ("the site bucket", "the log bucket")
_TRAIL: Final = "a CloudTrail record"
_ELSEWHERE: Final = ", of another bucket"

_LOOK: Final = ("read", "list")
_SEE: Final = ("list versions of", "see the lock of")
DUTIES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "publish": {_VERSION: ("create", *_LOOK), _MANIFEST: ("create", *_LOOK)},
    "record": {
        _MANIFEST: _LOOK,
        _CHANNEL: _LOOK,
        _ENTRY: ("create", *_LOOK),
        _INDEX: ("create", *_LOOK),
        _RECORDED: ("create", "read"),
        _EVIDENCE: ("create", *_LOOK),
        _TILE: ("create", *_LOOK),
        _ARCHIVED: ("create", "read"),
        _HEAD: ("create", "replace", *_LOOK),
        _TRUST: _LOOK,
    },
    "promote": {
        _VERSION: _LOOK,
        _MANIFEST: _LOOK,
        _CHANNEL: ("fill from a published file", *_LOOK),
        _POINTER: ("fill from a recorded pointer", *_LOOK),
        _ENTRY: _LOOK,
        _RECORDED: _LOOK,
        _EVIDENCE: _LOOK,
        _TRUST: _LOOK,
    },
    "invalidate": {_PURGED: ("purge", "see how a purge goes at")},
    "collect": {
        _MANIFEST: _LOOK,
        _CHANNEL: ("delete", *_LOOK),
        _POINTER: _LOOK,
        _ENTRY: _LOOK,
        _EVIDENCE: _LOOK,
    },
    "audit": {
        **dict.fromkeys((_VERSION, _MANIFEST, _CHANNEL, _POINTER), (*_LOOK, "list versions of")),
        _FOLDERS: ("see the names in",),
        _POINTERS: ("list versions of all in",),
        **dict.fromkeys((_ENTRY, _INDEX, _EVIDENCE, _TRUST, _TILE, _ARCHIVED, _HEAD), (*_LOOK, *_SEE)),
        _TRAIL: _LOOK,
        **dict.fromkeys(_BUCKETS, ("read the policy of",)),
        _POLICY: ("GetPolicy", "GetPolicyVersion"),
        _CAP: ("GetPolicy", "GetPolicyVersion"),
        **dict.fromkeys(
            (_STAGE, _ROTATE_KEY),
            (
                *("GetUser", "ListAccessKeys", "ListAttachedUserPolicies", "ListGroupsForUser", "ListUserPolicies"),
                *("GetRole", "ListAttachedRolePolicies", "ListRolePolicies"),
            ),
        ),
    },
    "rotate": {_STAGE: _KEY_ACTS},
}
"""Stage, place, acts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One thing that a key could be used for. `context` are the condition keys of the request, in lower case."""

    act: str
    place: str
    action: str
    resource: str
    context: Mapping[str, str | None]

    def __str__(self) -> str:
        return f"{self.act} {self.place}"

    @property
    def foreign(self) -> bool:
        """Whether the place is another library's or customer's, or another distribution."""
        return ", of " in self.place or self.place.startswith("another ")

    @property
    def elsewhere(self) -> bool:
        """Whether the place is in another bucket, which is none of ours if there is one of that name."""
        return self.place.endswith("another bucket")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """Whether a stage's key may make a call, and whether it should."""

    stage: str
    call: Call
    allowed: bool
    wanted: bool


def matrix(config: Config, policies: Policies, *, stages: Sequence[str] | None = None) -> list[Cell]:
    """Decide every call for every stage, by the stage's policy alone.

    Boundary and bucket policies only take away, and are judged on their own (`capped`, `walled`): the key
    must be right without them.
    """
    owned = policies.identities
    return [
        Cell(
            stage=stage,
            call=call,
            allowed=permits(policies, stage, call),
            wanted=call.act in DUTIES[stage].get(call.place.replace(owned.noun, "{noun}"), ()),
        )
        for call in calls(config, owned)
        for stage in stages or owned.stages
    ]


def permits(policies: Policies, stage: str, call: Call, **context: str | None) -> bool:
    """Tell whether a stage's policy allows a call; `context` overrules condition keys, `_` standing for `:`."""
    return refusal(request(policies, stage, call, context), identity=[policies.stages[stage]]) is None


def capped(policies: Policies, stage: str, call: Call) -> bool:
    """Tell whether the boundary lets a stage make a call, whatever its policy says."""
    return refusal(request(policies, stage, call, {}), identity=[policies.boundary]) is None


def walled(config: Config, policies: Policies, stage: str, call: Call, **context: str | None) -> bool:
    """Tell whether the bucket's own policy refuses a call to whoever makes it."""
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    name = SITE_BUCKET if call.resource.split(":::")[-1].partition("/")[0] == config.site.bucket else LOG_BUCKET
    asked = request(policies, stage, call, context)
    return refusal(asked, identity=[everything], resource=policies.buckets[name]) is not None


def calls(config: Config, owned: Identities) -> Iterator[Call]:
    """Give every call on every place, own and foreign."""
    version, channel, index = "1.4.2", _a_channel(config), 7
    layout, logs = config.layout, config.log_layout
    own = f"{config.site.bucket}/{layout.artifact(version, 'tag.min.js')}"
    recorded = f"{config.log.bucket}/{logs.pointer(index)}"
    site, log = f"arn:{owned.partition}:s3:::{config.site.bucket}", f"arn:{owned.partition}:s3:::{config.log.bucket}"
    other = f"arn:{owned.partition}:s3:::another-{config.site.bucket}"
    owners = (("", layout, logs), *_foreign(config))
    for whose, one, its_log in (*owners, (_ELSEWHERE, layout, logs)):
        places = {
            _VERSION: (site, one.artifact(version, "tag.min.js")),
            _MANIFEST: (site, one.manifest(version)),
            _CHANNEL: (site, one.channel_file(channel, "tag.min.js")),
            _POINTER: (site, one.pointer(channel)),
            _ENTRY: (log, its_log.slot(index)),
            _INDEX: (log, its_log.version_index(version)),
            _RECORDED: (log, its_log.pointer(index)),
            _EVIDENCE: (log, its_log.evidence("0" * 64)),
            _TRUST: (log, its_log.epoch(0)),
            _TILE: (log, its_log.tile("tile/entries/000.p/7")),
            _ARCHIVED: (log, its_log.archived_checkpoint(index)),
            _HEAD: (log, its_log.checkpoint),
        }
        for place, (bucket, key) in places.items():
            asked_at = other if whose == _ELSEWHERE else bucket
            yield from _on_object(f"{place}{whose}", asked_at, key, own, recorded)
        yield from _on_folders(whose, other if whose == _ELSEWHERE else site, one)
    yield from _on_object("a file that is neither", site, f"{layout.root}robots.txt", own, recorded)
    if trail := config.keys.trail:
        bucket = f"arn:{owned.partition}:s3:::{trail.bucket}"
        yield from _on_object(_TRAIL, bucket, f"{trail.prefix}2026/11/24/records.json.gz", own, recorded)
        yield _call("list", f"{_TRAIL}{_ELSEWHERE}", "s3:ListBucket", other, **{"s3:prefix": trail.prefix})
        yield _call("list all of", "the trail's bucket", "s3:ListBucket", bucket)
    for place, bucket in zip((*_BUCKETS, "another bucket"), (site, log, other), strict=True):
        yield from (_call(act, place, action, bucket) for act, action in _BUCKET_ACTS.items())
        yield _call("list all of", place, "s3:ListBucket", bucket)
        yield _call("list all versions of", place, "s3:ListBucketVersions", bucket)
    yield from _on_distributions(config, owned)
    yield from _on_identities(owned)


def _on_object(place: str, bucket: str, key: str, version: str, pointer: str) -> Iterator[Call]:
    for act, (action, context) in _OBJECT_ACTS.items():
        filled = {name: value.format(version=version, pointer=pointer) for name, value in context.items()}
        yield _call(act, place, action, f"{bucket}/{key}", **filled)
    # Absence is told by listing exactly that key (see adapters.s3).
    yield _call("list", place, "s3:ListBucket", bucket, **{"s3:prefix": key})
    yield _call("list versions of", place, "s3:ListBucketVersions", bucket, **{"s3:prefix": key})


def _on_folders(whose: str, bucket: str, layout: SiteLayout) -> Iterator[Call]:
    root, pointers = {"s3:prefix": layout.root}, {"s3:prefix": layout.pointers}
    yield _call(
        "see the names in", f"{_FOLDERS}{whose}", "s3:ListBucketVersions", bucket, **root, **{"s3:delimiter": "/"}
    )
    # That would be what is in its customers' folders, too.
    yield _call("list versions of all in", f"{_FOLDERS}{whose}", "s3:ListBucketVersions", bucket, **root)
    yield _call("list versions of all in", f"{_POINTERS}{whose}", "s3:ListBucketVersions", bucket, **pointers)


def _on_distributions(config: Config, owned: Identities) -> Iterator[Call]:
    own = ((_PURGED, config.distribution.id_),) if config.distribution else ()
    for place, name in (*own, ("another distribution", "EOTHERDISTRIBUTION")):
        arn = f"arn:{owned.partition}:cloudfront::{owned.account}:distribution/{name}"
        yield _call("purge", place, "cloudfront:CreateInvalidation", arn)
        yield _call("see how a purge goes at", place, "cloudfront:GetInvalidation", arn)
        yield _call("change", place, "cloudfront:UpdateDistribution", arn)


def _on_identities(owned: Identities) -> Iterator[Call]:
    noun, boundary = owned.noun, owned.policy_arn(BOUNDARY)
    stranger = f"{owned.arn('publish').rpartition('/release/')[0]}/release/other/other-publish"
    targets = {_STAGE: owned.arn("publish"), f"another library's {noun}": stranger}
    if owned.kind == "users":
        targets[_ROTATE_KEY] = owned.arn("rotate")
    for place, arn in targets.items():
        for act in _IDENTITY_ACTS[noun]:
            context = {"iam:policyarn": owned.policy_arn("publish"), "iam:permissionsboundary": boundary}
            yield _call(act, place.format(noun=noun), f"iam:{act}", arn, **context)
    theirs = stranger.replace(f":{noun}/", ":policy/")
    for place, arn in {
        _POLICY: owned.policy_arn("publish"),
        _CAP: boundary,
        "another library's policy": theirs,
    }.items():
        yield from (_call(act, place, f"iam:{act}", arn) for act in _POLICY_ACTS)


def _foreign(config: Config) -> Iterator[tuple[str, SiteLayout, LogLayout]]:
    prefix, library, customer = config.site.prefix, config.library.name, config.site.customer
    yield ", of another library", SiteLayout(prefix=prefix, library="other"), LogLayout(prefix="other/")
    stranger = "globex" if customer != "globex" else "acme"
    theirs = LogLayout(prefix=f"{library}/{CUSTOMERS}/{stranger}/")
    yield ", of another customer", SiteLayout(prefix=prefix, library=library, customer=stranger), theirs
    if customer is not None:
        yield ", of the library itself", SiteLayout(prefix=prefix, library=library), LogLayout(prefix=f"{library}/")


def _a_channel(config: Config) -> str:
    return next(iter(config.channels)).replace("{major}", "1").replace("{minor}", "4")


def _call(act: str, place: str, action: str, resource: str, **context: str) -> Call:
    return Call(act=act, place=place, action=action, resource=resource, context=context)


# Every condition key that a policy of ours names; the evaluator refuses what it does not know.
_ABSENT: Final = dict.fromkeys(
    (
        "iam:permissionsboundary",
        "iam:policyarn",
        "s3:delimiter",
        "s3:if-match",
        "s3:if-none-match",
        "s3:prefix",
        "s3:x-amz-copy-source",
    )
)


def request(policies: Policies, stage: str, call: Call, context: Mapping[str, str | None]) -> Request:
    """Give what IAM is asked when a stage makes a call; `context` overrules condition keys, `_` standing for `:`."""
    arn = policies.identities.policy_arn(PROVISION) if stage == PROVISION else policies.identities.arn(stage)
    allowed_from = _first_address(policies)
    circumstances = {
        "aws:securetransport": "true",
        "aws:sourceip": allowed_from,
        "aws:principalarn": arn,
        "aws:principalisawsservice": "false",
        "aws:sourcearn": None,
    }
    changed = {name.replace("_", ":"): value for name, value in context.items()}
    return Request(
        principal=arn,
        action=call.action,
        resource=call.resource,
        context={**_ABSENT, **circumstances, **call.context, **changed},
    )


def _first_address(policies: Policies) -> str:
    condition = policies.stages["publish"]["Statement"][0]["Condition"].get("IpAddress", {})
    return str(condition.get("aws:SourceIp", ["192.0.2.1"])[0]).partition("/")[0]
