"""release trust: who may approve releases, laid down in epochs that their keepers sign."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from release import compose
from release.adapters.directory import Directory
from release.commands import signing
from release.commands.options import DEFAULT_CONFIG, ConfigFile, DryRun, Json, emit, emit_json
from release.core import document, epochs, trust_file
from release.core.epoch_policy import policy_text
from release.core.epochs import NAMESPACE, Known
from release.core.trust import LARGEST, SignedTrust, Trust
from release.effects.trusted import load, read_epochs
from release.errors import NotFoundError, NothingToDoError
from release.stages import trust as stage

app = typer.Typer(no_args_is_help=True, help="Who may approve releases: epochs that their keepers sign.")

DRAFT: Final = "trust.json"


@app.command()
def propose(
    file: Annotated[Path, typer.Argument(help="The epoch as TOML: docs/approvals.md shows one.")],
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write the next epoch to .release/trust.json, for its keepers to sign."""
    work = compose.workspace(config, quiet=json)
    body = Directory(file.absolute().parent).read(file.name, limit=trust_file.LARGEST)
    if body is None:
        raise NotFoundError(f"there is no {file}")
    known = read_epochs(work.config, work.slots("audit"))
    signed = stage.propose(work.config, work.clock, known, trust_file.parse(body, name=str(file)))
    _, trust = epochs.read_signed(document.encode(signed), name=DRAFT)
    for line in stage.difference(known, trust):
        work.console.say(line)
    if not dry_run:
        _leave(work, signed)
    if json:
        return emit_json({"dryRun": dry_run, "trust": trust})
    return emit([f"epoch {trust.epoch} is in {compose.HANDOVER}/{DRAFT}: release trust sign" if not dry_run else "ok"])


@app.command()
def sign(
    *, key: signing.Key, config: ConfigFile = DEFAULT_CONFIG, yes: signing.Yes = False, json: Json = False
) -> None:
    """Sign the epoch in .release/trust.json as one of its keepers, after seeing what it changes."""
    work = compose.workspace(config, quiet=json)
    signing.require_person(work)
    known = read_epochs(work.config, work.slots("audit"))
    signed, trust = _draft(work)
    for line in stage.difference(known, trust):
        work.console.say(line)
    signing.ask(f"sign epoch {trust.epoch} of {trust.origin}?", yes=yes)
    armored = signing.sign(work, key, NAMESPACE, signed.trust.encode())
    signed, whose = stage.add(known, signed, armored, name=DRAFT)
    _leave(work, signed)
    if json:
        return emit_json({"epoch": trust.epoch, "signedBy": whose, "signatures": len(signed.signatures)})
    return emit([f"epoch {trust.epoch} is signed by {whose}, {len(signed.signatures)} signature(s) in all"])


@app.command()
def apply(config: ConfigFile = DEFAULT_CONFIG, *, dry_run: DryRun = False, json: Json = False) -> None:
    """Put the signed epoch into the log bucket, with the administrator's key of this environment. It stays."""
    work = compose.workspace(config, quiet=json)
    slots = compose.administrators_slots(work)
    signed, _ = _draft(work)
    made = stage.apply(work.config, slots, read_epochs(work.config, slots), signed, dry_run=dry_run)
    if json:
        return emit_json({"dryRun": dry_run, "epoch": made.trust.epoch, "sha256": made.sha256})
    emit([f"trust epoch {made.trust.epoch} {'would be' if dry_run else 'is'} put up, until {made.trust.expires}"])
    work.console.say("it decides once the log announces it: release record trust")
    if made.trust.epoch == 0:
        emit(["release.toml must pin it:", "", "[approvals]", f'trust = "{made.sha256}"'])
    return None


@app.command()
def show(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    policy: Annotated[
        bool, typer.Option("--policy", help="Print its log keys, witnesses and quorum as a C2SP policy file instead.")
    ] = False,
    json: Json = False,
) -> None:
    """Show who may approve what, by the newest epoch, and the digest of the first one, which auditors pin."""
    work = compose.workspace(config, quiet=json)
    trusted = load(work.config, work.slots("audit"))
    if trusted.newest is None:
        raise NothingToDoError("the log has no trust epoch, releases need no approval", hint="release trust propose")
    if policy:
        return emit(policy_text(trusted.newest.trust).splitlines())
    if json:
        return emit_json([{"sha256": known.sha256, "trust": known.trust} for known in trusted.known])
    return emit(_lines(trusted.known[0], trusted.newest))


def _lines(first: Known, newest: Known) -> Iterator[str]:
    trust, terms = newest.trust, newest.trust.terms
    yield f"trust epoch {trust.epoch} of {trust.origin}, in force from {trust.issued} to {trust.expires}"
    for needed in terms.thresholds:
        yield f"  {needed.channels}: {needed.approvals} approval(s) by {' or '.join(needed.roles)}"
    if terms.emergency:
        hours = terms.emergency.review_hours
        yield f"  in an emergency: 1 by {' or '.join(terms.emergency.roles)}, reviewed within {hours} h"
    yield f"  whoever wrote or runs it approves it: {'no' if terms.separation else 'allowed'}"
    for approver in terms.approvers:
        yield f"  {approver.principal} ({approver.role}): {len(approver.keys)} key(s)"
    yield f"  keepers: {terms.threshold} of {', '.join(sorted({t.principal for t in terms.trust_keys}))}"
    yield f"  signed by {len(terms.log_keys)} log key(s), seen by {terms.quorum} of {len(terms.witnesses)} witness(es)"
    yield f"first epoch: {first.sha256}"


def _draft(work: compose.Workspace) -> tuple[SignedTrust, Trust]:
    body = work.handover.read(DRAFT, limit=LARGEST)
    if body is None:
        raise NothingToDoError(f"there is no {compose.HANDOVER}/{DRAFT}", hint="release trust propose FILE")
    return epochs.read_signed(body, name=DRAFT)


def _leave(work: compose.Workspace, signed: SignedTrust) -> None:
    work.handover.write(".gitignore", b"*\n")
    work.handover.write(DRAFT, document.encode(signed))
