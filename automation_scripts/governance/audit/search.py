"""Reading the audit log."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select

from automation_scripts.governance.audit import ledger
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.models import entries
from automation_scripts.governance.audit.records import Entry, to_text
from automation_scripts.storage.times import utc

_PAGE = 1000

Choice = str | Collection[str] | None
"""One value, several, or no condition."""


def search(
    log: AuditLog,
    *,
    action: Choice = None,
    actor: Choice = None,
    script: Choice = None,
    environment: Choice = None,
    outcome: Choice = None,
    execution_id: Choice = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = 50,
) -> list[Entry]:
    """Entries that match all filters, newest first. `since` is included, `until` is not.

    Raises AuditUnavailable when the log cannot be read; ValueError for a time without a zone.
    """
    chosen = {
        "action": action,
        "actor": actor,
        "script": script,
        "environment": environment,
        "outcome": outcome,
        "execution_id": execution_id,
    }
    query = _narrowed(chosen, since, until).order_by(entries.c.entry_index.desc()).limit(limit)
    with log.database.read() as connection:
        return [ledger.row_to_entry(row) for row in connection.execute(query)]


def read_all(log: AuditLog, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[Entry]:
    """All entries, oldest first, a page at a time, for exports."""
    query = _narrowed({}, since, until).order_by(entries.c.entry_index).limit(_PAGE)
    last = -1
    while True:
        with log.database.read() as connection:
            page = [ledger.row_to_entry(row) for row in connection.execute(query.where(entries.c.entry_index > last))]
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1].index


def _narrowed(chosen: dict[str, Choice], since: datetime | None, until: datetime | None) -> Select[Any]:
    query = ledger.select_entries()
    for name, value in chosen.items():
        if value is not None:
            query = query.where(_matches(entries.c[name], value))
    if since is not None:
        query = query.where(entries.c.time >= to_text(utc(since, "since")))
    if until is not None:
        query = query.where(entries.c.time < to_text(utc(until, "until")))
    return query


def _matches(column: ColumnElement[str], value: str | Collection[str]) -> ColumnElement[bool]:
    return column == value if isinstance(value, str) else column.in_(list(value))
