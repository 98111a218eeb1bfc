"""Rollbacks that could not be logged: what 'release record' does about them."""

from functools import partial

from release import compose
from release.commands import handed
from release.core.gate import Verdict
from release.core.handover import Promotion, Verification
from release.core.unlogged import Unlogged
from release.effects.read_only_log import is_unlogged, watched
from release.effects.recorder import Recorder, Report
from release.effects.slots import Slots
from release.errors import ReadOnlyLogError, RefusedError, UnloggedError
from release.stages import degrade
from release.stages import record as stage


def pending(work: compose.Workspace, slots: Slots, channel: str) -> Unlogged | None:
    """Give the rollbacks of a channel that this folder knows of and the log does not; None if there is none."""
    found = handed.unlogged(work, channel)
    if found is None:
        return None
    state = slots.tail().state.channels.get(channel)
    return found if state and is_unlogged(slots, slots.read(state.entry), found.newest.leaves) else None


def authorize(
    work: compose.Workspace,
    log: Recorder,
    channel: str,
    version: str,
    *,
    reason: str | None,
    verdict: Verdict | None,
    dry_run: bool,
) -> Report:
    """Authorise a rollback. Where the log cannot be written, do what release.toml says.

    An earlier rollback that could not be logged is logged with it, and forgotten here.

    Raises:
        ReadOnlyLogError: the log cannot be written, and nothing was changed.
        UnloggedError: it cannot be written, and an order was left all the same.
    """
    known, site = pending(work, log.slots, channel), work.site("record")
    told = known.told(reason) if known and reason else reason
    authorized = partial(stage.authorize, rollback=True, verdict=verdict)
    try:
        report = authorized(watched(log), site, channel, version, reason=told, dry_run=dry_run)
    except ReadOnlyLogError as why:
        # By reading alone: the rules and the approvals are asked once more, for a write may come before they are.
        wanted = authorized(log, site, channel, version, reason=reason, dry_run=True)
        found = degrade.run(log, wanted.event, why)
        handed.leave(work, "order", channel, found.order)
        moves = known.and_then(found.move) if known else None
        first = Unlogged(library=work.config.library.name, channel=channel, moves=(found.move,))
        handed.leave_unlogged(work, channel, moves or first)
        raise UnloggedError(
            f"{channel} goes back to {version} as log entry {found.order.entry} once allowed, and the log does not "
            f"know it: {wanted.event.action} could not be written as entry {wanted.event.index}: {why.message}",
            hint=f"release promote {channel}, invalidate, verify ('release rollback' does that); {again(channel)}",
            evidence=why.evidence,
        ) from why
    if not dry_run:
        handed.leave_unlogged(work, channel, None)
    return report


def note_outcome(
    work: compose.Workspace, promotion: Promotion, verification: Verification, *, dry_run: bool
) -> UnloggedError:
    """Note how a rollback ended that the log does not know; gives what is to be said of it."""
    channel = promotion.order.channel
    known = handed.unlogged(work, channel)
    if known is None or verification.order != promotion.order:
        raise RefusedError(f"{channel}: this rollback is not the one that waits to be logged", hint=again(channel))
    known = known.ended("completed" if verification.passed else "failed")
    if not dry_run:
        handed.leave_unlogged(work, channel, known)
    return UnloggedError(
        f"{channel} serves {known.newest.version}, and the log does not know it: "
        f"{' and '.join(known.newest.missing)} could not be written",
        hint=again(channel),
        evidence={"kept in": f"{compose.HANDOVER}/{channel}.unlogged.json", "answer": known.newest.why},
    )


def require_logged(work: compose.Workspace, slots: Slots, channel: str) -> None:
    """Refuse to authorise a promotion of a channel that waits to be logged (RefusedError)."""
    if (known := pending(work, slots, channel)) is not None:
        raise RefusedError(
            f"{channel} was rolled back to {known.newest.version} at {known.newest.at}, and the log does not know it",
            hint=again(channel),
        )


def again(channel: str) -> str:
    """Say what to do when the log can be written again."""
    return f"when the log bucket can be written again, the same command logs it: release rollback {channel}"
