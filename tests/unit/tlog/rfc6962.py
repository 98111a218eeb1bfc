"""The tree of RFC 6962, section 2.1, written down as the RFC defines it: recursive, slow, and of no other code."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Final

EMPTY: Final = hashlib.sha256().digest()


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Give the k of the RFC: the largest power of two smaller than n."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


class Tree:
    """A tree from whatever gives the hash of a perfect, aligned subtree D[start:end]; knows nothing of levels."""

    def __init__(self, size: int, perfect: Callable[[int, int], bytes]) -> None:
        self.size = size
        self._perfect = perfect
        self._mth = cache(self._hash)

    def root(self, size: int | None = None) -> bytes:
        return self._mth(0, self.size if size is None else size)

    def path(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        return tuple(self._path(index, 0, self.size if size is None else size))

    def proof(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        return tuple(self._subproof(old, 0, self.size if size is None else size, whole=True))

    def subtree(self, level: int, index: int) -> bytes:
        return self._mth(index * 2**level, (index + 1) * 2**level)

    def _hash(self, start: int, end: int) -> bytes:
        size = end - start
        if size == 0:
            return EMPTY
        if size & (size - 1) == 0 and start % size == 0:
            return self._perfect(start, end)
        k = split(size)
        return node(self._mth(start, start + k), self._mth(start + k, end))

    def _path(self, m: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        k = split(end - start)
        if m < k:
            return [*self._path(m, start, start + k), self._mth(start + k, end)]
        return [*self._path(m - k, start + k, end), self._mth(start, start + k)]

    def _subproof(self, m: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if m == end - start:
            return [] if whole else [self._mth(start, end)]
        k = split(end - start)
        if m <= k:
            return [*self._subproof(m, start, start + k, whole=whole), self._mth(start + k, end)]
        return [*self._subproof(m - k, start + k, end, whole=False), self._mth(start, start + k)]


def tree(leaves: Sequence[bytes]) -> Tree:
    """Make the tree over leaf hashes."""

    @cache
    def perfect(start: int, end: int) -> bytes:
        if end - start == 1:
            return leaves[start]
        middle = (start + end) // 2
        return node(perfect(start, middle), perfect(middle, end))

    return Tree(len(leaves), perfect)


def sparse(size: int, marked: Iterable[int]) -> Tree:
    """Make a tree of any size: a few leaves are told apart by their index, all others are the same."""
    special = frozenset(marked)

    @cache
    def plain(size: int) -> bytes:
        return leaf(b"plain") if size == 1 else node(plain(size // 2), plain(size // 2))

    @cache
    def perfect(start: int, end: int) -> bytes:
        if not any(start <= index < end for index in special):
            return plain(end - start)
        if end - start == 1:
            return leaf(b"leaf %d" % start)
        middle = (start + end) // 2
        return node(perfect(start, middle), perfect(middle, end))

    return Tree(size, perfect)


def leaves(count: int) -> Iterator[bytes]:
    """Make leaf hashes that differ."""
    return (leaf(b"entry %d" % index) for index in range(count))


def damaged(proof: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Give wrong proofs made from a right one: cut, longer, out of order, or with a bit or a byte changed."""
    whole = tuple(proof)
    for at, hash_ in enumerate(whole):
        yield whole[:at] + whole[at + 1 :]
        for bit in (0, 7, 100, 255):
            flipped = bytearray(hash_)
            flipped[bit // 8] ^= 1 << bit % 8
            yield (*whole[:at], bytes(flipped), *whole[at + 1 :])
        yield (*whole[:at], hash_[:-1], *whole[at + 1 :])
        yield (*whole[:at], hash_ + b"\x00", *whole[at + 1 :])
        yield (*whole[:at], b"", *whole[at + 1 :])
        if whole[at + 1 : at + 2] not in {(), (hash_,)}:
            yield (*whole[:at], whole[at + 1], hash_, *whole[at + 2 :])
            # The same bytes in the same order, cut at another place.
            yield (*whole[:at], hash_[:-1], hash_[-1:] + whole[at + 1], *whole[at + 2 :])
            yield (*whole[:at], whole[at + 1][-1:] + hash_, whole[at + 1][:-1], *whole[at + 2 :])
            yield (*whole[:at], hash_ + whole[at + 1], *whole[at + 2 :])
    for at in range(len(whole) + 1):
        for more in (EMPTY, *whole[:1], *whole[-1:], b""):
            yield (*whole[:at], more, *whole[at:])
    for count in range(len(whole) - 1):
        yield whole[:count]
