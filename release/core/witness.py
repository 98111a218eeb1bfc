"""What a witness decides: whether the head of a log continues the last one that it cosigned.

A cosignature states that no larger consistent head was seen until then (https://c2sp.org/tlog-cosignature,
"Ed25519 signed message"). So a smaller head is as little cosigned as an inconsistent one
(https://c2sp.org/tlog-witness, "add-checkpoint"). The log's tiles come from who may want to deceive: what they say
is believed only where hashes lead from it to the head that the log signed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from release.core.log_finding import Finding
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint, parse_number
from release.core.tlog.merkle import EMPTY_ROOT, consistency_proof, range_hash, verify_consistency
from release.core.tlog.note import Key, Note, base64_of, open_note, parse_note, unbase64
from release.core.tlog.proof import LONGEST_PATH
from release.core.tlog.tile import Tile, subtree_reader

MEMORY: Final = "this witness's memory"
LONGEST_PROOF: Final = 3 + LONGEST_PATH


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A checkpoint and who says that it is the log's."""

    where: str
    checkpoint: Checkpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen(Told):
    """A checkpoint that the log signed: its note, with the log's signatures only."""

    note: Note


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Two notes that the log signed. `root` and `path` prove what the first entries of the second one are.

    Without `root`, the second is smaller: that may be an old copy that somebody serves, and proves nothing.
    """

    known: Seen
    shown: Seen
    root: bytes | None = None
    path: tuple[bytes, ...] = ()

    @property
    def proven(self) -> bool:
        """Tell whether nobody but a holder of the log's key can have made these."""
        return self.root is not None

    def proof(self) -> str:
        """Give what proves it, for people and programs: see docs/witness.md."""
        known, shown = self.known.checkpoint, self.shown.checkpoint
        if self.root is None:
            return f"the log was shown with {shown.size} entries after it had {known.size}: entries are withheld\n"
        lines = [
            f"size {known.size}",
            f"signed {base64_of(known.root)}",
            f"proven {base64_of(self.root)}",
            *(f"path {base64_of(node)}" for node in self.path),
        ]
        return "".join(f"{line}\n" for line in lines)


@dataclass(kw_only=True, slots=True)
class Judgement:
    """What is wrong with a head; nothing: it may be cosigned."""

    findings: list[Finding] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def seen(where: str, body: bytes, logs: Sequence[Key]) -> Seen:
    """Open a checkpoint; signatures of others than the log are dropped.

    Raises:
        TlogError: it is malformed, or not signed by the log.
    """
    checkpoint = parse_checkpoint(open_note(body, logs).text)
    note = parse_note(body)
    ours = {(key.name, key.id) for key in logs if key.name == checkpoint.origin}
    kept = tuple(signature for signature in note.signatures if (signature.name, signature.key_id) in ours)
    if not kept:
        raise TlogError(f"the log {checkpoint.origin[:200]} did not sign its checkpoint")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise TlogError("the root of the checkpoint of no entries is not the empty tree's")
    return Seen(where=where, checkpoint=checkpoint, note=Note(note.text, kept))


def proven(known: Seen, shown: Seen, proof: bytes) -> None:
    """Verify a conflict that somebody else kept: that only a holder of the log's key can have made it.

    Args:
        known: the head that was seen first.
        shown: the one that contradicts it.
        proof: what `Conflict.proof` gave; not needed for two heads of one size.

    Raises:
        TlogError: it is not proven.
    """
    old, new = known.checkpoint, shown.checkpoint
    if old.origin != new.origin:
        raise TlogError(f"they are of two logs, {old.origin} and {new.origin}")
    if old.size > new.size:
        raise TlogError("the second is of fewer entries than the first: anybody can serve an old copy")
    root, path = (new.root, ()) if old.size == new.size else _parsed(proof, old.size)
    if root == old.root:
        raise TlogError("both are of one log, as far as this says")
    verify_consistency(old.size, root, new.size, new.root, path)


def _parsed(proof: bytes, size: int) -> tuple[bytes, tuple[bytes, ...]]:
    """Read the root and the path of a proof."""
    try:
        lines = [line.partition(" ") for line in proof.decode("ascii").splitlines()]
    except UnicodeDecodeError:
        raise TlogError("the proof has other than ASCII characters in it") from None
    names = [name for name, _, _ in lines]
    if names[:3] != ["size", "signed", "proven"] or set(names[3:]) > {"path"} or len(names) > LONGEST_PROOF:
        raise TlogError("the proof is no proof of a conflict")
    if parse_number(lines[0][2], what="the proof's size") != size:
        raise TlogError("the proof is of another size than the first head")
    root, *path = (unbase64(value, what="a hash of the proof") for _, _, value in lines[2:])
    return root, tuple(path)


def judge(head: Seen, known: Sequence[Told], tile: Callable[[Tile], bytes]) -> Judgement:
    """Hold a head against what is known of its log, with O(log n) tiles of the head's tree.

    Args:
        head: what the log shows now.
        known: what was seen earlier, or elsewhere.
        tile: reads a tile, or raises TlogError.
    """
    result = Judgement()
    read = cache(tile)
    for one in known:
        for finding, conflict in _against(one, head, read):
            result.findings.append(finding)
            if conflict:
                result.conflicts.append(conflict)
    return result


def _against(known: Told, head: Seen, tile: Callable[[Tile], bytes]) -> Iterator[tuple[Finding, Conflict | None]]:
    old, new = known.checkpoint, head.checkpoint
    facts = (("known root", old.root.hex()), ("shown root", new.root.hex()))
    if old.origin != new.origin:
        yield Finding(kind="fork", message=f"{known.where} is of the log {old.origin}, this is {new.origin}"), None
    elif old.size > new.size:
        message = f"{known.where} knows {old.size} entries, this log shows only {new.size}: entries are withheld"
        conflict = Conflict(known=known, shown=head) if isinstance(known, Seen) else None
        yield Finding(kind="fork", message=message, facts=facts), conflict
    else:
        try:
            root, path = _prefix(old.size, new, tile)
        except TlogError as why:
            message = f"the log's tiles do not prove that it continues {known.where}: {why}"
            yield Finding(kind="tree", message=message, facts=facts), None
            return
        if root != old.root:
            message = (
                f"{known.where} is of another log: its {old.size} entries are not the first {old.size} of this one"
            )
            conflict = Conflict(known=known, shown=head, root=root, path=path) if isinstance(known, Seen) else None
            yield Finding(kind="fork", message=message, facts=facts), conflict


def _prefix(size: int, head: Checkpoint, tile: Callable[[Tile], bytes]) -> tuple[bytes, tuple[bytes, ...]]:
    """Prove which root the first `size` entries of the head's tree have.

    The tiles are not trusted: the root that they give is verified against the head's before it accuses the log.

    Raises:
        TlogError: the tiles are missing, or not those of the head.
    """
    if size == head.size:
        return head.root, ()
    if size == 0:
        return EMPTY_ROOT, ()
    subtree = subtree_reader(head.size, tile)
    root, path = range_hash(0, size, subtree), consistency_proof(size, head.size, subtree)
    verify_consistency(size, root, head.size, head.root, path)
    return root, path
