"""release verify."""

from typing import Annotated

import typer

from release import compose
from release.commands import handed
from release.commands.options import DEFAULT_CONFIG, Channels, ConfigFile, Json, emit, emit_json
from release.stages import verify as stage


def verify(
    channels: Channels = None,
    config: ConfigFile = DEFAULT_CONFIG,
    patience: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds to go on asking while caches still hold the old version.")
    ] = 60,
    *,
    json: Json = False,
) -> None:
    """Load every file from the public address as browsers do and compare it with the log.

    Each file is asked for as identity, gzip and brotli, with an Origin header; bytes, CORS,
    media type and cache headers must be right. Needs no key. Exit code 13 if anything is not.
    """
    work = compose.workspace(config, quiet=json)
    site = work.public()
    reports = []
    for channel in handed.channels(work, "promotion", channels):
        order = handed.promotion(work, channel).order
        report = stage.run(work.config, order, site, work.clock, work.console, patience=patience)
        handed.leave(work, "verification", channel, report.verification)
        reports.append(report)
    if json:
        emit_json(reports)
    stage.require_passed(reports)
    if not json:
        emit(_line(report) for report in reports)


def _line(report: stage.Report) -> str:
    order = report.verification.order
    encodings = ", ".join(f"{count} {name}" for name, count in sorted(report.served.items()))
    return f"{order.channel} serves {order.version}: {report.downloads} downloads right ({encodings})"
