"""The files of a transparency log's tree, read with suspicion and held against what its entries amount to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from release.core.log_finding import Finding
from release.core.manifest import digest
from release.core.tlog import TlogError
from release.core.tlog.checkpoint import Checkpoint
from release.core.tlog.merkle import HASH_BYTES, Frontier, consistency_proof, leaf_hash, verify_consistency
from release.core.tlog.tile import WIDTH, Tile, bundles_of, split_bundle, subtree_reader, tiles_of

LARGEST_BUNDLE: Final = WIDTH * (2 + 65_535)
HEAD: Final = "the checkpoint"

Read = Callable[[str, int], bytes | None]
"""Give a file of the log by its path, None if there is none; at most so many bytes, and more is a TlogError."""


@dataclass(frozen=True, slots=True)
class TreeFiles:
    """The tiles of one log."""

    read: Read

    def same_leaves(self, bundle: Tile, leaves: Sequence[bytes]) -> Iterator[Finding]:
        """Compare the hashes of a bundle's entries with the lowest tile."""
        yield from self._equal(Tile(0, bundle.index, bundle.width), b"".join(leaves))

    def upper_tiles(self, size: int) -> Iterator[Finding]:
        """Compare the tiles above the lowest with what the tiles below them amount to."""
        for tile in tiles_of(size):
            if tile.level:
                try:
                    yield from self._equal(tile, b"".join(self._reduced(tile, size)))
                except TlogError as why:
                    yield Finding(kind="tree", message=str(why))

    def _reduced(self, tile: Tile, size: int) -> Iterator[bytes]:
        for index in range(tile.index * WIDTH, tile.index * WIDTH + tile.width):
            below = Tile((tile.level or 0) - 1, index, WIDTH)
            body = self.tile(below)
            if len(body) != WIDTH * HASH_BYTES:
                raise TlogError(f"{below.path} of a tree of {size} entries is {len(body)} bytes long")
            row = Frontier().extended(body[at : at + HASH_BYTES] for at in range(0, len(body), HASH_BYTES))
            yield row.root()

    def _equal(self, tile: Tile, expected: bytes) -> Iterator[Finding]:
        try:
            found = self.tile(tile)
        except TlogError as why:
            yield Finding(kind="tree", message=str(why))
            return
        if found != expected:
            facts = (("computed", digest(expected)), ("found", digest(found)))
            yield Finding(kind="tree", message=f"{tile.path} is not what the entries amount to", facts=facts)

    def continues(self, anchors: Mapping[Checkpoint, str], head: Checkpoint) -> Iterator[Finding]:
        """Prove that the head continues checkpoints that were seen elsewhere; each comes with who saw it."""
        subtree = lru_cache(4096)(subtree_reader(head.size, lru_cache(64)(self.tile)))
        for anchor, where in sorted(anchors.items(), key=lambda pair: pair[0].size):
            if anchor.size > head.size:
                yield _rolled_back(where, anchor, head)
                continue
            try:
                proof = consistency_proof(anchor.size, head.size, subtree)
                verify_consistency(anchor.size, anchor.root, head.size, head.root, proof)
            except TlogError as why:
                facts = (("seen", anchor.root.hex()), ("why", str(why)))
                yield Finding(kind="fork", message=f"{where} is of another log", facts=facts)

    def tile(self, tile: Tile) -> bytes:
        """Read a tile; a partial one that is gone is the beginning of the full one (tlog-tiles, "Partial Tiles").

        Raises:
            TlogError: there is neither.
        """
        limit = LARGEST_BUNDLE if tile.level is None else WIDTH * HASH_BYTES
        body = self.read(tile.path, limit)
        if body is None and tile.width < WIDTH:
            whole = self.read(Tile(tile.level, tile.index, WIDTH).path, limit)
            body = None if whole is None else _beginning(tile, whole)
        if body is None:
            raise TlogError(f"{tile.path} is missing")
        return body

    def must(self, path: str, limit: int) -> bytes:
        """Read a file that has to be there (TlogError)."""
        body = self.read(path, limit)
        if body is None:
            raise TlogError(f"{path} is missing")
        return body


def bodies_of(files: TreeFiles, head: Checkpoint) -> Iterator[tuple[int, bytes]]:
    """Read all entries in order, and at the end hold the tree that they amount to against the head.

    Raises:
        TlogError: a bundle is missing or malformed, or the entries are others than the head's.
    """
    frontier = Frontier()
    for bundle in bundles_of(head.size):
        bodies = split_bundle(bundle, files.tile(bundle))
        frontier = frontier.extended(map(leaf_hash, bodies))
        yield from enumerate(bodies, start=bundle.start)
    if frontier.root() != head.root:
        computed, signed = frontier.root().hex(), head.root.hex()
        raise TlogError(f"the entries amount to {computed}, the checkpoint is of {signed}")


@dataclass(slots=True)
class Marks:
    """Checkpoints that a tree must agree with on its way, by size; and what was wrong with others."""

    by_size: dict[int, list[tuple[str, Checkpoint]]] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)

    def add(self, where: str, checkpoint: Checkpoint, head: Checkpoint) -> None:
        """Take a checkpoint from `where`; one that knows more than the head is a finding at once."""
        if checkpoint.size > head.size:
            self.problems.append(_rolled_back(where, checkpoint, head))
            return
        self.by_size.setdefault(checkpoint.size, []).append((where, checkpoint))

    def within(self, after: int, until: int) -> Iterator[tuple[int, list[tuple[str, Checkpoint]]]]:
        """Give those of more than `after` and up to `until` entries, in order."""
        for size in range(after + 1, until + 1):
            if size in self.by_size:
                yield size, self.by_size.pop(size)


def compare(frontier: Frontier, expected: Sequence[tuple[str, Checkpoint]]) -> Iterator[Finding]:
    """Hold a tree against the checkpoints of its size."""
    for where, checkpoint in expected:
        if frontier.root() != checkpoint.root:
            yield Finding(
                kind="fork" if where != HEAD else "tree",
                message=f"{where} is of another log: its {checkpoint.size} entries are not the first "
                f"{checkpoint.size} of this one",
                facts=(("signed", checkpoint.root.hex()), ("computed", frontier.root().hex())),
            )


def _rolled_back(where: str, anchor: Checkpoint, head: Checkpoint) -> Finding:
    return Finding(
        kind="fork",
        message=f"{where} knows {anchor.size} entries, this log shows only {head.size}: entries are withheld",
        facts=(("known root", anchor.root.hex()), ("shown root", head.root.hex())),
    )


def _beginning(tile: Tile, whole: bytes) -> bytes:
    if tile.level is not None:
        return whole[: tile.width * HASH_BYTES]
    at = 0
    for _ in range(tile.width):
        at += 2 + int.from_bytes(whole[at : at + 2], "big")
    return whole[:at]
