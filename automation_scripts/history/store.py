"""The run history: one row a run, one row a change of its state, written as it happens."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Self, Unpack

from sqlalchemy import Connection, Row, Select, delete, exc, insert, select, update

from automation_scripts.errors import IllegalTransition, InvalidParameters
from automation_scripts.history import ownership, slots
from automation_scripts.history.models import run_results, runs, transitions
from automation_scripts.history.records import RunFields, RunRecord, Transition
from automation_scripts.history.rows import (
    add_transition,
    fields_to_row,
    row_to_run,
    row_to_transition,
    run_to_row,
    starts_with,
)
from automation_scripts.history.schema import SCHEMA
from automation_scripts.history.sealing import Clear, Sealing, opened_result, stored_result
from automation_scripts.states import State
from automation_scripts.storage.database import Database
from automation_scripts.storage.times import now, utc

_Runs = list[RunRecord]  # inside the class `list` is the method
_PRUNE_BATCH = 500


class HistoryStore:
    """The run history behind a URL: `sqlite:////path/history.db` or `postgresql://user@host/database`.

    Opening it creates or upgrades the schema. All methods are synchronous and may be called from any
    thread, so from asyncio through `asyncio.to_thread`. Every method raises HistoryUnavailable when the
    database cannot be used, with the place and what to do. States are plain words here: which may follow
    which is decided by the caller, and that a run really is in the state that the caller believes is
    checked here. Results, error messages and the reasons of transitions are sealed by `sealing`.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 10.0, sealing: Sealing = Clear()) -> None:
        self.database = Database(url, busy_timeout_s=busy_timeout_s)
        self._sealing = sealing
        SCHEMA.ensure(self.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections; the store opens new ones when it is used again."""
        self.database.dispose()

    def open_run(self, record: RunRecord) -> None:
        """Write a new run and its first transition. Raises IllegalTransition when the id is already taken."""
        row = run_to_row(record)
        try:
            with self.database.write() as connection:
                connection.execute(insert(runs), row)
                add_transition(
                    connection,
                    record.execution_id,
                    from_state=None,
                    to_state=record.status,
                    at=row["requested_at"],
                    reason="",
                )
        except exc.IntegrityError as error:
            raise IllegalTransition(f"Run {record.execution_id} is already in the history.") from error

    def transition(
        self,
        execution_id: str,
        from_state: str,
        to_state: str,
        at: datetime | None = None,
        reason: str = "",
        **fields: Unpack[RunFields],
    ) -> None:
        """Move an active run on, setting `fields` in the same transaction.

        Compare and set: raises IllegalTransition, and changes nothing, when the run is not in `from_state` or
        has ended. Use `close_run` for the last one.
        """
        at = utc(at or now(), "at")
        values = self._row(execution_id, fields) | {"status": to_state}
        with self.database.write() as connection:
            done = connection.execute(
                update(runs)
                .where(
                    runs.c.execution_id == execution_id,
                    runs.c.status == from_state,
                    runs.c.end_time.is_(None),
                )
                .values(**values)
            )
            if done.rowcount != 1:
                raise _refused(connection, execution_id, from_state, to_state)
            sealed = self._sealed(reason, execution_id, "reason")
            add_transition(connection, execution_id, from_state=from_state, to_state=to_state, at=at, reason=sealed)

    def amend(self, execution_id: str, **fields: Unpack[RunFields]) -> None:
        """Set fields of a run but not its state; after its end too, for example for a rollback by hand.

        Raises InvalidParameters for an unknown run.
        """
        values = self._row(execution_id, fields)
        if not values:
            return
        with self.database.write() as connection:
            done = connection.execute(update(runs).where(runs.c.execution_id == execution_id).values(**values))
            if done.rowcount != 1:
                raise InvalidParameters(_unknown(execution_id))

    def close_run(
        self,
        execution_id: str,
        from_state: str,
        status: str,
        at: datetime | None = None,
        reason: str = "",
        *,
        result: Mapping[str, Any] | None = None,
        **fields: Unpack[RunFields],
    ) -> None:
        """End a run: its last state, its measures and its result in one transaction; its slot is freed.

        `duration_s` is the time since `start_time` unless given. A run that was already moved to `status` is
        closed there without a further transition. Raises IllegalTransition like `transition`.
        """
        at = utc(at or now(), "at")
        values = self._row(execution_id, fields) | {"status": status, "end_time": at, "holds_slot": False}
        sealed = self._sealed(reason, execution_id, "reason")
        if status == State.ROLLED_BACK:
            values["rolled_back"] = True
        with self.database.write() as connection:
            run = connection.execute(
                select(runs.c.status, runs.c.start_time, runs.c.end_time)
                .where(runs.c.execution_id == execution_id)
                .with_for_update()
            ).one_or_none()
            if run is None or run.end_time is not None or run.status != from_state:
                raise _refused(connection, execution_id, from_state, status)
            if values.get("duration_s") is None:
                started = values.get("start_time") or run.start_time
                values["duration_s"] = max((at - started).total_seconds(), 0.0)  # the clock may have been set back
            connection.execute(update(runs).where(runs.c.execution_id == execution_id).values(**values))
            if status != from_state:
                add_transition(connection, execution_id, from_state=from_state, to_state=status, at=at, reason=sealed)
            if result is not None:
                stored = stored_result(self._sealing, execution_id, result)
                connection.execute(insert(run_results).values(execution_id=execution_id, result=stored))

    def get(self, execution_id: str) -> RunRecord:
        """The run of that id, or of that unique beginning of an id, with its result.

        Raises InvalidParameters when there is none, or when several begin so.
        """
        with self.database.read() as connection:
            found = connection.execute(select(runs).where(runs.c.execution_id == execution_id)).one_or_none()
            if found is None and execution_id:
                begin_so = select(runs).where(starts_with(runs.c.execution_id, execution_id))
                rows = connection.execute(begin_so.order_by(runs.c.start_time.desc()).limit(6)).all()
                if len(rows) > 1:
                    raise InvalidParameters(_ambiguous(execution_id, [row.execution_id for row in rows]))
                found = rows[0] if rows else None
            if found is None:
                raise InvalidParameters(_unknown(execution_id))
            result = connection.execute(
                select(run_results.c.result).where(run_results.c.execution_id == found.execution_id)
            ).scalar_one_or_none()
        return self._run(found, opened_result(self._sealing, found.execution_id, result))

    def of_flow_run(self, flow_run_id: str) -> RunRecord | None:
        """The newest run of this Prefect flow run, with its result; None when there is none."""
        query = select(runs.c.execution_id).where(runs.c.flow_run_id == flow_run_id)
        with self.database.read() as connection:
            found = connection.execute(query.order_by(runs.c.attempt.desc()).limit(1)).scalar_one_or_none()
        return self.get(found) if found else None

    def transitions(self, execution_id: str) -> list[Transition]:
        """The changes of state of one run, in order; empty for an unknown run."""
        ordered = select(transitions).where(transitions.c.execution_id == execution_id).order_by(transitions.c.seq)
        with self.database.read() as connection:
            found = [row_to_transition(row) for row in connection.execute(ordered)]
        return [replace(one, reason=self._sealing.open(one.reason, execution_id, "reason")) for one in found]

    def list(
        self,
        *,
        script: str | Collection[str] | None = None,
        category: str | Collection[str] | None = None,
        status: str | Collection[str] | None = None,
        environment: str | Collection[str] | None = None,
        user: str | Collection[str] | None = None,
        since: datetime | timedelta | None = None,
        limit: int | None = 50,
    ) -> _Runs:
        """Runs that match all filters, newest first, without their results. `since` is for the start time."""
        query = select(runs).order_by(runs.c.start_time.desc(), runs.c.execution_id.desc()).limit(limit)
        chosen = {
            "script": script,
            "category": category,
            "status": status,
            "environment": environment,
            "user": user,
        }
        return self._read(narrowed(query, chosen, since))

    def active(self) -> _Runs:
        """Runs that have not ended, oldest first."""
        return self._read(select(runs).where(runs.c.end_time.is_(None)).order_by(runs.c.requested_at))

    def mark_crashed(
        self,
        at: datetime | None = None,
        reason: str = "the process that ran it is gone",
        *,
        assume_gone: str | Collection[str] = (),
    ) -> _Runs:
        """Set runs whose process is gone to `crashed` and return them: see `ownership.mark_crashed`."""
        hosts = {assume_gone} if isinstance(assume_gone, str) else set(assume_gone)
        return ownership.mark_crashed(self.database, utc(at or now(), "at"), reason, hosts)

    def detach(self, execution_id: str) -> None:
        """Let no process hold the run while it waits: see `ownership.detach`."""
        ownership.detach(self.database, execution_id)

    def adopt(self, execution_id: str) -> bool:
        """Take a detached run into this process: see `ownership.adopt`."""
        return ownership.adopt(self.database, execution_id)

    def acquire_slot(self, execution_id: str, limit: int) -> bool:
        """Take one of `limit` slots, across all processes: see `slots.acquire_slot`."""
        return slots.acquire_slot(self.database, execution_id, limit)

    def release_slot(self, execution_id: str) -> None:
        """Give the slot back before the run ends."""
        slots.release_slot(self.database, execution_id)

    def slots_in_use(self) -> int:
        """How many slots are taken now."""
        return slots.slots_in_use(self.database)

    def prune(self, older_than: datetime | timedelta) -> int:
        """Delete runs that ended before a time, or longer ago than that, with all that belongs to them.

        Returns how many. Works in small transactions, so that runs can be written meanwhile, and gives the
        space back to the file system. Active runs are never deleted.
        """
        ended_before = runs.c.end_time < _point(older_than)
        deleted = 0
        while True:
            batch = select(runs.c.execution_id).where(ended_before).order_by(runs.c.end_time).limit(_PRUNE_BATCH)
            with self.database.write() as connection:
                done = connection.execute(delete(runs).where(runs.c.execution_id.in_(batch)))
            deleted += done.rowcount
            if done.rowcount < _PRUNE_BATCH:
                break
        if deleted:
            self.database.shrink()
        return deleted

    def _read(self, query: Select[Any]) -> _Runs:
        with self.database.read() as connection:
            return [self._run(row) for row in connection.execute(query)]

    def _run(self, row: Row[Any], result: Mapping[str, Any] | None = None) -> RunRecord:
        run = row_to_run(row, result)
        if run.error_message:
            run.error_message = self._sealing.open(run.error_message, run.execution_id, "error_message")
        return run

    def _row(self, execution_id: str, fields: RunFields) -> dict[str, Any]:
        row = fields_to_row(fields)
        if row.get("error_message"):
            row["error_message"] = self._sealed(row["error_message"], execution_id, "error_message")
        return row

    def _sealed(self, text: str, execution_id: str, field: str) -> str:
        return self._sealing.seal(text, execution_id, field) if text else text


def narrowed(
    query: Select[Any],
    chosen: Mapping[str, str | Collection[str] | None],
    since: datetime | timedelta | None = None,
    until: datetime | timedelta | None = None,
) -> Select[Any]:
    """`query` on `runs` with a condition for every column that has a choice, one value or several."""
    for name, value in chosen.items():
        if isinstance(value, str):
            query = query.where(runs.c[name] == value)
        elif value is not None:
            query = query.where(runs.c[name].in_(list(value)))
    if since is not None:
        query = query.where(runs.c.start_time >= _point(since))
    if until is not None:
        query = query.where(runs.c.start_time < _point(until))
    return query


def _point(when: datetime | timedelta) -> datetime:
    """A point in time; a timedelta counts back from now."""
    return now() - when if isinstance(when, timedelta) else utc(when)


def _refused(connection: Connection, execution_id: str, from_state: str, to_state: str) -> IllegalTransition:
    run = connection.execute(
        select(runs.c.status, runs.c.end_time).where(runs.c.execution_id == execution_id)
    ).one_or_none()
    if run is None:
        return IllegalTransition(_unknown(execution_id))
    ended = f" and ended at {run.end_time.isoformat()}" if run.end_time else ""
    return IllegalTransition(
        f"Run {execution_id} cannot go from {from_state} to {to_state}: it is {run.status}{ended}. "
        f"Another process may have moved it; `automation show {execution_id}` tells."
    )


def _unknown(execution_id: str) -> str:
    return f"No run {execution_id!r} in the history. `automation history` lists the runs."


def _ambiguous(prefix: str, matches: Sequence[str]) -> str:
    shown = ", ".join(matches[:5]) + (", …" if len(matches) > 5 else "")
    return f"{prefix!r} is the beginning of several runs: {shown}. Give more of the id."
