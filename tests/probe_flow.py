"""The probe's flow and task."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.execution.lifecycle import Execution
from automation_scripts.results import ChangeAction, PredictedChange
from flows.governed import governed_flow
from tasks.steps import outcome, step
from tests.probe import ProbeParameters, act, install

install()
acting = step("act")(act)


@governed_flow("probe")
async def probe(run: Execution, parameters: ProbeParameters) -> None:
    """Do what the parameters say."""
    for future in [acting.submit(parameters.do, parameters.path) for _ in range(parameters.count)]:
        await outcome(future)
    if parameters.do != "change":
        return
    target = Path(parameters.path)
    change = PredictedChange(str(target), ChangeAction.CREATE, None, "content", "asked for")
    if await run.planned([change], apply=True):
        target.write_text("content")
        await run.verify([change])
