"""release keys check: whether the keys are what they should be."""

from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.core import matrix as matrices
from release.core.matrix_table import differences, require_duties, table
from release.errors import ConfigError


def check(
    config: ConfigFile = DEFAULT_CONFIG,
    account: Annotated[str | None, typer.Option(help="The account that owns the distribution.")] = None,
    *,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Show which stage's policy allows which call where. Asks nobody.")
    ] = False,
    json: Json = False,
) -> None:
    """Check the keys. Exit code 15 if anything is not as it should be."""
    if not matrix:
        raise ConfigError("nothing to check was named", hint="release keys check --matrix")
    _matrix(compose.workspace(config, quiet=json), account, json=json)


def _matrix(work: compose.Workspace, account: str | None, *, json: bool) -> None:
    policies = work.key_policies(account)
    owned = policies.identities
    cells = matrices.matrix(work.config, policies)
    capped = dict.fromkeys(owned.stages, 0)
    for cell in cells:
        capped[cell.stage] += matrices.capped(policies, cell.stage, cell.call)
    if json:
        emit_json(
            {
                "owner": owned.owner,
                "account": owned.account,
                "identities": owned.kind,
                "cells": [
                    {
                        "stage": cell.stage,
                        "act": cell.call.act,
                        "place": cell.call.place,
                        "foreign": cell.call.foreign,
                        "action": cell.call.action,
                        "resource": cell.call.resource,
                        "allowed": cell.allowed,
                        "duty": cell.wanted,
                    }
                    for cell in cells
                ],
                "differences": differences(cells),
            }
        )
    else:
        emit([f"What the key of each stage of {owned.owner} allows by its policy alone ({owned.kind})"])
        emit(table(cells, capped=capped))
    require_duties(cells)
