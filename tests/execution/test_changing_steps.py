"""A step that changes the world, called past its flow: refused, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automation_scripts.errors import AccessDenied
from automation_scripts.execution.conduct import conduct
from automation_scripts.execution.lifecycle import Execution
from automation_scripts.results import ChangeAction, PredictedChange
from automation_scripts.server.embedded import EmbeddedServer
from automation_scripts.validation.fixes.plan import FilePlan, FixPlan
from automation_scripts.validation.parameters import ConfigValidatorParameters
from tasks.validation import write_fixes
from tests.execution.test_conduct import Bench

BEFORE, AFTER = "port: 8080\n", "port: 6666\n"
REFUSED = "step 'apply fixes' changes things, and no plan was permitted"


class Change:
    """A plan that is written at once where that is permitted."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "shop.yaml"
        self.path.write_text(BEFORE)
        self.predicted = [PredictedChange("shop.yaml:1", ChangeAction.UPDATE, BEFORE, AFTER, "asked for")]
        plan = FixPlan([FilePlan(self.path, "shop.yaml", BEFORE, AFTER)], self.predicted)
        self.arguments = (plan, ConfigValidatorParameters(config_path=str(folder)))

    def call(self) -> Any:
        return write_fixes.fn(*self.arguments)

    def untouched(self) -> bool:
        return self.path.read_text() == BEFORE and [file.name for file in self.path.parent.iterdir()] == ["shop.yaml"]


@pytest.fixture
def change(tmp_path: Path) -> Change:
    folder = tmp_path / "config"
    folder.mkdir()
    return Change(folder)


def test_called_directly(change: Change) -> None:
    with pytest.raises(AccessDenied, match=REFUSED):
        change.call()
    assert change.untouched()


async def test_within_a_run_before_its_plan_was_permitted(change: Change, tmp_path: Path) -> None:
    async def body(run: Execution) -> None:
        change.call()

    run = Bench(tmp_path).execution(environment="staging")
    with pytest.raises(AccessDenied, match=REFUSED):
        await conduct(run, body)
    assert run.result.status == "denied"
    assert change.untouched()


async def test_in_a_dry_run(change: Change, tmp_path: Path) -> None:
    async def body(run: Execution) -> None:
        await run.planned(change.predicted, apply=True)
        change.call()

    with pytest.raises(AccessDenied, match=REFUSED):
        await conduct(Bench(tmp_path).execution(environment="staging", dry_run=True), body)
    assert change.untouched()


async def test_once_its_plan_was_permitted_it_writes(change: Change, tmp_path: Path) -> None:
    """So that the refusals above are for the reason that they name."""

    async def body(run: Execution) -> None:
        if await run.planned(change.predicted, apply=True):
            await run.verify(change.call().value)

    run = Bench(tmp_path).execution(environment="staging")
    await conduct(run, body)
    assert (run.result.status, change.path.read_text()) == ("succeeded", AFTER)


@pytest.mark.slow
def test_from_a_flow_that_is_not_governed(change: Change, server_home: Path) -> None:
    from prefect import flow
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    @flow
    def bare() -> Any:
        return write_fixes(*change.arguments)

    server = EmbeddedServer(server_home)
    updates = {PREFECT_API_URL: server.ensure().api_url, PREFECT_API_AUTH_STRING: server.folder.password()}
    with temporary_settings(updates), pytest.raises(AccessDenied, match=REFUSED):
        bare()
    assert change.untouched()
