"""How it was proved who asked for a run.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; runs of before were not proved."""
    op.add_column("runs", sa.Column("authentication", sa.Text, nullable=False, server_default=""))
