"""release keys provision: make the stages' identities. Run by a human, never in a pipeline."""

import difflib
import json as encoding
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json


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
    account = clients.account()
    policies = work.key_policies(account)
    users = StageUsers(clients.iam(), policies.identities)
    ring = Keyring(credentials_file, policies.identities.owner)
    if not dry_run:
        ring.require_writable()
    changed = []
    for stage, policy in policies.stages.items():
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


def _difference(name: str, current: dict[str, Any] | None, wanted: dict[str, Any]) -> Iterator[str]:
    def lines(policy: dict[str, Any] | None) -> list[str]:
        return encoding.dumps(policy, indent=2, sort_keys=True).splitlines() if policy else []

    return difflib.unified_diff(lines(current), lines(wanted), f"{name} as it is", f"{name} to be", lineterm="", n=1)
