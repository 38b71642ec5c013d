"""Between records and table rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select

from automation_scripts.history.models import runs, transitions
from automation_scripts.history.records import SEVERITIES, RunFields, RunRecord, Transition
from automation_scripts.storage.times import utc

_SAME = tuple(f.name for f in dataclasses.fields(RunRecord) if f.name in runs.c)
_SETTABLE = frozenset(RunFields.__annotations__)


def run_to_row(record: RunRecord) -> dict[str, Any]:
    """The columns of a new run."""
    row = {name: getattr(record, name) for name in _SAME}
    row["start_time"] = utc(record.start_time or record.requested_at, "start_time")
    row["requested_at"] = utc(record.requested_at, "requested_at")
    row["parameters"] = dict(record.parameters)
    return row | _findings(record.findings)


def fields_to_row(fields: RunFields) -> dict[str, Any]:
    """The columns of a change. Raises TypeError for a field that may not change: a defect of the caller."""
    unknown = fields.keys() - _SETTABLE
    if unknown:
        raise TypeError(f"not a field of a run that can be set: {', '.join(sorted(unknown))}")
    row: dict[str, Any] = dict(fields)
    if "findings" in row:
        row |= _findings(row.pop("findings"))
    return row


def row_to_run(row: Row[Any], result: Mapping[str, Any] | None = None) -> RunRecord:
    """A record of a row that has all columns of `runs`."""
    values = row._mapping
    return RunRecord(
        **{name: values[name] for name in _SAME},
        findings={severity: values[f"findings_{severity}"] for severity in SEVERITIES},
        result=result,
    )


def row_to_transition(row: Row[Any]) -> Transition:
    """A record of a row that has all columns of `transitions`."""
    return Transition(**row._mapping)


def add_transition(
    connection: Connection,
    execution_id: str,
    *,
    from_state: str | None,
    to_state: str,
    at: datetime,
    reason: str,
) -> None:
    """Write the next transition of a run whose row this transaction has already changed, and so holds."""
    last = select(func.coalesce(func.max(transitions.c.seq), 0)).where(transitions.c.execution_id == execution_id)
    connection.execute(
        insert(transitions)
        .values(
            execution_id=execution_id,
            seq=last.scalar_subquery() + 1,
            from_state=from_state,
            to_state=to_state,
            at=at,
            reason=reason,
        )
        .inline()
    )


def starts_with(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """A range of the index: LIKE would not use it in SQLite, and would treat `_` and `%` as wildcards."""
    return (column >= prefix) & (column < prefix + "\U0010ffff")


def _findings(counts: Mapping[str, int]) -> dict[str, int]:
    unknown = counts.keys() - set(SEVERITIES)
    if unknown:
        raise TypeError(f"not a severity: {', '.join(sorted(map(str, unknown)))}")
    return {f"findings_{severity}": int(counts.get(severity, 0)) for severity in SEVERITIES}
