"""The life of one execution. The flow's body asks for each step; every step is checked, recorded and announced.

    requested → admitted → planning → running → verifying → succeeded        (see `states` for every other way)

What decides (`request`, `admission`, `states`) is pure and lives elsewhere. What is written down about a run is the
`chronicle`'s, its time and its place are the `allowance`'s; this module keeps the order of things.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Unpack

from automation_scripts.context import operating_system_user
from automation_scripts.errors import AutomationError
from automation_scripts.execution.admission import check_start, entry_of, unproved_allowed
from automation_scripts.execution.allowance import Allowance
from automation_scripts.execution.chronicle import Chronicle
from automation_scripts.execution.events import Desk, Listener, StepProgress
from automation_scripts.execution.interruption import Workers, end_marked_processes
from automation_scripts.execution.permission import admit, permit
from automation_scripts.execution.request import ExecutionRequest
from automation_scripts.governance.encryption.references import resolve_reference
from automation_scripts.governance.encryption.secret_value import SecretValue
from automation_scripts.governance.facts import Admission
from automation_scripts.governance.gate import Gate
from automation_scripts.history.records import RunFields
from automation_scripts.history.store import HistoryStore
from automation_scripts.results import ExecutionResult, Finding, PredictedChange
from automation_scripts.settings import Settings
from automation_scripts.states import State

log = logging.getLogger("automation.execution")
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
        self.gate = gate
        self.desk = desk
        self.chronicle = Chronicle(request, store, gate, flow_run_id=flow_run_id, listener=listener)
        self.allowance = Allowance(request.execution_id, settings, store, timeout_s)
        self.workers = Workers()
        self.stuck = False
        """True after an interruption that a step did not obey."""
        self.admission: Admission | None = None
        """Set once the run was let in."""
        self.may_change = False
        """True once its plan was permitted: from then on its steps may change the world."""
        self._secret_block = secret_block

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.chronicle.state

    @property
    def result(self) -> ExecutionResult:
        """What it has come to so far."""
        return self.chronicle.result

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
        self.chronicle.tell(StepProgress(self.request.execution_id, step, done, total))

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Around the work of one step, in the thread that does it."""
        self.progress(name, 0, 1)
        with self.workers.occupy():
            yield
        self.progress(name, 1, 1)

    # For whoever conducts the run

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
        await self.allowance.take_slot()
        self.allowance.begin()
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
        await self.chronicle.enter(state, reason, **fields)

    async def identified(self) -> None:
        """Somebody was identified while the run waited: from now on it is theirs."""
        assert self.admission is not None
        await self.chronicle.identified(self.admission.actor)

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
        self.chronicle.close(state, message, error, self.admission)
