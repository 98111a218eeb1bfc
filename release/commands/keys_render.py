"""release keys render: the policies, for review or for a platform team's own tools."""

from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, emit_json
from release.errors import ConfigError


def render(
    name: Annotated[str | None, typer.Argument(help="One policy; default: all.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    account: Annotated[str | None, typer.Option(help="The account that owns the distribution.")] = None,
) -> None:
    """Print one policy as JSON, or all of them by name."""
    named = compose.workspace(config).key_policies(account).named()
    if name is not None and name not in named:
        raise ConfigError(f"there is no policy {name!r}", hint=f"there are: {', '.join(named)}")
    emit_json(named if name is None else named[name])
