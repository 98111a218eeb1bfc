"""Trust policies: which logs and which witnesses make a checkpoint believable (https://c2sp.org/tlog-policy)."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from release.core.tlog import TlogError
from release.core.tlog.checkpoint import parse_checkpoint
from release.core.tlog.note import COSIGNATURE, ED25519, Key, Opened, open_note, parse_vkey

LARGEST: Final = 256 * 1024
MOST: Final = 256
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses or groups, of which `threshold` must have cosigned."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Log keys, witnesses and groups by name, and the name that must be satisfied (`none`: no cosignature)."""

    logs: tuple[Key, ...]
    witnesses: Mapping[str, Key]
    groups: Mapping[str, Group]
    quorum: str

    def verify(self, checkpoint: bytes) -> Opened:
        """Open a checkpoint's note: signed by a log whose name is its origin, and cosigned by the quorum.

        Raises:
            TlogError: it is not.
        """
        opened = self.open(checkpoint)
        if not self.satisfied({key for key, _ in opened.signed}):
            raise TlogError(f"the checkpoint is not cosigned by the quorum {self.quorum}")
        return opened

    def open(self, checkpoint: bytes) -> Opened:
        """Open a checkpoint's note: signed by a log whose name is its origin, whoever cosigned it (TlogError)."""
        opened = open_note(checkpoint, (*self.logs, *self.witnesses.values()))
        signers = {key for key, _ in opened.signed}
        origin = parse_checkpoint(opened.text).origin
        if not any(key in signers and key.name == origin for key in self.logs):
            raise TlogError(f"the log {origin} did not sign its checkpoint")
        return opened

    def satisfied(self, signers: AbstractSet[Key]) -> bool:
        """Tell whether these keys make the quorum."""
        return self.quorum == NONE or self._satisfied(self.quorum, signers)

    def _satisfied(self, name: str, signers: AbstractSet[Key]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name] in signers
        group = self.groups[name]
        return sum(self._satisfied(member, signers) for member in group.members) >= group.threshold


def parse_policy(body: bytes) -> Policy:
    """Read a policy file.

    Raises:
        TlogError: it is malformed; says the line.
    """
    if len(body) > LARGEST:
        raise TlogError(f"the policy is {len(body)} bytes long, at most {LARGEST} are read")
    if re.search(rb"[^\t\n\x20-\x7e\x80-\xff]", body):
        raise TlogError("the policy has a control character in it")
    # Bytes beyond ASCII are opaque: latin-1 keeps each as one character.
    reader = _Reader()
    for number, line in enumerate(body.decode("latin-1").split("\n"), start=1):
        words = re.split(r"[ \t]+", line.strip(" \t"))
        if words != [""] and not words[0].startswith("#"):
            reader.line(number, words)
    return reader.policy()


class _Reader:
    def __init__(self) -> None:
        self._logs: list[Key] = []
        self._witnesses: dict[str, Key] = {}
        self._groups: dict[str, Group] = {}
        self._members: set[str] = set()
        self._quorum: str | None = None

    def line(self, number: int, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._logs.append(self._key(number, vkey, ED25519, self._logs))
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                self._new(number, name)
                self._witnesses[name] = self._key(number, vkey, COSIGNATURE, [*self._witnesses.values()])
            case ["group", name, threshold, *members] if members:
                self._new(number, name)
                self._groups[name] = self._group(number, threshold, members)
            case ["quorum", name] if self._quorum is None:
                self._must_be(number, name == NONE or name in self._witnesses or name in self._groups, "unknown name")
                self._quorum = name
            case _:
                raise TlogError(f"the policy's line {number} is not understood")

    def policy(self) -> Policy:
        if self._quorum is None:
            raise TlogError("the policy has no quorum line")
        return Policy(tuple(self._logs), self._witnesses, self._groups, self._quorum)

    def _new(self, number: int, name: str) -> None:
        taken = name == NONE or name in self._witnesses or name in self._groups
        self._must_be(number, not taken, f"the name {name} is taken")
        self._must_be(number, len(self._witnesses) + len(self._groups) < MOST, "too many names")

    def _key(self, number: int, vkey: str, kind: int, others: list[Key]) -> Key:
        try:
            key = parse_vkey(vkey.encode("latin-1").decode("utf-8"))
        except (TlogError, UnicodeDecodeError) as why:
            raise TlogError(f"the policy's line {number}: {why}") from None
        self._must_be(number, key.kind == kind, "a key of another type")
        self._must_be(number, len(others) < MOST, "too many keys")
        self._must_be(number, all(key.public != other.public for other in others), "the same key twice")
        return key

    def _group(self, number: int, threshold: str, members: list[str]) -> Group:
        known = all(name in self._witnesses or name in self._groups for name in members)
        self._must_be(number, known, "unknown name")
        fresh = len(set(members)) == len(members) and not self._members & set(members)
        self._must_be(number, fresh, "a name that is a member already")
        self._members |= set(members)
        words = {"any": 1, "all": len(members)}
        decimal = re.fullmatch(r"[1-9][0-9]{0,2}", threshold, re.ASCII) is not None
        self._must_be(number, threshold in words or decimal, "no threshold")
        needed = words.get(threshold) or int(threshold)
        self._must_be(number, needed <= len(members), "a threshold above the number of members")
        return Group(needed, tuple(members))

    @staticmethod
    def _must_be(number: int, holds: bool, problem: str) -> None:
        if not holds:
            raise TlogError(f"the policy's line {number}: {problem}")
