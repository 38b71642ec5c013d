"""Slots: how `max_concurrent_executions` holds across all processes and hosts that share one history."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, select, update

from automation_scripts.errors import IllegalTransition
from automation_scripts.history.models import runs
from automation_scripts.processes import ProcessIdentity, current_process, is_gone
from automation_scripts.storage.database import Database

_LOCK = 0x6175746F_00000002
_HELD: ColumnElement[bool] = runs.c.holds_slot.is_(True)  # exactly the condition of the partial index


def acquire_slot(database: Database, execution_id: str, limit: int) -> bool:
    """Take one of `limit` slots for an active run; False when all are taken. Taking it twice is once.

    Counting and taking are one transaction under one lock, so no two callers can take the last slot. When all
    are taken, those of dead processes of this host are freed first; their runs are left for `mark_crashed`.
    Raises IllegalTransition for a run that is unknown or has ended.
    """
    with database.write(lock=_LOCK) as connection:
        run = connection.execute(
            select(runs.c.holds_slot, runs.c.end_time).where(runs.c.execution_id == execution_id)
        ).one_or_none()
        if run is None or run.end_time is not None:
            state = "is not in the history" if run is None else "has ended"
            raise IllegalTransition(f"Run {execution_id} {state}, so it cannot take a slot to run in.")
        if run.holds_slot:
            return True
        if _count(connection) >= limit:
            _free_dead(connection)
            if _count(connection) >= limit:
                return False
        _set(connection, [execution_id], held=True)
        return True


def release_slot(database: Database, execution_id: str) -> None:
    """Give the slot back before the run ends. Closing a run does so by itself; no slot held is no error."""
    with database.write() as connection:
        _set(connection, [execution_id], held=False)


def slots_in_use(database: Database) -> int:
    """How many slots are taken now."""
    with database.read() as connection:
        return _count(connection)


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(runs).where(_HELD)).scalar_one()


def _free_dead(connection: Connection) -> None:
    here = current_process()
    holders = connection.execute(
        select(
            runs.c.execution_id,
            runs.c.host,
            runs.c.boot_id,
            runs.c.pid_namespace,
            runs.c.pid,
            runs.c.process_started,
        ).where(_HELD)
    ).all()
    dead = [holder[0] for holder in holders if is_gone(ProcessIdentity(*holder[1:]), here)]
    if dead:
        _set(connection, dead, held=False)


def _set(connection: Connection, execution_ids: list[str], *, held: bool) -> None:
    connection.execute(update(runs).where(runs.c.execution_id.in_(execution_ids)).values(holds_slot=held))
