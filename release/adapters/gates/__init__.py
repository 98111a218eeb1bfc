"""A ring's error source as the ErrorSource port, one kind a module. A new kind is a module and a line in `source`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from release.core.gate import Gate
from release.ports import Clock, ErrorSource

TOKEN_VARIABLE: Final = "RELEASE_GATE_TOKEN"  # noqa: S105 - the name of a variable


def source(gate: Gate, *, folder: Path, environment: Mapping[str, str], clock: Clock) -> ErrorSource:
    """Open the source that release.toml names.

    Args:
        gate: release.toml's.
        folder: where a command runs.
        environment: of this process; the source's keys come from it.
        clock: for a source that is asked about a period.

    Raises:
        CredentialError: a key is needed and there is none.
    """
    match gate.kind:
        case "prometheus":
            from release.adapters.gates.prometheus import Prometheus  # noqa: PLC0415 - one of them is needed

            return Prometheus(gate, token=environment.get(TOKEN_VARIABLE, ""), variable=TOKEN_VARIABLE)
        case "datadog":
            from release.adapters.gates.datadog import Datadog  # noqa: PLC0415

            return Datadog(gate, environment=environment, clock=clock)
        case "command":
            from release.adapters.gates.command import Command  # noqa: PLC0415

            return Command(gate, folder=folder, environment=environment)
