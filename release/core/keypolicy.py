"""Key policies: what each stage's key may do, rendered strictly and checked before use.

A version's name begins with a digit and a channel's with a letter, so `0*` to `9*` is every
version and no channel: the patterns below rest on that (see `core.layout`).
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from release.core import document
from release.core.channels import key_patterns
from release.core.config import Config
from release.errors import ConfigError

STAGES: Final = ("publish", "record", "promote", "invalidate", "audit")
LARGEST: Final = 64 * 1024
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: a managed policy, without
# white space. A user's inline policies may have 2,048 only, which is why ours are managed.
LARGEST_MANAGED: Final = 6144

_PARTITIONS: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def partition(region: str) -> str:
    """Give the partition of a region: `aws`, `aws-cn` or `aws-us-gov`."""
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")


def variables(config: Config, *, account: str) -> dict[str, object]:
    """Give what a template may refer to: ARNs and prefixes, each a list but for single resources.

    Args:
        config: of the library.
        account: the 12 digits of the account that owns the distribution.

    Raises:
        ConfigError: the account is no account number.
    """
    if not re.fullmatch(r"[0-9]{12}", account, re.ASCII):
        raise ConfigError(f"{account!r} is not an account number of 12 digits")
    aws = partition(config.site.region)
    site, log = f"arn:{aws}:s3:::{config.site.bucket}", f"arn:{aws}:s3:::{config.log.bucket}"
    root, logs = config.layout.root, config.log_layout
    versions = [f"{root}{digit}*" for digit in range(10)]
    manifests = [f"{version}/manifest.json" for version in versions]
    channels = [f"{root}{name}/*" for name in key_patterns(config.channels)]
    pointers = [f"{root}channels/{name}.json" for name in key_patterns(config.channels)]
    slots, log_keys = [f"{logs.slots}*"], [f"{logs.slots}*", f"{logs.prefix}versions/*"]

    def objects(bucket: str, keys: list[str]) -> list[str]:
        return [f"{bucket}/{key}" for key in keys]

    return {
        "site_bucket": site,
        "log_bucket": log,
        "distribution": f"arn:{aws}:cloudfront::{account}:distribution/{config.distribution.id_}",
        "site_objects": objects(site, [f"{root}*"]),
        "site_prefixes": [f"{root}*"],
        "version_objects": objects(site, versions),
        "version_prefixes": versions,
        "version_copy_sources": [f"{config.site.bucket}/{version}" for version in versions],
        "manifest_objects": objects(site, manifests),
        "manifest_prefixes": manifests,
        "channel_objects": objects(site, channels),
        "channel_prefixes": channels,
        "pointer_objects": objects(site, pointers),
        "pointer_prefixes": pointers,
        "slot_objects": objects(log, slots),
        "slot_prefixes": slots,
        "log_objects": objects(log, log_keys),
        "log_prefixes": log_keys,
    }


def render(template: str, values: Mapping[str, object], *, name: str) -> dict[str, Any]:
    """Render a policy template and check what came out.

    Every value must pass through `tojson`: a quote in a name must not become a second statement.

    Raises:
        ConfigError: the template names an unknown variable, prints a raw value, or gives a policy
            that is no JSON or is wider than any key of ours may be.
    """
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
        policy: dict[str, Any] = document.parse(text.encode(), limit=LARGEST)
    except (TemplateError, TypeError) as why:
        raise ConfigError(f"{name}: {why}", hint=f"it may use: {', '.join(sorted(values))}") from why
    except ValueError as why:
        raise ConfigError(f"{name} does not render to JSON: {why}") from why
    for problem in _problems(policy):
        raise ConfigError(f"{name}: {problem}", hint="a stage's key never needs that; name what it needs")
    return policy


def compact(policy: Mapping[str, Any]) -> str:
    """Give a policy as IAM stores it."""
    return json.dumps(policy, separators=(",", ":"))


def _problems(policy: Mapping[str, Any]) -> list[str]:
    if not isinstance(policy, dict) or policy.get("Version") != "2012-10-17":
        return ["the policy's Version is not 2012-10-17"]
    statements = policy.get("Statement")
    if not isinstance(statements, list) or not statements:
        return ["the policy has no list of statements"]
    problems = [problem for statement in statements for problem in _statement_problems(statement)]
    if (size := len(compact(policy))) > LARGEST_MANAGED:
        problems.append(f"the policy has {size} characters, IAM takes {LARGEST_MANAGED}")
    return problems


def _statement_problems(statement: object) -> list[str]:
    if not isinstance(statement, Mapping):
        return [f"{statement!r} is no statement"]
    sid = statement.get("Sid", "a statement")
    problems = []
    if unknown := set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}:
        problems.append(f"{sid} uses {', '.join(sorted(unknown))}")
    if statement.get("Effect") != "Allow":
        problems.append(f"{sid} is not an Allow")
    problems += [
        f"{sid} allows {action!r}: name each action"
        for action in _listed(statement, "Action")
        if set("*?") & set(action) or ":" not in action
    ]
    problems += [
        f"{sid} is about {resource!r}: name the resource"
        for resource in _listed(statement, "Resource")
        if not _is_named(resource)
    ]
    return problems


def _is_named(resource: str) -> bool:
    """Tell whether an ARN names its bucket, or all of itself: only the keys of objects may have wildcards."""
    named = resource.partition("/")[0] if resource.startswith("arn:") and ":s3:::" in resource else resource
    return resource.startswith("arn:") and not set("*?") & set(named)


def _listed(statement: Mapping[str, Any], element: str) -> list[str]:
    found = statement.get(element)
    if isinstance(found, list) and found and all(isinstance(item, str) for item in found):
        return found
    return [""]
