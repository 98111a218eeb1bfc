"""Append an event to the log and its tree, without listing or replaying it."""

from dataclasses import dataclass, replace
from typing import Final

from release.core.caching import LOG
from release.core.entry import Event, encode, statement
from release.core.entry import leaf_hash as leaf_of
from release.core.slot import Invalid, examine
from release.core.succession import Intent, Log, Tail, already, follow, restates
from release.effects.slots import Slots
from release.effects.tree import Grown, Tree
from release.errors import RefusedError, ServiceError
from release.ports import Clock

CLAIMS: Final = 20
"""How often a slot may be lost to another job."""

MOST_BEHIND: Final = 1000
"""How many slots one job integrates for others: whoever fills slots faster than that is stopped by other means."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Appended:
    """The entry, whether it is new, and what stands before it and is no entry."""

    event: Event
    new: bool
    invalid: tuple[Invalid, ...] = ()


def append(slots: Slots, tree: Tree, log: Log, intent: Intent, *, clock: Clock) -> Appended:
    """Append an event and derive its files.

    Slots that others claimed meanwhile are integrated first, and the entry is made again from the new state:
    a rule that no longer holds refuses it. What is no entry is integrated too, and changes nothing.

    Raises:
        RefusedError: a rule forbids it, perhaps only now that another entry came first.
        LogError: the tree is damaged, or too much of it holds no entry.
        ServiceError: the slot was lost too often.
    """
    at = clock.now()
    growth = _Growth(slots, tree)
    for _ in range(CLAIMS):
        tail = growth.tail
        try:
            said = None if (known := already(tail, intent)) is None else slots.read(known)
            if said is not None and not restates(said, intent):
                said = None
            event = said or follow(log, tail, intent, at=at)
        except RefusedError:
            if not growth.catch_up():
                raise
            continue
        body = None if said else encode(statement(event), tree.signer.sign)
        if body is not None and slots.store.create(slots.layout.slot(tail.size), body, LOG):
            growth.add(body)
            growth.publish()
            return Appended(event=event, new=True, invalid=tail.invalid)
        # What was decided from is the newest state only if nobody claimed the slot after it.
        taken = growth.take()
        if taken is None or taken == body:
            growth.publish()
            return Appended(event=event, new=taken is not None, invalid=tail.invalid)
        growth.catch_up()
    raise ServiceError(f"{CLAIMS} other jobs wrote to the release log first", hint="run the same command again")


class _Growth:
    """The tree with the state of the log at its right end."""

    def __init__(self, slots: Slots, tree: Tree) -> None:
        self._slots = slots
        self._tree = tree
        self._grown = tree.resume()
        self.tail = _tail(slots, self._grown)

    def add(self, body: bytes) -> None:
        """Integrate the leaf of the next slot."""
        found = examine(body, index=self.tail.size, keys=self._slots.keys.at(self.tail.size))
        self._grown = self._tree.add(self._grown, body)
        self.tail = self.tail.and_then(found, leaf_of(body))

    def take(self) -> bytes | None:
        """Integrate the next slot if somebody claimed it, and give its leaf."""
        if (body := self._tree.claimed(self._grown)) is not None:
            self.add(body)
        return body

    def catch_up(self) -> int:
        """Integrate all that others claimed; gives how many slots."""
        for count in range(MOST_BEHIND):
            if self.take() is None:
                return count
        self.publish()
        raise ServiceError(
            f"{MOST_BEHIND} slots of the release log were claimed and not integrated",
            hint="run the same command again; if that goes on, find out who has the record key",
        )

    def publish(self) -> None:
        """Move the head up."""
        self._tree.publish(self._grown)


def _tail(slots: Slots, grown: Grown) -> Tail:
    """Find the state: in the entries of the last bundle, which are at hand, or before them."""
    if grown.last is None:
        return Tail()
    at_hand = grown.entries or (grown.last,)
    start = grown.size - len(at_hand)
    passed: list[Invalid] = []
    found: Event | None = None
    for index in reversed(range(start, grown.size)):
        leaf = examine(at_hand[index - start], index=index, keys=slots.keys.at(index))
        if isinstance(leaf, Event):
            found = leaf
            break
        passed.insert(0, leaf)
    tail = Tail(size=grown.size, event=found, leaf_hash=leaf_of(grown.last), invalid=tuple(passed))
    if found is None:
        before = slots.tail_of(start)
        tail = replace(tail, event=before.event, invalid=(*before.invalid, *tail.invalid))
    return tail
