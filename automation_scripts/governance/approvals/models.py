"""The tables of the approval store, as SQLAlchemy Core. Their names begin with `approvals_`: the database is shared."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table

from automation_scripts.storage.columns import IDENTIFIER, CleanText, UtcDateTime

metadata = MetaData()

requests = Table(
    "approvals_requests",
    metadata,
    Column("id", IDENTIFIER, primary_key=True),
    Column("script", CleanText, nullable=False),
    Column("environment", CleanText, nullable=False),
    Column("binding_hash", CleanText, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("requester", CleanText, nullable=False),
    Column("claimed_user", CleanText, nullable=False),
    Column("requester_kind", CleanText, nullable=False),
    Column("barred", JSON, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("required", Integer, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("status", CleanText, nullable=False),
    Column("execution_id", CleanText),
    Column("previous_id", IDENTIFIER, ForeignKey("approvals_requests.id")),
    Column("break_glass", Boolean, nullable=False),
    Column("used_by", CleanText),
    Column("used_at", UtcDateTime),
    Column("closed_by", CleanText),
    Column("closed_reason", CleanText),
    Column("reviewer", CleanText),
    Column("reviewed_at", UtcDateTime),
    Column("review_note", CleanText),
)
Index("ix_approvals_requests_created_at", requests.c.created_at)
Index("ix_approvals_requests_status_expires_at", requests.c.status, requests.c.expires_at)
Index("ix_approvals_requests_execution_id", requests.c.execution_id)

votes = Table(
    "approvals_votes",
    metadata,
    Column("request_id", IDENTIFIER, ForeignKey("approvals_requests.id"), primary_key=True),
    Column("approver", IDENTIFIER, primary_key=True),  # so that one person has one vote, whatever the program does
    Column("decision", CleanText, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("method", CleanText, nullable=False),
    Column("mfa_at", UtcDateTime),
    Column("at", UtcDateTime, nullable=False),
)

clock = Table(  # one row: the highest time that any process has seen
    "approvals_clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("highest", UtcDateTime, nullable=False),
)
