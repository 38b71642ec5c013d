"""From what a scan found to what was done: which entry, which hash, which range."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from automation_scripts.governance.audit import tree
from automation_scripts.governance.audit.findings import Kind, Problem, entries_text
from automation_scripts.governance.audit.scan import Scan
from automation_scripts.governance.audit.tree import NodeReader


def order_problems(scan: Scan, tree_holds: bool) -> tuple[list[Problem], set[int]]:
    """Entries that are gone, inserted or moved; and the rows that this explains, so that none is told twice.

    Every entry holds the index at which it was written. An index that no row claims was deleted; where two rows claim
    one, one was inserted; and what is left must be in order. `tree_holds` says that the stored tree is the signed one, so
    that its hashes tell which of two entries is genuine.
    """
    inserted, rivals = _inserted(scan, tree_holds)
    unseen = _unseen(scan)
    moved = _moved(scan, inserted, unseen)
    problems = _gone(scan, unseen)
    problems += [
        Problem(Kind.ENTRY_INSERTED, start, f"{entries_text(start, end)}: inserted, not written by the log", end)
        for start, end in _ranges(inserted - rivals.keys())
    ]
    problems += [
        Problem(
            Kind.ENTRY_INSERTED, row, f"entry {row} or {other}: inserted; both say that they are the same one", row + 1
        )
        for row, other in sorted(rivals.items())
    ]
    problems += [
        Problem(Kind.ENTRY_MOVED, row, f"at index {row} lies the entry that was written at {scan.claims[row]}", row + 1)
        for row in sorted(moved)
    ]
    return problems, set(scan.claims) | inserted


def _unseen(scan: Scan) -> set[int]:
    """Indexes that no row claims."""
    rows = {index for start, end in scan.missing for index in range(start, end)} | set(scan.claims)
    return {row for row in rows if 0 <= row < scan.size} - set(scan.claims.values())


def _gone(scan: Scan, unseen: set[int]) -> list[Problem]:
    """What was deleted; at the end of the log that is a truncation."""
    problems = []
    for start, end in _ranges(unseen):
        if end == scan.size and scan.missing and scan.missing[-1][1] == end:
            message = f"{entries_text(start, end)}: missing at the end, the log was truncated"
            problems.append(Problem(Kind.LOG_TRUNCATED, start, message, end))
        else:
            problems.append(Problem(Kind.ENTRY_DELETED, start, f"{entries_text(start, end)}: deleted", end))
    return problems


def _inserted(scan: Scan, tree_holds: bool) -> tuple[set[int], dict[int, int]]:
    """Rows beyond those that others claim: for an index that is claimed twice, all but the one that the tree holds.

    Also those of them for which nothing tells which one is genuine, each with the row that was taken for genuine.
    """
    claimants: dict[int, list[int]] = {}
    for row, at in scan.claims.items():
        claimants.setdefault(at, []).append(row)
    absent = {index for start, end in scan.missing for index in range(start, end)}
    found = {row for row in scan.stray if row not in scan.claims}
    rivals: dict[int, int] = {}
    for at, moved in claimants.items():
        if not 0 <= at < scan.size:
            found.update(moved)
            continue
        rows = sorted(moved if at in scan.claims or at in absent else [at, *moved])
        originals = [row for row in rows if tree_holds and _leaf(scan, row) == _tree_leaf(scan, at)]
        genuine = (originals or rows[-1:])[0]
        others = [row for row in rows if row != genuine]
        found.update(others)
        if not originals:
            rivals.update(dict.fromkeys(others, genuine))
    return found, rivals


def _leaf(scan: Scan, row: int) -> bytes | None:
    """The leaf hash of the row; None when it is the one stored at its index."""
    return scan.stray[row] if row in scan.stray else scan.computed.get(2 * row)


def _tree_leaf(scan: Scan, index: int) -> bytes | None:
    """The stored leaf hash at an index; None when it is the one of the row there."""
    return scan.stored.get(2 * index)


def _moved(scan: Scan, inserted: set[int], unseen: set[int]) -> set[int]:
    """Rows that are out of order, or further from their index than deletions and insertions before them explain."""
    rows = sorted(set(scan.claims) - inserted)
    in_order = sorted(scan.claims[row] for row in rows)
    found = {row for row, at in zip(rows, in_order, strict=True) if scan.claims[row] != at}
    deleted, added = sorted(unseen), sorted(inserted)
    for row in rows:
        at = scan.claims[row]
        if at - row > bisect_left(deleted, at) or row - at > bisect_left(added, row):
            found.add(row)
    return found


@dataclass(frozen=True, slots=True)
class Walked:
    """What going down the tree has shown."""

    problems: list[Problem]
    proved: bool
    """The signed root was reached from the stored hashes, after the edited ones were corrected."""
    corrected: dict[int, bytes]
    """The genuine hashes of what differs, by position, as far as the signed root tells them."""


def walk_tree(scan: Scan, reader: NodeReader, trusted: tuple[int, bytes] | None, explained: set[int]) -> Walked:
    """Which entries and which stored hashes were edited.

    From the root of `trusted` (size and root hash of a signed checkpoint) downwards: a child is believed when it hashes,
    together with its sibling, to a parent that is believed. Where there is no such root, the stored hashes must at least
    agree with each other.
    """
    walk = _Walk(scan, reader, explained)
    size, root = trusted or (0, tree.EMPTY_ROOT)
    proved = scan.roots.get(size) == root
    if proved:
        walk.entries_hold(0, size)
    else:
        proved = walk.believe(tree.peaks(size), root)
    corrected = dict(walk.believed)
    walk.rest()
    planted = [_planted(at, scan.size) for at in scan.stray_nodes if not _covers(at, scan.stray)]
    return Walked(walk.problems + planted, proved, corrected)


def _planted(at: int, size: int) -> Problem:
    index = min(tree.leaves_of(at)[0], size)
    return Problem(Kind.NODE_EDITED, index, f"a hash at position {at} of the tree, where no entries are yet: inserted")


def _covers(at: int, rows: Iterable[int]) -> bool:
    start, end = tree.leaves_of(at)
    return any(start <= row < end for row in rows)


class _Walk:
    def __init__(self, scan: Scan, reader: NodeReader, explained: set[int]) -> None:
        self.scan = scan
        self.reader = reader
        self.explained = sorted(explained)
        self.missing = scan.missing  # in order, and apart from each other
        self.problems: list[Problem] = []
        self.done: set[int] = set()
        self.believed: dict[int, bytes] = {}

    def entries_hold(self, start: int, end: int) -> None:
        """The entries of this range are proved, so every stored hash that differs was edited."""
        for at in self._differing(start, end):
            if at not in self.done:
                self.done.add(at)
                self.believed[at] = self.scan.computed[at]
                self._node(at)

    def believe(self, peaks: list[int], root: bytes) -> bool:
        """Find the hashes of the peaks that give this root, then go down; False when there are none."""
        for hashes in self._choices(peaks):
            if tree.fold(hashes) == root:
                for at, hashed in zip(peaks, hashes, strict=True):
                    self.down(at, hashed)
                return True
        return False

    def rest(self) -> None:
        """What no root vouches for: go down from the highest stored hash that differs."""
        for at in sorted(self.scan.computed, key=lambda at: (-tree.level_of(at), at)):
            stored = self.scan.stored[at]
            if at not in self.done and stored is not None:
                self.down(at, stored)
        for at in sorted(self.scan.computed):
            if at not in self.done:  # neither vouched for nor stored
                self.done.add(at)
                self._node(at)

    def down(self, at: int, believed: bytes) -> None:
        """Name what differs below a hash that is believed."""
        if at not in self.scan.computed or at in self.done:
            return
        start, end = tree.leaves_of(at)
        if believed == self.scan.computed[at]:
            self.entries_hold(start, end)
            return
        self.done.add(at)
        self.believed[at] = believed
        if self.scan.stored[at] != believed:
            self._node(at)
        if end - start == 1:
            if not self._is_explained(start, end):
                self.problems.append(Problem(Kind.ENTRY_EDITED, start, f"entry {start}: edited", end))
            return
        below = list(tree.children(at))
        for left, right in self._choices(below):
            if tree.node_hash(left, right) == believed:
                self.down(below[0], left)
                self.down(below[1], right)
                return
        self._cannot_narrow(start, end)

    def _cannot_narrow(self, start: int, end: int) -> None:
        """The stored hashes below were changed too: it is one of these entries."""
        self.done.update(self._differing(start, end))
        if self._is_explained(start, end):
            return
        message = f"one or more of {entries_text(start, end)}: edited, together with the hashes of the tree below"
        self.problems.append(Problem(Kind.ENTRY_EDITED, start, message, end))

    def _choices(self, positions: list[int]) -> Iterator[list[bytes]]:
        """All ways to take the stored, the computed or the re-derived hash of each node, the stored ones first."""
        options = [self._values(at) for at in positions]
        if sum(len(values) > 1 for values in options) > 8:  # 6,561 ways; a log of a million has 20 peaks
            options = [values[:1] for values in options]
        yield from (list(values) for values in product(*options))

    def _values(self, at: int) -> list[bytes]:
        stored = self._stored(at)
        if at not in self.scan.computed:
            return [] if stored is None else [stored]
        found = [self.scan.computed[at]] if stored is None else [stored, self.scan.computed[at]]
        if tree.level_of(at):  # where this hash and an entry below were edited, those between may be genuine
            left, right = map(self._stored, tree.children(at))
            if left is not None and right is not None:
                found.append(tree.node_hash(left, right))
        return list(dict.fromkeys(found))

    def _stored(self, at: int) -> bytes | None:
        return self.scan.stored[at] if at in self.scan.computed else self.reader.read([at]).get(at)

    def _differing(self, start: int, end: int) -> list[int]:
        """The positions over these leaves whose stored hash differs."""
        below = range(2 * start, 2 * end - 1)
        if len(below) <= len(self.scan.computed):
            return [at for at in below if at in self.scan.computed]
        return [at for at in sorted(self.scan.computed) if at in below]

    def _is_explained(self, start: int, end: int) -> bool:
        """True when entries in this range are gone or at another place, so that its hashes cannot fit."""
        place = bisect_left(self.explained, start)
        if place < len(self.explained) and self.explained[place] < end:
            return True
        place = bisect_left(self.missing, start, key=lambda gap: gap[1] - 1)
        return place < len(self.missing) and self.missing[place][0] < end

    def _node(self, at: int) -> None:
        start, end = tree.leaves_of(at)
        if self._is_explained(start, end):
            return
        done = "deleted" if self.scan.stored[at] is None else "edited"
        message = f"the stored hash over {entries_text(start, end)} (position {at} of the tree): {done}"
        self.problems.append(Problem(Kind.NODE_EDITED, start, message, end))


def _ranges(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of consecutive numbers as (first, after the last)."""
    found: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if found and found[-1][1] == index:
            found[-1] = (found[-1][0], index + 1)
        else:
            found.append((index, index + 1))
    return found
