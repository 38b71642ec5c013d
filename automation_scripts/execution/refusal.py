"""A request that is so wrong that no run can be made of it is recorded all the same."""

from __future__ import annotations

from typing import Any

from automation_scripts.catalog import Script
from automation_scripts.errors import AutomationError
from automation_scripts.execution.events import Submission
from automation_scripts.governance.gate import Gate
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
from automation_scripts.states import State


def record_refusal(
    store: HistoryStore,
    gate: Gate,
    script: Script,
    submission: Submission,
    context: Any,
    flow_run_id: str | None,
    refusal: AutomationError,
) -> None:
    """Write a `denied` run with the words of the refusal.

    Args:
        context: what the caller gave as context, of whatever shape.

    Raises:
        AuditUnavailable, HistoryUnavailable: it cannot be written.
    """
    claimed = context if isinstance(context, dict) else {}
    record = RunRecord(
        execution_id=submission.execution_id,
        script=script.name,
        category=script.category.value,
        environment=str(claimed.get("environment") or "unknown")[:64],
        user=str(claimed.get("user") or "unknown")[:128],
        trigger=submission.trigger.value,
        level=script.level.value,
        flow_run_id=flow_run_id,
    )
    gate.trail.malformed(script.name, record.environment, record.user, record.execution_id, refusal)
    store.open_run(record)
    store.close_run(
        record.execution_id,
        State.REQUESTED.value,
        State.DENIED.value,
        reason=str(refusal),
        error_class=type(refusal).__name__,
        error_message=str(refusal),
    )
