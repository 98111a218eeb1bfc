"""release record: append to the release log."""

from collections.abc import Mapping
from typing import Annotated

import typer

from release import compose
from release.commands import approvals, handed, unlogged
from release.commands.log_source import log_policy
from release.commands.options import DEFAULT_CONFIG, Channels, ConfigFile, DryRun, Json, emit, emit_json
from release.core.channels import is_declared
from release.effects.choice import channels_of, order_of, previous_good
from release.effects.recorder import Recorder, Report
from release.errors import NothingToDoError, ReleaseError
from release.stages import collection
from release.stages import gate as gating
from release.stages import publish as publishing
from release.stages import record as stage

app = typer.Typer(no_args_is_help=True, help="Append to the release log. Nothing goes live that is not in it.")

To = Annotated[str | None, typer.Option("--to", help="The version; default: the last good one before this.")]
FromGate = Annotated[
    bool, typer.Option("--from-gate", help="Because 'release gate' says so: version and reason are its verdict's.")
]
Reason = Annotated[str, typer.Option(help="Why; it stands in the log for ever.")]


@app.command()
def publish(config: ConfigFile = DEFAULT_CONFIG, *, dry_run: DryRun = False, json: Json = False) -> None:
    """Record that the version in dist/ was published."""
    work = compose.workspace(config, quiet=json)
    manifest, body = publishing.read_bundle(work.config, work.output)
    left = handed.evidence(work)
    report = stage.publish(
        recorder(work), work.site("record"), manifest, body, left, checked=handed.checked(work), dry_run=dry_run
    )
    show(work, [report], dry_run=dry_run, json=json)


@app.command()
def promote(
    channels: Channels = None,
    config: ConfigFile = DEFAULT_CONFIG,
    version: Annotated[str | None, typer.Option(help="The version; default: the one in dist/.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, if there is more to say.")] = None,
    *,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Authorise channels to serve a version; leaves the orders for 'release promote' in .release/."""
    work = compose.workspace(config, quiet=json)
    if version is None:
        version = publishing.read_bundle(work.config, work.output)[0].version
    log = recorder(work)
    names = channels
    if not names:
        names, left = channels_of(work.config.channels, version, log.slots.tail().state, work.config.rings)
        for name in left:
            work.console.say(f"{name} serves a newer version than {version} and stays")
        pinned = [name for name in names if work.config.pins.get(name, version) != version]
        for name in pinned:
            work.console.say(f"{name} is pinned to {work.config.pins[name]} and stays")
        names = [name for name in names if name not in pinned]
        if pinned and not names:
            raise NothingToDoError("every channel is pinned to another version", hint="[pins] says which")
    reports, site = [], work.site("record")
    for name in names:
        unlogged.require_logged(work, log.slots, name)
        report = stage.authorize(log, site, name, version, reason=reason, rollback=False, dry_run=dry_run)
        _leave_order(work, report, dry_run=dry_run)
        reports.append(report)
    show(work, reports, dry_run=dry_run, json=json)


@app.command()
def rollback(
    channel: Annotated[str, typer.Argument(help="The channel to take back.")],
    reason: Annotated[str | None, typer.Option(help="Why; it stands in the log for ever.")] = None,
    to: To = None,
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    from_gate: FromGate = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Authorise a channel to go back; leaves the order for 'release promote' in .release/."""
    work = compose.workspace(config, quiet=json)
    log = recorder(work)
    verdict = handed.tripped(work, channel, to, reason) if from_gate else None
    if verdict:
        to, reason = gating.way_back(log.slots, verdict)
    version = to or previous_good(log.slots, channel, log.slots.tail(), reason=reason)
    report = unlogged.authorize(work, log, channel, version, reason=reason, verdict=verdict, dry_run=dry_run)
    _leave_order(work, report, dry_run=dry_run)
    show(work, [report], dry_run=dry_run, json=json)


@app.command()
def rotation(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    if_any: Annotated[bool, typer.Option("--if-any", help="That no rotation was left is no failure.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Record that keys were renewed, from what 'keys rotate' left in .release/."""
    work = compose.workspace(config, quiet=json)
    body = handed.rotation(work)
    if body is None:
        if not if_any:
            raise NothingToDoError("no rotation was left to record", hint="release keys rotate leaves one")
        return show(work, [], dry_run=dry_run, json=json)
    report = stage.rotation(recorder(work), body, dry_run=dry_run)
    if not dry_run:
        work.handover.remove(handed.ROTATION)
    return show(work, [report], dry_run=dry_run, json=json)


@app.command()
def trust(config: ConfigFile = DEFAULT_CONFIG, *, dry_run: DryRun = False, json: Json = False) -> None:
    """Record the trust epochs that 'trust apply' put up: from then on they decide."""
    work = compose.workspace(config, quiet=json)
    reports, gone = stage.trust(recorder(work), dry_run=dry_run)
    show(work, reports, dry_run=dry_run, json=json)
    if not reports:
        work.console.say("the log knows every trust epoch")
    for key, entries in gone:
        work.console.warn(f"{key} signs no more: at [log] retired, write entries = {entries} beside it")


@app.command()
def outcome(
    channels: Channels = None, config: ConfigFile = DEFAULT_CONFIG, *, dry_run: DryRun = False, json: Json = False
) -> None:
    """Record how promotions and collections ended, from what verify and collect left in .release/.

    Leaves there the entries of promotions, and their proofs.
    """
    work = compose.workspace(config, quiet=json)
    moved, cleaned = handed.with_collected(work, "verification", channels)
    log, missing = recorder(work), []
    reports: dict[str, Report] = {}
    for name in moved:
        promotion, verification = handed.promotion(work, name), handed.verification(work, name)
        if promotion.order.leaves is not None:
            missing.append(unlogged.note_outcome(work, promotion, verification, dry_run=dry_run))
        else:
            reports[name] = stage.conclude(log, promotion, verification, dry_run=dry_run)
    gone = [_finish(work, log, name, dry_run=dry_run) for name in cleaned]
    show(work, [*reports.values(), *gone], dry_run=dry_run, json=json)
    if reports and not dry_run:
        _leave_outcomes(work, reports)
    if missing:
        raise missing[0]


@app.command()
def collect(
    channels: Channels = None, config: ConfigFile = DEFAULT_CONFIG, *, dry_run: DryRun = False, json: Json = False
) -> None:
    """Order channels' garbage deleted: files of versions that no page can still be running.

    How long pages live is [collect] grace-days. Exit code 5 if there is none.
    """
    work = compose.workspace(config, quiet=json)
    log, site = recorder(work), work.site("record")
    known = [name for name in log.slots.tail().state.channels if is_declared(work.config.channels, name)]
    found = [collection.order(log, site, name, dry_run=dry_run) for name in handed.named(channels) or sorted(known)]
    for text in (text for one in found for text in one.strange):
        work.console.warn(f"{text}: that is no garbage, and stays; release audit")
    reports = [one.report for one in found if one.report is not None]
    if not reports:
        raise NothingToDoError("no channel has garbage whose time has come", hint="[collect] grace-days says when")
    if not json:
        return show(work, reports, dry_run=dry_run, json=json)
    return emit_json(
        [
            {
                "dryRun": dry_run,
                "new": one.report.new,
                "entry": one.report.event,
                "collection": one.collection,
                "drift": one.strange,
            }
            for one in found
            if one.report
        ]
    )


@app.command()
def review(
    entry: Annotated[int, typer.Argument(min=0, help="The entry that was authorised in an emergency.")],
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Record that an emergency was reviewed afterwards, from the review that somebody signed ('request --review')."""
    work = compose.workspace(config, quiet=json)
    show(work, [stage.review(recorder(work), entry, dry_run=dry_run)], dry_run=dry_run, json=json)


def yank(
    version: Annotated[str, typer.Argument(help="The version that must never be promoted again.")],
    reason: Reason,
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Mark a version as never to be promoted again. Its files stay: pages that pin it keep working."""
    work = compose.workspace(config, quiet=json)
    report = stage.yank(recorder(work), version, reason=reason, dry_run=dry_run)
    show(work, [report], dry_run=dry_run, json=json)
    if not dry_run:
        work.console.say(f"now mark '## [{version}] - ... [YANKED]' in {work.config.library.changelog}")


def recorder(work: compose.Workspace) -> Recorder:
    """Open the log for appending, with the record stage's key."""
    return Recorder(
        config=work.config,
        slots=work.slots("record"),
        tree=work.tree("record"),
        clock=work.clock,
        pipeline=work.pipeline,
        approvals=approvals.given(work),
        repository=work.repository,
        keeper=work.gatekeeper(),
    )


def show(work: compose.Workspace, reports: list[Report], *, dry_run: bool, json: bool) -> None:
    """Print the entries that were, or would be, written, and warn of what stands before them and is none."""
    for found in dict.fromkeys(found for report in reports for found in report.invalid):
        work.console.warn(f"slot {found.index} holds no entry, so somebody else has the record key: {found.problem}")
    if json:
        return emit_json([{"dryRun": dry_run, "new": r.new, "entry": r.event} for r in reports])
    for report in reports:
        event = report.event
        where = f" on {event.channel}" if event.channel else ""
        verb = "would append" if dry_run else "appended" if report.new else "already there:"
        what = event.version or event.reason
        emit([f"{verb} log entry {event.index}: {event.action} {what}{where}"])
    return None


def _finish(work: compose.Workspace, log: Recorder, name: str, *, dry_run: bool) -> Report:
    report = collection.finish(log, work.site("record"), handed.collected(work, name), dry_run=dry_run)
    if not dry_run:
        work.handover.remove(f"{name}.collected.json")
    return report


def _leave_outcomes(work: compose.Workspace, reports: Mapping[str, Report]) -> None:
    """Leave the entries as they were signed, each with its proof: who announces them needs no key.

    That the log's tree cannot be read undoes no outcome: it is said, and 'release announce' finds nothing.
    """
    from release.core.outcome import Outcome  # noqa: PLC0415 - the other commands prove nothing
    from release.effects.bucket_files import BucketFiles  # noqa: PLC0415
    from release.effects.signed_log import SignedLog  # noqa: PLC0415

    for channel in reports:
        work.handover.remove(f"{channel}.outcome.json")
    slots = work.slots("record")
    try:
        log = SignedLog.opened(BucketFiles(store=slots.store, layout=slots.layout), log_policy(work))
        for channel, report in reports.items():
            entry, proof = log.proven(report.event.index)
            handed.leave(work, "outcome", channel, Outcome(entry=entry.decode(), proof=proof.encode().decode()))
    except ReleaseError as why:
        work.console.warn(f"recorded, and no proof of it was left: {why.message}")


def _leave_order(work: compose.Workspace, report: Report, *, dry_run: bool) -> None:
    if not report.event.approvals:
        work.console.warn(f"{report.event.channel}: nobody had to approve this, [approvals] required = false")
    if not dry_run and report.event.channel:
        handed.leave_order(work, order_of(report.event, work.config.library.name))
