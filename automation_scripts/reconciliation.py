"""Bring Prefect's record in step with the run history after a crash.

A process that is killed tells nobody: its flow run stays Running in Prefect for ever. Our history knows which process
a run belonged to and marks it crashed; from there Prefect learns of it. (Prefect's own remedy, an automation on missing
heartbeats, gives false positives: PrefectHQ/prefect#18653.)
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from automation_scripts.history.store import HistoryStore

log = logging.getLogger("automation.reconciliation")
MOST_RUNS = 200


async def report_crashes(store: HistoryStore) -> int:
    """Set the flow runs that Prefect takes for running, and the history knows as crashed, to Crashed.

    Returns how many. Prefect being unreachable is logged and is no error: the next start tries again.
    """
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import StateType
    from prefect.exceptions import PrefectException
    from prefect.states import Crashed

    await asyncio.to_thread(store.mark_crashed)
    unfinished = FlowRunFilter(
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
        )
    )
    reported = 0
    try:
        async with get_client() as client:
            for run in await client.read_flow_runs(flow_run_filter=unfinished, limit=MOST_RUNS):
                record = await asyncio.to_thread(store.of_flow_run, str(run.id))
                if record is None or record.status != "crashed":
                    continue
                state: State[Any] = Crashed(message=record.error_message or "the process that ran it is gone")
                await client.set_flow_run_state(run.id, state, force=True)
                reported += 1
    except (httpx.HTTPError, PrefectException) as error:
        log.warning("crashed runs could not be reported to Prefect: %s", error)
    return reported
