"""Requests for approval, votes, and the clock.

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
    """Create the three tables."""
    op.create_table(
        "approvals_requests",
        sa.Column("id", _IDENTIFIER, primary_key=True),
        sa.Column("script", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("binding_hash", sa.Text, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("claimed_user", sa.Text, nullable=False),
        sa.Column("requester_kind", sa.Text, nullable=False),
        sa.Column("barred", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("required", sa.Integer, nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("execution_id", sa.Text),
        sa.Column("previous_id", _IDENTIFIER, sa.ForeignKey("approvals_requests.id")),
        sa.Column("break_glass", sa.Boolean, nullable=False),
        sa.Column("used_by", sa.Text),
        sa.Column("used_at", _TIME),
        sa.Column("closed_by", sa.Text),
        sa.Column("closed_reason", sa.Text),
        sa.Column("reviewer", sa.Text),
        sa.Column("reviewed_at", _TIME),
        sa.Column("review_note", sa.Text),
    )
    op.create_index("ix_approvals_requests_created_at", "approvals_requests", ["created_at"])
    op.create_index("ix_approvals_requests_status_expires_at", "approvals_requests", ["status", "expires_at"])
    op.create_index("ix_approvals_requests_execution_id", "approvals_requests", ["execution_id"])
    op.create_table(
        "approvals_votes",
        sa.Column("request_id", _IDENTIFIER, sa.ForeignKey("approvals_requests.id"), primary_key=True),
        sa.Column("approver", _IDENTIFIER, primary_key=True),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("mfa_at", _TIME),
        sa.Column("at", _TIME, nullable=False),
    )
    op.create_table(
        "approvals_clock",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("highest", _TIME, nullable=False),
    )


def downgrade() -> None:
    """Drop them, and every approval with them."""
    op.drop_table("approvals_clock")
    op.drop_table("approvals_votes")
    op.drop_table("approvals_requests")
