"""The tables of the key store, as SQLAlchemy Core. A test compares them with the migrations.

No table holds a key in clear, nor the name of a data subject.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table

from automation_scripts.storage.columns import IDENTIFIER, CleanText, UtcDateTime

metadata = MetaData()

data_keys = Table(
    "data_keys",
    metadata,
    Column("id", IDENTIFIER, primary_key=True),
    Column("owner", IDENTIFIER, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("kek_id", IDENTIFIER, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("messages", BigInteger, nullable=False),
)
Index("ix_data_keys_owner", data_keys.c.owner, data_keys.c.created_at)
Index("ix_data_keys_kek_id", data_keys.c.kek_id)

shreddings = Table(
    "shreddings",
    metadata,
    Column("id", IDENTIFIER, primary_key=True),
    Column("owner", IDENTIFIER, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", CleanText, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("keys", Integer, nullable=False),
)
Index("ix_shreddings_owner", shreddings.c.owner)

shredded_keys = Table(
    "shredded_keys",
    metadata,
    Column("key_id", IDENTIFIER, primary_key=True),
    Column("shredding_id", IDENTIFIER, ForeignKey("shreddings.id"), nullable=False),
)

retired_keks = Table(
    "retired_keks",
    metadata,
    Column("kek_id", IDENTIFIER, primary_key=True),
    Column("retired_at", UtcDateTime, nullable=False),
)
