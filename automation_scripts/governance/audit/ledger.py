"""Rows of the audit log: the tip that the next entry is appended to, and the nodes of the tree."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, type_coerce
from sqlalchemy.types import NullType

from automation_scripts.governance.audit import tree
from automation_scripts.governance.audit.models import checkpoints, entries, head, nodes, published
from automation_scripts.governance.audit.records import SEARCHABLE, Entry, Prepared, canonical, parse
from automation_scripts.storage.database import Database

LOCK = 0x6175746F_00000103
"""The advisory lock of PostgreSQL under which entries get their indexes; SQLite has one writer anyway."""

_MOST_VARIABLES = 500  # in one statement


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of the log, as a transaction that holds the write lock sees it."""

    size: int
    last_time: str
    tops: list[bytes]
    """The hashes of the peaks; None of them is missing."""
    note: str | None
    """The signed head: a checkpoint over all entries."""

    @property
    def root(self) -> bytes:
        """The root hash that the stored nodes give."""
        return tree.fold(self.tops)


class StoredNodes:
    """Reads node hashes through a connection: a `tree.NodeReader`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def read(self, positions: Collection[int]) -> Mapping[int, bytes]:
        """The hashes at these positions; what is not stored is left out."""
        wanted = sorted(positions)
        found: dict[int, bytes] = {}
        for start in range(0, len(wanted), _MOST_VARIABLES):
            some = wanted[start : start + _MOST_VARIABLES]
            query = select(nodes.c.position, type_coerce(nodes.c.hash, NullType)).where(nodes.c.position.in_(some))
            # SQLite takes a value of any type; who put text there has edited the hash.
            found.update({at: value for at, value in self.connection.execute(query) if isinstance(value, bytes)})
        return found


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A connection whose reads all see the same moment, while others append."""
    with database.explained(), database.engine.connect() as pooled:
        if database.is_sqlite:  # a read transaction of the WAL is one already
            yield pooled
        else:
            yield pooled.execution_options(isolation_level="REPEATABLE READ")


@contextmanager
def tolerant(connection: Connection) -> Iterator[None]:
    """Read text that is no UTF-8, which SQLite stores and its driver refuses, with U+FFFD in it."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    driver.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        yield
    finally:
        driver.text_factory = str


def read_tip(connection: Connection) -> Tip:
    """The end of the log. Raises LookupError when the nodes that a root needs are not all there."""
    last = connection.execute(
        select(entries.c.entry_index, entries.c.time).order_by(entries.c.entry_index.desc()).limit(1)
    ).one_or_none()
    note = head_note(connection)
    if last is None:
        return Tip(0, "", [], note)
    size = int(last.entry_index) + 1
    wanted = tree.peaks(size)
    found = StoredNodes(connection).read(wanted)
    if len(found) != len(wanted):
        raise LookupError("hashes of the tree are missing")
    return Tip(size, last.time, [found[node] for node in wanted], note)


def write_entries(connection: Connection, tip: Tip, members: Sequence[Prepared]) -> tuple[Tip, list[bytes]]:
    """Store entries whose members are complete, and the nodes they complete. Returns the new tip and the leaf hashes."""
    raws = [canonical(one) for one in members]
    leaves = [tree.leaf_hash(raw) for raw in raws]
    size, tops, new_nodes = tree.grow(tip.size, tip.tops, leaves)
    rows = [
        {name: one[name] for name in SEARCHABLE} | {"entry_index": one["index"], "entry": raw}
        for one, raw in zip(members, raws, strict=True)
    ]
    connection.execute(insert(entries), rows)
    connection.execute(insert(nodes), [{"position": node, "hash": hashed} for node, hashed in new_nodes])
    return Tip(size, members[-1]["time"], tops, tip.note), leaves


def write_head(connection: Connection, note: str) -> None:
    """Replace the signed head."""
    connection.execute(delete(head))
    connection.execute(insert(head).values(id=1, note=note))


def write_checkpoint(connection: Connection, size: int, note: str) -> None:
    """Keep a checkpoint for good; one of the same size is kept as it is."""
    if connection.execute(select(checkpoints.c.number).where(checkpoints.c.size == size)).first():
        return
    number = connection.execute(select(func.coalesce(func.max(checkpoints.c.number), -1))).scalar_one() + 1
    connection.execute(insert(checkpoints).values(number=number, size=size, note=note))


def newest_checkpoint(connection: Connection) -> Row[Any] | None:
    """The row of the last checkpoint: number, size, note."""
    return connection.execute(select(checkpoints).order_by(checkpoints.c.number.desc()).limit(1)).one_or_none()


def note_of_size(connection: Connection, size: int) -> str | None:
    """The signed checkpoint or head of exactly this size."""
    found = connection.execute(select(checkpoints.c.note).where(checkpoints.c.size == size)).scalar_one_or_none()
    if found is not None:
        return str(found)
    note = head_note(connection)
    return note if note is not None and note.split("\n")[1:2] == [str(size)] else None


def head_note(connection: Connection) -> str | None:
    """The signed head; None for an empty log."""
    return connection.execute(select(head.c.note)).scalar_one_or_none()


def signed_sizes_near(connection: Connection, size: int) -> list[int]:
    """The sizes of kept checkpoints next to this one, two on each side."""
    below = select(checkpoints.c.size).where(checkpoints.c.size < size).order_by(checkpoints.c.size.desc()).limit(2)
    above = select(checkpoints.c.size).where(checkpoints.c.size > size).order_by(checkpoints.c.size).limit(2)
    return sorted([*connection.execute(below).scalars(), *connection.execute(above).scalars()])


def published_size(connection: Connection, anchor: str) -> int:
    """The largest size whose checkpoint this anchor accepted; 0 for none."""
    query = select(func.coalesce(func.max(published.c.size), 0)).where(published.c.anchor == anchor)
    return int(connection.execute(query).scalar_one())


def published_sizes(connection: Connection) -> dict[str, set[int]]:
    """By the name of the anchor: the sizes of the checkpoints that it accepted."""
    found: dict[str, set[int]] = {}
    for row in connection.execute(select(published)):
        found.setdefault(row.anchor, set()).add(int(row.size))
    return found


def write_published(connection: Connection, anchor: str, size: int) -> None:
    """Remember that this anchor accepted the checkpoint of this size."""
    same = select(published.c.size).where(published.c.anchor == anchor, published.c.size == size)
    if connection.execute(same).first() is None:
        connection.execute(insert(published).values(anchor=anchor, size=size))


def read_entry(connection: Connection, index: int) -> Entry | None:
    """The entry at an index."""
    row = connection.execute(select_entries().where(entries.c.entry_index == index)).one_or_none()
    return None if row is None else row_to_entry(row)


def select_entries() -> Select[Any]:
    """A query of the columns that `row_to_entry` reads."""
    return select(entries.c.entry_index, type_coerce(entries.c.entry, NullType).label("entry"))


def row_to_entry(row: Row[Any]) -> Entry:
    """An entry of a row of `select_entries`. What is no JSON any more gives no members."""
    raw = row.entry if isinstance(row.entry, bytes) else str(row.entry).encode()
    try:
        members = parse(raw)
    except ValueError:
        members = {}
    return Entry(int(row.entry_index), raw, members)
