"""Tiles and entry bundles: the tree as files (https://c2sp.org/tlog-tiles, tile height 8)."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from release.core.tlog import TlogError
from release.core.tlog.merkle import HASH_BYTES, LARGEST_SIZE, Frontier, node_hash, perfect_subtrees

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
LARGEST_ENTRY: Final = 65_535
LARGEST_TILE: Final = WIDTH * HASH_BYTES
LARGEST_BUNDLE: Final = WIDTH * (LARGEST_ENTRY + 2)
MOST_LEVELS: Final = 64

_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(x[0-9]{3}/){0,6}[0-9]{3})(\.p/(?P<width>[1-9][0-9]{0,2}))?"
)
_GROUP: Final = 1000


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The address of a tile, or (level None) of an entry bundle. `width` is 256 for a full one."""

    level: int | None
    index: int
    width: int

    @property
    def path(self) -> str:
        """Give its path below the log's prefix."""
        kind = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{kind}/{_index_path(self.index)}{partial}"

    @property
    def start(self) -> int:
        """Give the index of the first leaf that it spans."""
        return self.index << (HEIGHT * ((self.level or 0) + 1))


def parse_path(path: str) -> Tile:
    """Read a tile's path.

    Raises:
        TlogError: it is none, or not the one way to write it.
    """
    match = _PATH.fullmatch(path)
    if not match:
        raise TlogError(f"{path[:200]!r} is no tile's path")
    level = None if match["level"] == "entries" else int(match["level"])
    width = int(match["width"]) if match["width"] else WIDTH
    tile = Tile(level, int(match["index"].replace("x", "").replace("/", "")), width)
    if tile.path != path or width > WIDTH or (level or 0) >= MOST_LEVELS or tile.start > LARGEST_SIZE:
        raise TlogError(f"{path[:200]!r} is no tile's path")
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Give all tiles of a tree, level by level; bundles are those of level 0 with level None."""
    for level in range(MOST_LEVELS):
        hashes = size >> (HEIGHT * level)
        if not hashes:
            return
        yield from (Tile(level, index, WIDTH) for index in range(hashes // WIDTH))
        if hashes % WIDTH:
            yield Tile(level, hashes // WIDTH, hashes % WIDTH)


def bundles_of(size: int) -> Iterator[Tile]:
    """Give all entry bundles of a tree in order."""
    yield from (Tile(None, index, WIDTH) for index in range(size // WIDTH))
    if size % WIDTH:
        yield Tile(None, size // WIDTH, size % WIDTH)


def edge_tiles(size: int) -> list[Tile]:
    """List the partial tiles of a tree: all that a writer needs to go on with it."""
    return [tile for level in range(MOST_LEVELS) for tile in _partial(size, level)]


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: by level, the hashes of its partial tile. What a log resumes from."""

    size: int
    levels: tuple[tuple[bytes, ...], ...]

    def frontier(self) -> Frontier:
        """Give the perfect subtrees of the tree."""
        hashes: list[bytes] = []
        for partial in reversed(self.levels):
            hashes += [_reduced(partial[a:b]) for a, b in _runs(len(partial))]
        return Frontier(self.size, tuple(hashes))

    def extended(self, leaf: bytes) -> tuple["Edge", dict[Tile, bytes]]:
        """Add a leaf by its hash; gives the new edge, and the tiles that the new size needs and the old had not."""
        levels = [list(partial) for partial in self.levels]
        changed: dict[Tile, bytes] = {}
        node, size = leaf, self.size + 1
        for level in range(MOST_LEVELS):
            if level == len(levels):
                levels.append([])
            levels[level].append(node)
            index = (size >> (HEIGHT * level)) - 1
            changed[Tile(level, index // WIDTH, len(levels[level]))] = b"".join(levels[level])
            if len(levels[level]) < WIDTH:
                break
            node = _reduced(levels[level])
            levels[level] = []
        return Edge(size, tuple(tuple(partial) for partial in levels)), changed


def edge(size: int, read: Callable[[Tile], bytes]) -> Edge:
    """Load the right edge of a tree: at most one tile a level.

    Raises:
        TlogError: a tile has not the length that its width needs.
    """
    levels = []
    for level in range(MOST_LEVELS):
        if not size >> (HEIGHT * level):
            break
        found = [hashes(tile, read(tile)) for tile in _partial(size, level)]
        levels.append(found[0] if found else ())
    return Edge(size, tuple(levels))


def hashes(tile: Tile, body: bytes) -> tuple[bytes, ...]:
    """Split a tile into its hashes.

    Raises:
        TlogError: it has not the length that its width needs.
    """
    if len(body) != tile.width * HASH_BYTES:
        raise TlogError(f"{tile.path} is {len(body)} bytes long, {tile.width} hashes need {tile.width * HASH_BYTES}")
    return tuple(body[at : at + HASH_BYTES] for at in range(0, len(body), HASH_BYTES))


def subtree_reader(size: int, read: Callable[[Tile], bytes]) -> Callable[[int, int], bytes]:
    """Give what proofs are made from: the hash of any perfect subtree of a tree, from its tiles."""

    def subtree(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        count = min(WIDTH, (size >> (HEIGHT * tile_level)) - first // WIDTH * WIDTH)
        at = first % WIDTH
        if at + (1 << height) > count:
            raise TlogError(f"a tree of {size} leaves has no subtree {index} at level {level}")
        tile = Tile(tile_level, first // WIDTH, count)
        return _reduced(hashes(tile, read(tile))[at : at + (1 << height)])

    return subtree


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Join entries: each with its length before it, as a big-endian uint16.

    Raises:
        TlogError: an entry is too long, or there are too many.
    """
    if len(entries) > WIDTH:
        raise TlogError(f"a bundle holds {WIDTH} entries, not {len(entries)}")
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise TlogError(f"an entry is {len(entry)} bytes long, at most {LARGEST_ENTRY} fit")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def split_bundle(tile: Tile, body: bytes) -> list[bytes]:
    """Split a bundle into the entries that its width promises.

    Raises:
        TlogError: there are fewer, or bytes are left over.
    """
    entries: list[bytes] = []
    at = 0
    while len(entries) < tile.width:
        length = int.from_bytes(body[at : at + 2], "big")
        if at + 2 + length > len(body) or at + 2 > len(body):
            raise TlogError(f"{tile.path} is cut off in entry {len(entries)}")
        entries.append(body[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(body):
        raise TlogError(f"{tile.path} has {len(body) - at} bytes after its last entry")
    return entries


def _partial(size: int, level: int) -> list[Tile]:
    count = size >> (HEIGHT * level)
    return [Tile(level, count // WIDTH, count % WIDTH)] if count % WIDTH else []


def _reduced(nodes: Sequence[bytes]) -> bytes:
    """Give the root of a perfect subtree from its 2**n nodes."""
    row = list(nodes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def _runs(count: int) -> Iterator[tuple[int, int]]:
    for level, index in perfect_subtrees(0, count):
        yield index << level, (index + 1) << level


def _index_path(index: int) -> str:
    groups = []
    while True:
        index, group = divmod(index, _GROUP)
        groups.append(f"{group:03d}")
        if not index:
            break
    *high, last = reversed(groups)
    return "/".join([*(f"x{group}" for group in high), last])
