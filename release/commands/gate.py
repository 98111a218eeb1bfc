"""release gate: ask how a ring's version does."""

from typing import Annotated

import typer

from release import compose
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, emit, emit_json
from release.commands.way_back import carry_out, from_gate_steps, steps_to
from release.core.gate import Verdict
from release.errors import ConfigError, RefusedError, TrippedError
from release.stages import gate as stage


def gate(
    ring: Annotated[str, typer.Argument(metavar="CHANNEL", help="The ring.")],
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    watch: Annotated[
        int, typer.Option(min=0, max=10080, metavar="MINUTES", help="Keep asking for so long, or until it is tripped.")
    ] = 0,
    roll_back: Annotated[bool, typer.Option("--roll-back", help="Take the ring back if its gate is tripped.")] = False,
    json: Json = False,
) -> None:
    """Ask the gate of [rings.gate] how the version does that a ring serves now.

    Exit code 0: open. 19: tripped, there are too many errors; with --roll-back the ring is back when this ends, or
    the message says what to run. 11: no clear answer, which is closed too. Leaves .release/CHANNEL.gate.json for
    'release rollback CHANNEL --from-gate'.
    """
    work = compose.workspace(config, quiet=json)
    keeper = work.gatekeeper()
    if keeper is None:
        raise ConfigError("release.toml has no [rings.gate]: nobody can say how a version does")
    slots = work.slots("record" if roll_back and not work.keyring() else "audit")
    found = stage.standing(work.config, slots, ring)
    if roll_back and found.is_going_back:
        reason = found.event.reason or ""
        code = carry_out(work, steps_to(work, ring, found.state.version, reason))
        raise _back(ring, reason, code)
    verdict = stage.watch(keeper, found.trial(work.config), work.console, minutes=watch)
    handed.leave_verdict(work, verdict)
    if json:
        emit_json(verdict)
    else:
        emit([verdict.said()])
    if roll_back and verdict.answer == "tripped":
        raise _back(ring, verdict.said(), _roll_back(work, verdict))
    verdict.require_open()


def _roll_back(work: compose.Workspace, verdict: Verdict) -> int:
    return carry_out(work, from_gate_steps(work, verdict.trial.ring))


def _back(ring: str, why: str, code: int) -> TrippedError:
    if code == 0:
        return TrippedError(f"{ring} was taken back: {why}", hint="'release status' shows it; yank what failed")
    hint = f"run the same command again, or: release rollback {ring} --from-gate"
    if code == RefusedError.exit_code:
        hint = (
            f"the way back was not approved ahead, or not to there: release request --rollback {ring} --reason '...';"
            f" release approve; then with RELEASE_APPROVAL: release rollback {ring} --from-gate"
        )
    return TrippedError(
        f"{ring} was NOT taken back (exit code {code}): {why}", hint=hint, evidence={"exit code": str(code)}
    )
