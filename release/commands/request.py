"""release request: ask for approval."""

import secrets
from typing import Annotated

import typer

from release import compose
from release.commands import approvals
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json
from release.core import document
from release.core.approval import Request, Review, digest
from release.effects.choice import channels_of, previous_good
from release.errors import ConfigError
from release.stages import publish as publishing
from release.stages import request as stage
from release.stages import review as reviewing


def request(
    channel: Annotated[str | None, typer.Argument(help="The channel; default: all that the version moves.")] = None,
    version: Annotated[str | None, typer.Argument(help="The version; default: the one in dist/.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    reason: Annotated[str | None, typer.Option(help="Why; it stands in the log for ever.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=720, help="For how long the approval is valid.")] = 24,
    rollback_days: Annotated[
        int, typer.Option(min=0, max=90, help="For how long the way back is approved with it; 0 for not at all.")
    ] = 7,
    *,
    rollback: Annotated[bool, typer.Option("--rollback", help="Ask for a way back instead.")] = False,
    emergency: Annotated[bool, typer.Option("--emergency", help="One person approves; a review is due.")] = False,
    review: Annotated[
        int | None,
        typer.Option(min=0, metavar="ENTRY", help="Not a release: the review of this entry, an emergency, is signed."),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Ask for approval: write down exactly what a channel would serve instead of what, for 'release approve'.

    Leaves .release/CHANNEL.request.json. Needs the key that reads (audit), and for a promotion a whole clone.
    With --review, --reason says what came out when an emergency was looked at, for the reviewer to sign.
    """
    work = compose.workspace(config, quiet=json)
    slots, view = work.slots("audit"), work.log_view("audit")
    if review is not None:
        if channel or rollback or emergency:
            raise ConfigError("a review is of a log entry: no channel, version or kind of release goes with it")
        return _show_review(work, reviewing.ask(work.config, slots, view, review, reason or ""), dry_run, json)
    if version is None and rollback and channel:
        version = previous_good(slots, channel, slots.tail())
    if version is None:
        version = publishing.read_bundle(work.config, work.output)[0].version
    if channel is None and rollback:
        raise ConfigError("a way back is one channel's", hint="release request --rollback latest")
    names = (
        [channel] if channel else channels_of(work.config.channels, version, slots.tail().state, work.config.rings)[0]
    )
    made = []
    for name in names:
        wish = stage.Wish(
            channel=name,
            version=version,
            action="rollback" if rollback else "promote",
            emergency=emergency,
            reason=reason,
            hours=hours,
            rollback_days=rollback_days,
            nonce=secrets.token_hex(16),
        )
        repository = None if rollback else work.repository()
        made.append(stage.run(work.config, slots, view, work.clock, repository, wish))
        if not dry_run:
            approvals.leave_request(work, made[-1])
    return _show(made, dry_run=dry_run, json=json)


def _show_review(work: compose.Workspace, asked: Review, dry_run: bool, json: bool) -> None:
    sha256 = digest(document.encode(asked).decode())
    if not dry_run:
        approvals.leave_request(work, asked)
    if json:
        return emit_json([{"dryRun": dry_run, "request": asked, "sha256": sha256}])
    return emit([f"{'would ask' if dry_run else 'asks'} for the review of entry {asked.entry}", f"  review {sha256}"])


def _show(made: list[Request], *, dry_run: bool, json: bool) -> None:
    if json:
        return emit_json([{"dryRun": dry_run, "request": r, "sha256": _digest(r)} for r in made])
    for one in made:
        served = one.before.version if one.before else "nothing"
        verb = "would ask" if dry_run else "asks"
        mark = " IN AN EMERGENCY" if one.emergency else ""
        emit([f"{verb} for {one.action} of {one.version} on {one.channel}, which serves {served}{mark}"])
        emit([f"  request {_digest(one)}, valid until {one.expires}"])
    return None


def _digest(one: Request) -> str:
    return digest(document.encode(one).decode())
