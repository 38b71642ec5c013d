"""What governance costs: a governed run against a bare async flow with the same tasks, on the same server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, interleaved, median, paired_ratio

GOALS = {0: 1.5, 10: 1.15, 100: 1.10}


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """Ratios of wall time at 0, 10 and 100 tasks, and the seconds that are added to one run."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from automation_scripts import AutomationOrchestrator
    from automation_scripts.settings import load_settings
    from benchmarks.flows_compared import bare, run_governed

    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    orchestrator = AutomationOrchestrator(load_settings(environ={"AUTOMATION_HOME": str(home)}))
    api_url = orchestrator.server_url()

    async def compare(tasks: int, count: int) -> dict[str, list[float]]:
        async def run_bare() -> Any:
            with temporary_settings({PREFECT_API_URL: api_url}):
                await bare(tasks)

        async def run_ours() -> Any:
            result = await run_governed(orchestrator, tasks)
            assert result.status == "succeeded", result.message

        return await interleaved({"bare": run_bare, "governed": run_ours}, rounds=count)

    for tasks, goal in GOALS.items():
        times = asyncio.run(compare(tasks, rounds if tasks < 100 else max(3, rounds // 2)))
        plain, ours = median(times["bare"]), median(times["governed"])
        yield Figure(
            f"governed / bare, {tasks} tasks",
            paired_ratio(times["governed"], times["bare"]),
            "×",
            f"≤ {goal}",
            f"bare {plain:.3f} s, governed {ours:.3f} s",
        )
        if tasks == 0:
            yield Figure("added to a run by everything of ours", (ours - plain) * 1000, "ms", "≤ 40")
