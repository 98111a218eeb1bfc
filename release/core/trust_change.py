"""Changes of trust as the log tells them: an epoch decides from the entry on that announced it."""

from collections.abc import Iterator, Sequence
from typing import Final

from release.core.entry import InForce, TrustReference
from release.core.epochs import Known
from release.errors import LogError, RefusedError

_ANNOUNCE: Final = "release record trust"


def pending(state: InForce | None, known: Sequence[Known]) -> Iterator[Known]:
    """Give the epochs of the log bucket that no entry announced yet, oldest first.

    Raises:
        LogError: the epoch that the log is at is gone from the bucket, or another one is in its place.
    """
    if state is not None:
        found = known[state.epoch].sha256 if state.epoch < len(known) else "no such epoch"
        if found != state.sha256:
            raise LogError(
                f"log entry {state.entry} announced trust epoch {state.epoch}, and the log bucket has another",
                hint="treat the log as tampered with; compare with the replica and with CloudTrail",
                evidence={"announced": state.sha256, "found": found},
            )
    yield from known[state.epoch + 1 if state else 0 :]


def check_signs(known: Known, log_key: str) -> None:
    """Make sure that the log's key is one of an epoch that is about to be announced: the entry would not be believed.

    Raises:
        RefusedError: the epoch lists others only.
    """
    listed = known.trust.terms.log_keys
    if listed and log_key not in listed:
        raise RefusedError(
            f"trust epoch {known.trust.epoch} does not list [log] key: nothing it signs would be believed",
            hint="put the key that the epoch lists at [log] key, and the one before it at [log] retired",
        )


def gone(state: InForce | None, newest: Known | None, retired: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Give the retired keys that the epoch in force does not list, and how many entries they may have signed."""
    if state is None or newest is None or not newest.trust.terms.log_keys:
        return
    yield from ((key, state.entry + 1) for key in retired if key not in newest.trust.terms.log_keys)


def since(state: InForce | None, trust: TrustReference | None) -> int | None:
    """Give the entry since which an epoch, or a later one, is in force; None if it is not yet, or if there is none."""
    return state.entry if state and trust and state.epoch >= trust.epoch else None


def announced(state: InForce | None, trust: TrustReference | None, index: int) -> InForce:
    """Give the epoch that is in force once entry `index` announced it.

    Raises:
        RefusedError: it does not follow the one before.
    """
    wanted = state.epoch + 1 if state else 0
    if trust is None or trust.epoch != wanted:
        raise RefusedError(
            f"the log awaits trust epoch {wanted}, not {trust.epoch if trust else 'none'}", hint=_ANNOUNCE
        )
    return InForce(epoch=trust.epoch, sha256=trust.sha256, entry=index)


def check_judged(state: InForce | None, trust: TrustReference | None) -> None:
    """Make sure that what is about to be recorded was judged by the epoch in force, or by none if none is.

    Raises:
        RefusedError: it was judged by another.
    """
    if (trust and (trust.epoch, trust.sha256)) != (state and (state.epoch, state.sha256)):
        judged = f"trust epoch {trust.epoch}" if trust else "no trust epoch"
        raise RefusedError(
            f"this was judged by {judged}, in force is {f'epoch {state.epoch}' if state else 'none'}",
            hint="run the same command again; the approval may have to be asked for again",
        )
