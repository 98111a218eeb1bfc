"""The files that one stage's job leaves for the next, in .release/."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from release.adapters.directory import Directory
from release.compose import HANDOVER, Workspace
from release.core import check_report, document
from release.core.collection import Collected, read_collected
from release.core.evidence import FILES, Built
from release.core.evidence import LARGEST as LARGEST_EVIDENCE
from release.core.handover import LARGEST, Order, Promotion, Verification, read_order, read_promotion, read_verification
from release.core.layout import is_channel
from release.core.unlogged import Unlogged, read_unlogged
from release.errors import ConfigError, FormatError, NothingToDoError

if TYPE_CHECKING:
    from release.core.gate import Verdict
    from release.core.outcome import Outcome

T = TypeVar("T")
KINDS: Final = ("order", "promotion", "verification", "outcome")
ROTATION: Final = "rotation.json"


def leave_order(work: Workspace, order_: Order) -> None:
    """Write an order, and drop what is left of releases of other versions: their jobs are over."""
    for name in _left(work, "order"):
        old = order(work, name)
        if old is not None and old.version != order_.version:
            for kind in KINDS:
                work.handover.remove(f"{name}.{kind}.json")
    leave(work, "order", order_.channel, order_)


def leave(
    work: Workspace,
    kind: str,
    channel: str,
    value: "Order | Promotion | Verification | Collected | Outcome | Unlogged",
) -> None:
    """Write a channel's file of a kind."""
    folder(work).write(f"{channel}.{kind}.json", document.encode(value))


def folder(work: Workspace) -> Directory:
    """Give the folder to leave something in; git does not see what lies there."""
    work.handover.write(".gitignore", b"*\n")
    return work.handover


def order(work: Workspace, channel: str) -> Order | None:
    """Read a channel's order; None if record left none here."""
    return _read(work, "order", channel, read_order)


def promotion(work: Workspace, channel: str) -> Promotion:
    """Read a channel's promotion (NothingToDoError if promote left none here)."""
    return _require(_read(work, "promotion", channel, read_promotion), channel, "promote")


def verification(work: Workspace, channel: str) -> Verification:
    """Read a channel's verification (NothingToDoError if verify left none here)."""
    return _require(_read(work, "verification", channel, read_verification), channel, "verify")


def outcome(work: Workspace, channel: str) -> "Outcome":
    """Read what record left of a channel's outcome (NothingToDoError if it left none here)."""
    from release.core.outcome import LARGEST as LARGEST_OUTCOME  # noqa: PLC0415 - loads the cryptography
    from release.core.outcome import read_outcome  # noqa: PLC0415

    name = f"{channel}.outcome.json"
    body = work.handover.read(name, limit=LARGEST_OUTCOME)
    return _require(None if body is None else read_outcome(body, name=f"{HANDOVER}/{name}"), channel, "record outcome")


def collected(work: Workspace, channel: str) -> Collected:
    """Read what was deleted from a channel (NothingToDoError if collect left nothing here)."""
    return _require(_read(work, "collected", channel, read_collected), channel, "collect")


def leave_verdict(work: Workspace, verdict: "Verdict") -> None:
    """Write what a ring's gate said."""
    folder(work).write(f"{verdict.trial.ring}.gate.json", document.encode(verdict))


def tripped(work: Workspace, ring: str, to: str | None, reason: str | None) -> "Verdict":
    """Read what a ring's gate said, for a rollback that is to rest on it alone.

    Raises:
        NothingToDoError: it left nothing here.
        ConfigError: a version or a reason is named besides.
    """
    from release.core.gate import LARGEST as LARGEST_VERDICT  # noqa: PLC0415 - only rings need it
    from release.core.gate import read_verdict  # noqa: PLC0415

    if to or reason:
        raise ConfigError("--from-gate says to which version and why", hint="leave --to and --reason out")
    name = f"{ring}.gate.json"
    body = work.handover.read(name, limit=LARGEST_VERDICT)
    found = _require(None if body is None else read_verdict(body, name=f"{HANDOVER}/{name}"), ring, "gate")
    if (found.trial.library, found.trial.ring) != (work.config.library.name, ring):
        raise FormatError(f"{HANDOVER}/{name} is about {found.trial.library}, {found.trial.ring}")
    return found


def rotation(work: Workspace) -> bytes | None:
    """Read what 'keys rotate' left and nobody recorded yet; None if nothing."""
    return work.handover.read(ROTATION, limit=LARGEST)


def evidence(work: Workspace) -> dict[Built, bytes]:
    """Read what build left about the version (NothingToDoError if it left none here)."""
    found: dict[Built, bytes] = {}
    for kind, name in FILES.items():
        body = work.handover.read(name, limit=LARGEST_EVIDENCE[kind])
        if body is None:
            raise NothingToDoError(
                f"{HANDOVER}/{name} is missing",
                hint="build leaves it beside dist/: hand both on, or run 'release build' again",
            )
        found[kind] = body
    return found


def checked(work: Workspace) -> bytes | None:
    """Read the report that check left; None if it did not run here."""
    return work.handover.read(check_report.FILE, limit=check_report.LARGEST)


def channels(work: Workspace, kind: str, chosen: list[str] | None) -> list[str]:
    """Give the channels that were chosen, or all that a file of this kind was left for.

    Raises:
        NothingToDoError: there is none.
        ConfigError: a name cannot be a channel's.
    """
    found = named(chosen) or _left(work, kind)
    if not found:
        raise NothingToDoError(f"{HANDOVER}/ holds no {kind}, and no channel is named")
    return sorted(found, key=lambda name: (name == "latest", name))


def unlogged(work: Workspace, channel: str) -> Unlogged | None:
    """Read what a rollback of a channel could not log (FormatError); None if nothing."""
    return _read(work, "unlogged", channel, read_unlogged)


def leave_unlogged(work: Workspace, channel: str, value: Unlogged | None) -> None:
    """Keep what could not be logged, or forget it."""
    if value is not None:
        leave(work, "unlogged", channel, value)
    elif unlogged(work, channel) is not None:
        work.handover.remove(f"{channel}.unlogged.json")


def with_collected(work: Workspace, kind: str, chosen: list[str] | None) -> tuple[list[str], list[str]]:
    """Give the channels that a file of this kind was left for, and those that were collected.

    Raises:
        NothingToDoError: there is none.
        ConfigError: a name cannot be a channel's.
    """
    wanted = named(chosen)
    cleaned = [name for name in sorted(_left(work, "collected")) if not wanted or name in wanted]
    moved = [name for name in wanted or _left(work, kind) if name not in cleaned or name in _left(work, kind)]
    return (channels(work, kind, moved) if moved or not cleaned else []), cleaned


def named(chosen: list[str] | None) -> list[str]:
    """Give the channels that were chosen (ConfigError: a name cannot be a channel's)."""
    for name in chosen or []:
        if not is_channel(name):
            raise ConfigError(f"{name!r} is not a channel's name")
    return chosen or []


def _left(work: Workspace, kind: str) -> list[str]:
    ending = f".{kind}.json"
    return [path.removesuffix(ending) for path in work.handover.paths() if path.endswith(ending)]


def _read(work: Workspace, kind: str, channel: str, reader: Callable[..., T]) -> T | None:
    name = f"{channel}.{kind}.json"
    body = work.handover.read(name, limit=LARGEST)
    return None if body is None else reader(body, name=f"{HANDOVER}/{name}", library=work.config.library.name)


def _require(found: T | None, channel: str, stage: str) -> T:
    if found is None:
        raise NothingToDoError(f"{HANDOVER}/ holds nothing for channel {channel}", hint=f"release {stage} {channel}")
    return found
