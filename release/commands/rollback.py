"""release rollback: the whole way back in one command."""

import shlex
import sys
from typing import Annotated

import typer

from release import compose
from release.commands import approvals, handed, unlogged
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json
from release.commands.record import FromGate, To
from release.commands.way_back import carry_out, from_gate_steps, steps_to
from release.core.caching import left_unlogged
from release.core.succession import Tail
from release.effects.choice import previous_good
from release.effects.read_only_log import is_unlogged
from release.effects.slots import Slots
from release.errors import ConfigError
from release.stages import foresee
from release.stages.gate import way_back


def rollback(
    channel: Annotated[str, typer.Argument(help="The channel to take back.")] = "latest",
    to: To = None,
    reason: Annotated[str | None, typer.Option(help="Why; it stands in the log for ever.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    from_gate: FromGate = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take a channel back to an earlier version: record, promote, invalidate, verify, record.

    No build, no Node, no git: a folder with release.toml is enough. Each step is the same command
    the pipeline runs, as a process of its own with only its own key: from the file that
    RELEASE_KEYS names, or else the identity of this environment. Run it again after any crash:
    the same reason is the same rollback, and another one needs another reason, or --to.
    On a terminal it tells what it would do, and asks for what it was not told.
    """
    work = compose.workspace(config, quiet=json)
    slots = work.slots(_reader(work))
    tail = slots.tail()
    verdict = handed.tripped(work, channel, to, reason) if from_gate else None
    if verdict:
        to, reason = way_back(slots, verdict)
    known = unlogged.pending(work, slots, channel)
    went = known.newest.version if known else _went_unlogged(work, slots, channel, tail)
    version = to or went or previous_good(slots, channel, tail, reason=reason)
    reason = reason or (known.newest.reason if known else None)
    serving = tail.state.channels.get(channel)
    now = serving.version if serving else "nothing"
    if to is None and version == now:
        work.console.say(
            f"{channel} went back to {version} for this reason already; --to VERSION takes it further back"
        )
    work.console.say(f"{channel} serves {now}; it will serve {version}, no byte is built or uploaded")
    if went:
        work.console.warn(f"  it went to {went} already, and the log does not know it: this logs it")
    asks = sys.stdin.isatty() and not yes
    if dry_run or asks:
        _tell(work, slots, tail, channel, version)
    steps = from_gate_steps(work, channel) if verdict else steps_to(work, channel, version, reason or "REASON")
    if dry_run:
        lines = [step for _, step in steps]
        return emit_json(lines) if json else emit(f"release {shlex.join(line)}" for line in lines)
    if not reason and sys.stdin.isatty():
        reason = str(typer.prompt("why? It stands in the log for ever", err=True)).strip()
    if not reason:
        raise ConfigError("a rollback needs a reason", hint=f"release rollback {channel} --to {version} --reason '...'")
    if asks and not typer.confirm(f"roll {channel} back to {version}?", err=True):
        work.console.say("nothing was changed")
        raise typer.Exit(1)
    steps = steps if verdict else steps_to(work, channel, version, reason)
    failed = carry_out(work, steps)
    if failed:
        raise typer.Exit(failed)
    done = {"channel": channel, "from": now, "to": version, "reason": reason}
    return emit_json(done) if json else emit([f"{channel} serves {version} again"])


def _tell(work: compose.Workspace, slots: Slots, tail: Tail, channel: str, version: str) -> None:
    reader = _reader(work)
    eyes = foresee.Eyes(
        config=work.config,
        slots=slots,
        site=work.site(reader),
        view=work.log_view(reader),
        clock=work.clock,
        given=approvals.given(work),
    )
    found = foresee.run(eyes, tail, channel, version)
    for line in foresee.lines(found, now=work.clock.now()):
        if found.permitted:
            work.console.say(line)
        else:
            work.console.warn(line)


def _went_unlogged(work: compose.Workspace, slots: Slots, channel: str, tail: Tail) -> str | None:
    """Give the version of a rollback that somebody else could not log, by the pointer; only audit may look."""
    state = tail.state.channels.get(channel)
    if state is None or _reader(work) != "audit":
        return None
    info = work.site("audit").describe(work.config.layout.pointer(channel))
    left = left_unlogged(info.headers) if info else None
    if info is None or left is None or not is_unlogged(slots, slots.read(state.entry), left):
        return None
    return info.headers.metadata.get("version")


def _reader(work: compose.Workspace) -> str:
    """Name the stage whose key reads the log here."""
    return "audit" if work.keyring() else "record"
