"""`.tlog-proof`: one text file that proves offline that an entry is in a log (https://c2sp.org/tlog-proof)."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint, parse_checkpoint, parse_number
from release.core.tlog.merkle import HASH_BYTES, inclusion_proof, leaf_hash, verify_inclusion
from release.core.tlog.note import LARGEST, parse_note, unbase64
from release.core.tlog.policy import Policy
from release.core.tlog.tile import Tile, subtree_reader

HEADER: Final = "c2sp.org/tlog-proof@v1"
LONGEST_PATH: Final = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry's index, its audit path, and the checkpoint note it leads to, verbatim. `extra` proves nothing."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def encode(self) -> bytes:
        """Give the file's bytes."""
        lines = [HEADER]
        if self.extra:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(node).decode() for node in self.path]
        return "".join(f"{line}\n" for line in (*lines, "")).encode() + self.checkpoint

    def verify(self, entry: bytes, policy: Policy) -> Checkpoint:
        """Prove that the entry is in the log; gives the checkpoint that says so.

        Raises:
            TlogError: it is not, as far as this proof and policy say.
        """
        head = parse_checkpoint(policy.verify(self.checkpoint).text)
        verify_inclusion(leaf_hash(entry), self.index, head.size, self.path, head.root)
        return head


def prove(index: int, size: int, checkpoint: bytes, read: Callable[[Tile], bytes]) -> Proof:
    """Make the proof of an entry from the tiles of a tree.

    Args:
        index: of the entry.
        size: of the tree that the checkpoint is of.
        checkpoint: the note, verbatim.
        read: gives the bytes of a tile.

    Raises:
        TlogError: there is no such entry, or a tile is malformed.
    """
    return Proof(index, inclusion_proof(index, size, subtree_reader(size, read)), checkpoint)


def parse_proof(body: bytes) -> Proof:
    """Read a proof; nothing in it is verified.

    Raises:
        TlogError: it is malformed.
    """
    if len(body) > LARGEST:
        raise TlogError(f"the proof is {len(body)} bytes long, at most {LARGEST} are read")
    head, separator, checkpoint = body.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise TlogError("the proof has other than ASCII characters before its checkpoint") from None
    if not separator or lines[0] != HEADER:
        raise TlogError(f"a proof begins with {HEADER} and has a checkpoint after an empty line")
    rest, extra = lines[1:], b""
    if rest and rest[0].startswith("extra "):
        extra = unbase64(rest.pop(0).removeprefix("extra "), what="the proof's extra data")
    if not rest or not rest[0].startswith("index "):
        raise TlogError("the proof has no index")
    index = parse_number(rest.pop(0).removeprefix("index "), what="the proof's index")
    if len(rest) > LONGEST_PATH:
        raise TlogError(f"the proof has {len(rest)} hashes, at most {LONGEST_PATH} are needed")
    path = tuple(unbase64(line, what="a hash of the proof") for line in rest)
    if any(len(node) != HASH_BYTES for node in path):
        raise TlogError(f"a hash of the proof has not {HASH_BYTES} bytes")
    parse_note(checkpoint)
    return Proof(index, path, checkpoint, extra)
