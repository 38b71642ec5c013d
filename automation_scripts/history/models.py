"""The tables of the run history, as SQLAlchemy Core.

They are created by the migrations only; a test compares the two. Text columns have no length limit, times
are UTC, JSON keeps the order of its keys, and the result of a run lies in a table of its own so that scans
over many runs do not read it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
)

from automation_scripts.history.records import SEVERITIES
from automation_scripts.storage.columns import IDENTIFIER, CleanText, UtcDateTime

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("execution_id", IDENTIFIER, primary_key=True),
    Column("script", CleanText, nullable=False),
    Column("category", CleanText, nullable=False),
    Column("environment", CleanText, nullable=False),
    Column("user", CleanText, nullable=False),
    Column("trigger", CleanText, nullable=False),
    Column("level", CleanText, nullable=False),
    Column("status", CleanText, nullable=False),
    Column("attempt", SmallInteger, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("host", CleanText, nullable=False),
    Column("boot_id", CleanText, nullable=False),
    Column("pid_namespace", CleanText, nullable=False),
    Column("pid", BigInteger),
    Column("process_started", BigInteger),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("start_time", UtcDateTime, nullable=False),
    Column("queued_s", Float(53)),
    Column("end_time", UtcDateTime),
    Column("duration_s", Float(53)),
    Column("error_class", CleanText),
    Column("error_message", CleanText),
    Column("rolled_back", Boolean, nullable=False),
    Column("rollback_cause", CleanText),
    Column("cpu_s", Float(53)),
    Column("max_rss_mb", Float(53)),
    Column("read_bytes", BigInteger),
    Column("written_bytes", BigInteger),
    Column("predicted_changes", Integer),
    *(Column(f"findings_{severity}", Integer, nullable=False) for severity in SEVERITIES),
    Column("flow_run_id", CleanText),
    Column("trace_id", CleanText),
    Column("request_id", CleanText),
    Column("approval_id", CleanText),
    Column("holds_slot", Boolean, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("authentication", CleanText, nullable=False, server_default=""),
)
Index("ix_runs_start_time", runs.c.start_time)
Index("ix_runs_script_start_time", runs.c.script, runs.c.start_time)
Index("ix_runs_end_time", runs.c.end_time)
Index(
    "ix_runs_active",
    runs.c.host,
    sqlite_where=runs.c.end_time.is_(None),
    postgresql_where=runs.c.end_time.is_(None),
)
Index(
    "ix_runs_slots",
    runs.c.execution_id,
    sqlite_where=runs.c.holds_slot.is_(True),
    postgresql_where=runs.c.holds_slot.is_(True),
)

transitions = Table(
    "transitions",
    metadata,
    Column("execution_id", IDENTIFIER, ForeignKey("runs.execution_id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("from_state", CleanText),
    Column("to_state", CleanText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", CleanText, nullable=False),
)

run_results = Table(
    "run_results",
    metadata,
    Column("execution_id", IDENTIFIER, ForeignKey("runs.execution_id", ondelete="CASCADE"), primary_key=True),
    Column("result", JSON, nullable=False),
)
