"""Which key may have signed what of a log: those of an auditor's file always, those of trust epochs in their time.

An entry must be signed by a log key of the epoch in force before it; the entry that announces an epoch, also by a
key of that one, so that a lost key can be replaced. A checkpoint may be signed by a key that came later than its
last entry, for jobs finish what others left; never by one that was gone by then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from release.core.entry import TRUST_CHANGED, Event
from release.core.epoch_policy import policy_of
from release.core.epochs import Known
from release.core.log_finding import Finding
from release.core.slot import Invalid, Signed
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint
from release.core.tlog.note import Key, Opened, open_note
from release.core.tlog.policy import NONE, Policy

_FOREVER: Final = 10**18
NO_KEYS: Final = "names no log key: say which keys to trust (--key)"


@dataclass(kw_only=True, slots=True)
class LogSigners:
    """The keys of one log.

    Args:
        named: the keys that an auditor named; None: only the epochs'.
        known: the verified trust epochs; none: only the named keys.
    """

    named: Policy | None = None
    known: Sequence[Known] = ()
    _policies: list[Policy] = field(default_factory=list, init=False)
    _announced: list[int] = field(default_factory=list, init=False)
    _former: list[tuple[str, int, frozenset[Key]]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._policies = [policy_of(known.trust) for known in self.known]

    @property
    def newest(self) -> Sequence[Policy]:
        """The policies that the head must satisfy: the named one, and the newest epoch's."""
        epochs = [policy for policy in self._policies[-1:] if policy.logs or self.named is None]
        return [self.named, *epochs] if self.named else epochs

    @property
    def witnessed(self) -> bool:
        """Whether any of them names a quorum of witnesses."""
        return any(policy.quorum != NONE for policy in self.newest)

    def problems(self) -> Iterator[Finding]:
        """Say which epochs do not say who signs the log, where nothing else does; and which named key is in none.

        Every key that a log had is in some epoch, if all of them list keys: who knows of another misses an epoch.
        """
        for known in self.known if self.named is None else ():
            if not known.trust.terms.log_keys:
                yield Finding(kind="signature", message=f"trust epoch {known.trust.epoch} {NO_KEYS}")
        listed = {key for policy in self._policies for key in policy.logs}
        if self.named and self._policies and all(policy.logs for policy in self._policies):
            for key in (key for key in self.named.logs if key not in listed):
                message = f"no trust epoch lists the named key {key.vkey}: is the epoch withheld that does?"
                yield Finding(kind="signature", message=message)

    @property
    def witnessing(self) -> Sequence[Policy]:
        """The same policies for what witnesses cosigned in the log's youth: signed by any of its keys."""
        return [replace(policy, logs=tuple(self.ever)) for policy in self.newest]

    def head(self, body: bytes) -> Checkpoint:
        """Open the head; who cosigned it is not asked here.

        Raises:
            TlogError: the log's key of some policy did not sign it.
        """
        opened = [policy.open(body) for policy in self.newest]
        return parse_checkpoint(opened[0].text)

    def cosigned(self, body: bytes, where: str, *, origin: str) -> None:
        """Open what a witness cosigned, as an archived checkpoint (TlogError)."""
        opened = self.opened(body)
        size = parse_checkpoint(opened.text, origin=origin).size
        self.signed(where, size, frozenset(key for key, _ in opened.signed))

    def signed(self, where: str, size: int, keys: frozenset[Key]) -> None:
        """Take who signed a checkpoint; one that only keys signed which are gone is judged at the end (`late`)."""
        if self._policies and self._policies[-1].logs and not keys & set(self._policies[-1].logs):
            self._former.append((where, size, keys))

    def opened(self, body: bytes) -> Opened:
        """Open a note that any key of this log signed, at any time (TlogError)."""
        return open_note(body, self.ever)

    def take(self, found: Signed | Invalid, index: int, leaf: str) -> Event | Invalid:
        """Take the next leaf; once an entry announced the next epoch, that one's keys are in force.

        Args:
            found: what it is, by all keys of this log.
            index: its number.
            leaf: its leaf hash.
        """
        if isinstance(found, Invalid):
            return found
        number = len(self._announced)
        allowed = self._allowed(max(number - 1, 0))
        if announces := self._announces(found.event, number):
            allowed = [*allowed, *self._allowed(number)]
        if found.key not in allowed:
            problem = f"log entry {index} is signed by a key that may not sign it: {found.key.vkey}"
            return Invalid(index=index, problem=problem, leaf_hash=leaf)
        if announces:
            self._announced.append(index)
        return found.event

    def _announces(self, event: Event, number: int) -> bool:
        known = self.known[number].sha256 if number < len(self.known) else None
        named = event.trust if event.action == TRUST_CHANGED else None
        return named is not None and (named.epoch, named.sha256) == (number, known)

    def late(self) -> Iterator[Finding]:
        """Say which checkpoints were signed only by keys that were gone when their last entry was written."""
        for where, size, signed in self._former:
            if not any(size - 1 <= self._end(number, signed) for number in range(len(self._policies))):
                names = ", ".join(sorted(key.vkey for key in signed))
                message = f"{where} is signed by a key that was gone by then"
                yield Finding(kind="signature", message=message, facts=(("key", names), ("entries", str(size))))

    def _end(self, number: int, signed: frozenset[Key]) -> int:
        """Give the last entry up to which an epoch's keys count, if any of these is among them."""
        policy = self._policies[number]
        if policy.logs and not signed & set(policy.logs):
            return -1
        return self._announced[number + 1] if number + 1 < len(self._announced) else _FOREVER

    def _allowed(self, number: int) -> Sequence[Key]:
        epochs = self._policies[number].logs if number < len(self._policies) else ()
        if self.named is None:
            return epochs
        return [key for key in self.named.logs if not epochs or key in epochs]

    @property
    def ever(self) -> Sequence[Key]:
        """All keys that may have signed something, at some time."""
        found = dict.fromkeys(key for policy in self._policies for key in policy.logs)
        if self.named is None:
            return [*found]
        any_named = not all(policy.logs for policy in self._policies)
        return [key for key in self.named.logs if not found or any_named or key in found]
