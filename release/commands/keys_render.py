"""release keys render: the policies, for review or for a platform team's own tools."""

from enum import StrEnum
from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, emit_json
from release.core.cloudformation import cloudformation
from release.core.key_resources import key_resources
from release.core.terraform import terraform
from release.errors import ConfigError


class Format(StrEnum):
    """How the policies are written."""

    JSON = "json"
    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"


def render(
    name: Annotated[str | None, typer.Argument(help="One policy; default: all.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    account: Annotated[str | None, typer.Option(help="The account that owns the distribution.")] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="json: the policies alone; else with users or roles, to apply.")
    ] = Format.JSON,
) -> None:
    """Print one policy, or all of them by name, as JSON, a CloudFormation template or a Terraform *.tf.json file."""
    work = compose.workspace(config)
    policies = work.key_policies(account)
    if format_ is not Format.JSON:
        found = key_resources(work.config, policies, name)
        return emit_json(cloudformation(found) if format_ is Format.CLOUDFORMATION else terraform(found))
    named = policies.named()
    if name is not None and name not in named:
        raise ConfigError(f"there is no policy {name!r}", hint=f"there are: {', '.join(named)}")
    return emit_json(named if name is None else named[name])
