"""The Merkle tree of RFC 6962, section 2.1, and the verification of its proofs.

The tree is never held: a frontier of at most 64 hashes grows leaf by leaf, and proofs are made
from whatever gives the hash of a perfect subtree.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from release.core.tlog import TlogError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
LARGEST_SIZE: Final = 2**63 - 1

Subtree = Callable[[int, int], bytes]
"""Gives the hash of the perfect subtree of 2**level leaves that begins at leaf index * 2**level."""


def leaf_hash(entry: bytes) -> bytes:
    """Give the hash of a leaf (RFC 6962, 2.1: a leading 0x00)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Give the hash of an inner node (RFC 6962, 2.1: a leading 0x01)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves, reduced to its perfect subtrees from left to right, the largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Give the Merkle tree hash."""
        return fold(self.hashes)

    def extended(self, leaves: Iterable[bytes]) -> "Frontier":
        """Give the tree after more leaves, of which these are the hashes."""
        size, stack = self.size, list(self.hashes)
        for leaf in leaves:
            node, complete = leaf, size
            while complete & 1:
                node = hashlib.sha256(b"\x01" + stack.pop() + node).digest()
                complete >>= 1
            stack.append(node)
            size += 1
        return Frontier(size, tuple(stack))


def fold(subtrees: Sequence[bytes]) -> bytes:
    """Give the root over perfect subtrees from left to right, the largest first."""
    if not subtrees:
        return EMPTY_ROOT
    *rest, root = subtrees
    for left in reversed(rest):
        root = node_hash(left, root)
    return root


def perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give (level, index) of the perfect subtrees that cover the leaves from `start` to `end`, left to right.

    `start` must be a multiple of the largest power of two that is not larger than their number.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def range_hash(start: int, end: int, subtree: Subtree) -> bytes:
    """Give MTH(D[start:end])."""
    return fold([subtree(level, index) for level, index in perfect_subtrees(start, end)])


def inclusion_proof(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Give PATH(index, D[size]) (RFC 6962, 2.1.1).

    Raises:
        TlogError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise TlogError(f"a tree of {size} leaves has no leaf {index}")
    return tuple(range_hash(start, end, subtree) for start, end in _path(index, 0, size))


def consistency_proof(old: int, new: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Give PROOF(old, D[new]) (RFC 6962, 2.1.2); of a tree with itself, and of the empty tree, it is empty.

    Raises:
        TlogError: the old tree is larger than the new one.
    """
    if not 0 <= old <= new:
        raise TlogError(f"a tree of {new} leaves does not continue one of {old}")
    if old in {0, new}:
        return ()
    return tuple(range_hash(start, end, subtree) for start, end in _subproof(old, 0, new, complete=True))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Prove that the leaf with this hash is in the tree (RFC 9162, 2.1.3.2).

    Raises:
        TlogError: it is not, as far as this proof says.
    """
    if not 0 <= index < size <= LARGEST_SIZE:
        raise TlogError(f"a tree of {size} leaves has no leaf {index}")
    _must_be_hashes(leaf, *proof)
    result = leaf
    for sibling, on_left in _walk(index, size - 1, proof, what="inclusion"):
        result = node_hash(sibling, result) if on_left else node_hash(result, sibling)
    if result != root:
        raise TlogError(f"the inclusion proof of leaf {index} leads to another root")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Prove that the new tree continues the old one (RFC 9162, 2.1.4.2).

    Raises:
        TlogError: it does not, as far as this proof says.
    """
    if not 0 <= old <= new <= LARGEST_SIZE:
        raise TlogError(f"a tree of {new} leaves does not continue one of {old}")
    _must_be_hashes(old_root, new_root, *proof)
    if old in {0, new}:
        empty_differs = old == 0 and old_root != EMPTY_ROOT
        same_differs = old == new and old_root != new_root
        if proof or empty_differs or same_differs:
            raise TlogError(f"the trees of {old} and of {new} leaves are not consistent")
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise TlogError("the consistency proof is too short")
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_result = new_result = path[0]
    for sibling, on_left in _walk(node, last, path[1:], what="consistency"):
        if on_left:
            old_result, new_result = node_hash(sibling, old_result), node_hash(sibling, new_result)
        else:
            new_result = node_hash(new_result, sibling)
    if (old_result, new_result) != (old_root, new_root):
        raise TlogError(f"the tree of {new} leaves does not continue the one of {old}")


def _must_be_hashes(*hashes: bytes) -> None:
    # Two nodes are hashed as one string: cut elsewhere, it would prove what is no leaf.
    if any(len(found) != HASH_BYTES for found in hashes):
        raise TlogError(f"a hash in a proof has not {HASH_BYTES} bytes")


def _walk(node: int, last: int, proof: Sequence[bytes], *, what: str) -> Iterator[tuple[bytes, bool]]:
    """Climb from a node to the root; gives each sibling and whether it stands on the left.

    `last` is the last node of the level. A proof of another length than the tree's height needs is refused.
    """
    for sibling in proof:
        if last == 0:
            raise TlogError(f"the {what} proof is too long")
        on_left = bool(node & 1) or node == last
        yield sibling, on_left
        while on_left and not node & 1 and node:
            node, last = node >> 1, last >> 1
        node, last = node >> 1, last >> 1
    if last:
        raise TlogError(f"the {what} proof is too short")


def _split(size: int) -> int:
    """Give the largest power of two that is smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def _path(index: int, start: int, end: int) -> list[tuple[int, int]]:
    """List the ranges whose hashes are the audit path of a leaf, from the leaf up."""
    ranges: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def _subproof(old: int, start: int, end: int, *, complete: bool) -> list[tuple[int, int]]:
    """List the ranges of SUBPROOF(old, D[start:end], complete)."""
    ranges: list[tuple[int, int]] = []
    while old != end - start:
        middle = start + _split(end - start)
        if old <= middle - start:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            old, start, complete = old - (middle - start), middle, False
    return ([] if complete else [(start, end)]) + ranges[::-1]
