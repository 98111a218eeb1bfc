"""release customers report: the results of all shards' jobs, put together."""

import shlex
from typing import Annotated

import typer

from release import compose
from release.commands import handed
from release.commands.customers_run import left
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, columns, emit, emit_json
from release.core import document
from release.core.customers_report import CustomersReport, joined
from release.core.shards import MOST, Shard
from release.errors import NothingToDoError, SomeFailedError

FILE = "customers.report.json"
SHOWN = 50


def report(
    shards: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="How many shards there were; none: one job.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    json: Json = False,
) -> None:
    """Say what became of every command for every customer, from what all jobs left; exit code 29 if any failed."""
    work = compose.workspace(config, quiet=json)
    wanted = [None] if shards is None else [Shard(number, shards) for number in range(1, shards + 1)]
    found = [left(work, shard) for shard in wanted]
    whole = joined(one for one in found if one is not None)
    if not whole.results:
        raise NothingToDoError("no job left a result", hint="release customers run -- COMMAND")
    handed.folder(work).write(FILE, document.encode(whole))
    if json:
        emit_json(whole)
    else:
        emit(_lines(whole))
    silent = [f"{shard.number}/{shard.of}" for shard, one in zip(wanted, found, strict=True) if one is None and shard]
    if silent or any(result.failed for result in whole.results):
        raise SomeFailedError(
            f"no result of the shards {', '.join(silent)}" if silent else "not every command ended well for everybody",
            hint="retry the jobs of those shards: what is done stays done",
        )


def _lines(whole: CustomersReport) -> list[str]:
    rows = [["COMMAND", "CUSTOMERS", "FAILED"]]
    rows += [[shlex.join(one.command), str(one.ran), str(len(one.failed))] for one in whole.results]
    lines = columns(rows)
    for one in whole.results:
        shown = [f"{name} ({code})" for name, code in sorted(one.failed.items())]
        if shown:
            more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
            lines.append(f"{shlex.join(one.command)}: {', '.join(shown[:SHOWN])}{more}")
    return lines
