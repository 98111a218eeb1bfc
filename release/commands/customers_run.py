"""release customers run: one stage for many customers, and what became of each."""

import json as encoding
import shlex
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import typer

from release import compose
from release.adapters.many_runs import Ran, run_many
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, columns, emit, emit_json
from release.compose.customers import customers_of, file_of
from release.core.choice_of_customers import choose
from release.core.shards import parse_shard
from release.errors import ConfigError, FormatError, NothingToDoError, SomeFailedError

LAST: Final = "customers.json"
LARGEST: Final = 4 * 1024 * 1024
TYPE: Final = "customers-run/v1"


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
    line, names = _again(work) if failed else (list(arguments or []), None)
    if not line:
        raise ConfigError("no command is named", hint="release customers run -- promote latest")
    if line[0] == "customers" or "--config" in line or "-c" in line:
        raise ConfigError(f"{shlex.join(line)}: not for each customer", hint="name a stage, without --config")
    chosen = choose(
        customers_of(work), names if names is not None else only or [], parse_shard(shard) if shard else None
    )
    if not chosen:
        raise NothingToDoError("no customer belongs to this shard", hint="fewer shards, or none")
    commands = {one.name: [*line, "--config", str(file_of(work, one))] for one in chosen}
    if dry_run:
        shown = {name: f"release {shlex.join(command)}" for name, command in commands.items()}
        return emit_json(shown) if json else emit(shown.values())
    results = _results(work, ctx.find_root().obj, commands, jobs=jobs)
    bad = [name for name in sorted(results) if results[name].code != 0]
    handed.folder(work).write(LAST, encoding.dumps({"type": TYPE, "command": line, "failed": bad}).encode())
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


def _again(work: compose.Workspace) -> tuple[list[str], list[str]]:
    body = work.handover.read(LAST, limit=LARGEST)
    if body is None:
        raise NothingToDoError("there was no run before", hint="release customers run -- COMMAND")
    try:
        last = encoding.loads(body)
        line, names = [str(word) for word in last["command"]], [str(name) for name in last["failed"]]
        if last["type"] != TYPE:
            raise ValueError  # noqa: TRY301 - the same as what is no JSON
    except (ValueError, LookupError, TypeError, RecursionError) as why:
        raise FormatError(f".release/{LAST} is not what a run leaves", hint="run the whole again") from why
    if not names:
        raise NothingToDoError(f"the last run ended well for everybody: {shlex.join(line)}")
    return line, names
