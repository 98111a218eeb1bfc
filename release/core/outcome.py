"""What record leaves of a release's outcome: the entry as it was signed, and the proof that it is in the log.

Whoever has the log's public key believes it without any other key. Hostile until proven here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from release.core import document
from release.core.entry import LARGEST as LARGEST_ENTRY
from release.core.entry import Event, decode, leaf_hash
from release.core.handover import Order
from release.core.log_keys import LogKeys
from release.core.shape import rule
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.merkle import leaf_hash as leaf_of
from release.core.tlog.merkle import verify_inclusion
from release.core.tlog.note import LARGEST as LARGEST_NOTE
from release.core.tlog.proof import Proof, parse_proof
from release.errors import IntegrityError, LogError, RefusedError

LARGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """From record to announce: the entry that says how one channel's move ended, and its C2SP tlog-proof."""

    type_: Literal["release-outcome/v1"] = rule("release-outcome/v1", required=True)
    entry: str = rule(longest=LARGEST_ENTRY)
    proof: str = rule(longest=LARGEST_NOTE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Concluded:
    """An outcome that was proven: the event, its leaf hash (hex), and the head that covers it."""

    event: Event
    leaf: str
    proof: Proof
    head: Checkpoint


def read_outcome(body: bytes, *, name: str) -> Outcome:
    """Read an outcome; nothing in it is proven (FormatError)."""
    return document.decode(Outcome, body, name=name, limit=LARGEST)


def proven(outcome: Outcome, keys: LogKeys, *, origin: str, name: str) -> Concluded:
    """Prove an outcome with the log's public keys.

    Raises:
        LogError: no key of its time signed the entry.
        IntegrityError: the proof does not lead from the entry to a head that the log's key signed.
    """
    body = outcome.entry.encode()
    try:
        proof = parse_proof(outcome.proof.encode())
        event = decode(body, index=proof.index, keys=keys.at(proof.index))
        head = keys.checkpoint(proof.checkpoint, origin=origin)
        verify_inclusion(leaf_of(body), proof.index, head.size, proof.path, head.root)
    except TlogError as why:
        raise IntegrityError(
            f"{name} does not prove its entry: {why}", hint="run the job 'release record outcome' again"
        ) from why
    except LogError as why:
        raise LogError(f"{name}: {why.message}", hint="run the job 'release record outcome' again") from why
    return Concluded(event=event, leaf=leaf_hash(body), proof=proof, head=head)


def require_completed(orders: Sequence[Order], concluded: Sequence[Concluded]) -> Sequence[Concluded]:
    """Make sure that every channel which was ordered to serve a version was seen to do so; gives them by entry.

    Raises:
        RefusedError: a channel has another outcome, or that of another order; or it is no promotion of one version.
    """
    for order, done in zip(orders, concluded, strict=True):
        event = done.event
        if order.kind != "promote":
            raise RefusedError(
                f"{order.channel} was rolled back to {order.version}: nothing new is released by that",
                hint="announce in the pipeline of the version's tag",
            )
        found = (event.channel, event.version, event.manifest, event.outcome_of)
        if found != (order.channel, order.version, order.manifest, order.entry):
            raise RefusedError(
                f"log entry {event.index} is not the outcome of entry {order.entry}, which {order.channel} follows",
                hint="verify and record this channel's outcome again",
            )
        if event.action != "promote.completed":
            raise RefusedError(
                f"log entry {event.index} says {event.action}: {order.version} was not completed on {order.channel}",
                hint="mend what verify found, verify, record the outcome, then announce",
                evidence={"entry": str(event.index), "leaf hash": done.leaf},
            )
    if len({(order.version, order.manifest) for order in orders}) > 1:
        raise RefusedError(
            f"the channels' orders are of several versions: {', '.join(sorted({o.version for o in orders}))}",
            hint="name the channels of one version",
        )
    return sorted(concluded, key=lambda done: done.event.index)
