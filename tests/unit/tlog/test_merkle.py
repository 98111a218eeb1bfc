"""https://www.rfc-editor.org/rfc/rfc6962#section-2.1, against the RFC's own recursive definitions."""

import hashlib
import tracemalloc
from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from release.core.tlog import TlogError
from release.core.tlog.merkle import (
    EMPTY_ROOT,
    LARGEST_SIZE,
    Frontier,
    consistency_proof,
    fold,
    inclusion_proof,
    leaf_hash,
    node_hash,
    perfect_subtrees,
    range_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.tlog import rfc6962

MOST: Final = 130
LEAVES: Final = tuple(rfc6962.leaves(MOST))
TREE: Final = rfc6962.tree(LEAVES)
LARGE: Final = 2**40

# The vectors that Certificate Transparency's reference implementation publishes (merkle_tree_test.cc).
ENTRIES: Final = tuple(
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
)
ROOTS: Final = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# (leaf, size): path; the leaves are counted from 0.
PATHS: Final = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
PROOFS: Final = {
    (1, 1): (),
    (1, 8): PATHS[0, 8],
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


def hexes(proof: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(hash_.hex() for hash_ in proof)


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_published_roots_are_ours(size: int) -> None:
    assert Frontier().extended(map(leaf_hash, ENTRIES[:size])).root().hex() == ROOTS[size]


@pytest.mark.parametrize(("leaf", "size"), PATHS)
def test_the_published_inclusion_proofs_are_ours_and_verify(leaf: int, size: int) -> None:
    proof = inclusion_proof(leaf, size, rfc6962.tree([leaf_hash(entry) for entry in ENTRIES]).subtree)
    assert hexes(proof) == PATHS[leaf, size]
    verify_inclusion(leaf_hash(ENTRIES[leaf]), leaf, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), PROOFS)
def test_the_published_consistency_proofs_are_ours_and_verify(old: int, new: int) -> None:
    proof = consistency_proof(old, new, rfc6962.tree([leaf_hash(entry) for entry in ENTRIES]).subtree)
    assert hexes(proof) == PROOFS[old, new]
    verify_consistency(old, bytes.fromhex(ROOTS[old]), new, bytes.fromhex(ROOTS[new]), proof)


def test_the_hashes_are_those_of_the_rfc() -> None:
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT
    assert leaf_hash(b"x") == rfc6962.leaf(b"x")
    assert node_hash(LEAVES[0], LEAVES[1]) == rfc6962.node(LEAVES[0], LEAVES[1])


def test_a_tree_that_grows_leaf_by_leaf_has_the_root_of_the_rfc_at_every_size() -> None:
    grown = Frontier()
    for size in range(MOST + 1):
        assert grown.root() == TREE.root(size)
        assert grown == Frontier().extended(LEAVES[:size])
        assert len(grown.hashes) == size.bit_count()
        if size < MOST:
            grown = grown.extended([LEAVES[size]])


def test_every_range_that_a_proof_names_has_the_hash_of_the_rfc() -> None:
    for start in range(0, 64, 16):
        for size in range(1, 17):
            expected = rfc6962.tree(LEAVES[start : start + size]).root()
            assert range_hash(start, start + size, TREE.subtree) == expected
            covered = [
                leaf
                for level, index in perfect_subtrees(start, start + size)
                for leaf in range(index << level, (index + 1) << level)
            ]
            assert covered == list(range(start, start + size))
    assert fold(()) == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_inclusion_proof_is_that_of_the_rfc_and_verifies(size: int) -> None:
    for index in range(size):
        proof = inclusion_proof(index, size, TREE.subtree)
        assert proof == TREE.path(index, size)
        verify_inclusion(LEAVES[index], index, size, proof, TREE.root(size))


@pytest.mark.parametrize("new", range(MOST + 1))
def test_every_consistency_proof_is_that_of_the_rfc_and_verifies(new: int) -> None:
    for old in range(new + 1):
        proof = consistency_proof(old, new, TREE.subtree)
        assert proof == (TREE.proof(old, new) if old else ())
        verify_consistency(old, TREE.root(old), new, TREE.root(new), proof)


@pytest.mark.parametrize("size", [*range(1, 20), 31, 32, 33, 64, 127, 128, 129, 130])
def test_a_damaged_inclusion_proof_is_refused(size: int) -> None:
    root = TREE.root(size)
    for index in range(size):
        for proof in rfc6962.damaged(TREE.path(index, size)):
            with pytest.raises(TlogError):
                verify_inclusion(LEAVES[index], index, size, proof, root)


@pytest.mark.parametrize("new", [*range(1, 20), 31, 32, 33, 64, 127, 128, 129, 130])
def test_a_damaged_consistency_proof_is_refused(new: int) -> None:
    for old in range(1, new):
        for proof in rfc6962.damaged(TREE.proof(old, new)):
            with pytest.raises(TlogError):
                verify_consistency(old, TREE.root(old), new, TREE.root(new), proof)


@pytest.mark.parametrize("size", range(1, 40))
def test_a_leaf_is_proven_at_its_own_index_only(size: int) -> None:
    for index in range(size):
        proof = TREE.path(index, size)
        for other in (*range(size), -1, size, index + size, LARGEST_SIZE + 1):
            if other != index:
                with pytest.raises(TlogError):
                    verify_inclusion(LEAVES[index], other, size, proof, TREE.root(size))
        for leaf in (LEAVES[(index + 1) % MOST], TREE.root(size) if size > 1 else EMPTY_ROOT, b"", LEAVES[index][:-1]):
            with pytest.raises(TlogError):
                verify_inclusion(leaf, index, size, proof, TREE.root(size))
        with pytest.raises(TlogError):
            verify_inclusion(LEAVES[index], index, size, proof, TREE.root(size + 1))


def test_an_inner_node_is_no_leaf_of_a_smaller_tree() -> None:
    # RFC 6962, 2.1: the hashes of leaves and of nodes begin with other bytes, so that neither passes for the other.
    pair = LEAVES[0] + LEAVES[1]
    with pytest.raises(TlogError):
        verify_inclusion(leaf_hash(pair), 0, 1, (), TREE.root(2))


@pytest.mark.parametrize("new", range(2, 40))
def test_a_proof_between_other_trees_is_refused(new: int) -> None:
    for old in range(1, new):
        proof = TREE.proof(old, new)
        for wrong_old, wrong_new in (
            (TREE.root(old - 1), TREE.root(new)),
            (TREE.root(old), TREE.root(new + 1)),
            (TREE.root(new), TREE.root(old)),
        ):
            with pytest.raises(TlogError):
                verify_consistency(old, wrong_old, new, wrong_new, proof)
        with pytest.raises(TlogError):
            verify_consistency(new, TREE.root(new), old, TREE.root(old), proof)


@pytest.mark.parametrize("size", range(10))
def test_a_tree_is_consistent_with_itself_by_an_empty_proof_and_the_same_root_only(size: int) -> None:
    verify_consistency(size, TREE.root(size), size, TREE.root(size), ())
    for old_root, new_root, proof in (
        (TREE.root(size), TREE.root(size), (LEAVES[0],)),
        (TREE.root(size), TREE.root(size + 1), ()),
        (TREE.root(size + 1), TREE.root(size), ()),
        (TREE.root(size)[:-1], TREE.root(size)[:-1], ()),
    ):
        with pytest.raises(TlogError):
            verify_consistency(size, old_root, size, new_root, proof)


def test_every_tree_continues_the_empty_one_which_has_one_root() -> None:
    verify_consistency(0, EMPTY_ROOT, 7, TREE.root(7), ())
    for old_root, proof in ((TREE.root(1), ()), (b"", ()), (EMPTY_ROOT, (LEAVES[0],))):
        with pytest.raises(TlogError):
            verify_consistency(0, old_root, 7, TREE.root(7), proof)
    # Two wrong roots of the same tree are equal and prove nothing.
    with pytest.raises(TlogError):
        verify_consistency(0, LEAVES[0], 0, LEAVES[0], ())


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 3), (-1, 0)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(TlogError, match="has no leaf"):
        inclusion_proof(index, size, TREE.subtree)


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1), (1, 0), (-2, -1)])
def test_a_tree_does_not_shrink(old: int, new: int) -> None:
    with pytest.raises(TlogError, match="does not continue"):
        consistency_proof(old, new, TREE.subtree)
    with pytest.raises(TlogError, match="does not continue"):
        verify_consistency(old, EMPTY_ROOT, new, EMPTY_ROOT, ())


def test_a_size_beyond_63_bits_is_refused() -> None:
    with pytest.raises(TlogError):
        verify_inclusion(LEAVES[0], 0, LARGEST_SIZE + 1, (), LEAVES[0])
    with pytest.raises(TlogError):
        verify_consistency(1, LEAVES[0], LARGEST_SIZE + 1, LEAVES[0], ())


def test_the_bytes_of_two_nodes_cut_at_another_place_prove_nothing() -> None:
    left, right = LEAVES[:2]
    verify_inclusion(left, 0, 2, (right,), TREE.root(2))
    for at in (0, 1, 31, 33, 63, 64):
        with pytest.raises(TlogError):
            verify_inclusion((left + right)[:at], 0, 2, ((left + right)[at:],), TREE.root(2))


def test_an_endless_proof_is_refused_at_once() -> None:
    with pytest.raises(TlogError, match="too long"):
        verify_inclusion(LEAVES[0], 0, 2, (LEAVES[1],) * 1_000_000, TREE.root(2))
    with pytest.raises(TlogError, match="too long"):
        verify_consistency(1, LEAVES[0], 2, TREE.root(2), (LEAVES[1],) * 1_000_000)


SIZES: Final = st.one_of(
    st.integers(1, LARGE), st.integers(0, 40).map(lambda power: 2**power), st.integers(1, 40).map(lambda n: 2**n - 1)
)


@settings(max_examples=60)
@given(st.data(), SIZES)
def test_a_leaf_of_a_huge_tree_is_proven_as_the_rfc_says(data: st.DataObject, size: int) -> None:
    index = data.draw(st.one_of(st.integers(0, size - 1), st.sampled_from([0, size - 1, size // 2])))
    tree = rfc6962.sparse(size, {index, 0, size - 1, size // 2})
    proof = inclusion_proof(index, size, tree.subtree)
    assert proof == tree.path(index)
    verify_inclusion(tree.subtree(0, index), index, size, proof, tree.root())
    for wrong in rfc6962.damaged(proof):
        with pytest.raises(TlogError):
            verify_inclusion(tree.subtree(0, index), index, size, wrong, tree.root())


@settings(max_examples=60)
@given(st.data(), SIZES)
def test_a_huge_tree_is_proven_to_grow_as_the_rfc_says(data: st.DataObject, new: int) -> None:
    old = data.draw(st.one_of(st.integers(1, new), st.sampled_from([1, new, (new + 1) // 2])))
    tree = rfc6962.sparse(new, {0, old - 1, min(old, new - 1), new - 1})
    proof = consistency_proof(old, new, tree.subtree)
    assert proof == tree.proof(old)
    verify_consistency(old, tree.root(old), new, tree.root(), proof)
    for wrong in rfc6962.damaged(proof):
        with pytest.raises(TlogError):
            verify_consistency(old, tree.root(old), new, tree.root(), wrong)


@given(SIZES)
@example(LARGEST_SIZE)
def test_a_frontier_goes_on_from_any_size(size: int) -> None:
    tree = rfc6962.sparse(size + 20, range(size - 1, size + 20))
    frontier = Frontier(size, tuple(tree.subtree(*subtree) for subtree in perfect_subtrees(0, size)))
    assert frontier.root() == tree.root(size)
    grown = frontier.extended(tree.subtree(0, index) for index in range(size, size + 20))
    assert (grown.size, grown.root()) == (size + 20, tree.root())


def test_memory_does_not_grow_with_the_tree() -> None:
    def peak(count: int) -> int:
        leaves = (leaf_hash(index.to_bytes(4, "big")) for index in range(count))
        tracemalloc.start()
        try:
            Frontier().extended(leaves)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(100_000) < peak(1_000) + 10_000
