"""release keys provision: make the stages' identities. Run by a human, never in a pipeline."""

import difflib
import json as encoding
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json
from release.core import provisioning
from release.core.identities import BOUNDARY, PROVISION
from release.core.keypolicy import Policies, Policy
from release.core.provisioning import Step
from release.errors import ConfigError

if TYPE_CHECKING:
    from release.compose import Workspace
    from release.stages.provision import Places


def provision(
    credentials_file: Annotated[
        Path | None, typer.Option(help="Where to write static keys, readable by you only.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    foundation: Annotated[
        bool,
        typer.Option("--foundation", help="With an administrator's key: boundary, provision key, bucket policies."),
    ] = False,
    gitlab: Annotated[
        bool, typer.Option("--gitlab", help="Keys or role ARNs go into GitLab; token in RELEASE_GITLAB_TOKEN.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Create one user or role per stage, capped by a boundary, with its policy and its key.

    First, once: --foundation with an administrator's key. Then without it, with the provision key. Shows the
    difference first; what is there and right stays. Secrets go where you say and nowhere else.
    """
    from release.stages.provision import execute  # noqa: PLC0415

    work = compose.workspace(config, quiet=json)
    if credentials_file and gitlab:
        raise ConfigError("keys go to one place only", hint="either --credentials-file or --gitlab")
    if foundation and gitlab:
        raise ConfigError(
            "the provision key is for no pipeline", hint="--foundation takes --credentials-file for it, or neither"
        )
    account, places = compose.provisioning(work, credentials_file=credentials_file, gitlab=gitlab)
    policies = work.key_policies(account)
    steps = _foundation(places, policies) if foundation else _ordinary(work, places, policies)
    for step in steps:
        for line in _difference(step):
            work.console.say(line)
    if not dry_run:
        execute(places, policies.identities, steps)
    if json:
        changes = [{"kind": step.kind, "name": step.name} for step in steps]
        stored = str(credentials_file) if credentials_file else None
        return emit_json({"dryRun": dry_run, "changes": changes, "credentialsFile": stored})
    verb = "would" if dry_run else "did"
    return emit([f"{verb} {step}" for step in steps] or ["all keys and policies are as they should be"])


def _foundation(places: "Places", policies: Policies) -> Sequence[Step]:
    from release.stages.provision import check_issuer, look  # noqa: PLC0415

    if policies.identities.kind == "roles":
        check_issuer(places, policies)
    return provisioning.foundation(
        policies,
        seen={name: places.identities.policy(name) for name in (BOUNDARY, PROVISION)},
        holder=look(places, policies.identities, PROVISION) if places.vault else None,
        buckets=_bucket_policies(places),
    )


def _ordinary(work: "Workspace", places: "Places", policies: Policies) -> Sequence[Step]:
    from release.stages.provision import check_issuer, look  # noqa: PLC0415

    provisioning.require_foundation(policies, places.identities.policy(BOUNDARY), _bucket_policies(places))
    if policies.identities.kind == "roles":
        check_issuer(places, policies)
    work.console.say(f"account {policies.identities.account}, {policies.identities.path}")
    return provisioning.ordinary(
        policies,
        {stage: look(places, policies.identities, stage) for stage in policies.stages},
        tell_gitlab=places.roles is not None,
    )


def _bucket_policies(places: "Places") -> dict[str, Policy | None]:
    return {name: places.policies.read(bucket) for name, bucket in places.buckets.items()}


def _difference(step: Step) -> Iterator[str]:
    def lines(policy: Policy | None) -> list[str]:
        return encoding.dumps(policy, indent=2, sort_keys=True).splitlines() if policy else []

    if step.after is None:
        return
    yield from difflib.unified_diff(
        lines(step.before), lines(step.after), f"{step.name} as it is", f"{step.name} to be", lineterm="", n=1
    )
