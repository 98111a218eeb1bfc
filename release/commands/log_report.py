"""release log report: the population of a period, for a spreadsheet or for machines."""

from pathlib import Path
from typing import Annotated

import typer

from release.adapters import environment
from release.adapters.terminal import Terminal
from release.commands.log_source import First, Last, Source, SourceKeys, signed_log
from release.commands.named_files import write_file
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit_json, write
from release.core.period import Period


def report(
    config: ConfigFile = DEFAULT_CONFIG,
    first: First = None,
    last: Last = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write the CSV.")] = None,
    source: Source = None,
    key: SourceKeys = None,
    *,
    json: Json = False,
) -> None:
    """Write one row for every entry of a period, as CSV: who changed what, when, approved by whom, and how it ended.

    With the audit key, or from a copy; without a period, of the whole log.
    """
    from release.core.population import CSV, gathered, population_files  # noqa: PLC0415 - loads the cryptography

    with signed_log(config, source, key, quiet=json) as log:
        gathering = gathered(log.bodies(), Period.of(first, last), log.policy.logs)
        if json:
            return emit_json(list(gathering.rows(log.blob)))
        body = population_files(gathering, log.head, log.blob)[CSV]
    if output:
        write_file(output, body)
    else:
        write(body.decode())
    covered = "none" if gathering.first is None else f"{gathering.first} to {gathering.first + gathering.count - 1}"
    talk = Terminal(environment.read(), quiet=False)
    return talk.say(f"entries: {covered}, of {log.head.size} in the log {log.head.origin}, none left out")
