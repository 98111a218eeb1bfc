"""release keys: one least-privilege key per stage."""

import difflib
import json as encoding
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from release import compose
from release.adapters import resources
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json
from release.core import keypolicy
from release.errors import ConfigError, NothingToDoError

app = typer.Typer(no_args_is_help=True, help="One least-privilege key per stage.")
FOLDER = "keys-policy"


@app.command()
def render(
    stage: Annotated[str | None, typer.Argument(help="One stage; default: all.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    account: Annotated[str | None, typer.Option(help="The account that owns the distribution.")] = None,
) -> None:
    """Print the policy of a stage's key as JSON, or of all stages by name."""
    work = compose.workspace(config)
    if stage is not None and stage not in keypolicy.STAGES:
        raise ConfigError(f"no key belongs to a stage {stage!r}", hint=f"stages: {', '.join(keypolicy.STAGES)}")
    policies = _policies(work, account)
    emit_json(policies if stage is None else policies[stage])


@app.command()
def provision(
    credentials_file: Annotated[Path, typer.Option(help="Where to write the keys, readable by you only.")],
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Create one IAM user, policy and key per stage. Run once, by a human with an administrator's key.

    Shows the difference first; what is there and right stays. Secrets go to the file and nowhere else.
    """
    from release.adapters.iam import StageUsers  # noqa: PLC0415 - loads the AWS SDK
    from release.adapters.keyring import Keyring  # noqa: PLC0415

    work = compose.workspace(config, quiet=json)
    clients = compose.administrator(work)
    partition = keypolicy.partition(work.config.site.region)
    users = StageUsers(clients.iam(), clients.sts(), partition=partition)
    ring = Keyring(credentials_file, work.config.library.name)
    policies = _policies(work, work.config.distribution.account or users.account)
    if not dry_run:
        ring.require_writable()
    changed = []
    for stage, policy in policies.items():
        name = ring.profile(stage)
        current, has_key = users.policy(name), ring.key_id(stage) in users.key_ids(name)
        for line in _difference(name, current, policy):
            work.console.say(line)
        if current != policy or not has_key:
            changed.append(name)
        if not dry_run:
            users.apply(name, policy)
            if not has_key:
                ring.store(stage, *users.create_key(name))
    if json:
        return emit_json({"dryRun": dry_run, "changed": changed, "credentialsFile": str(credentials_file)})
    verb = "would change" if dry_run else "changed"
    return emit([f"{verb}: {', '.join(changed)}" if changed else "all keys and policies are as they should be"])


@app.command()
def stages() -> None:
    """List the stages that have a key of their own."""
    emit(keypolicy.STAGES)


def _policies(work: compose.Workspace, account: str | None) -> dict[str, dict[str, Any]]:
    owner = account or work.config.distribution.account
    if owner is None:
        raise NothingToDoError(
            "the distribution's account is not known, and its ARN needs it",
            hint="write [distribution] account = '123456789012', or pass --account",
        )
    values = keypolicy.variables(work.config, account=owner)
    return {
        stage: keypolicy.render(resources.text(FOLDER, f"{stage}.json.j2"), values, name=f"{stage}.json.j2")
        for stage in keypolicy.STAGES
    }


def _difference(name: str, current: dict[str, Any] | None, wanted: dict[str, Any]) -> Iterator[str]:
    def lines(policy: dict[str, Any] | None) -> list[str]:
        return encoding.dumps(policy, indent=2, sort_keys=True).splitlines() if policy else []

    return difflib.unified_diff(lines(current), lines(wanted), f"{name} as it is", f"{name} to be", lineterm="", n=1)
