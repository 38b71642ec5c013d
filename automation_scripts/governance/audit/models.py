"""The tables of the audit log, as SQLAlchemy Core. They are created by the migrations only; a test compares the two.

`entry` holds the canonical bytes that are hashed and so proved; the columns beside it repeat what one searches by, and
verification compares them. `time` is the text of the entry, so that the comparison is exact; it sorts as the time does.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

from automation_scripts.storage.columns import IDENTIFIER

metadata = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite's rowid, so that rows lie in this order

entries = Table(
    "audit_entries",
    metadata,
    Column("entry_index", _NUMBER, primary_key=True, autoincrement=False),
    Column("time", IDENTIFIER, nullable=False),
    Column("action", IDENTIFIER, nullable=False),
    Column("actor", IDENTIFIER, nullable=False),
    Column("script", IDENTIFIER, nullable=False),
    Column("environment", IDENTIFIER, nullable=False),
    Column("execution_id", IDENTIFIER, nullable=False),
    Column("outcome", IDENTIFIER, nullable=False),
    Column("entry", LargeBinary, nullable=False),
)
Index("ix_audit_entries_time", entries.c.time)
Index("ix_audit_entries_action", entries.c.action, entries.c.entry_index)
Index("ix_audit_entries_actor", entries.c.actor, entries.c.entry_index)
Index("ix_audit_entries_script", entries.c.script, entries.c.entry_index)
Index("ix_audit_entries_execution_id", entries.c.execution_id)

nodes = Table(
    "audit_nodes",
    metadata,
    Column("position", _NUMBER, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False, unique=True),
    Column("note", Text, nullable=False),
)

head = Table(
    "audit_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)

published = Table(
    "audit_published",
    metadata,
    Column("anchor", IDENTIFIER, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
)
