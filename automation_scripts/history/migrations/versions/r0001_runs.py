"""Runs, their transitions and their results.

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
        "runs",
        sa.Column("execution_id", _IDENTIFIER, primary_key=True),
        sa.Column("script", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempt", sa.SmallInteger, nullable=False),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("pid_namespace", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger),
        sa.Column("process_started", sa.BigInteger),
        sa.Column("requested_at", _TIME, nullable=False),
        sa.Column("start_time", _TIME, nullable=False),
        sa.Column("queued_s", sa.Float(53)),
        sa.Column("end_time", _TIME),
        sa.Column("duration_s", sa.Float(53)),
        sa.Column("error_class", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("rolled_back", sa.Boolean, nullable=False),
        sa.Column("rollback_cause", sa.Text),
        sa.Column("cpu_s", sa.Float(53)),
        sa.Column("max_rss_mb", sa.Float(53)),
        sa.Column("read_bytes", sa.BigInteger),
        sa.Column("written_bytes", sa.BigInteger),
        sa.Column("predicted_changes", sa.Integer),
        sa.Column("findings_critical", sa.Integer, nullable=False),
        sa.Column("findings_high", sa.Integer, nullable=False),
        sa.Column("findings_medium", sa.Integer, nullable=False),
        sa.Column("findings_low", sa.Integer, nullable=False),
        sa.Column("findings_info", sa.Integer, nullable=False),
        sa.Column("flow_run_id", sa.Text),
        sa.Column("trace_id", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("approval_id", sa.Text),
        sa.Column("holds_slot", sa.Boolean, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
    )
    op.create_index("ix_runs_start_time", "runs", ["start_time"])
    op.create_index("ix_runs_script_start_time", "runs", ["script", "start_time"])
    op.create_index("ix_runs_end_time", "runs", ["end_time"])
    active = sa.text("end_time IS NULL")
    op.create_index("ix_runs_active", "runs", ["host"], sqlite_where=active, postgresql_where=active)
    op.create_index(
        "ix_runs_slots",
        "runs",
        ["execution_id"],
        sqlite_where=sa.text("holds_slot IS 1"),
        postgresql_where=sa.text("holds_slot IS true"),
    )
    op.create_table(
        "transitions",
        sa.Column(
            "execution_id",
            _IDENTIFIER,
            sa.ForeignKey("runs.execution_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "run_results",
        sa.Column(
            "execution_id",
            _IDENTIFIER,
            sa.ForeignKey("runs.execution_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("result", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop them, and every run with them."""
    op.drop_table("run_results")
    op.drop_table("transitions")
    op.drop_table("runs")
