"""`AutomationOrchestrator`: one execution from the caller's words to the result."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Coroutine, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from automation_scripts import catalog
from automation_scripts.context import ExecutionContext
from automation_scripts.errors import ServerUnavailable
from automation_scripts.execution.admission import entry_of
from automation_scripts.execution.events import Desk, Listener, Submission, submitted
from automation_scripts.execution.request import ExecutionRequest, Trigger, new_execution_id, resolve
from automation_scripts.governance.communications import check_communications
from automation_scripts.governance.credentials import Presented, ambient
from automation_scripts.governance.opened import open_gate, open_store
from automation_scripts.observability.logs import configure_logging
from automation_scripts.reconciliation import report_crashes
from automation_scripts.results import ExecutionResult
from automation_scripts.server.attached import in_fork
from automation_scripts.server.embedded import EmbeddedServer, is_healthy
from automation_scripts.server.record import NO_AUTHORITY
from automation_scripts.settings import Settings, load_settings

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from automation_scripts.history.store import HistoryStore

PATIENCE_S = 5.0
"""How long Prefect may take to record an end before its server is asked whether it still lives."""


class AutomationOrchestrator:
    """Runs the scripts of the catalogue, each as a governed Prefect flow.

    Args:
        settings: the settings to use; read from `AUTOMATION_CONFIG_PATH` and the other variables when not given.
        listener: told of each change of state and each step of the runs that this orchestrator starts.
        trigger: what the history shows as the origin of the runs.
        credential: what proves who asks. When not given: the token in AUTOMATION_TOKEN, else the session that `automation
            login` left, else nothing, which will do for what is not critical.
        desk: where a person can be asked for a second factor.

    Raises:
        ConfigurationError: the settings cannot be used, or an address in them is not encrypted.

    Example:
        >>> orchestrator = AutomationOrchestrator()                                     # doctest: +SKIP
        >>> result = orchestrator.execute_script_sync(
        ...     "config_validator", parameters={"config_path": "examples/config"}
        ... )                                                                           # doctest: +SKIP
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        listener: Listener | None = None,
        trigger: Trigger = Trigger.PYTHON,
        credential: Presented | None = None,
        desk: Desk | None = None,
    ) -> None:
        self.settings = settings or load_settings()
        check_communications(self.settings)
        self._listener = listener
        self._trigger = trigger
        self._credential = credential
        self._desk = desk
        self._crashes_reported = False
        self.stuck = False
        """True when this process should end without waiting for its threads: a stopped step still hangs in a call that
        nothing can interrupt, or Prefect's own threads wait for a server that is gone."""
        configure_logging(self.settings)

    async def execute_script(
        self,
        script_name: str,
        context: ExecutionContext | None = None,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        otp: str | None = None,
    ) -> ExecutionResult:
        """Run one script and wait for its end.

        Args:
            script_name: a name of the catalogue.
            context: who asks, for which environment; the defaults of `ExecutionContext` when not given.
            parameters: the script's parameters.
            timeout_s: the time limit in seconds; the settings decide when not given.
            otp: a one-time or recovery code: the second factor for this run.

        Returns:
            What the run came to, also when it failed, timed out, was cancelled or has findings.

        Raises:
            UnknownScript: there is no such script, or it is planned and cannot run yet.
            InvalidParameters: a parameter or a field of the context is wrong.
            AccessDenied, MfaRequired, ApprovalRequired, ConcurrencyLimitReached: the run was refused.
            AuditUnavailable: the run cannot be audited, so it does not start.
            ServerUnavailable: no Prefect server can be reached or started.
            HistoryUnavailable: the run cannot be recorded, so it does not start.
        """
        script = catalog.get(script_name).require_available()
        context = (context or ExecutionContext()).resolved()
        request = resolve(script, parameters or {}, context, self._trigger, self.settings)
        store = await asyncio.to_thread(open_store, self.settings)
        api_url, flow = await asyncio.gather(
            asyncio.to_thread(self.server_url), asyncio.to_thread(self._import_flow, script)
        )
        submission = Submission(
            self.settings,
            self._trigger,
            new_execution_id(),
            listener=self._listener,
            credential=await asyncio.to_thread(self._presented, otp),
            desk=self._desk,
            timeout_s=timeout_s,
        )
        with ExitStack() as stack:
            stack.enter_context(_prefect_at(api_url, self.server_password()))
            stack.enter_context(_tagged(script.name, context.environment))
            reporting = self._report_crashes_once(store)
            token = submitted.set(submission)
            stack.callback(submitted.reset, token)
            running = flow(
                **request.parameters.model_dump(mode="json"),
                context=context.model_dump(mode="json"),
                return_state=True,
            )
            state = await self._ended(running, submission, api_url)
            await asyncio.wait([reporting], timeout=PATIENCE_S)
        self.stuck = self.stuck or submission.stuck
        return _answer(submission, state)

    async def _ended(self, running: Coroutine[Any, Any, Any], submission: Submission, api_url: str) -> Any:
        """The flow's final state. None when Prefect cannot record it because its server is gone: our history has it then.

        Prefect's client would go on asking a dead server for minutes.
        """
        task = asyncio.create_task(running)
        try:
            while not (await asyncio.wait([task], timeout=PATIENCE_S))[0]:
                result = submission.result
                over = result is not None and result.finished_at is not None
                if over and result is not None and not await asyncio.to_thread(is_healthy, api_url):
                    task.cancel()
                    self.stuck = True  # Prefect's background threads would wait for the server when the process ends
                    result.message = (
                        f"{result.message}\nThe Prefect server at {api_url} went away during the run.".strip()
                    )
                    return None
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            if task.cancelled():
                raise
            if (me := asyncio.current_task()) is not None:
                me.uncancel()  # the run has been cancelled and recorded; the caller gets its result
        return task.result()

    def execute_script_sync(
        self,
        script_name: str,
        context: ExecutionContext | None = None,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
        otp: str | None = None,
    ) -> ExecutionResult:
        """`execute_script` for code that is not async. Same arguments, result and errors.

        Raises:
            RuntimeError: an event loop already runs in this thread; await `execute_script` there.
        """
        return asyncio.run(self.execute_script(script_name, context, parameters, timeout_s=timeout_s, otp=otp))

    async def execute_deployment(
        self,
        script_name: str,
        context: ExecutionContext | None = None,
        parameters: Mapping[str, Any] | None = None,
        *,
        otp: str | None = None,
    ) -> ExecutionResult:
        """Let a worker run the script's deployment, and wait for its end. Cancelling this cancels the run.

        Raises:
            InvalidParameters: the script has no deployment on the server, or a parameter is wrong.
            Further errors as `execute_script`.
        """
        from automation_scripts.deployed import follow_deployment

        script = catalog.get(script_name).require_available()
        context = (context or ExecutionContext()).resolved()
        request = resolve(script, parameters or {}, context, self._trigger, self.settings)
        store = await asyncio.to_thread(open_store, self.settings)
        api_url = await asyncio.to_thread(self.server_url)
        context.credential = context.credential or await asyncio.to_thread(self._ticket, request, otp)
        given = {**request.parameters.model_dump(mode="json"), "context": context.model_dump(mode="json")}
        with _prefect_at(api_url, self.server_password()):
            flow_run_id, ending = await follow_deployment(script.name, given)
        record = await asyncio.to_thread(store.of_flow_run, flow_run_id)
        if record is None or record.result is None:
            raise ServerUnavailable(f"The worker's run {flow_run_id} left no result: {ending}. See its log in the UI.")
        return ExecutionResult.from_dict(record.result)

    def server_url(self) -> str:
        """The address of the Prefect API: the one that is configured, or the embedded server's, started if need be.

        Raises:
            ServerUnavailable: the embedded server cannot be started.
        """
        return self.settings.prefect.api_url or self.embedded_server().ensure().api_url

    def _presented(self, otp: str | None) -> Presented:
        given = self._credential or ambient(self.settings.home)
        return given.with_code(otp) if otp else given

    def _ticket(self, request: ExecutionRequest, otp: str | None) -> str | None:
        """A run ticket for the worker, which must not hold the token itself; None when nothing proves who asks."""
        presented = self._presented(otp)
        if presented.proves_nothing:
            return None
        return open_gate(self.settings).ticket(entry_of(request), presented)

    def server_password(self) -> str:
        """What the embedded server asks for; empty for a server of the user's own, whose client settings hold."""
        return "" if self.settings.prefect.api_url else self.embedded_server().folder.password()

    def embedded_server(self) -> EmbeddedServer:
        """The embedded server of the state folder, running or not."""
        return EmbeddedServer(self.settings.home, port=self.settings.server.port, warm=self.settings.server.warm_runner)

    def _report_crashes_once(self, store: HistoryStore) -> asyncio.Future[int]:
        """Tell Prefect, beside the first run of this orchestrator, what became of runs whose process was killed."""
        if self._crashes_reported:
            done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            done.set_result(0)
            return done
        self._crashes_reported = True
        return asyncio.create_task(report_crashes(store))

    def _import_flow(self, script: catalog.Script) -> Any:
        # Prefect reads its environment when it is first imported; its own files belong into the state folder too.
        os.environ.setdefault("PREFECT_HOME", str(self.settings.home / "prefect"))
        os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false")
        os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "automation")
        os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
        if in_fork():
            _let_prefect_read_again()
        return script.flow()


def _answer(submission: Submission, state: State[Any] | None) -> ExecutionResult:
    if submission.refusal is not None:
        raise submission.refusal
    if submission.result is None:
        raise ServerUnavailable(
            f"Prefect did not start the run: {state.name if state else 'its server went away'}: "
            f"{state.message if state else ''}. "
            "See `automation server status` and the server's log."
        )
    return submission.result


def _prefect_at(api_url: str, password: str) -> AbstractContextManager[Any]:
    from prefect.context import SettingsContext

    profile, settings = _prefect_settings(api_url, password)
    return SettingsContext(profile=profile, settings=settings)


def _let_prefect_read_again() -> None:
    """In a fork of the warm runner Prefect was imported with the environment of the server."""
    from prefect.context import refresh_global_settings_context
    from prefect.logging.configuration import setup_logging

    refresh_global_settings_context()
    setup_logging(incremental=True)


@functools.lru_cache(maxsize=8)
def _prefect_settings(api_url: str, password: str) -> tuple[Any, Any]:
    """Prefect's settings with this address. Made once: reading and checking them all again takes 50 ms a run."""
    from prefect.context import get_settings_context
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_SSL_CERT_FILE, PREFECT_API_URL, PREFECT_UI_URL

    context = get_settings_context()
    changes: dict[Any, Any] = {PREFECT_API_URL: api_url, PREFECT_UI_URL: api_url.removesuffix("/api")}
    if password:
        changes[PREFECT_API_AUTH_STRING] = password
    if api_url.startswith("http://"):
        changes[PREFECT_API_SSL_CERT_FILE] = str(NO_AUTHORITY)
    return context.profile, context.settings.copy_with_update(updates=changes)


def _tagged(*tags: str) -> AbstractContextManager[Any]:
    from prefect import tags as prefect_tags

    return prefect_tags(*tags)
