"""Who holds a run: handing it over, and finding the runs whose process is gone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update

from automation_scripts.errors import IllegalTransition
from automation_scripts.history.models import runs
from automation_scripts.history.records import RunRecord
from automation_scripts.history.rows import add_transition, row_to_run
from automation_scripts.processes import current_process, is_gone
from automation_scripts.states import State
from automation_scripts.storage.database import Database


def detach(database: Database, execution_id: str) -> None:
    """Let no process hold the run: it waits for somebody, for example for an approval, and its slot is free.

    A detached run is never taken for crashed. Raises IllegalTransition when it is unknown or has ended.
    """
    with database.write() as connection:
        done = connection.execute(
            update(runs)
            .where(runs.c.execution_id == execution_id, runs.c.end_time.is_(None))
            .values(pid=None, process_started=None, holds_slot=False)
        )
        if done.rowcount != 1:
            raise IllegalTransition(f"Run {execution_id} is not active, so it cannot be detached from its process.")


def adopt(database: Database, execution_id: str) -> bool:
    """Take a detached run into the calling process; True for exactly one of many callers."""
    here = current_process()
    with database.write() as connection:
        done = connection.execute(
            update(runs)
            .where(runs.c.execution_id == execution_id, runs.c.end_time.is_(None), runs.c.pid.is_(None))
            .values(
                host=here.host,
                boot_id=here.boot_id,
                pid_namespace=here.pid_namespace,
                pid=here.pid,
                process_started=here.started,
            )
        )
        return done.rowcount == 1


def mark_crashed(database: Database, at: datetime, reason: str, assume_gone: Collection[str]) -> list[RunRecord]:
    """Set active runs whose process is gone to `crashed`; returns those that this call, and no other, set.

    Judged are the runs of this host and boot by their process, and all runs of this host from before its
    last boot. Runs of other hosts and of other containers cannot be judged from here and are left alone,
    unless their host is named in `assume_gone`: that is for a host which a person knows to be lost. The
    duration stays unknown, since `at` is when the crash was noticed and not when it happened.
    """
    here = current_process()
    hosts = {here.host, *assume_gone}
    with database.read() as connection:
        rows = connection.execute(
            select(runs).where(runs.c.end_time.is_(None), runs.c.host.in_(hosts), runs.c.pid.is_not(None))
        ).all()
    suspects = [run for run in map(row_to_run, rows) if _is_lost(run, assume_gone)]
    if not suspects:
        return []
    crashed = []
    with database.write() as connection:
        for run in sorted(suspects, key=lambda run: run.execution_id):  # one order of row locks: no deadlock
            done = connection.execute(
                update(runs)
                .where(
                    runs.c.execution_id == run.execution_id,
                    runs.c.end_time.is_(None),
                    runs.c.status == run.status,
                    runs.c.pid == run.pid,
                    runs.c.host == run.host,
                )
                .values(
                    status=State.CRASHED,
                    end_time=at,
                    holds_slot=False,
                    error_class="ProcessLost",
                    error_message=reason,
                )
            )
            if done.rowcount == 1:
                add_transition(
                    connection,
                    run.execution_id,
                    from_state=run.status,
                    to_state=State.CRASHED,
                    at=at,
                    reason=reason,
                )
                crashed.append(run.execution_id)
        rows = connection.execute(select(runs).where(runs.c.execution_id.in_(crashed))).all()
    return [row_to_run(row) for row in rows]


def _is_lost(run: RunRecord, assume_gone: Collection[str]) -> bool:
    here, owner = current_process(), run.process
    if is_gone(owner, here):
        return True
    same_kernel_view = (owner.host, owner.boot_id, owner.pid_namespace) == (
        here.host,
        here.boot_id,
        here.pid_namespace,
    )
    return run.host in assume_gone and not same_kernel_view
