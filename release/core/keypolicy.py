"""Key policies: what each stage's key may do, rendered strictly and checked before use.

Every Allow of a key holds over TLS only, and from the configured addresses only: `render` adds
that to each, so that no template can forget it. A version's name begins with a digit and a channel's
with a letter, so `0*` to `9*` is every version and no channel: the patterns rest on that (see `core.layout`).
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from release.core import document
from release.core.channels import key_patterns
from release.core.config import Config
from release.core.id_token import AUDIENCE, subjects
from release.core.identities import BOUNDARY, PROVISION, ROTATE, STAGES, Identities, identities
from release.core.layout import CUSTOMERS
from release.errors import ConfigError

Policy = dict[str, Any]
Kind = Literal["identity", "boundary", "bucket", "trust"]

SITE_BUCKET: Final = "site-bucket"
LOG_BUCKET: Final = "log-bucket"
TRUST: Final = "trust-gitlab"
KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys((*STAGES, ROTATE, PROVISION), "identity"),
    BOUNDARY: "boundary",
    SITE_BUCKET: "bucket",
    LOG_BUCKET: "bucket",
    TRUST: "trust",
}
"""The templates, and what kind of policy each is."""

LARGEST: Final = 64 * 1024
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, without white space. A user's
# inline policies may have 2,048 characters only, which is why ours are managed.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html: 20 KB.
LIMITS: Final[Mapping[Kind, int]] = {"identity": 6144, "boundary": 6144, "bucket": 20 * 1024, "trust": 2048}

_ELEMENTS: Final[Mapping[Kind, frozenset[str]]] = {
    "identity": frozenset({"Sid", "Effect", "Action", "Resource", "Condition"}),
    "boundary": frozenset({"Sid", "Effect", "Action", "Resource", "Condition"}),
    "bucket": frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "NotResource", "Condition"}),
    "trust": frozenset({"Sid", "Effect", "Principal", "Action", "Condition"}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """All policies of one owner. `trust` is empty where the stages are users."""

    identities: Identities
    stages: Mapping[str, Policy]
    provision: Policy
    boundary: Policy
    buckets: Mapping[str, Policy]
    trust: Mapping[str, Policy]

    def named(self) -> dict[str, Policy]:
        """Give each policy by the name that people use for it."""
        trust = {f"trust-{stage}": policy for stage, policy in self.trust.items()}
        return {**self.stages, PROVISION: self.provision, BOUNDARY: self.boundary, **self.buckets, **trust}


def policies(config: Config, *, account: str, template: Callable[[str], str]) -> Policies:
    """Render all policies of a library.

    Args:
        config: of the library.
        account: the 12 digits of the account that owns the distribution.
        template: gives the text of `<name>.json.j2`.

    Raises:
        ConfigError: the account or a template is wrong.
    """
    owned = identities(config, account=account)
    values = variables(config, owned)

    def made(name: str, **more: object) -> Policy:
        file = f"{name}.json.j2"
        return render(template(file), {**values, **more}, name=file, kind=KINDS[name], guard=guard(config))

    return Policies(
        identities=owned,
        stages={stage: made(stage) for stage in owned.stages},
        provision=made(PROVISION),
        boundary=made(BOUNDARY),
        buckets={SITE_BUCKET: made(SITE_BUCKET), LOG_BUCKET: made(LOG_BUCKET)},
        trust={stage: made(TRUST, **_trust(config, stage)) for stage in owned.stages} if owned.kind == "roles" else {},
    )


def variables(config: Config, owned: Identities) -> dict[str, object]:
    """Give what a template may refer to: ARNs and prefixes, each a list but for single resources."""
    aws = owned.partition
    site, log = f"arn:{aws}:s3:::{config.site.bucket}", f"arn:{aws}:s3:::{config.log.bucket}"
    root, logs = config.layout.root, config.log_layout
    keys = {
        "version": [f"{root}{digit}*" for digit in range(10)],
        "manifest": [f"{root}{digit}*/manifest.json" for digit in range(10)],
        "channel": [f"{root}{name}/*" for name in key_patterns(config.channels)],
        "pointer": [f"{root}channels/{name}.json" for name in key_patterns(config.channels)],
        "any_pointer": [f"{config.layout.pointers}*"],
    }
    log_keys = {
        "slot": [f"{logs.slots}*"],
        "head": [logs.checkpoint],
        "checkpoint": [f"{logs.checkpoint}*"],
        "tile": [f"{logs.tiles}*"],
    }
    log_keys["log"] = [f"{logs.slots}*", f"{logs.pointers}*", f"{logs.prefix}versions/*", f"{logs.blobs}*"]
    log_keys["log"] += [f"{logs.checkpoints}*", f"{logs.tiles}*"]
    log_keys["log_pointer"] = [f"{logs.pointers}*"]
    log_keys |= {"evidence": [f"{logs.blobs}*"], "trust": [f"{logs.trust}*"]}
    log_keys["version_index"] = [f"{logs.prefix}versions/*"]
    cdn = config.distribution
    trail = config.keys.trail
    gitlab = config.keys.gitlab
    return {
        "roles": owned.kind == "roles",
        **_customers(config, site, log),
        "log_tree": [f"{log}/{logs.prefix}*"],
        "log_tree_prefixes": [f"{logs.prefix}*"],
        "site_copy_sources": [f"{config.site.bucket}/{root}*"],
        "site_bucket": site,
        "log_bucket": log,
        "site_objects": [f"{site}/{root}*"],
        "site_prefixes": [f"{root}*"],
        "distribution": cdn and f"arn:{aws}:cloudfront::{owned.account}:distribution/{cdn.id_}",
        "site_root": root,
        "source_ips": list(config.keys.source_ips),
        "trail": trail and f"arn:{aws}:s3:::{trail.bucket}",
        "trail_prefix": trail and f"{trail.prefix}*",
        "provider": gitlab and owned.provider_arn(gitlab.host),
        # Of all libraries, and whatever they are in IAM: buckets are shared, and so is this statement.
        "collectors": [f"arn:{aws}:iam::{owned.account}:{noun}/release/*-collect" for noun in ("role", "user")],
        # The boundary caps the identities of one owner only, so that a name tells them apart; it has no room for more.
        "principals": {stage: f"arn:*:iam::*:*/{owned.name(stage)}" for stage in owned.stages},
        "stage_arns": {stage: owned.arn(stage) for stage in owned.stages},
        "pathless_arns": [owned.pathless_arn(stage) for stage in owned.stages],
        "policy_arns": [owned.policy_arn(stage) for stage in owned.stages],
        "iam_tree": [owned.tree(owned.noun), owned.tree("policy")],
        "boundary": owned.policy_arn(BOUNDARY),
        "suffix": sid_suffix(owned.owner),
        "cdn_suffix": cdn and sid_suffix(cdn.id_),
        **{f"{name}_prefixes": found for name, found in {**keys, **log_keys}.items()},
        **{f"{name}_objects": [f"{site}/{key}" for key in found] for name, found in keys.items()},
        **{f"{name}_objects": [f"{log}/{key}" for key in found] for name, found in log_keys.items()},
        "version_copy_sources": [f"{config.site.bucket}/{key}" for key in keys["version"]],
        "pointer_copy_sources": [f"{config.log.bucket}/{key}" for key in log_keys["log_pointer"]],
    }


def _customers(config: Config, site: str, log: str) -> dict[str, list[str]]:
    """Give what belongs to the library's customers; a customer has none."""
    trees = [] if config.site.customer else [config.layout.root, config.log_layout.prefix]
    return {
        "customer_objects": [f"{bucket}/{tree}{CUSTOMERS}/*" for bucket, tree in zip((site, log), trees, strict=False)],
        "customer_prefixes": list(dict.fromkeys(f"{tree}{CUSTOMERS}/*" for tree in trees)),
    }


def guard(config: Config) -> dict[str, dict[str, object]]:
    """Give the conditions under which any key of ours works at all."""
    found: dict[str, dict[str, object]] = {"Bool": {"aws:SecureTransport": "true"}}
    if config.keys.source_ips:
        found["IpAddress"] = {"aws:SourceIp": list(config.keys.source_ips)}
    return found


def sid_suffix(name: str) -> str:
    """Make of a name what a statement's Sid may hold, so that no two names share it."""
    return re.sub(r"[^A-Za-z0-9]", "", name)[:20] + hashlib.sha256(name.encode()).hexdigest()[:6]


def render(
    template: str,
    values: Mapping[str, object],
    *,
    name: str,
    kind: Kind = "identity",
    guard: Mapping[str, Mapping[str, object]] | None = None,
) -> Policy:
    """Render a policy template and check what came out.

    Every value must pass through `tojson`: a quote in a name must not become a second statement.

    Args:
        template: the template's text.
        values: what it may refer to.
        name: of the template, for errors.
        kind: what it is a policy of.
        guard: conditions that every Allow of a key gets besides its own.

    Raises:
        ConfigError: the template names an unknown variable, prints a raw value, or gives a policy
            that is no JSON or is wider than any key of ours may be.
    """
    policy = _parsed(template, values, name)
    for problem in _problems(policy, kind):
        raise ConfigError(f"{name}: {problem}", hint="a stage's key never needs that; name what it needs")
    if guard and kind == "identity":
        policy["Statement"] = [_guarded(statement, guard, name) for statement in policy["Statement"]]
    if (size := len(compact(policy))) > LIMITS[kind]:
        raise ConfigError(
            f"{name}: the policy has {size} characters, AWS takes {LIMITS[kind]}",
            hint="shorten the names of buckets, prefix and channels, or list fewer of them",
        )
    return policy


def compact(policy: Mapping[str, Any]) -> str:
    """Give a policy as IAM stores it."""
    return json.dumps(policy, separators=(",", ":"))


def _trust(config: Config, stage: str) -> dict[str, object]:
    """Give what a trust policy needs of GitLab's tokens (`core.id_token`)."""
    gitlab = config.keys.gitlab
    if gitlab is None:
        raise ConfigError("[keys] has no gitlab: a role must know which project may take it")
    return {
        "audience": {f"{gitlab.host}:aud": AUDIENCE + stage},
        # The session's name carries pipeline and job, by which CloudTrail is held against the release log.
        "subjects": {
            f"{gitlab.host}:sub": subjects(config, gitlab, stage),
            "sts:RoleSessionName": "release-*-*",
        },
    }


def _parsed(template: str, values: Mapping[str, object], name: str) -> Policy:
    from jinja2 import TemplateError  # noqa: PLC0415 - half of a short command's start-up
    from jinja2.runtime import StrictUndefined  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    def quoted_only(value: object) -> object:
        if not isinstance(value, Markup):
            raise ConfigError(f"{name}: a value is printed without '| tojson'", hint="write {{ name | tojson }}")
        return value

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, finalize=quoted_only, autoescape=False)
    # A name that does not exist must say so itself, not fail as something JSON cannot hold.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": str}
    try:
        text = environment.from_string(template).render(**values)
        policy: Policy = document.parse(text.encode(), limit=LARGEST)
    except (TemplateError, TypeError) as why:
        raise ConfigError(f"{name}: {why}", hint=f"it may use: {', '.join(sorted(values))}") from why
    except ValueError as why:
        raise ConfigError(f"{name} does not render to JSON: {why}") from why
    return policy


def _guarded(statement: Mapping[str, Any], guard: Mapping[str, Mapping[str, object]], name: str) -> Policy:
    own = statement.get("Condition", {})
    for operator, keys in guard.items():
        if set(keys) & set(own.get(operator, {})):
            raise ConfigError(f"{name}: {statement['Sid']} has the condition {operator} {next(iter(keys))} of its own")
    merged = {operator: {**own.get(operator, {}), **guard.get(operator, {})} for operator in {**own, **guard}}
    return {**statement, "Condition": merged}


def _problems(policy: Mapping[str, Any], kind: Kind) -> list[str]:
    if not isinstance(policy, dict) or policy.get("Version") != "2012-10-17":
        return ["the policy's Version is not 2012-10-17"]
    statements = policy.get("Statement")
    if not isinstance(statements, list) or not statements:
        return ["the policy has no list of statements"]
    return [problem for statement in statements for problem in _statement_problems(statement, kind)]


def _statement_problems(statement: object, kind: Kind) -> Iterator[str]:
    if not isinstance(statement, Mapping):
        yield f"{statement!r} is no statement"
        return
    sid = statement.get("Sid", "a statement")
    if unknown := set(statement) - _ELEMENTS[kind]:
        yield f"{sid} uses {', '.join(sorted(unknown))}"
    denies = statement.get("Effect") == "Deny" and kind in {"boundary", "bucket"}
    if statement.get("Effect") != "Allow" and not denies:
        yield f"{sid} is not an Allow"
    if "Principal" in _ELEMENTS[kind] and not denies:
        yield from _principal_problems(sid, statement)
    for action in _listed(statement, "Action"):
        if not denies and (set("*?") & set(action) or ":" not in action):  # what takes away is never too wide
            yield f"{sid} allows {action!r}: name each action"
    if kind != "trust" and not denies:
        yield from (
            f"{sid} is about {resource!r}: name the resource"
            for resource in _listed(statement, "Resource")
            if not _is_named(resource, kind)
        )


def _principal_problems(sid: str, statement: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with whom a resource trusts: only services and issuers, and only under conditions."""
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping) or not principal or set(principal) - {"Service", "Federated"}:
        yield f"{sid} trusts {principal!r}: name a service or an issuer"
    if not statement.get("Condition"):
        yield f"{sid} trusts without a condition"


def _is_named(resource: str, kind: Kind) -> bool:
    """Tell whether an ARN names its bucket, or all of itself: only the keys of objects may have wildcards.

    A boundary, which grants nothing, may name all of one owner's IAM path.
    """
    if kind == "boundary" and re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:[a-z]+/release/[a-z0-9@._-]+/\*", resource):
        return True
    named = resource.partition("/")[0] if resource.startswith("arn:") and ":s3:::" in resource else resource
    return resource.startswith("arn:") and not set("*?") & set(named)


def _listed(statement: Mapping[str, Any], element: str) -> list[str]:
    found = statement.get(element)
    if isinstance(found, list) and found and all(isinstance(item, str) for item in found):
        return found
    return [""]
