"""`@governed_flow(script)`: one lifecycle for every way into a run.

The orchestrator, a person in the Prefect UI, a schedule, the API and a plain Python call all end up in the function
that this decorator makes, so none of them can go around admission, history and the time limit.

The flow's parameters are those of the script's own parameters model, spread out so that the run form of the UI shows
them one by one, and a `context` group. They are checked here and not by Prefect, so that a request with a wrong field
is refused and recorded like every other one.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from prefect import Flow, flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext, TagsContext
from prefect.states import Cancelled, Failed

from automation_scripts import catalog
from automation_scripts.context import ExecutionContext
from automation_scripts.errors import AutomationError, ExecutionTimeout
from automation_scripts.execution.conduct import conduct
from automation_scripts.execution.events import Submission, submitted
from automation_scripts.execution.lifecycle import Execution
from automation_scripts.execution.refusal import record_refusal
from automation_scripts.execution.request import Trigger, new_execution_id, resolve
from automation_scripts.governance.credentials import Presented, ambient, from_reference
from automation_scripts.governance.opened import open_gate, open_store
from automation_scripts.observability.logs import configure_logging
from automation_scripts.results import ExecutionResult
from automation_scripts.server.app import UI_MESSAGE
from automation_scripts.settings import load_settings
from automation_scripts.version import installed_version
from blocks.encrypted_serializer import EncryptedSerializer
from flows.desk import PrefectDesk
from flows.runner import InterruptibleTaskRunner

if TYPE_CHECKING:
    from prefect.futures import PrefectFuture
    from prefect.task_runners import TaskRunner

Story = Callable[[Execution, Any], Awaitable[None]]
ENGINE_PROCESS = "PREFECT__FLOW_RUN_ID"
"""Set by Prefect's workers in a process that they start for one flow run only."""
LAST_REPORT_S = 15.0


def governed_flow(script_name: str) -> Callable[[Story], Flow[..., Any]]:
    """Make a Prefect flow of a story: an async function of `(run, parameters)` that observes, plans and applies.

    The flow returns an `ExecutionResult`. Called through Prefect, a run that failed ends as Failed, one at its time
    limit as TimedOut, a cancelled one as Cancelled.
    """

    def decorate(story: Story) -> Flow[..., Any]:
        script = catalog.get(script_name)

        async def governed(**given: Any) -> ExecutionResult | State[Any]:
            submission = submitted.get() or await _started_by_prefect()
            try:
                # The run's tags are for people who look for runs. On its tasks they would have Prefect ask the server
                # for a concurrency limit of each name before every one of them.
                with TagsContext(current_tags=set()):
                    await _run(script, story, submission, given)
            except asyncio.CancelledError:
                if submitted.get() is None:
                    raise  # Prefect asked for it, so Prefect records it
                _uncancel()
                return Cancelled(message="cancelled by the caller")
            except ExecutionTimeout as error:
                return Failed(name="TimedOut", message=str(error))
            except AutomationError as error:
                submission.refusal = error
                return Failed(message=str(error))
            except Exception as error:
                return Failed(message=f"{type(error).__name__}: {error}")
            assert submission.result is not None
            return submission.result

        governed.__name__ = governed.__qualname__ = story.__name__
        governed.__module__ = story.__module__
        governed.__doc__ = _documentation(story, script)
        governed.__signature__ = _signature(script)  # type: ignore[attr-defined]
        return flow(
            name=script.name,
            description=inspect.cleandoc(story.__doc__ or ""),
            version=installed_version(),
            validate_parameters=False,
            # Nothing is kept by Prefect unless its settings say so; then it is sealed.
            result_serializer=EncryptedSerializer(),
            task_runner=cast("TaskRunner[PrefectFuture[Any]]", InterruptibleTaskRunner()),
        )(governed)

    return decorate


async def _run(script: catalog.Script, story: Story, submission: Submission, given: dict[str, Any]) -> None:
    context = given.pop("context", None)
    engine = FlowRunContext.get()
    flow_run = engine.flow_run if engine else None
    flow_run_id = str(flow_run.id) if flow_run else None
    store = open_store(submission.settings)
    gate = await asyncio.to_thread(open_gate, submission.settings)
    try:
        request = resolve(
            script,
            given,
            context,
            submission.trigger,
            submission.settings,
            credential=await _credential(submission, context),
            execution_id=submission.execution_id,
            attempt=flow_run.run_count if flow_run else 1,
        )
    except AutomationError as refusal:
        await asyncio.to_thread(record_refusal, store, gate, script, submission, context, flow_run_id, refusal)
        raise
    execution = Execution(
        request,
        submission.settings,
        store,
        timeout_s=submission.timeout_s or submission.settings.timeout_for(script),
        gate=gate,
        flow_run_id=flow_run_id,
        listener=submission.listener,
        desk=submission.desk,
        secret_block=_secret_block,
    )
    submission.result = execution.result

    async def body(run: Execution) -> None:
        await story(run, request.parameters)

    try:
        await conduct(execution, body)
    finally:
        submission.stuck = execution.stuck
        if execution.stuck:
            _leave_behind(engine)


def _leave_behind(engine: FlowRunContext | None) -> None:
    """A step hangs in a call that nothing can interrupt. Do not wait for it; end the process if it is this run's own."""
    if engine is not None and isinstance(engine.task_runner, InterruptibleTaskRunner):
        engine.task_runner.abandon = True
    if ENGINE_PROCESS in os.environ:
        # Prefect still has to report the final state; then the stuck thread would keep the process alive.
        last_resort = threading.Timer(LAST_REPORT_S, os._exit, (1,))
        last_resort.daemon = True
        last_resort.start()


async def _started_by_prefect() -> Submission:
    """Settings and trigger of a run that no caller of this process submitted."""
    settings = await asyncio.to_thread(load_settings)
    configure_logging(settings)
    trigger = await _trigger()
    submission = Submission(settings, trigger, new_execution_id())
    if trigger is Trigger.PYTHON:
        # A plain call in this account's own process. What a worker runs was asked for by somebody else.
        submission.credential = await asyncio.to_thread(ambient, settings.home)
    else:
        submission.desk = PrefectDesk(attended=trigger in (Trigger.UI, Trigger.API))
    return submission


async def _credential(submission: Submission, context: Any) -> Presented:
    """What proves who asks: what the caller's process brought, else what the context refers to."""
    if not submission.credential.proves_nothing:
        return submission.credential
    reference = context.get("credential") if isinstance(context, dict) else getattr(context, "credential", None)
    if not isinstance(reference, str):
        return submission.credential
    found = await asyncio.to_thread(from_reference, reference, submission.settings.home, block=_secret_block)
    return found.with_code(submission.credential.code)


def _secret_block(name: str) -> str:
    """The value of a Prefect Secret block, loaded in this thread."""
    from prefect.blocks.system import Secret

    return str(Secret.load(name, _sync=True).get())  # type: ignore[call-arg, union-attr]


async def _trigger() -> Trigger:
    engine = FlowRunContext.get()
    flow_run = engine.flow_run if engine else None
    if engine is None or flow_run is None or flow_run.deployment_id is None:
        return Trigger.PYTHON
    if flow_run.auto_scheduled:
        return Trigger.SCHEDULE
    async with get_client() as client:
        states = await client.read_flow_run_states(flow_run.id)
    messages = [state.message or "" for state in states]
    return Trigger.UI if any(message.startswith(UI_MESSAGE) for message in messages) else Trigger.API


def _signature(script: catalog.Script) -> inspect.Signature:
    """The parameters model's fields, then the context: what the UI makes its run form of."""
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.is_required() else field.get_default(call_default_factory=True),
            annotation=field.annotation,
        )
        for name, field in script.parameters_model().model_fields.items()
    ]
    parameters.append(
        inspect.Parameter(
            "context",
            inspect.Parameter.KEYWORD_ONLY,
            default=ExecutionContext(),
            annotation=ExecutionContext,
        )
    )
    return inspect.Signature(parameters, return_annotation=ExecutionResult)


def _documentation(story: Story, script: catalog.Script) -> str:
    """The story's docstring with an `Args` section made from the parameters model; the UI shows both."""
    lines = [inspect.cleandoc(story.__doc__ or ""), "", "Args:"]
    for name, field in script.parameters_model().model_fields.items():
        lines.append(f"    {name}: {field.description or name}")
    lines.append("    context: Who asks, for which environment, and whether it is a dry run.")
    return "\n".join(lines)


def _uncancel() -> None:
    """The cancellation has been dealt with; what Prefect awaits next must not be cancelled again."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()
