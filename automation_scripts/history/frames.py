"""The run history as a pandas DataFrame, for learning and for statistics.

One row a run, in the order of `start_time`. Columns and types:

| column | type | meaning |
|---|---|---|
| run_id, script, category, environment, user, trigger, host | str | |
| attempt | int16 | from 1 |
| dry_run | bool | |
| queued_s | float64 | seconds between request and start |
| start_time, end_time* | datetime64[ns, UTC] | |
| duration_s* | float64 | NaN for a crashed run: nobody saw it end |
| status* | str | succeeded, failed, cancelled, timed_out or crashed |
| error_class* | str | NaN when there was none |
| rolled_back* | bool | |
| cpu_s*, max_rss_mb* | float64 | |
| param.<name> | float64 or str | NaN where the run had no such parameter |

Columns marked * are not known before a run ends and are left out with `for_prediction=True`. In `status` a
run that was rolled back is `failed` (with `rolled_back`), a dry run that ended well is `succeeded` (with
`dry_run`). Runs that were denied never ran and are not in the frame.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sqlalchemy import BigInteger, ColumnElement, Select, Text, cast, extract, select, type_coerce

from automation_scripts.history.models import runs
from automation_scripts.history.records import SEVERITIES, RunRecord
from automation_scripts.history.store import narrowed
from automation_scripts.states import State
from automation_scripts.storage.columns import UtcDateTime
from automation_scripts.storage.database import Database
from automation_scripts.storage.encoding import to_json

if TYPE_CHECKING:
    from automation_scripts.history.store import HistoryStore

_SHOWN_STATUS: dict[str, str] = {State.ROLLED_BACK: State.FAILED.value, State.DRY_RUN: State.SUCCEEDED.value}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_PARAMETERS = 256
_DEEPEST = 4

_TYPES: dict[str, str] = {
    "run_id": "str",
    "script": "str",
    "category": "str",
    "environment": "str",
    "user": "str",
    "trigger": "str",
    "host": "str",
    "attempt": "int16",
    "dry_run": "bool",
    "queued_s": "float64",
    "start_time": "time",
    "end_time": "time",
    "duration_s": "float64",
    "status": "str",
    "error_class": "str",
    "rolled_back": "bool",
    "cpu_s": "float64",
    "max_rss_mb": "float64",
}
AFTER_THE_END = ("end_time", "duration_s", "status", "error_class", "rolled_back", "cpu_s", "max_rss_mb")
"""The columns that only an ended run has."""
_MEASURES: dict[str, str] = {
    "level": "str",
    "rollback_cause": "str",
    "read_bytes": "float64",
    "written_bytes": "float64",
    "predicted_changes": "float64",
    **{f"findings_{severity}": "float64" for severity in SEVERITIES},
}


def runs_df(
    store: HistoryStore,
    *,
    script: str | Collection[str] | None = None,
    category: str | Collection[str] | None = None,
    environment: str | Collection[str] | None = None,
    user: str | Collection[str] | None = None,
    since: datetime | timedelta | None = None,
    until: datetime | timedelta | None = None,
    ended: bool | None = True,
    dry_runs: bool = True,
    for_prediction: bool = False,
    measures: bool = False,
    limit: int | None = None,
) -> pd.DataFrame:
    """The runs that match all filters.

    `ended` chooses ended runs (the default), active ones (False) or both (None). `since` and `until` bound
    the start time, the second exclusively; a timedelta counts back from now. `limit` keeps the newest.
    `measures` adds level, rollback cause, bytes read and written, and counts of predicted changes and
    findings. Raises HistoryUnavailable like the store.
    """
    database = store.database
    types = _TYPES | (_MEASURES if measures else {})
    query: Select[Any] = select(
        *(_raw(database, "execution_id" if name == "run_id" else name) for name in types),
        _raw_json(database),
    )
    query = query.where(runs.c.status != State.DENIED).order_by(runs.c.start_time.desc(), runs.c.execution_id.desc())
    chosen = {"script": script, "category": category, "environment": environment, "user": user}
    query = narrowed(query, chosen, since, until).limit(limit)
    if ended is not None:
        query = query.where(runs.c.end_time.is_not(None) if ended else runs.c.end_time.is_(None))
    if not dry_runs:
        query = query.where(runs.c.dry_run.is_(False))
    with database.read() as connection:
        rows = connection.execute(query).all()[::-1]
    *values, texts = zip(*rows, strict=True) if rows else [()] * (len(types) + 1)
    # One parse of one text is several times faster than one parse a row.
    parameters = json.loads(f"[{','.join(texts)}]")
    return _frame(types, values, parameters, for_prediction=for_prediction)


def records_df(records: Iterable[RunRecord], *, for_prediction: bool = True) -> pd.DataFrame:
    """The same columns for runs at hand, by default for runs that are about to start."""
    chosen = list(records)
    values: list[list[Any]] = []
    for name, kind in _TYPES.items():
        column = [getattr(r, "execution_id" if name == "run_id" else name) for r in chosen]
        if name == "start_time":
            column = [r.start_time or r.requested_at for r in chosen]
        if kind == "time":
            column = [None if t is None else (t - _EPOCH) // _MICROSECOND for t in column]
        values.append(column)
    parameters = json.loads(to_json([dict(r.parameters) for r in chosen]))
    return _frame(_TYPES, values, parameters, for_prediction=for_prediction)


def _raw(database: Database, name: str) -> ColumnElement[Any]:
    """The column as the driver gives it: SQLAlchemy's conversion row by row would take most of the time."""
    column = runs.c[name]
    if isinstance(column.type, UtcDateTime) and not database.is_sqlite:
        return cast(extract("epoch", column) * 1_000_000, BigInteger)
    return type_coerce(column, Text)  # a type without a conversion; the SQL stays the same


def _raw_json(database: Database) -> ColumnElement[Any]:
    column = runs.c.parameters
    return type_coerce(column, Text) if database.is_sqlite else cast(column, Text)


def _frame(
    types: Mapping[str, str],
    values: Sequence[Sequence[Any]],
    parameters: Sequence[Any],
    *,
    for_prediction: bool,
) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    by_name = dict(zip(types, values, strict=True))
    statuses = by_name["status"]
    by_name["rolled_back"] = [
        bool(flag) or status == State.ROLLED_BACK for flag, status in zip(by_name["rolled_back"], statuses, strict=True)
    ]
    by_name["dry_run"] = [
        bool(flag) or status == State.DRY_RUN for flag, status in zip(by_name["dry_run"], statuses, strict=True)
    ]
    by_name["status"] = [_SHOWN_STATUS.get(status, status) for status in statuses]
    for name, kind in types.items():
        if for_prediction and name in AFTER_THE_END:
            continue
        columns[name] = _column(by_name[name], kind)
    for name, column in _parameter_columns(parameters).items():
        columns[f"param.{name}"] = column
    return pd.DataFrame(columns, copy=False)


def _column(values: Sequence[Any], kind: str) -> Any:
    if kind == "str":
        return pd.Series(values, dtype="str")
    if kind == "time":
        return _times(values)
    return np.array(values, dtype=kind)  # None becomes NaN in a float column


def _times(values: Sequence[Any]) -> Any:
    """SQLite gives ISO text, PostgreSQL microseconds since 1970."""
    if any(isinstance(value, str) for value in values):
        index = pd.to_datetime(list(values), format="%Y-%m-%d %H:%M:%S.%f", utc=True)
    else:
        index = pd.to_datetime(pd.array(list(values), dtype="Int64"), unit="us", utc=True)
    return index.astype("datetime64[ns, UTC]")


def _parameter_columns(parameters: Sequence[Any]) -> dict[str, Any]:
    """One column a parameter name, sorted; beyond 256 names only the most frequent are kept."""
    found: dict[str, dict[int, Any]] = {}
    for position, mapping in enumerate(parameters):
        for name, value in _flat(mapping).items():
            if value is not None:
                column = found.get(name)
                if column is None:
                    column = found[name] = {}
                column[position] = value
    if len(found) > _MOST_PARAMETERS:
        frequent = sorted(found, key=lambda name: (-len(found[name]), name))[:_MOST_PARAMETERS]
        found = {name: found[name] for name in frequent}
    return {name: _parameter_column(found[name], len(parameters)) for name in sorted(found)}


def _flat(mapping: Any, depth: int = 0) -> dict[str, Any]:
    """Nested mappings as dotted names; lists, and what is nested deeper than four levels, as JSON text."""
    if not isinstance(mapping, dict):
        return {}
    if not any(isinstance(value, (dict, list)) for value in mapping.values()):
        return mapping
    flat: dict[str, Any] = {}
    for name, value in mapping.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            flat |= {f"{name}.{inner}": item for inner, item in _flat(value, depth + 1).items()}
        elif isinstance(value, (dict, list)):
            flat[name] = json.dumps(value, separators=(",", ":"))
        else:
            flat[name] = value
    return flat


def _parameter_column(values: Mapping[int, Any], length: int) -> Any:
    """float64 when every value is a number or a truth value (1 and 0), else text."""
    positions = np.fromiter(values.keys(), dtype=np.int64, count=len(values))
    if not any(isinstance(value, str) for value in values.values()):
        numbers = np.full(length, np.nan)
        try:
            numbers[positions] = np.fromiter(values.values(), dtype=np.float64, count=len(values))
        except OverflowError:
            pass  # an integer beyond float64 is an identifier, not a quantity
        else:
            return numbers
    texts = np.full(length, None, dtype=object)
    texts[positions] = np.array([_text(value) for value in values.values()], dtype=object)
    return pd.Series(texts, dtype="str")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
