"""Where a person is asked while a run of a deployment waits: the form that Prefect's UI shows for a paused run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from prefect.states import Running
from pydantic import Field

from automation_scripts.errors import AutomationError
from automation_scripts.governance.credentials import Presented

IDENTIFY_WITHIN_S = 900
LOOK_EVERY_S = 1
F = TypeVar("F", bound=RunInput)


class IdentifyForm(RunInput):
    """Who asks for this run. There is no field for a password: Prefect stores what is typed here."""

    user: str = Field(description="Your user name.")
    code: str = Field(description="The code that your app shows now, or a recovery code.")


class DecisionForm(RunInput):
    """Whether this plan may be applied. There is no field for a password: Prefect stores what is typed here."""

    user: str = Field(description="Your user name.")
    code: str = Field(description="The code that your app shows now, or a recovery code.")
    decision: Literal["grant", "deny"] = Field("grant", description="grant lets the run change things.")
    reason: str = Field("", description="Needed to deny.")


class PrefectDesk:
    """Pauses the run with a form; whoever resumes it in the UI (or by the API) fills it in.

    Args:
        attended: whether a person may be expected to say who asks. Nobody does for a schedule.
    """

    waits_for_decisions = True

    def __init__(self, *, attended: bool) -> None:
        self._attended = self.identifies = attended

    async def identify(self, message: str, actor: str) -> Presented | None:
        """The user and the code that were filled in; None when nobody did in time."""
        if not self._attended:
            return None
        initial = {"user": actor} if actor else {}
        question = f"**Who asks for this run?** Give your user name and a one-time code.\n\n{message}"
        answer = await _ask(IdentifyForm, question, IDENTIFY_WITHIN_S, **initial)
        return Presented(user=answer.user.strip(), code=answer.code.strip()) if answer else None

    async def await_decision(
        self,
        message: str,
        decided: Callable[[], bool],
        vote: Callable[[Presented, str, str], Any],
        limit_s: float,
    ) -> None:
        """Return when it is decided, here or elsewhere, or the limit is over. A vote that is refused may be tried again."""
        deadline, note = time.monotonic() + limit_s, message
        while (left := deadline - time.monotonic()) > 0 and not await asyncio.to_thread(decided):
            answer = await _unless(decided, asyncio.create_task(_ask(DecisionForm, note, left)))
            if answer is None:
                continue
            given = Presented(user=answer.user.strip(), code=answer.code.strip())
            try:
                await asyncio.to_thread(vote, given, answer.decision, answer.reason)
            except AutomationError as refusal:
                note = f"**{refusal}**\n\n{message}"
        await _set_running()


async def _ask(form: type[F], message: str, limit_s: float, **initial: Any) -> F | None:
    """Pause until the form was filled in. What was typed is removed from Prefect's database once it was read."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    shown = form.with_initial_data(description=message, **initial)
    try:
        answer = await apause_flow_run(wait_for_input=shown, timeout=max(1, int(limit_s)), poll_interval=LOOK_EVERY_S)
    except FlowPauseTimeout:
        await _set_running()
        return None
    async with get_client() as client:
        for stored in await client.filter_flow_run_input(
            context.flow_run.id, key_prefix="", limit=50, exclude_keys=set()
        ):
            if stored.key.endswith("-response"):
                await client.delete_flow_run_input(context.flow_run.id, stored.key)
    return answer


async def _unless(decided: Callable[[], bool], asking: asyncio.Task[F | None]) -> F | None:
    """The answer; None as soon as it was decided elsewhere."""
    try:
        while not (await asyncio.wait([asking], timeout=LOOK_EVERY_S))[0]:
            if await asyncio.to_thread(decided):
                return None
        return asking.result()
    finally:
        if not asking.done():
            asking.cancel()
            await asyncio.wait([asking])


async def _set_running() -> None:
    """Take the run out of its pause."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    async with get_client() as client:
        present = await client.read_flow_run(context.flow_run.id)
        if present.state is not None and present.state.is_paused():
            await client.set_flow_run_state(context.flow_run.id, Running(), force=True)
