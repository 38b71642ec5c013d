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
    from prefect.context import SettingsContext, get_settings_context
    from prefect.settings import (
        PREFECT_API_AUTH_STRING,
        PREFECT_API_SSL_CERT_FILE,
        PREFECT_API_URL,
        temporary_settings,
    )

    from automation_scripts import AutomationOrchestrator
    from automation_scripts.server.record import NO_AUTHORITY
    from automation_scripts.settings import load_settings
    from benchmarks.flows_compared import bare, run_governed

    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    orchestrator = AutomationOrchestrator(load_settings(environ={"AUTOMATION_HOME": str(home)}))
    api_url = orchestrator.server_url()

    # Made once: what a plain program has from its environment must not count against the bare side.
    server = {PREFECT_API_URL: api_url, PREFECT_API_AUTH_STRING: orchestrator.server_password()}
    with temporary_settings(server):
        plain_context = get_settings_context()
    with temporary_settings({**server, PREFECT_API_SSL_CERT_FILE: str(NO_AUTHORITY)}):
        equal_context = get_settings_context()

    async def compare(tasks: int, count: int) -> dict[str, list[float]]:
        async def run_bare() -> Any:
            with SettingsContext(profile=plain_context.profile, settings=plain_context.settings):
                await bare(tasks)

        async def run_equal() -> Any:
            with SettingsContext(profile=equal_context.profile, settings=equal_context.settings):
                await bare(tasks)

        async def run_ours() -> Any:
            result = await run_governed(orchestrator, tasks)
            assert result.status == "succeeded", result.message

        return await interleaved({"bare": run_bare, "equal": run_equal, "governed": run_ours}, rounds=count)

    for tasks, goal in GOALS.items():
        times = asyncio.run(compare(tasks, rounds if tasks < 100 else max(3, rounds // 2)))
        plain, equal, ours = (median(times[side]) for side in ("bare", "equal", "governed"))
        yield Figure(
            f"governed / bare, {tasks} tasks",
            paired_ratio(times["governed"], times["bare"]),
            "×",
            f"≤ {goal}",
            f"bare {plain:.3f} s, governed {ours:.3f} s",
        )
        yield Figure(
            f"governed / bare with our client settings, {tasks} tasks",
            paired_ratio(times["governed"], times["equal"]),
            "×",
            f"≤ {goal}",
            f"bare {equal:.3f} s, governed {ours:.3f} s: the cost of governance alone",
        )
        if tasks == 0:
            yield Figure("added to a run by everything of ours", (ours - equal) * 1000, "ms", "≤ 40")
