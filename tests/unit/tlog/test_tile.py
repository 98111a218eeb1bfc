"""https://c2sp.org/tlog-tiles: the tree as files, against the specification's definition of each."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from release.core.tlog import TlogError
from release.core.tlog.merkle import (
    LARGEST_SIZE,
    Frontier,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from release.core.tlog.tile import (
    LARGEST_BUNDLE,
    LARGEST_ENTRY,
    Edge,
    Tile,
    bundles_of,
    edge,
    edge_tiles,
    encode_bundle,
    hashes,
    parse_path,
    split_bundle,
    subtree_reader,
    tiles_of,
)
from tests.unit.tlog import rfc6962

LEAVES: Final = tuple(rfc6962.leaves(1200))
TREE: Final = rfc6962.tree(LEAVES)


def naive_tile(tree: rfc6962.Tree, tile: Tile) -> bytes:
    """Give MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]) for i below the width ("Merkle Tree")."""
    assert tile.level is not None
    return b"".join(tree.subtree(8 * tile.level, tile.index * 256 + i) for i in range(tile.width))


class Tiles:
    """All tiles of a tree, as a log serves them; says what was read."""

    def __init__(self, tree: rfc6962.Tree, size: int) -> None:
        self._tree = tree
        self._size = size
        self.reads: list[Tile] = []

    def __call__(self, tile: Tile) -> bytes:
        assert tile.level is not None
        width = min(256, self._size // 256**tile.level - 256 * tile.index)
        assert tile.width == width > 0, f"{tile.path} is no tile of this tree"
        self.reads.append(tile)
        return naive_tile(self._tree, tile)


def resumed(tree: rfc6962.Tree, size: int) -> Edge:
    return edge(size, Tiles(tree, size))


# --- paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),  # the specification's example
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(0, 999, 255), "tile/0/999.p/255"),
        (Tile(1, 1000, 17), "tile/1/x001/000.p/17"),
        (Tile(6, 127, 256), "tile/6/127"),
        (Tile(7, 0, 128), "tile/7/000.p/128"),
        (Tile(63, 0, 1), "tile/63/000.p/1"),
        (Tile(None, 273, 112), "tile/entries/273.p/112"),
        (Tile(None, 1_000_000, 256), "tile/entries/x001/x000/000"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


LEVELS: Final = st.one_of(st.none(), st.integers(0, 7))


@given(st.data(), LEVELS, st.integers(1, 256))
@example(None, 0, 256)
def test_every_path_is_read_as_it_was_written(data: st.DataObject | None, level: int | None, width: int) -> None:
    most = LARGEST_SIZE >> (8 * ((level or 0) + 1))
    for index in (0, 1, 999, 1000, 999_999, 1_000_000, most, data.draw(st.integers(0, most)) if data else 0):
        if index <= most:
            tile = Tile(level, index, width)
            assert parse_path(tile.path) == tile


def test_the_first_indexes_all_have_their_own_path() -> None:
    paths = [Tile(0, index, 256).path for index in range(12_000)]
    assert len(set(paths)) == len(paths)
    assert [parse_path(path).index for path in paths] == list(range(12_000))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/000 ",
        " tile/0/000",
        "tile//000",
        "tile/00/000",
        "tile/01/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/99/000",
        "tile/100/000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/entries",
        "tile/8/0/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/x000/001",
        "tile/0/x000/x001/000",
        "tile/0/001/000",
        "tile/0/X001/000",
        "tile/0/x001/x000",
        "tile/0/x01/000",
        "tile/0/x0001/000",
        "tile/0/x-01/000",
        "tile/0/ 01",
        "tile/0/+01",
        "tile/0/\u0660\u0660\u0661",
        "tile/\u0660/000",
        "tile/0/000.p/\u0661",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/-1",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/999",
        "tile/0/000.p/1000",
        "tile/0/000.p/1/1",
        "tile/0/000.p/1.p/1",
        "tile/0/000/.p/1",
        "tile/0/000xp/1",
        "tile/0/000.q/1",
        "tile/0/../000",
        "tile/0/000/../000",
        "tile/0/%30%30%30",
        "TILE/0/000",
        "tile/6/128",  # begins at leaf 2**63
        "tile/7/001",
        "tile/8/001",
        "tile/63/001",
        "tile/entries/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001",
        "checkpoint",
    ],
)
def test_what_is_no_path_of_a_tile_is_refused(path: str) -> None:
    with pytest.raises(TlogError, match="no tile's path"):
        parse_path(path)


@given(st.text(alphabet="tile/0123456789xp.entries\n ", max_size=40).map(lambda rest: f"tile/{rest}"))
def test_a_path_that_is_read_is_the_only_one_of_its_tile(path: str) -> None:
    try:
        tile = parse_path(path)
    except TlogError:
        return
    assert tile.path == path


def test_an_endless_path_is_refused_and_not_repeated() -> None:
    for path in ("tile/0/" + "x001/" * 2_000_000 + "001", "tile/0/" + "0" * 10_000_000):
        with pytest.raises(TlogError) as caught:
            parse_path(path)
        assert len(str(caught.value)) < 300


# --- which tiles a tree has


def test_the_specifications_example_has_the_tiles_that_it_says() -> None:
    tiles = list(tiles_of(70_000))
    by_level = [[tile for tile in tiles if tile.level == level] for level in range(4)]
    assert [tile.width for tile in by_level[0]] == [256] * 273 + [112]
    assert [tile.width for tile in by_level[1]] == [256, 17]
    assert [tile.width for tile in by_level[2]] == [1]
    assert by_level[3] == []
    assert [tile.width for tile in bundles_of(70_000)] == [256] * 273 + [112]
    assert {tile.path for tile in tiles_of(256)} == {"tile/0/000", "tile/1/000.p/1"}


@given(st.integers(0, 2_000_000))
@example(0)
@example(256)
@example(65_536)
@example(256**3)
def test_a_tree_has_every_tile_that_the_formula_gives_and_no_other(size: int) -> None:
    expected = {
        Tile(level, index, min(256, size // 256**level - index * 256))
        for level in range(5)
        for index in range(-(-(size // 256**level) // 256))
    }
    tiles = list(tiles_of(size))
    assert set(tiles) == expected
    assert len(tiles) == len(expected)
    assert [(bundle.index, bundle.width) for bundle in bundles_of(size)] == [
        (tile.index, tile.width) for tile in tiles if tile.level == 0
    ]
    assert edge_tiles(size) == [tile for tile in tiles if tile.width < 256]


def test_a_tile_begins_at_the_leaf_that_the_specification_says() -> None:
    # tlog-tiles, "Merkle Tree": the start index of tile n at level l.
    for level in range(4):
        assert Tile(level, 5, 256).start == 5 * 256 ** (level + 1)
    assert Tile(None, 5, 256).start == 5 * 256


# --- going on from the right edge


@pytest.mark.parametrize("start", range(1, 1000, 37))
def test_a_log_goes_on_from_its_edge_at_every_size(start: int) -> None:
    for size in range(start, start + 37):
        found = resumed(TREE, size)
        assert found.frontier().root() == TREE.root(size)
        grown, _ = found.extended(LEAVES[size])
        assert grown == resumed(TREE, size + 1)


def test_a_new_log_begins_with_an_empty_edge() -> None:
    assert edge(0, Tiles(TREE, 0)) == Edge(0, ())
    assert Edge(0, ()).frontier() == Frontier()
    assert Edge(0, ()).extended(LEAVES[0])[0] == resumed(TREE, 1)


@pytest.mark.parametrize("around", [256, 512, 65_536, 65_536 + 256, 131_072, 256**3, 256**4])
def test_a_log_grows_over_the_sizes_where_tiles_are_completed(around: int) -> None:
    tree = rfc6962.sparse(around + 4, range(around - 4, around + 4))
    grown = resumed(tree, around - 4)
    for size in range(around - 4, around + 4):
        assert grown == resumed(tree, size)
        assert grown.frontier() == Frontier(size, grown.frontier().hashes)
        assert grown.frontier().root() == tree.root(size)
        assert len(grown.frontier().hashes) == size.bit_count()
        grown, _ = grown.extended(tree.subtree(0, size))


def test_the_tiles_that_a_leaf_changes_are_those_that_the_tree_gained() -> None:
    grown, written = Edge(0, ()), dict[Tile, bytes]()
    for size in range(1, 1100):
        grown, changed = grown.extended(LEAVES[size - 1])
        assert set(changed) == set(tiles_of(size)) - set(tiles_of(size - 1))
        assert changed == {tile: naive_tile(TREE, tile) for tile in changed}
        assert not written.keys() & changed.keys()  # tiles are immutable
        written |= changed
    assert set(tiles_of(1099)) <= written.keys()


@pytest.mark.parametrize("around", [65_536, 131_072, 256**3])
def test_at_a_boundary_a_leaf_changes_one_tile_a_level(around: int) -> None:
    tree = rfc6962.sparse(around + 2, range(around - 2, around + 2))
    for size in (around - 1, around, around + 1):
        _, changed = resumed(tree, size).extended(tree.subtree(0, size))
        expected = {tile for tile in tiles_near(size + 1) if tile not in set(tiles_near(size))}
        assert set(changed) == expected
        assert changed == {tile: naive_tile(tree, tile) for tile in changed}


def tiles_near(size: int) -> Iterator[Tile]:
    """Give the last tile of each level; all tiles of a huge tree would be too many."""
    for level in range(5):
        if count := size // 256**level:
            yield Tile(level, (count - 1) // 256, (count - 1) % 256 + 1)


@given(st.integers(1, 2**40))
@example(256**4)
@example(2**40 - 1)
def test_going_on_reads_at_most_one_tile_a_level(size: int) -> None:
    reads: list[Tile] = []

    def read(tile: Tile) -> bytes:
        reads.append(tile)
        return bytes(32 * tile.width)

    found = edge(size, read)
    levels = (size.bit_length() + 7) // 8
    assert len(reads) <= levels
    assert len({tile.level for tile in reads}) == len(reads)
    assert sum(len(partial) * 256**level for level, partial in enumerate(found.levels)) == size
    assert len(found.levels) == levels


@pytest.mark.parametrize("change", [-32, -1, 1, 32])
def test_an_edge_of_tiles_of_another_length_is_refused(change: int) -> None:
    with pytest.raises(TlogError, match="bytes long"):
        edge(300, lambda tile: bytes(32 * tile.width + change))


@pytest.mark.parametrize("length", [0, 31, 33, 63, 65, 8192])
def test_a_tile_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(TlogError, match=r"tile/0/000\.p/2 is"):
        hashes(Tile(0, 0, 2), bytes(length))


# --- proofs from tiles


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 300, 511, 512, 513, 768, 1025, 1200])
def test_proofs_from_tiles_are_those_of_the_rfc(size: int) -> None:
    subtree = subtree_reader(size, Tiles(TREE, size))
    for index in range(0, size, 7):
        proof = inclusion_proof(index, size, subtree)
        assert proof == TREE.path(index, size)
        verify_inclusion(LEAVES[index], index, size, proof, TREE.root(size))
    for old in range(1, size, 7):
        proof = consistency_proof(old, size, subtree)
        assert proof == TREE.proof(old, size)
        verify_consistency(old, TREE.root(old), size, TREE.root(size), proof)


@given(st.data(), st.integers(1, 2**40))
@example(None, 65_536)
@example(None, 65_537)
@example(None, 256**3 + 5)
def test_proofs_from_the_tiles_of_a_huge_tree_read_few_of_them(data: st.DataObject | None, size: int) -> None:
    index = data.draw(st.integers(0, size - 1)) if data else size // 2
    tree = rfc6962.sparse(size, {index, 0, size - 1})
    tiles = Tiles(tree, size)
    assert inclusion_proof(index, size, subtree_reader(size, tiles)) == tree.path(index)
    levels = (size.bit_length() + 7) // 8
    assert len(set(tiles.reads)) <= 2 * levels
    old = max(1, index)
    assert consistency_proof(old, size, subtree_reader(size, tiles)) == tree.proof(old)
    assert len(set(tiles.reads)) <= 4 * levels


@pytest.mark.parametrize(("level", "index"), [(0, 300), (0, 512), (0, 10**6), (3, 37), (8, 1), (9, 0), (16, 0)])
def test_a_subtree_that_is_not_there_is_not_even_looked_for(level: int, index: int) -> None:
    subtree = subtree_reader(300, Tiles(TREE, 300))
    with pytest.raises(TlogError, match="has no subtree"):
        subtree(level, index)


# --- entry bundles

ENTRIES: Final = st.lists(st.binary(max_size=300), min_size=1, max_size=256)


@given(ENTRIES)
@example([b""])
@example([b""] * 256)
@example([b"\x00\x00", b""])
def test_a_bundle_is_split_into_the_entries_that_were_joined(entries: list[bytes]) -> None:
    tile = Tile(None, 0, len(entries))
    assert split_bundle(tile, encode_bundle(entries)) == entries


def test_a_bundle_is_what_the_specification_says() -> None:
    assert encode_bundle([b"abc", b"", b"d" * 258]) == b"\x00\x03abc\x00\x00\x01\x02" + b"d" * 258


def test_the_longest_entry_is_65535_bytes_long() -> None:
    entry = bytes(65_535)
    assert len(entry) == LARGEST_ENTRY
    assert split_bundle(Tile(None, 0, 1), encode_bundle([entry])) == [entry]
    with pytest.raises(TlogError, match="65536 bytes long"):
        encode_bundle([entry + b"\x00"])
    full = encode_bundle([entry] * 256)
    assert len(full) == LARGEST_BUNDLE
    assert len(split_bundle(Tile(None, 0, 256), full)) == 256


def test_a_bundle_holds_256_entries() -> None:
    with pytest.raises(TlogError, match="257"):
        encode_bundle([b""] * 257)


def test_a_bundle_that_is_cut_off_anywhere_is_refused() -> None:
    entries = [b"abc", b"", b"d" * 300, b"e"]
    body = encode_bundle(entries)
    for length in range(len(body)):
        with pytest.raises(TlogError, match="cut off in entry"):
            split_bundle(Tile(None, 0, 4), body[:length])


@given(ENTRIES, st.binary(min_size=1, max_size=400))
def test_bytes_after_the_last_entry_are_refused(entries: list[bytes], more: bytes) -> None:
    with pytest.raises(TlogError, match="after its last entry"):
        split_bundle(Tile(None, 0, len(entries)), encode_bundle(entries) + more)


@pytest.mark.parametrize("width", [1, 2, 4, 255])
def test_a_bundle_of_another_width_is_refused(width: int) -> None:
    with pytest.raises(TlogError):
        split_bundle(Tile(None, 0, width), encode_bundle([b"a", b"b", b"c"]))


@given(st.binary(max_size=2000), st.integers(1, 256))
def test_whatever_is_split_was_joined_in_that_way(body: bytes, width: int) -> None:
    try:
        entries = split_bundle(Tile(None, 0, width), body)
    except TlogError:
        return
    assert encode_bundle(entries) == body


def test_ten_megabytes_are_refused_at_once() -> None:
    refuse: list[Callable[[bytes], object]] = [
        lambda body: split_bundle(Tile(None, 0, 256), body),
        lambda body: hashes(Tile(0, 0, 256), body),
    ]
    for read in refuse:
        with pytest.raises(TlogError):
            read(bytes(10_000_000))
