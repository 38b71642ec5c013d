"""Wrapped data keys, what was shredded, and key-encryption keys that are out of use.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

_IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the four tables."""
    op.create_table(
        "data_keys",
        sa.Column("id", _IDENTIFIER, primary_key=True),
        sa.Column("owner", _IDENTIFIER, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("kek_id", _IDENTIFIER, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_data_keys_owner", "data_keys", ["owner", "created_at"])
    op.create_index("ix_data_keys_kek_id", "data_keys", ["kek_id"])
    op.create_table(
        "shreddings",
        sa.Column("id", _IDENTIFIER, primary_key=True),
        sa.Column("owner", _IDENTIFIER, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("keys", sa.Integer, nullable=False),
    )
    op.create_index("ix_shreddings_owner", "shreddings", ["owner"])
    op.create_table(
        "shredded_keys",
        sa.Column("key_id", _IDENTIFIER, primary_key=True),
        sa.Column("shredding_id", _IDENTIFIER, sa.ForeignKey("shreddings.id"), nullable=False),
    )
    op.create_table(
        "retired_keks",
        sa.Column("kek_id", _IDENTIFIER, primary_key=True),
        sa.Column("retired_at", _TIME, nullable=False),
    )


def downgrade() -> None:
    """Drop them: what was sealed cannot be read afterwards."""
    op.drop_table("retired_keks")
    op.drop_table("shredded_keys")
    op.drop_table("shreddings")
    op.drop_table("data_keys")
