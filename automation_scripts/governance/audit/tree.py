"""The Merkle tree of RFC 9162, section 2.1, as pure functions over stored node hashes.

Only the hashes of complete subtrees are stored. A node is known by its in-order position: leaf `i` is `2 i`, and the
parent of two subtrees lies between them. So the nodes over a run of leaves are one range of the primary key, odd
positions are inner nodes, and the nodes of a growing tree are never renumbered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Protocol

EMPTY_ROOT = sha256(b"").digest()

_Range = tuple[int, int]  # leaves from … up to, without the last


class NodeReader(Protocol):
    """Where the hashes of complete subtrees are read from."""

    def read(self, positions: Collection[int]) -> Mapping[int, bytes]:
        """The hashes at these positions; what is not stored is left out."""
        ...


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry), RFC 9162 2.1.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), RFC 9162 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def position(level: int, index: int) -> int:
    """Where the `index`-th complete subtree of 2**level leaves is stored."""
    return (index << (level + 1)) + (1 << level) - 1


def level_of(node: int) -> int:
    """The level of a position: 0 for leaves."""
    return (~node & (node + 1)).bit_length() - 1


def leaves_of(node: int) -> _Range:
    """The leaves below a position, as (first, after the last)."""
    level = level_of(node)
    first = (node >> (level + 1)) << level
    return first, first + (1 << level)


def children(node: int) -> tuple[int, int]:
    """The positions below an inner node, left and right."""
    half = 1 << (level_of(node) - 1)
    return node - half, node + half


def peaks(size: int) -> list[int]:
    """The positions of the complete subtrees that make up a tree of `size` leaves, from left to right."""
    return _cover((0, size))


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, from left to right; the hash of nothing for none."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def grow(size: int, tops: Sequence[bytes], leaves: Iterable[bytes]) -> tuple[int, list[bytes], list[tuple[int, bytes]]]:
    """Append leaf hashes to a tree of `size` leaves whose peaks are `tops`.

    Returns the new size, the new peaks, and every node that became complete with its position, leaves included.
    """
    stack = list(tops)
    new: list[tuple[int, bytes]] = []
    for leaf in leaves:
        hashed, level, index = leaf, 0, size
        new.append((position(0, index), hashed))
        while index & 1:
            hashed, level, index = node_hash(stack.pop(), hashed), level + 1, index >> 1
            new.append((position(level, index), hashed))
        stack.append(hashed)
        size += 1
    return size, stack, new


def root(reader: NodeReader, size: int) -> bytes:
    """The root hash of the first `size` leaves, by at most log2(size) + 1 nodes."""
    wanted = peaks(size)
    return fold(_take(reader.read(wanted), wanted))


def inclusion_proof(reader: NodeReader, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]) of RFC 9162 2.1.3.1. Raises ValueError when the tree has no such leaf."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    return _hashes(reader, _inclusion_ranges(index, size))


def consistency_proof(reader: NodeReader, first: int, second: int) -> list[bytes]:
    """PROOF(first, D[second]) of RFC 9162 2.1.4.1; empty for equal sizes. Raises ValueError unless 0 < first <= second."""
    if not 0 < first <= second:
        raise ValueError(f"there is no consistency proof from {first} to {second} leaves")
    return _hashes(reader, _consistency_ranges(first, second))


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    start, end, ranges = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def _consistency_ranges(first: int, second: int) -> list[_Range]:
    start, end, ranges = 0, second, []
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # otherwise the verifier already has this hash: it is the first root
        ranges.append((start, end))
    return ranges[::-1]


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _cover(leaves: _Range) -> list[int]:
    """The complete subtrees over leaves whose start is aligned to every width that follows from it."""
    start, end = leaves
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append(position(level, start >> level))
        start += 1 << level
    return found


def _hashes(reader: NodeReader, ranges: Sequence[_Range]) -> list[bytes]:
    covers = [_cover(leaves) for leaves in ranges]
    nodes = reader.read({node for cover in covers for node in cover})
    return [fold(_take(nodes, cover)) for cover in covers]


def _take(nodes: Mapping[int, bytes], wanted: Sequence[int]) -> list[bytes]:
    missing = [node for node in wanted if node not in nodes]
    if missing:
        first, end = leaves_of(missing[0])
        raise LookupError(f"the hash over entries {first} to {end - 1} is not stored")
    return [nodes[node] for node in wanted]
