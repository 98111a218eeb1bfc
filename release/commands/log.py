"""release log: read the release log."""

from typing import Annotated

import typer

from release import compose
from release.commands.log_anchor import anchor
from release.commands.log_evidence import evidence, verify_evidence
from release.commands.log_export import export
from release.commands.log_proof import proof, verify_proof
from release.commands.log_report import report
from release.commands.log_schema import schema
from release.commands.log_verify import verify
from release.commands.log_witness import verify_conflict, witness, witness_key
from release.commands.log_write import key, repair
from release.commands.options import DEFAULT_CONFIG, ConfigFile, Json, columns, emit, emit_json
from release.core.entry import Event
from release.core.slot import Invalid
from release.errors import NothingToDoError

app = typer.Typer(no_args_is_help=True, help="Read, prove, verify, export, repair and witness the release log.")
app.command()(verify)
app.command()(export)
app.command()(proof)
app.command("verify-proof")(verify_proof)
app.command()(anchor)
app.command()(schema)
app.command()(report)
app.command()(evidence)
app.command("verify-evidence")(verify_evidence)
app.command()(key)
app.command()(repair)
app.command()(witness)
app.command("witness-key")(witness_key)
app.command("verify-conflict")(verify_conflict)


@app.command("list")
def list_(
    config: ConfigFile = DEFAULT_CONFIG,
    last: Annotated[int, typer.Option(min=0, help="How many of the newest entries; 0 for all.")] = 20,
    *,
    json: Json = False,
) -> None:
    """List entries, oldest first; each is checked to follow the one before it, and to be signed."""
    work = compose.workspace(config, quiet=json)
    slots = work.slots("audit")
    size = slots.tail().size
    if not size:
        raise NothingToDoError("the release log is empty", hint="release record publish")
    found = list(slots.found(first=max(0, size - last) if last else 0, size=size))
    if json:
        return emit_json(found)
    rows = [("entry", "when", "event", "version", "channel", "pipeline", "reason")]
    return emit(columns(rows + [_row(each) for each in found]))


def _row(found: Event | Invalid) -> tuple[str, ...]:
    if isinstance(found, Invalid):
        return (str(found.index), "", "INVALID", "", "", "", found.problem)
    pipeline, reason = found.pipeline.id_ or "", found.reason or ""
    return (
        str(found.index),
        found.occurred_at,
        found.action,
        found.version,
        found.channel or "",
        pipeline,
        reason,
    )


@app.command()
def show(
    index: Annotated[int, typer.Argument(min=0, help="The entry's number.")],
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    json: Json = False,
) -> None:
    """Show one entry."""
    event = compose.workspace(config, quiet=json).slots("audit").read(index)
    return emit_json(event) if json else emit(_lines(event))


def _lines(event: Event) -> list[str]:
    facts = {
        "event": event.action + (f" of entry {event.outcome_of}" if event.outcome_of is not None else ""),
        "version": f"{event.component} {event.version}",
        "manifest": event.manifest,
        "channel": event.channel,
        "before": event.before and f"{event.before.version} ({event.before.outcome})",
        "reason": event.reason,
        "when": event.occurred_at,
        "commit": event.source and f"{event.source.commit} ({event.source.tag})",
        "trust": event.trust and f"epoch {event.trust.epoch}, {event.trust.sha256}",
        "approved": event.approvals
        and event.trust
        and f"{', '.join(f'{a.principal} ({a.role})' for a in event.approvals)}, by trust epoch {event.trust.epoch}",
        "emergency": event.emergency and "one person approved it; a review was due",
        "ring": event.ring and event.ring.said(),
        "pipeline": event.pipeline.url or event.pipeline.id_,
        "job": event.pipeline.job,
        "actor": event.pipeline.actor,
        "tool": event.pipeline.tool,
        "follows": event.prev and f"entry {event.prev.index}, leaf hash {event.prev.leaf_hash}",
        "channels": ", ".join(f"{name} {state.version}" for name, state in sorted(event.after.channels.items())),
        "yanked": ", ".join(sorted(event.after.yanked)),
    }
    rows = [(name, value) for name, value in facts.items() if value]
    return [f"log entry {event.index} of {event.origin}", *(f"  {name:<9} {value}" for name, value in rows)]
