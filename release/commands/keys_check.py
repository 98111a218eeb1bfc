"""release keys check: whether the keys are what they should be."""

from typing import Annotated

import typer

from release import compose
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.commands.own_key import require_own_key, require_stage
from release.core import matrix as matrices
from release.core.identities import ROTATE, STAGES, stages_of
from release.core.matrix_table import differences, require_duties, table
from release.errors import ConfigError
from release.stages import inspect_keys, try_keys

Stage = Annotated[
    str | None, typer.Option(help="Whose key this job holds: check that it is that stage's and no other.")
]


def check(
    config: ConfigFile = DEFAULT_CONFIG,
    stage: Stage = None,
    account: Annotated[str | None, typer.Option(help="The account that owns the distribution.")] = None,
    *,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Show which stage's policy allows which call where. Asks nobody.")
    ] = False,
    try_: Annotated[
        bool, typer.Option("--try", help="Try a key on what it should not be able to do, harmlessly.")
    ] = False,
    json: Json = False,
) -> None:
    """Check the keys: with the audit key, hold all that IAM has against what was rendered.

    Exit code 8 if this job holds another stage's key, 15 if anything else is not as it should be.
    """
    if matrix and (stage or try_):
        raise ConfigError("--matrix is about all stages and tries nothing", hint="leave out --stage and --try")
    if stage not in {None, *STAGES, ROTATE}:
        raise ConfigError(f"there is no stage {stage!r} with a key", hint=f"there are: {', '.join((*STAGES, ROTATE))}")
    work = compose.workspace(config, quiet=json)
    if matrix:
        return _matrix(work, account, json=json)
    if try_:
        return _try(work, stage, account, json=json)
    caller = require_own_key(work, stage or "audit", account)
    if stage:
        require_stage(caller, stage)
        return emit_json(caller) if json else emit([f"the key is the {stage} stage's: {caller.arn}"])
    report = inspect_keys.run(
        work.config, work.key_policies(caller.account), work.key_directory(caller.account), work.clock
    )
    if json:
        emit_json(report)
    elif not report.findings:
        emit(
            [f"{report.identities} of {report.owner} in {report.account}: all as rendered: {', '.join(report.stages)}"]
        )
    return inspect_keys.require_none(report.findings)


def _try(work: compose.Workspace, stage: str | None, account: str | None, *, json: bool) -> None:
    """Try one stage's key, or those of all stages where a file holds them."""
    if stage is None and work.keyring() is None:
        raise ConfigError(
            "which stage's key shall be tried?", hint="--stage publish; all in turn if RELEASE_KEYS names their file"
        )
    reports = []
    for one in (stage,) if stage else stages_of(work.config):
        caller = require_own_key(work, one, account)
        require_stage(caller, one)
        reports.append(try_keys.run(work.config, work.key_policies(caller.account), one, work.key_trial(one)))
    if json:
        emit_json(reports)
    else:
        emit(f"{r.stage}: {r.tried} tried, {r.tried - len(r.findings)} refused" for r in reports)
    inspect_keys.require_none(finding for report in reports for finding in report.findings)


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
