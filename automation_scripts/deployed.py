"""Start a script's deployment through Prefect's API and follow the run to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from automation_scripts.errors import InvalidParameters

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient

POLL_S = 0.25


async def follow_deployment(script_name: str, parameters: dict[str, Any]) -> tuple[str, str]:
    """Create a flow run of the script's deployment and wait for it. Returns its id and its last state in words.

    Raises:
        InvalidParameters: the server has no deployment of this script.
    """
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        deployment_id = await _deployment(client, script_name)
        run = await client.create_flow_run_from_deployment(deployment_id, parameters=parameters)
        try:
            while True:
                state = (await client.read_flow_run(run.id)).state
                if state is not None and state.is_final():
                    return str(run.id), f"{state.name}: {state.message or ''}".rstrip(": ")
                await asyncio.sleep(POLL_S)  # Prefect's API has no call that waits
        except asyncio.CancelledError:
            await _cancel(client, run.id)
            raise


async def _deployment(client: PrefectClient, script_name: str) -> UUID:
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    found = await client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=[script_name])))
    if not found:
        raise InvalidParameters(f"The server has no deployment of {script_name}. Run `automation deploy` first.")
    preferred = script_name.replace("_", "-")
    return next((one for one in found if one.name == preferred), found[0]).id


async def _cancel(client: PrefectClient, flow_run_id: UUID) -> None:
    from prefect.states import Cancelling

    await client.set_flow_run_state(flow_run_id, Cancelling(message="cancelled by the caller"))
