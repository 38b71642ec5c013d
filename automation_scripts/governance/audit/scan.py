"""One pass over all entries: their hashes, their columns, their order, and the tree over them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, exc, text

from automation_scripts.governance.audit import tree
from automation_scripts.governance.audit.findings import OpenIntent
from automation_scripts.governance.audit.ledger import StoredNodes, tolerant
from automation_scripts.governance.audit.records import INTENT, SEARCHABLE, parse

_LEVEL = 12
BATCH = 1 << _LEVEL
NO_CLAIM = -1
"""The index of an entry that names none."""
_NO_HASH = b"\0" * 32  # of an entry that is gone, together with its stored hash

# Written out, so that SQLAlchemy converts nothing: a value may have any type where somebody has edited.
_ROWS = text(
    f"SELECT entry_index, {', '.join(SEARCHABLE)}, entry FROM audit_entries "  # noqa: S608 - names of our columns
    "WHERE entry_index >= :start AND entry_index < :end ORDER BY entry_index"
)
_NODES = text("SELECT position, hash FROM audit_nodes WHERE position >= :start AND position < :end")
_STRAY_ROWS = text(
    "SELECT entry_index, entry FROM audit_entries WHERE entry_index >= :size OR entry_index < 0 "
    "ORDER BY entry_index LIMIT 1000"
)
_STRAY_NODES = text(
    "SELECT position FROM audit_nodes WHERE position >= :end OR position < 0 ORDER BY position LIMIT 100"
)
_MEMBERS = itemgetter("index", *SEARCHABLE)
_WIDTH = 1 + len(SEARCHABLE)

Progress = Callable[[int, int], None]
"""Called with the entries that were read, and how many there are."""


@dataclass(slots=True)
class Scan:
    """What the pass found; everything is keyed by the index at which a row lies."""

    size: int
    rows: int = 0
    missing: list[tuple[int, int]] = field(default_factory=list)
    """Ranges of indexes without a row."""
    stray: dict[int, bytes] = field(default_factory=dict)
    """Rows outside 0 … size - 1, the first thousand, with their leaf hashes."""
    stray_nodes: list[int] = field(default_factory=list)
    claims: dict[int, int] = field(default_factory=dict)
    """Rows whose entry says that it has another index, and which."""
    unreadable: list[int] = field(default_factory=list)
    columns: list[tuple[int, str]] = field(default_factory=list)
    """Rows with a column that differs from the entry, and which."""
    time_back: list[int] = field(default_factory=list)
    stored: dict[int, bytes | None] = field(default_factory=dict)
    computed: dict[int, bytes] = field(default_factory=dict)
    """Of the nodes whose stored hash is not the one computed from the entries: both, by position."""
    roots: dict[int, bytes] = field(default_factory=dict)
    """Computed root hashes, by size."""
    intents: dict[tuple[str, str], OpenIntent] = field(default_factory=dict)
    """Intents without an outcome, by action and execution or request."""


def scan(connection: Connection, size: int, sizes: Collection[int], progress: Progress | None = None) -> Scan:
    """Read entries 0 … size - 1 and compute the root hashes at `sizes` and at `size`."""
    found = Scan(size)
    wanted = sorted({s for s in sizes if 0 <= s <= size} | {0, size}, reverse=True)
    carry: list[tuple[int, bytes]] = []
    last_time = ""
    for start in range(0, size, BATCH):
        end = min(start + BATCH, size)
        nodes = dict(connection.execute(_NODES, {"start": 2 * start, "end": 2 * end - 1}).tuples().all())
        rows = _read_batch(connection, start, end)
        leaves, last_time = _read_rows(found, rows, start, end, nodes, last_time)
        levels = _levels(leaves)
        _compare(found, levels, start, nodes)
        before = dict(carry)
        if end - start == BATCH:
            _compare_upper(found, _carry(carry, start, levels[_LEVEL][0]), connection)
        while wanted and wanted[-1] <= end:
            at = wanted.pop()
            tops = tree.peaks(at)
            known = before if at < start + BATCH else dict(carry)
            found.roots[at] = tree.fold([known[p] if p in known else _in_batch(levels, start, p) for p in tops])
        if progress is not None:
            progress(end, size)
    if size == 0:
        found.roots[0] = tree.EMPTY_ROOT
    _find_strays(found, connection)
    return found


def _read_batch(connection: Connection, start: int, end: int) -> Sequence[Row[Any]]:
    bounds = {"start": start, "end": end}
    try:
        return connection.execute(_ROWS, bounds).all()
    except exc.OperationalError:  # text that is no UTF-8, or something worse, which comes again
        with tolerant(connection):
            return connection.execute(_ROWS, bounds).all()


def _read_rows(
    found: Scan, rows: Sequence[Row[Any]], start: int, end: int, nodes: Mapping[int, bytes], last_time: str
) -> tuple[list[bytes], str]:
    """The leaf hashes of a batch; of an entry that is gone, the stored one."""
    leaves: list[bytes] = []
    loads, members_of, hashed, width = json.loads, _MEMBERS, sha256, _WIDTH
    expected = start
    for row in rows:
        index, raw = row[0], row[-1]
        if index != expected:
            _miss(found, expected, index, nodes, leaves)
        expected = index + 1
        try:
            leaves.append(hashed(b"\x00" + raw).digest())
            members = loads(str(raw, "utf-8"))
            same = members_of(members) == row[:width]
        except (TypeError, ValueError, KeyError, RecursionError):
            _unreadable(found, row, leaves, expected - start)
            continue
        if not same:
            _differs(found, row, members)
        time = members["time"]
        if index in found.claims or not isinstance(time, str):
            pass  # it is not from here, or was edited
        elif time < last_time:
            found.time_back.append(index)
        else:
            last_time = time
        if members["outcome"] == INTENT or found.intents:
            _follow(found, index, members)
    if expected != end:
        _miss(found, expected, end, nodes, leaves)
    found.rows += len(rows)
    return leaves, last_time


def _miss(found: Scan, start: int, end: int, nodes: Mapping[int, bytes], leaves: list[bytes]) -> None:
    for index in range(start, end):
        value = nodes.get(2 * index)
        leaves.append(value if isinstance(value, bytes) else _NO_HASH)
    if found.missing and found.missing[-1][1] == start:
        found.missing[-1] = (found.missing[-1][0], end)
    else:
        found.missing.append((start, end))


def _unreadable(found: Scan, row: Row[Any], leaves: list[bytes], count: int) -> None:
    if len(leaves) < count:  # not even bytes
        leaves.append(tree.leaf_hash(str(row[-1]).encode("utf-8", "surrogatepass")))
    found.unreadable.append(row[0])


def _differs(found: Scan, row: Row[Any], members: Mapping[str, Any]) -> None:
    index, claim = row[0], members["index"]
    if claim != index:
        found.claims[index] = claim if isinstance(claim, int) else NO_CLAIM
    for number, name in enumerate(SEARCHABLE, 1):
        if members[name] != row[number]:
            found.columns.append((index, name))


def _follow(found: Scan, index: int, members: Mapping[str, Any]) -> None:
    """Open an intent, or close the one that this entry is the outcome of: run.intent and run.outcome belong together.

    The outcome of a run is that of its change.intent too. What is written about an approval has none: it is part of the
    transaction in which it takes effect.
    """
    action, execution_id = str(members["action"]), str(members["execution_id"])
    if action.startswith("approval."):
        return
    stem = action.removesuffix(".intent").removesuffix(".outcome")
    key = stem, execution_id or str(members.get("request_id", ""))
    if action == "run.outcome":
        found.intents.pop(("change", key[1]), None)
    if members["outcome"] == INTENT:
        found.intents[key] = OpenIntent(index, action, execution_id)
    else:
        found.intents.pop(key, None)


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """The hashes of the complete subtrees of a batch, by level."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([sha256(b"\x01" + a + b).digest() for a, b in zip(below[0::2], below[1::2], strict=False)])
    return levels


def _compare(found: Scan, levels: list[list[bytes]], start: int, nodes: Mapping[int, bytes]) -> None:
    for level, hashes in enumerate(levels):
        first = tree.position(level, start >> level)
        step = 2 << level
        stored = [nodes.get(at) for at in range(first, first + step * len(hashes), step)]
        if stored == hashes:
            continue
        for number, (is_stored, is_computed) in enumerate(zip(stored, hashes, strict=True)):
            if is_stored != is_computed:
                _mismatch(found, first + step * number, is_stored, is_computed)


def _carry(carry: list[tuple[int, bytes]], start: int, top: bytes) -> dict[int, bytes]:
    """Add a whole batch to the subtrees before it; returns the nodes above the batch that became complete."""
    hashed, level, index = top, _LEVEL, start >> _LEVEL
    new: dict[int, bytes] = {}
    while index & 1:
        hashed, level, index = tree.node_hash(carry.pop()[1], hashed), level + 1, index >> 1
        new[tree.position(level, index)] = hashed
    carry.append((tree.position(level, index), hashed))
    return new


def _compare_upper(found: Scan, computed: Mapping[int, bytes], connection: Connection) -> None:
    stored = StoredNodes(connection).read(computed)
    for at, hashed in computed.items():
        if stored.get(at) != hashed:
            _mismatch(found, at, stored.get(at), hashed)


def _mismatch(found: Scan, at: int, stored: object, computed: bytes) -> None:
    found.stored[at] = stored if isinstance(stored, bytes) else None
    found.computed[at] = computed


def _in_batch(levels: list[list[bytes]], start: int, at: int) -> bytes:
    level = tree.level_of(at)
    return levels[level][(at >> (level + 1)) - (start >> level)]


def _claim(raw: bytes) -> int:
    try:
        claim = parse(raw).get("index")
    except ValueError:
        return NO_CLAIM
    return claim if isinstance(claim, int) else NO_CLAIM


def _find_strays(found: Scan, connection: Connection) -> None:
    for index, raw in connection.execute(_STRAY_ROWS, {"size": found.size}):
        data = raw if isinstance(raw, bytes) else str(raw).encode("utf-8", "surrogatepass")
        found.stray[index] = tree.leaf_hash(data)
        claim = _claim(data)
        if claim != index:
            found.claims[index] = claim
    found.rows += len(found.stray)
    end = max(2 * found.size - 1, 0)
    found.stray_nodes = list(connection.execute(_STRAY_NODES, {"end": end}).scalars())
    # Inner nodes before that end whose leaves are not all there yet.
    incomplete = {tree.position(level, found.size >> level) for level in range(1, 60)}
    found.stray_nodes += sorted(at for at in StoredNodes(connection).read(incomplete) if at < end)
