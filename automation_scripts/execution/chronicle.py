"""What is written down and told about one run: its state, its row in the history, its outcome in the audit log."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime
from typing import Unpack

from automation_scripts.errors import AuditUnavailable, HistoryUnavailable
from automation_scripts.execution.events import Event, Listener, StateChanged
from automation_scripts.execution.request import ExecutionRequest
from automation_scripts.governance.facts import Actor, Admission
from automation_scripts.governance.gate import Gate
from automation_scripts.history.records import RunFields, RunRecord
from automation_scripts.history.store import HistoryStore
from automation_scripts.observability.redaction import redact
from automation_scripts.resources import ResourceSampler
from automation_scripts.results import ExecutionResult
from automation_scripts.states import TERMINAL, State, check

log = logging.getLogger("automation.execution")


class Chronicle:
    """Keeps state and result of one run, and writes them where they last.

    Args:
        request: what is to be run.
        store: the history.
        gate: writes into the audit log.
        flow_run_id: Prefect's identifier of this run.
        listener: told of each change of state and each step.
    """

    def __init__(
        self,
        request: ExecutionRequest,
        store: HistoryStore,
        gate: Gate,
        *,
        flow_run_id: str | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.state = State.REQUESTED
        context = request.context
        self.result = ExecutionResult(
            execution_id=request.execution_id,
            script_name=request.script.name,
            category=request.script.category.value,
            environment=context.environment,
            user=context.user,
            status=State.REQUESTED.value,
            level=request.level.value,
            started_at=datetime.now(UTC),
            flow_run_id=flow_run_id,
            trace_id=request.trace_id,
        )
        self._request = request
        self._store = store
        self._gate = gate
        self._listener = listener
        self._sampler: ResourceSampler | None = None

    async def open(self) -> None:
        """Write the run down before anything else happens, and mark what earlier processes left behind."""
        crashed = await asyncio.to_thread(self._store.mark_crashed)
        for lost in crashed:
            await asyncio.to_thread(
                self._gate.trail.lost, lost.execution_id, lost.script, lost.environment, lost.user, lost.status
            )
        await asyncio.to_thread(self._store.open_run, self._first_record())
        self._announce("")

    async def enter(self, state: State, reason: str = "", **fields: Unpack[RunFields]) -> None:
        """Go to another state that is not an end; illegal moves raise `IllegalTransition`."""
        before, self.state = self.state, check(self.state, state)
        self.result.status = state.value
        await asyncio.to_thread(
            self._store.transition,
            self._request.execution_id,
            before.value,
            state.value,
            at=datetime.now(UTC),
            reason=reason,
            **fields,
        )
        self._announce(reason)

    async def identified(self, actor: Actor) -> None:
        """Whose run it is became known while it waited."""
        self.result.user = actor.name
        await asyncio.to_thread(
            self._store.amend, self._request.execution_id, user=actor.name, authentication=actor.authentication
        )

    def begin_measuring(self) -> None:
        """Count what the run uses from now on."""
        self._sampler = ResourceSampler()
        self._sampler.__enter__()

    def close(self, state: State, message: str, error: BaseException | None, admission: Admission | None) -> None:
        """The end: no await in here, so that it also works while everything else is being torn down.

        Once closed, it stays as it is. The outcome of a run with an `admission` is told to the audit log too.
        """
        if self.state in TERMINAL:
            return
        before, self.state = self.state, check(self.state, state)
        result = self.result
        result.status = state.value
        result.finished_at = datetime.now(UTC)
        result.duration_s = (result.finished_at - result.started_at).total_seconds()
        result.message = message or result.message
        fields: RunFields = {
            "duration_s": result.duration_s,
            "error_class": type(error).__name__ if error else None,
            "error_message": str(error) if error else None,
            "predicted_changes": len(result.predicted_changes),
            "findings": Counter(finding.severity.value for finding in result.findings),
            **self._usage(),
        }
        try:
            self._store.close_run(
                self._request.execution_id,
                before.value,
                state.value,
                result.finished_at,
                message,
                result=result.to_dict(),
                **fields,
            )
        except HistoryUnavailable as lost:
            # The work is done and cannot be undone by raising now; the next start will find the run unfinished.
            log.error("the end of run %s cannot be recorded: %s", self._request.execution_id, lost)
            result.message = f"{result.message}\nThe history could not record the end of this run: {lost}".strip()
        if admission is not None:
            self._audit_outcome(admission, state, error)
        self._announce(message)

    def tell(self, event: Event) -> None:
        """Pass an event on to whoever follows the run."""
        if self._listener is not None:
            self._listener(event)

    # Within

    def _first_record(self) -> RunRecord:
        request, context, result = self._request, self._request.context, self.result
        return RunRecord(
            execution_id=request.execution_id,
            script=result.script_name,
            category=result.category,
            environment=context.environment,
            user=context.user,
            trigger=request.trigger.value,
            level=request.level.value,
            attempt=request.attempt,
            dry_run=context.dry_run,
            requested_at=result.started_at,
            flow_run_id=result.flow_run_id,
            request_id=context.request_id,
            approval_id=context.approval_id,
            trace_id=request.trace_id,
            parameters=redact(request.parameters.model_dump(mode="json")),
        )

    def _usage(self) -> RunFields:
        """What the run has used, which is also in the metrics of the result; nothing when it was not measured."""
        if self._sampler is None:
            return {}
        self._sampler.__exit__(None, None, None)
        usage = self._sampler.usage
        self.result.metrics.update({k: v for k, v in usage.to_dict().items() if v is not None})
        return {
            "cpu_s": usage.cpu_s,
            "max_rss_mb": usage.max_rss_mb,
            "read_bytes": usage.read_bytes,
            "written_bytes": usage.written_bytes,
        }

    def _audit_outcome(self, admission: Admission, state: State, error: BaseException | None) -> None:
        """The last record of a run that was let in. What it did cannot be undone by raising now."""
        try:
            self._gate.outcome(
                admission,
                state.value,
                self.result.message,
                changes=len(self.result.changes),
                findings=len(self.result.findings),
                error=type(error).__name__ if error else "",
            )
        except AuditUnavailable as lost:
            log.error("the end of run %s cannot be audited: %s", self._request.execution_id, lost)
            self.result.message = f"{self.result.message}\nThe audit log could not record the end: {lost}".strip()

    def _announce(self, reason: str) -> None:
        log.info("%s is %s%s", self.result.script_name, self.state.value, f": {reason}" if reason else "")
        self.tell(StateChanged(self._request.execution_id, self.state, reason))
