"""The life of one execution. The flow's body asks for each step; every step is checked, recorded and announced.

    requested → admitted → planning → running → verifying → succeeded        (see `states` for every other way)

What decides (`request`, `admission`, `states`) is pure and lives elsewhere; this module keeps the order of things.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Unpack

from automation_scripts.context import operating_system_user
from automation_scripts.errors import (
    AccessDenied,
    ApprovalRequired,
    AuditUnavailable,
    AutomationError,
    ConcurrencyLimitReached,
    HistoryUnavailable,
    MfaRequired,
)
from automation_scripts.execution.admission import check_start, entry_of, unproved_allowed
from automation_scripts.execution.events import Desk, Event, Listener, StateChanged, StepProgress
from automation_scripts.execution.interruption import Workers, end_marked_processes
from automation_scripts.execution.permission import admit, permit
from automation_scripts.execution.request import ExecutionRequest
from automation_scripts.governance.encryption.references import resolve_reference
from automation_scripts.governance.encryption.secret_value import SecretValue
from automation_scripts.governance.facts import Admission
from automation_scripts.governance.gate import Gate
from automation_scripts.history.records import RunFields, RunRecord
from automation_scripts.history.store import HistoryStore
from automation_scripts.observability.redaction import redact
from automation_scripts.resources import ResourceSampler
from automation_scripts.results import ExecutionResult, Finding, PredictedChange
from automation_scripts.settings import Settings
from automation_scripts.states import TERMINAL, State, check

log = logging.getLogger("automation.execution")
SLOT_PAUSE_S = 0.1
GRACE_S = 5.0

current: ContextVar[Execution | None] = ContextVar("automation_execution", default=None)
"""The execution that the present code works for; steps find it here."""


class Execution:
    """One run. The flow's body uses `step`, `report`, `planned` and `verify`; `conduct` does the rest.

    Args:
        request: what is to be run.
        settings: the settings in use.
        store: where the run is recorded.
        timeout_s: the time limit from admission on, in seconds.
        gate: what lets it in, and lets it change things.
        flow_run_id: Prefect's identifier of this run.
        listener: told of each change of state and each step.
        desk: where a person can be asked while it waits.
        secret_block: reads a Prefect Secret block.
    """

    def __init__(
        self,
        request: ExecutionRequest,
        settings: Settings,
        store: HistoryStore,
        *,
        timeout_s: float,
        gate: Gate,
        flow_run_id: str | None = None,
        listener: Listener | None = None,
        desk: Desk | None = None,
        secret_block: Callable[[str], str] | None = None,
    ) -> None:
        self.request = request
        self.settings = settings
        self.store = store
        self.timeout_s = timeout_s
        self.workers = Workers()
        self.stuck = False
        """True after an interruption that a step did not obey."""
        self.gate = gate
        self.admission: Admission | None = None
        """Set once the run was let in."""
        self.may_change = False
        """True once its plan was permitted: from then on its steps may change the world."""
        self.desk = desk
        self._secret_block = secret_block
        self._listener = listener
        self._sampler: ResourceSampler | None = None
        self._admitted_at: float | None = None
        self._waited_s = 0.0
        self.limit: asyncio.Timeout | None = None
        """The time limit, so that it can stand still while a person is waited for."""
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

    # For the flow's body

    def report(
        self,
        *,
        findings: Iterable[Finding] = (),
        metrics: dict[str, Any] | None = None,
        artifacts: dict[str, str] | None = None,
        message: str = "",
    ) -> None:
        """Add to the result."""
        self.result.findings.extend(findings)
        self.result.metrics.update(metrics or {})
        self.result.artifacts.update(artifacts or {})
        self.result.message = message or self.result.message

    async def planned(self, changes: Sequence[PredictedChange], *, apply: bool) -> bool:
        """The plan is made. True when the body is to apply it now; a dry run ends here.

        Raises:
            AccessDenied, MfaRequired, ApprovalRequired: the plan may not be applied.
            PlanAgain: the run waited for an approval and got it; the body is run once more.
        """
        self.result.predicted_changes = list(changes)
        if self.request.context.dry_run:
            return False
        if apply and changes:
            assert self.admission is not None
            await permit(self, self.admission, changes)
            self.may_change = True
            self.result.approvals = list(self.admission.approvals)
        await self.enter(State.RUNNING, f"{len(changes)} changes" if apply else "nothing to apply")
        return apply and bool(changes)

    async def verify(self, applied: Sequence[PredictedChange]) -> None:
        """The changes are made; what follows checks them."""
        self.result.changes = list(applied)
        await self.enter(State.VERIFYING, f"{len(applied)} changes applied")

    def secret(self, reference: str) -> SecretValue:
        """The secret that a parameter refers to. Only its holder can read it (`reveal`); it never shows in text.

        Raises:
            InvalidParameters: it cannot be read, or lies where no run may look.
        """
        return resolve_reference(reference, block=self._secret_block, closed=[self.settings.home])

    def progress(self, step: str, done: int, total: int) -> None:
        """Tell how far a step is."""
        self._tell(StepProgress(self.request.execution_id, step, done, total))

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Around the work of one step, in the thread that does it."""
        self.progress(name, 0, 1)
        with self.workers.occupy():
            yield
        self.progress(name, 1, 1)

    # For whoever conducts the run

    async def open(self) -> None:
        """Write the run down before anything else happens, and mark what earlier processes left behind."""
        crashed = await asyncio.to_thread(self.store.mark_crashed)
        for lost in crashed:
            await asyncio.to_thread(
                self.gate.trail.lost, lost.execution_id, lost.script, lost.environment, lost.user, lost.status
            )
        context = self.request.context
        record = RunRecord(
            execution_id=self.request.execution_id,
            script=self.result.script_name,
            category=self.result.category,
            environment=context.environment,
            user=context.user,
            trigger=self.request.trigger.value,
            level=self.request.level.value,
            attempt=self.request.attempt,
            dry_run=context.dry_run,
            requested_at=self.result.started_at,
            flow_run_id=self.result.flow_run_id,
            request_id=context.request_id,
            approval_id=context.approval_id,
            trace_id=self.request.trace_id,
            parameters=redact(self.request.parameters.model_dump(mode="json")),
        )
        await asyncio.to_thread(self.store.open_run, record)
        self._announce("")

    async def admit(self) -> None:
        """Let the run in, or refuse it.

        Raises:
            AutomationError: why it is refused. The refusal is recorded as `denied`.
        """
        entry = entry_of(self.request)
        try:
            check_start(self.request)
        except AutomationError as refusal:
            await asyncio.to_thread(self.gate.trail.denied, entry, None, refusal)
            raise
        allowed = await asyncio.to_thread(unproved_allowed, self.settings)
        self.admission = await admit(self, entry, unproved_allowed=allowed)
        actor = self.admission.actor
        # A name that was only filled in says nothing about who asked a worker for this run.
        if actor.proved is not None or self.request.context.user == operating_system_user():
            self.result.user = actor.name
        await self.take_slot()
        self._admitted_at = time.monotonic()
        now = datetime.now(UTC)
        queued_s = (now - self.result.started_at).total_seconds()
        await self.enter(
            State.ADMITTED,
            start_time=now,
            queued_s=queued_s,
            user=self.result.user,
            authentication=actor.authentication,
        )

    async def enter(self, state: State, reason: str = "", **fields: Unpack[RunFields]) -> None:
        """Go to another state that is not an end; illegal moves raise `IllegalTransition`."""
        before, self.state = self.state, check(self.state, state)
        self.result.status = state.value
        await asyncio.to_thread(
            self.store.transition,
            self.request.execution_id,
            before.value,
            state.value,
            at=datetime.now(UTC),
            reason=reason,
            **fields,
        )
        self._announce(reason)

    async def identified(self) -> None:
        """Somebody was identified while the run waited: from now on it is theirs."""
        assert self.admission is not None
        actor = self.admission.actor
        self.result.user = actor.name
        await asyncio.to_thread(
            self.store.amend, self.request.execution_id, user=actor.name, authentication=actor.authentication
        )

    @contextlib.asynccontextmanager
    async def standing_still(self) -> AsyncIterator[None]:
        """Around a wait for a person: the run takes no place, and its time limit stands still."""
        await asyncio.to_thread(self.store.release_slot, self.request.execution_id)
        pause = time.monotonic()
        if self.limit is not None:
            self.limit.reschedule(None)
        try:
            yield
        finally:
            self._waited_s += time.monotonic() - pause
            if self.limit is not None:
                self.limit.reschedule(asyncio.get_running_loop().time() + self.remaining_s())

    def remaining_s(self) -> float:
        """Seconds left of the time limit."""
        used = 0.0 if self._admitted_at is None else time.monotonic() - self._admitted_at - self._waited_s
        return max(0.0, self.timeout_s - used)

    def begin_measuring(self) -> None:
        """Count what the run uses from now on."""
        self._sampler = ResourceSampler()
        self._sampler.__enter__()

    def interrupt(self) -> None:
        """Stop the steps that still work, and every process that they started."""
        self.workers.interrupt()
        ended = end_marked_processes(self.request.execution_id)
        self.stuck = not self.workers.left(GRACE_S)
        if ended or self.stuck:
            log.warning(
                "stopped %d processes%s",
                ended,
                "; a step does not react and is left behind" if self.stuck else "",
            )

    def finish(self, state: State, message: str = "", error: BaseException | None = None) -> None:
        """Close the run: no await in here, so that it also works while everything else is being torn down."""
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
        }
        if self._sampler is not None:
            self._sampler.__exit__(None, None, None)
            usage = self._sampler.usage
            result.metrics.update({k: v for k, v in usage.to_dict().items() if v is not None})
            fields["cpu_s"], fields["max_rss_mb"] = usage.cpu_s, usage.max_rss_mb
            fields["read_bytes"], fields["written_bytes"] = usage.read_bytes, usage.written_bytes
        try:
            self.store.close_run(
                self.request.execution_id,
                before.value,
                state.value,
                result.finished_at,
                message,
                result=result.to_dict(),
                **fields,
            )
        except HistoryUnavailable as lost:
            # The work is done and cannot be undone by raising now; the next start will find the run unfinished.
            log.error("the end of run %s cannot be recorded: %s", self.request.execution_id, lost)
            result.message = f"{result.message}\nThe history could not record the end of this run: {lost}".strip()
        self._audit_outcome(state, error)
        self._announce(message)

    # Within

    def _audit_outcome(self, state: State, error: BaseException | None) -> None:
        """The last record of a run that was let in. What it did cannot be undone by raising now."""
        if self.admission is None:
            return
        try:
            self.gate.outcome(
                self.admission,
                state.value,
                self.result.message,
                changes=len(self.result.changes),
                findings=len(self.result.findings),
                error=type(error).__name__ if error else "",
            )
        except AuditUnavailable as lost:
            log.error("the end of run %s cannot be audited: %s", self.request.execution_id, lost)
            self.result.message = f"{self.result.message}\nThe audit log could not record the end: {lost}".strip()

    async def take_slot(self) -> None:
        """Wait for a free place. Raises ConcurrencyLimitReached."""
        limit = self.settings.automation.max_concurrent_executions
        wait_s = self.settings.automation.concurrency_wait
        deadline = time.monotonic() + wait_s
        while not await asyncio.to_thread(self.store.acquire_slot, self.request.execution_id, limit):
            if time.monotonic() >= deadline:
                raise ConcurrencyLimitReached(
                    f"{limit} executions are active and none ended within {wait_s:g} s. "
                    "See `automation history --status active`, wait, or raise "
                    "`max_concurrent_executions` in the settings file."
                )
            await asyncio.sleep(SLOT_PAUSE_S)  # a slot is free when its row says so; there is nobody to notify us

    def _announce(self, reason: str) -> None:
        log.info("%s is %s%s", self.result.script_name, self.state.value, f": {reason}" if reason else "")
        self._tell(StateChanged(self.request.execution_id, self.state, reason))

    def _tell(self, event: Event) -> None:
        if self._listener is not None:
            self._listener(event)


def denied(error: BaseException) -> bool:
    """True for an error that means `you may not`."""
    return isinstance(error, AccessDenied | ApprovalRequired | MfaRequired | AuditUnavailable)


def refused(error: BaseException) -> bool:
    """True for an error that means `you may not` or `not like this`, as opposed to `it was tried and failed`."""
    return isinstance(error, AutomationError) and error.exit_code == 2
