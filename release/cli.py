"""The command line: what commands there are, and the only place that catches ReleaseError."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from release import VERSION, compose
from release.commands import (
    build,
    changelog,
    config,
    demo,
    init,
    invalidate,
    keys,
    log,
    promote,
    publish,
    record,
    rollback,
    status,
    verify,
)
from release.commands import next as next_command
from release.errors import ReleaseError

app = typer.Typer(
    name="release",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Release a JavaScript library that web pages load from a CDN: fast, provable, reversible.",
)

PIPELINE = "The pipeline, one stage a job, in this order"
VERSIONS = "Versions"
OPERATE = "Look and go back"
SETUP = "Set up"

app.command(rich_help_panel=PIPELINE)(build.build)
app.command(rich_help_panel=PIPELINE)(publish.publish)
app.add_typer(record.app, name="record", rich_help_panel=PIPELINE)
app.command(rich_help_panel=PIPELINE)(promote.promote)
app.command(rich_help_panel=PIPELINE)(invalidate.invalidate)
app.command(rich_help_panel=PIPELINE)(verify.verify)
app.command(rich_help_panel=OPERATE)(status.status)
app.command(rich_help_panel=OPERATE)(rollback.rollback)
app.command(rich_help_panel=OPERATE)(record.yank)
app.add_typer(log.app, name="log", rich_help_panel=OPERATE)
app.command("next", rich_help_panel=VERSIONS)(next_command.next_)
app.command(rich_help_panel=VERSIONS)(changelog.changelog)
app.command(rich_help_panel=SETUP)(init.init)
app.add_typer(config.app, name="config", rich_help_panel=SETUP)
app.add_typer(keys.app, name="keys", rich_help_panel=SETUP)
app.command(rich_help_panel=SETUP)(demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"release {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Release a JavaScript library that web pages load from a CDN: fast, provable, reversible."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; an error is said once, with its evidence and a next step."""
    try:
        return int(app(list(arguments), standalone_mode=True) or 0)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except ReleaseError as error:
        _explain(error, json_wanted="--json" in arguments)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away (RELEASE | head): that is no failure of ours.
        sys.stderr.close()
        return 0


def _explain(error: ReleaseError, *, json_wanted: bool) -> None:
    talk = compose.terminal()
    talk.fail(f"release: {error.message}")
    for name, fact in error.evidence.items():
        talk.say(f"  {name}: {fact}")
    if error.hint:
        talk.say(f"  next: {error.hint}")
    if json_wanted:
        facts = {
            "error": type(error).__name__,
            "exitCode": error.exit_code,
            "message": error.message,
            "hint": error.hint,
            "evidence": error.evidence,
        }
        sys.stderr.write(json.dumps(facts) + "\n")
