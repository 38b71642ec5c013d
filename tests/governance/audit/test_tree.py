"""The tree against the definition of RFC 9162, against an independent verifier, and against pymerkle."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency

from automation_scripts.governance.audit import tree
from tests.governance.audit import rfc9162

MOST = 70


class Nodes(dict[int, bytes]):
    """Hashes in memory, that count how many are read."""

    reads = 0

    def read(self, positions):
        self.reads += len(positions)
        return {at: self[at] for at in positions if at in self}


def data(size: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(size)]


def build(entries: list[bytes], cuts: tuple[int, ...] = ()) -> tuple[Nodes, list[bytes]]:
    """A tree that grew in steps."""
    nodes, size, tops = Nodes(), 0, []
    for cut in sorted({*cuts, len(entries)}):
        size, tops, new = tree.grow(size, tops, [tree.leaf_hash(entry) for entry in entries[size:cut]])
        assert not nodes.keys() & {at for at, _ in new}
        nodes.update(new)
    return nodes, tops


def test_every_small_tree_and_every_proof_of_it_is_that_of_the_rfc():
    entries = data(33)
    nodes, _ = build(entries)
    for size in range(34):
        assert tree.root(nodes, size) == rfc9162.naive_root(entries[:size])
        for index in range(size):
            assert tree.inclusion_proof(nodes, index, size) == rfc9162.naive_path(index, entries[:size])
            first = index + 1
            assert tree.consistency_proof(nodes, first, size) == rfc9162.naive_proof(first, entries[:size])


@settings(deadline=None)
@given(st.integers(1, MOST), st.sets(st.integers(0, MOST), max_size=6))
def test_a_tree_is_the_same_however_it_grew(size, cuts):
    entries = data(size)
    nodes, tops = build(entries, tuple(cut for cut in cuts if cut <= size))
    assert tree.fold(tops) == tree.root(nodes, size) == rfc9162.naive_root(entries)
    assert len(nodes) == 2 * size - size.bit_count()
    assert [nodes[at] for at in tree.peaks(size)] == tops


@settings(deadline=None)
@given(st.data())
def test_proofs_hold_for_what_they_prove_and_for_nothing_else(given_data):
    size = given_data.draw(st.integers(2, MOST))
    index = given_data.draw(st.integers(0, size - 1))
    entries = data(size)
    nodes, _ = build(entries)
    root = tree.root(nodes, size)
    path = tree.inclusion_proof(nodes, index, size)
    leaf = tree.leaf_hash(entries[index])
    assert rfc9162.inclusion_holds(leaf, index, size, path, root)
    other = given_data.draw(st.integers(0, size - 1).filter(lambda one: one != index))
    assert not rfc9162.inclusion_holds(leaf, other, size, path, root)
    assert not rfc9162.inclusion_holds(tree.leaf_hash(entries[other]), index, size, path, root)
    assert not rfc9162.inclusion_holds(leaf, index, size, path[:-1], root)

    first = given_data.draw(st.integers(1, size - 1))
    first_root = tree.root(nodes, first)
    proof = tree.consistency_proof(nodes, first, size)
    assert rfc9162.consistency_holds(first, size, proof, first_root, root)
    forged = [*entries[: first - 1], b"forged", *entries[first:]]
    forged_nodes, _ = build(forged)
    forged_root = tree.root(forged_nodes, size)
    forged_proof = tree.consistency_proof(forged_nodes, first, size)
    assert not rfc9162.consistency_holds(first, size, forged_proof, first_root, forged_root)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, MOST), st.data())
def test_pymerkle_agrees(size, given_data):
    entries = data(size)
    theirs = InmemoryTree(algorithm="sha256")
    for entry in entries:
        theirs.append_entry(entry)
    nodes, _ = build(entries)
    assert tree.root(nodes, size) == theirs.get_root(size)
    index = given_data.draw(st.integers(0, size - 1))
    proof = theirs.prove_inclusion(index + 1, size)
    assert [theirs.get_leaf(index + 1), *tree.inclusion_proof(nodes, index, size)] == proof.path
    first = given_data.draw(st.integers(1, size))
    # Their consistency proofs are longer than those of the RFC, but hold for the same roots.
    verify_consistency(tree.root(nodes, first), tree.root(nodes, size), theirs.prove_consistency(first, size))


@settings(deadline=None)
@given(st.integers(0, 2**50))
def test_positions_levels_and_leaves_belong_together(node):
    level = tree.level_of(node)
    start, end = tree.leaves_of(node)
    assert tree.position(level, start >> level) == node
    assert end - start == 1 << level
    if level:
        left, right = tree.children(node)
        assert tree.leaves_of(left) == (start, (start + end) // 2)
        assert tree.leaves_of(right) == ((start + end) // 2, end)


def test_a_proof_in_a_large_tree_reads_few_hashes():
    class Any(Nodes):
        def read(self, positions):
            self.reads += len(positions)
            return dict.fromkeys(positions, b"\0" * 32)

    nodes = Any()
    tree.inclusion_proof(nodes, 123_456, 1_000_003)
    tree.consistency_proof(nodes, 765_432, 1_000_003)
    assert nodes.reads < 120


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_a_leaf_that_is_not_there_has_no_proof(index, size):
    with pytest.raises(ValueError, match="no leaf"):
        tree.inclusion_proof(Nodes(), index, size)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (-1, 3)])
def test_sizes_in_the_wrong_order_have_no_proof(first, second):
    with pytest.raises(ValueError, match="no consistency proof"):
        tree.consistency_proof(Nodes(), first, second)


def test_a_hash_that_is_not_stored_is_told():
    nodes, _ = build(data(5))
    del nodes[tree.position(2, 0)]
    with pytest.raises(LookupError, match="over entries 0 to 3"):
        tree.root(nodes, 5)
