"""The command line: what commands there are, and the only place that catches ReleaseError."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Final

import typer
from typer.core import TyperGroup

from release import VERSION
from release.errors import ReleaseError


@dataclass(frozen=True, slots=True)
class Row:
    """One command: its name, and `module:attribute` below release.commands; an attribute `app` is a group."""

    name: str
    target: str
    panel: str


_PIPELINE: Final = "The pipeline, one stage a job, in this order"
_APPROVE: Final = "Approve"
_OPERATE: Final = "Look and go back"
_CUSTOMERS: Final = "Customers"
_VERSIONS: Final = "Versions"
_SETUP: Final = "Set up"

# A row is imported only when its command runs, or for --help: a command starts in half the time.
COMMANDS: Final = (
    Row("build", "build:build", _PIPELINE),
    Row("reproduce", "reproduce:reproduce", _PIPELINE),
    Row("check", "check:check", _PIPELINE),
    Row("publish", "publish:publish", _PIPELINE),
    Row("record", "record:app", _PIPELINE),
    Row("promote", "promote:promote", _PIPELINE),
    Row("invalidate", "invalidate:invalidate", _PIPELINE),
    Row("verify", "verify:verify", _PIPELINE),
    Row("announce", "announce:announce", _PIPELINE),
    Row("request", "request:request", _APPROVE),
    Row("approve", "approve:approve", _APPROVE),
    Row("trust", "trust:app", _APPROVE),
    Row("status", "status:status", _OPERATE),
    Row("audit", "audit:audit", _OPERATE),
    Row("gate", "gate:gate", _OPERATE),
    Row("rollback", "rollback:rollback", _OPERATE),
    Row("yank", "record:yank", _OPERATE),
    Row("collect", "collect:collect", _OPERATE),
    Row("log", "log:app", _OPERATE),
    Row("customers", "customers:app", _CUSTOMERS),
    Row("matrix", "matrix:matrix", _CUSTOMERS),
    Row("next", "next:next_", _VERSIONS),
    Row("changelog", "changelog:changelog", _VERSIONS),
    Row("csp", "csp:csp", _SETUP),
    Row("init", "init:init", _SETUP),
    Row("config", "config:app", _SETUP),
    Row("keys", "keys:app", _SETUP),
    Row("doctor", "doctor:doctor", _SETUP),
    Row("demo", "demo:demo", _SETUP),
)


class InOrder(TyperGroup):
    """Help lists commands in the order of COMMANDS, groups among them: the pipeline's order is a promise."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # Typer vendors its Click
        """Give the names in order."""
        del ctx
        return [row.name for row in COMMANDS if row.name in self.commands]


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """Make the command line with the one command that is called, or with all for help and completion."""
    app = typer.Typer(
        name="release",
        cls=InOrder,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",  # Rich's own would take [domains] for a style, and say nothing of it
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    called = [row for row in COMMANDS if arguments and row.name == arguments[0]]
    needed: Sequence[Row] = called or (() if list(arguments) == ["--version"] else COMMANDS)
    for row in needed:
        module, _, attribute = row.target.partition(":")
        target = getattr(import_module(f"release.commands.{module}"), attribute)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=row.name, rich_help_panel=row.panel)
        else:
            app.command(row.name, rich_help_panel=row.panel)(target)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"release {VERSION}")
        raise typer.Exit


def options(
    ctx: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Release a JavaScript library that web pages load from a CDN: fast, provable, reversible."""
    ctx.obj = main  # for commands that run others


def main(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; an error is said once, with its evidence and a next step."""
    try:
        build_app(arguments)(list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except ReleaseError as error:
        _explain(error, json_wanted="--json" in arguments)
        return error.exit_code
    return 0


def _explain(error: ReleaseError, *, json_wanted: bool) -> None:
    from release.compose import terminal  # noqa: PLC0415 - only failures need it

    talk = terminal()
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
