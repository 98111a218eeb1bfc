"""Append an event to a log that has a tree, without listing or replaying it."""

from release.core.caching import LOG
from release.core.entry import Event, decode, encode, statement
from release.core.entry import leaf_hash as leaf_of
from release.core.succession import Intent, Log, Tail, already, follow, restates
from release.effects.slots import CLAIMS, Slots
from release.effects.tree import Grown, Tree
from release.errors import RefusedError, ServiceError
from release.ports import Clock


def append(slots: Slots, tree: Tree, log: Log, intent: Intent, *, clock: Clock) -> tuple[Event, bool]:
    """Append an event and derive its files; gives it and whether it is new.

    Slots that others claimed meanwhile are integrated first, and the entry is made again from the new state:
    a rule that no longer holds refuses it.

    Raises:
        RefusedError: a rule forbids it, perhaps only now that another entry came first.
        LogError: the tree is damaged, or the newest entry is malformed.
        ServiceError: the slot was lost too often.
    """
    grown, at = tree.resume(), clock.now()
    if not grown.size:  # A log may have had entries before it had a key.
        grown = tree.integrate(grown)
    for _ in range(CLAIMS):
        tail = _tail(grown)
        try:
            said = None if (known := already(tail, intent)) is None else slots.read(known)
            if said is not None and not restates(said, intent):
                said = None
            event = said or follow(log, tail, intent, at=at)
        except RefusedError:
            if (body := tree.claimed(grown)) is None:
                raise
            grown = tree.add(grown, body)
            continue
        body = None if said else encode(statement(event))
        if body is not None and slots.store.create(slots.layout.slot(grown.size), body, LOG):
            tree.publish(tree.add(grown, body))
            return event, True
        # What was decided from is the newest state only if nobody claimed the slot after it.
        taken = tree.claimed(grown)
        if taken is None:
            tree.publish(grown)
            return event, False
        grown = tree.add(grown, taken)
        if taken == body:
            tree.publish(grown)
            return event, True
    raise ServiceError(f"{CLAIMS} other jobs wrote to the release log first", hint="run the same command again")


def _tail(grown: Grown) -> Tail:
    if grown.last is None:
        return Tail()
    event = decode(grown.last, index=grown.size - 1)
    return Tail(size=grown.size, event=event, leaf_hash=leaf_of(grown.last))
