"""Entries, tree nodes, checkpoints, the signed head, and what anchors accepted.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

_IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the five tables."""
    op.create_table(
        "audit_entries",
        sa.Column("entry_index", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("time", _IDENTIFIER, nullable=False),
        sa.Column("action", _IDENTIFIER, nullable=False),
        sa.Column("actor", _IDENTIFIER, nullable=False),
        sa.Column("script", _IDENTIFIER, nullable=False),
        sa.Column("environment", _IDENTIFIER, nullable=False),
        sa.Column("execution_id", _IDENTIFIER, nullable=False),
        sa.Column("outcome", _IDENTIFIER, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_audit_entries_time", "audit_entries", ["time"])
    op.create_index("ix_audit_entries_action", "audit_entries", ["action", "entry_index"])
    op.create_index("ix_audit_entries_actor", "audit_entries", ["actor", "entry_index"])
    op.create_index("ix_audit_entries_script", "audit_entries", ["script", "entry_index"])
    op.create_index("ix_audit_entries_execution_id", "audit_entries", ["execution_id"])
    op.create_table(
        "audit_nodes",
        sa.Column("position", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False, unique=True),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "audit_published",
        sa.Column("anchor", _IDENTIFIER, primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    )


def downgrade() -> None:
    """Drop them, and every entry with them."""
    op.drop_table("audit_published")
    op.drop_table("audit_head")
    op.drop_table("audit_checkpoints")
    op.drop_table("audit_nodes")
    op.drop_table("audit_entries")
