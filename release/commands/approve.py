"""release approve: decide, and sign."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from release import compose
from release.commands import approvals, signing
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json
from release.core.approval import NAMESPACE, REVIEW, Approval, Review, stamp
from release.effects.log_view import Head
from release.effects.trusted import Trusted, load
from release.stages import approve as stage
from release.stages import review as reviewing


def approve(
    request: Annotated[
        list[Path] | None,
        typer.Argument(help="Request or approval files; default: all requests in .release/.", show_default=False),
    ] = None,
    *,
    key: signing.Key,
    config: ConfigFile = DEFAULT_CONFIG,
    remember: Annotated[
        Path | None,
        typer.Option(
            help="Keeps the log's newest checkpoint that you saw; default: ~/.config/release/.", show_default=False
        ),
    ] = None,
    yes: signing.Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Approve a release: see what changes for customers, decide, and sign it with your SSH key. Reviews, too.

    Refuses if the log does not continue what you saw of it the last time, or what the request saw.

    Run it on your own machine, in a clone of the library, with the key that reads (audit). Leaves
    .release/CHANNEL.approval.json and prints the value of RELEASE_APPROVAL for the manual job.
    """
    work = compose.workspace(config, quiet=json)
    signing.require_person(work)
    slots, site, view = work.slots("audit"), work.site("audit"), work.log_view("audit")
    memory = work.checkpoint_memory(remember)
    trusted = load(work.config, slots)
    made: list[Approval] = []
    shown: list[stage.Difference | reviewing.Looked] = []
    for approval, asked in approvals.requests(work, request):
        head = stage.same_log(view, asked, memory.read())
        if isinstance(asked, Review):
            looked = reviewing.look(trusted, approval, asked)
            for line in reviewing.lines(looked):
                work.console.say(line)
            shown.append(looked)
            if not dry_run:
                signing.ask(f"sign this review of entry {asked.entry}?", yes=yes)
                made.append(_reviewed(work, trusted, key, approval, looked))
                approvals.leave_approval(work, asked, made[-1])
                memory.write(head.note)
            continue
        repository = work.repository() if asked.action == "promote" else None
        found = stage.difference(work.config, slots, site, repository, work.project, approval, asked)
        for line in _lines(found, approval, head):
            work.console.say(line)
        shown.append(found)
        if dry_run:
            continue
        signing.ask(f"approve {asked.action} of {asked.version} on {asked.channel}?", yes=yes)
        signed = _signed(work, trusted, key, approval)
        approvals.leave_approval(work, asked, signed)
        made.append(signed)
        memory.write(head.note)
    value = approvals.variable(made)
    if json:
        return emit_json({"dryRun": dry_run, "differences": shown, "approvals": made, "variable": value})
    return emit([f"{approvals.VARIABLE}={value}"] if made else [])


def _signed(work: compose.Workspace, trusted: Trusted, key: Path, approval: Approval) -> Approval:
    armored = signing.sign(work, key, NAMESPACE, approval.request.encode())
    _, whose = stage.signer(trusted, approval, armored)
    work.console.say(f"signed by {whose}")
    return replace(approval, signatures=tuple(dict.fromkeys((*approval.signatures, armored))))


def _reviewed(
    work: compose.Workspace, trusted: Trusted, key: Path, approval: Approval, looked: reviewing.Looked
) -> Approval:
    armored = signing.sign(work, key, REVIEW, approval.request.encode())
    whose = reviewing.signer(trusted, looked, approval, armored, at=stamp(work.clock.now()))
    work.console.say(f"signed by {whose}")
    return replace(approval, signatures=tuple(dict.fromkeys((*approval.signatures, armored))))


def _lines(found: stage.Difference, approval: Approval, head: Head) -> Iterator[str]:
    asked = found.request
    served = f"{asked.before.version} (pointer version {asked.before.pointer_version})" if asked.before else "nothing"
    yield f"== {asked.action} of {asked.component} {asked.version} on {asked.channel}"
    if asked.emergency:
        yield "!! EMERGENCY: your approval alone lets it go live, and it must be reviewed afterwards"
    yield f"{asked.channel} serves now: {served}"
    if found.serving_approved_by:
        yield f"  approved by {', '.join(f'{a.principal} ({a.role})' for a in found.serving_approved_by)}"
    yield f"{asked.channel} will serve: {asked.version}, manifest {asked.manifest}"
    if asked.source:
        yield f"  commit {asked.source.commit}, tag {asked.source.tag}"
    if asked.reason:
        yield f"because: {asked.reason}"
    yield f"files: {len(found.files)} change, {found.unchanged} stay"
    yield from (f"  {_file(change)}" for change in found.files)
    if found.commits:
        yield "commits:"
        yield from (f"  {line}" for line in found.commits)
    if found.changelog:
        yield "changelog:"
        yield from (f"  {line}" for line in found.changelog)
    yield f"valid until {asked.expires}" + (
        f", the way back until {asked.rollback_until}" if asked.rollback_until else ""
    )
    yield f"request {found.sha256}, signed by {len(approval.signatures)} so far"
    yield f"it saw {asked.seen.size} log entries, root {asked.seen.root}"
    yield f"the log has {head.checkpoint.size} and continues them, and all that you saw of it earlier"


def _file(change: stage.FileChange) -> str:
    if change.after_sha256 is None:
        return f"- {change.path} goes ({change.before_bytes} bytes)"
    if change.before_sha256 is None:
        return f"+ {change.path} {change.after_bytes} bytes, {change.integrity}"
    return f"* {change.path} {change.before_bytes} -> {change.after_bytes} bytes, {change.integrity}"
