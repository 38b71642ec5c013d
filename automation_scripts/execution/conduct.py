"""Drive one execution from its first record to its last, whatever happens in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from automation_scripts.errors import (
    AccessDenied,
    ApprovalRequired,
    AuditUnavailable,
    AutomationError,
    ExecutionTimeout,
    MfaRequired,
)
from automation_scripts.execution.interruption import Interrupted
from automation_scripts.execution.lifecycle import Execution, current
from automation_scripts.execution.permission import PlanAgain
from automation_scripts.observability.logs import run_context
from automation_scripts.states import State

log = logging.getLogger("automation.execution")
Body = Callable[[Execution], Awaitable[None]]


async def conduct(execution: Execution, body: Body) -> None:
    """Run `body` as this execution. Afterwards `execution.result` holds what it came to, and so does the history.

    Raises:
        AutomationError: the run was refused (exit code 2); it is recorded as `denied` or `failed`.
        ExecutionTimeout: it was stopped at its limit; recorded as `timed_out`.
        asyncio.CancelledError: it was cancelled; recorded as `cancelled`.
        Exception: what the body failed with; recorded as `failed`.
    """
    request = execution.request
    token = current.set(execution)
    with run_context(
        execution_id=request.execution_id,
        trace_id=request.trace_id,
        script=request.script.name,
        environment=request.context.environment,
    ):
        try:
            await execution.chronicle.open()
            await _admit(execution)
            await _work(execution, body)
        finally:
            current.reset(token)


async def _admit(execution: Execution) -> None:
    try:
        await execution.admit()
    except AutomationError as refusal:
        execution.finish(State.DENIED, str(refusal), refusal)
        raise
    except asyncio.CancelledError as cancellation:
        execution.finish(State.CANCELLED, "cancelled while waiting to start", cancellation)
        raise


async def _work(execution: Execution, body: Body) -> None:
    execution.chronicle.begin_measuring()
    try:
        async with asyncio.timeout(execution.allowance.remaining_s()) as limit:
            execution.allowance.limit = limit
            await execution.enter(State.PLANNING)
            while True:
                try:
                    await body(execution)
                    break
                except PlanAgain:
                    continue
            await _verified(execution)
        _succeed(execution)
    except TimeoutError as error:
        if not limit.expired():
            execution.finish(State.FAILED, _explained(error), error)
            raise
        await asyncio.shield(asyncio.to_thread(execution.interrupt))
        timeout = ExecutionTimeout(
            f"Stopped at the time limit of {execution.allowance.timeout_s:g} s. Raise AUTOMATION_DEFAULT_TIMEOUT, "
            f"or `scripts.{execution.request.script.name}.timeout` in the settings file, if it needs longer."
        )
        execution.finish(State.TIMED_OUT, str(timeout), timeout)
        raise timeout from None
    except (asyncio.CancelledError, KeyboardInterrupt, Interrupted) as error:
        execution.interrupt()  # no await here: the loop may be going down around us
        execution.finish(State.CANCELLED, "cancelled", error)
        raise
    except Exception as error:
        execution.finish(_end_for(error, execution.state), _explained(error), error)
        if not _refused(error):
            log.exception("%s failed", execution.request.script.name)
        raise


async def _verified(execution: Execution) -> None:
    """A body with nothing to apply has nothing to verify: it passes through, so that success has one way in."""
    if execution.request.context.dry_run:
        return
    if execution.state is State.PLANNING:
        await execution.enter(State.RUNNING, "nothing to apply")
    if execution.state is State.RUNNING:
        await execution.enter(State.VERIFYING)


def _succeed(execution: Execution) -> None:
    if execution.request.context.dry_run:
        execution.finish(State.DRY_RUN, f"{len(execution.result.predicted_changes)} changes predicted")
    else:
        execution.finish(State.SUCCEEDED)


def _end_for(error: Exception, state: State) -> State:
    """A refusal before anything was changed denies the run; later it is a failure, since there is something to look at."""
    if state is State.AWAITING_APPROVAL:
        return State.TIMED_OUT if isinstance(error, ExecutionTimeout) else State.DENIED
    return State.DENIED if _denied(error) and state is State.PLANNING else State.FAILED


def _explained(error: BaseException) -> str:
    return str(error) if isinstance(error, AutomationError) else f"{type(error).__name__}: {error}"


def _denied(error: BaseException) -> bool:
    """True for an error that means `you may not`."""
    return isinstance(error, AccessDenied | ApprovalRequired | MfaRequired | AuditUnavailable)


def _refused(error: BaseException) -> bool:
    """True for an error that means `you may not` or `not like this`, as opposed to `it was tried and failed`."""
    return isinstance(error, AutomationError) and error.exit_code == 2
