"""release promote."""

from release import compose
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, Channels, ConfigFile, DryRun, Json, emit, emit_json
from release.core import plan as planning
from release.core.handover import Order
from release.effects.choice import order_of
from release.effects.slots import Slots
from release.errors import NothingToDoError
from release.stages import promote as stage


def promote(
    channels: Channels = None, config: ConfigFile = DEFAULT_CONFIG, *, dry_run: DryRun = False, json: Json = False
) -> None:
    """Make channels serve what the release log authorises: chunks, then entries, then the pointer.

    The bytes are copied from the published version on the server. Without an order from
    'release record' it follows the log's newest word on the channel.
    """
    work = compose.workspace(config, quiet=json)
    slots, site = work.slots("promote"), work.site("promote")
    reports = []
    for channel in handed.channels(work, "order", channels):
        order = handed.order(work, channel) or _newest(slots, work.config.library.name, channel)
        report = stage.run(work.config, order, slots, site, work.console, dry_run=dry_run)
        if not dry_run:
            handed.leave(work, "promotion", channel, report.promotion)
        reports.append(report)
    if json:
        return emit_json(
            [
                {"promotion": r.promotion, "dryRun": dry_run, "plan": planning.as_json(r.plan), "done": r.done}
                for r in reports
            ]
        )
    for report in reports:
        order = report.promotion.order
        if dry_run:
            emit(planning.describe(report.plan) or [f"{order.channel} serves {order.version} already"])
        else:
            copied = report.done.copied
            emit([f"{order.channel} -> {order.version} (log entry {order.entry}): {copied} files copied"])
    return None


def _newest(slots: Slots, library: str, channel: str) -> Order:
    state = slots.tail().state.channels.get(channel)
    if state is None:
        raise NothingToDoError(
            f"the release log authorises nothing for channel {channel}", hint=f"release record promote {channel}"
        )
    return order_of(slots.read(state.entry), library)
