"""A governed flow and a bare one with the same tasks."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict

from automation_scripts import catalog
from automation_scripts.catalog import Category, Level, Script
from automation_scripts.execution.lifecycle import Execution


class Parameters(BaseModel):
    """How many tasks."""

    model_config = ConfigDict(extra="forbid")
    tasks: int = 0


catalog.SCRIPTS = MappingProxyType(
    {
        **catalog.SCRIPTS,
        "benchmark": Script(
            name="benchmark",
            category=Category.PERFORMANCE,
            summary="For measurements.",
            level=Level.AUTOMATIC,
            permissions=(),
            changes_things=False,
            entrypoint="benchmarks.flows_compared:governed",
            parameters="benchmarks.flows_compared:Parameters",
        ),
    }
)

from flows.governed import governed_flow  # noqa: E402 - the decorator looks its script up
from tasks.steps import outcome, step  # noqa: E402


def nothing(number: int) -> int:
    """The work of a task."""
    return number


governed_step = step("nothing")(nothing)
bare_task = task(cache_policy=NO_CACHE)(nothing)


@governed_flow("benchmark")
async def governed(run: Execution, parameters: Parameters) -> None:
    """As many tasks as asked for, governed."""
    futures = [governed_step.submit(number) for number in range(parameters.tasks)]
    for future in futures:
        await outcome(future)


@flow
async def bare(tasks: int) -> None:
    """As many tasks as asked for, and nothing around them."""
    futures = [bare_task.submit(number) for number in range(tasks)]
    for future in futures:
        await asyncio.wrap_future(future.wrapped_future)  # type: ignore[attr-defined]


async def run_governed(orchestrator: Any, tasks: int) -> Any:
    """One governed run of `tasks` tasks through the orchestrator."""
    return await orchestrator.execute_script("benchmark", parameters={"tasks": tasks})
