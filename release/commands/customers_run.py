"""release customers run: one stage for many customers, and what became of each."""

import shlex
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from release import compose
from release.adapters.many_runs import Ran, run_many
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, columns, emit, emit_json
from release.compose.customers import customers_of, file_of
from release.core import document
from release.core.choice_of_customers import choose
from release.core.customers_report import EMPTY, LARGEST, CustomersReport, Result, file_name, read_report
from release.core.shards import Shard, parse_shard
from release.errors import ConfigError, NothingToDoError, SomeFailedError


def run(
    ctx: typer.Context,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND...", help="What to run, as 'promote latest'.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="WHO", help="A name, a pattern such as 'a*', or a label: tier=gold.")
    ] = None,
    shard: Annotated[str | None, typer.Option(metavar="K/N", help="Only those of the K-th of N shards.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many at a time.")] = 4,
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="The last command again, for those that failed.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Run a command once for each customer; one that fails stops no other, and is said.

    Each run is the command with --config customers/NAME.toml, with that customer's keys, prefix and log. Running the
    whole again is safe, as each stage is; --failed runs only what did not end well.
    """
    work = compose.workspace(config, quiet=json)
    of = parse_shard(shard) if shard else None
    before = left(work, of) or EMPTY
    line, names = _again(before) if failed else (list(arguments or []), None)
    if not line:
        raise ConfigError("no command is named", hint="release customers run -- promote latest")
    if line[0] == "customers" or "--config" in line or "-c" in line:
        raise ConfigError(f"{shlex.join(line)}: not for each customer", hint="name a stage, without --config")
    chosen = choose(customers_of(work), names if names is not None else only or [], of)
    if not chosen:
        raise NothingToDoError("no customer belongs to this shard", hint="fewer shards, or none")
    commands = {one.name: [*line, "--config", str(file_of(work, one))] for one in chosen}
    if dry_run:
        shown = {name: f"release {shlex.join(command)}" for name, command in commands.items()}
        return emit_json(shown) if json else emit(shown.values())
    results = _results(work, ctx.find_root().obj, commands, jobs=jobs)
    bad = {name: ran.code for name, ran in sorted(results.items()) if ran.code != 0}
    result = Result(command=tuple(line), ran=len(results), failed=bad)
    handed.folder(work).write(file_name(of), document.encode(before.with_result(result)))
    _show(results, json=json)
    if bad:
        raise SomeFailedError(
            f"{len(bad)} of {len(results)} customers: {shlex.join(line)} did not end well",
            hint="mend what is said of each, then: release customers run --failed",
            evidence={"failed": ", ".join(bad)[:1000]},
        )
    return None


def _results(
    work: compose.Workspace, main: Callable[[Sequence[str]], int], commands: dict[str, list[str]], *, jobs: int
) -> dict[str, Ran]:
    results = {}
    with work.console.progress("customers", len(commands)) as progress:
        for name, ran in run_many(main, commands, jobs=jobs):
            results[name] = ran
            progress.advance()
    return results


def _show(results: dict[str, Ran], *, json: bool) -> None:
    if json:
        facts: list[dict[str, Any]] = [
            {"customer": name, "exitCode": ran.code, "out": ran.out, "err": ran.err}
            for name, ran in sorted(results.items())
        ]
        return emit_json(facts)
    rows = [["CUSTOMER", "CODE", "WHAT"]]
    rows += [[name, str(ran.code), _gist(ran)] for name, ran in sorted(results.items())]
    return emit(columns(rows))


def _gist(ran: Ran) -> str:
    """Give the line that says most: an error's own, or the last of the data."""
    if ran.code:
        errors = [line for line in ran.err.splitlines() if line.startswith("release: ")]
        return (errors or ran.err.splitlines() or ["ended without a word"])[0].removeprefix("release: ")
    return (ran.out.splitlines() or ["done"])[-1]


def _again(last: CustomersReport) -> tuple[list[str], list[str]]:
    if not last.results:
        raise NothingToDoError("there was no run before", hint="release customers run -- COMMAND")
    newest = last.results[-1]
    if not newest.failed:
        raise NothingToDoError(f"the last run ended well for everybody: {shlex.join(newest.command)}")
    return list(newest.command), sorted(newest.failed)


def left(work: compose.Workspace, shard: Shard | None) -> CustomersReport | None:
    """Read what a shard's jobs left of their results; None if nothing."""
    name = file_name(shard)
    body = work.handover.read(name, limit=LARGEST)
    return None if body is None else read_report(body, name=f"{compose.HANDOVER}/{name}")
