"""One run from each way in: CLI, Python, Prefect API, schedule, and the UI's form in a real browser.

Each must leave the same: a history row with the same states and findings, log lines, and Prefect's own record.
"""

from __future__ import annotations

import asyncio
import datetime
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from automation_scripts import AutomationOrchestrator, ExecutionContext
from automation_scripts.history.records import RunRecord
from automation_scripts.results import ExecutionResult
from tests.e2e.conftest import Installation, log_in

pytestmark = [pytest.mark.slow]
STATES = ["requested", "admitted", "planning", "running", "verifying", "succeeded"]
LIMIT_S = 90
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# Without its background services: this machine may have no network, and the test has no use for them.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def _check(installation: Installation, record: RunRecord, trigger: str) -> None:
    store = installation.store
    assert record.status == "succeeded"
    assert record.trigger == trigger
    assert record.user
    assert [t.to_state for t in store.transitions(record.execution_id)] == STATES
    assert record.flow_run_id
    assert record.cpu_s is not None
    assert record.max_rss_mb
    stored = store.get(record.execution_id)
    assert stored.result is not None
    result = ExecutionResult.from_dict(stored.result)
    assert any(f.file == "compose.yaml" and f.line == 5 and "unknown-key" in f.tags for f in result.findings)
    assert set(result.artifacts) == {"report", "findings", "expectations"}
    said = [line for line in installation.log if line.get("execution_id") == record.execution_id]
    assert any("succeeded" in str(line["message"]) for line in said)
    with ThreadPoolExecutor(1) as pool:  # the browser's test has an event loop in this thread
        state = pool.submit(asyncio.run, _prefect_state(installation, record.flow_run_id)).result()
    assert state == "Completed"


async def _prefect_state(installation: Installation, flow_run_id: str) -> str:
    async with _client(installation) as client:
        # The server learns of the end a moment after our own history does.
        for _ in range(200):
            run = await client.read_flow_run(flow_run_id)
            if run.state is not None and run.state.is_final():
                return str(run.state.name)
            await asyncio.sleep(0.05)
    raise AssertionError(f"flow run {flow_run_id} did not end in Prefect")


def _client(installation: Installation) -> Any:
    from prefect.client.orchestration import PrefectClient

    return PrefectClient(installation.record.api_url, auth_string=installation.password)


def _ended(installation: Installation, wanted: Callable[[RunRecord], bool]) -> RunRecord:
    """The first run that matches and has ended, waited for."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        for record in installation.store.list(limit=100):
            if wanted(record) and not record.active:
                return record
        time.sleep(0.1)
    raise AssertionError(f"no such run ended within {LIMIT_S} s")


def test_from_the_command_line(installation: Installation, bad_config: Path) -> None:
    done = installation.run("run", "config_validator", "-p", f"config_path={bad_config}", "--request-id", "by-cli")
    assert done.returncode == 1, done.stderr  # findings at or over high
    assert "compose.yaml" in done.stdout
    _check(installation, _ended(installation, lambda r: r.request_id == "by-cli"), "cli")


def test_from_python(installation: Installation, bad_config: Path) -> None:
    orchestrator = AutomationOrchestrator(installation.settings)
    result = orchestrator.execute_script_sync(
        "config_validator",
        ExecutionContext(environment="staging", user="admin", request_id="req_12345"),
        {"config_path": str(bad_config), "validation_rules": "strict"},
    )
    assert result["status"] == "succeeded"
    assert (result.environment, result.user) == ("staging", "admin")
    _check(installation, _ended(installation, lambda r: r.request_id == "req_12345"), "python")


def test_from_the_api(installation: Installation, bad_config: Path) -> None:
    async def create() -> str:
        async with _client(installation) as client:
            deployment = await client.read_deployment_by_name("config_validator/config-validator")
            run = await client.create_flow_run_from_deployment(
                deployment.id,
                parameters={"config_path": str(bad_config), "context": {"user": "robot", "environment": "test"}},
            )
            return str(run.id)

    flow_run_id = asyncio.run(create())
    record = _ended(installation, lambda r: r.flow_run_id == flow_run_id)
    assert (record.user, record.environment) == ("robot", "test")
    _check(installation, record, "api")


def test_a_wrong_parameter_from_the_api_is_refused_and_recorded(installation: Installation) -> None:
    async def create() -> str:
        async with _client(installation) as client:
            deployment = await client.read_deployment_by_name("config_validator/config-validator")
            run = await client.create_flow_run_from_deployment(
                deployment.id, parameters={"config_path": "x", "context": {"environment": "prodution"}}
            )
            return str(run.id)

    flow_run_id = asyncio.run(create())
    record = _ended(installation, lambda r: r.flow_run_id == flow_run_id)
    assert record.status == "denied"
    assert "Did you mean 'production'" in str(record.error_message)


def test_from_the_command_line_through_a_worker(installation: Installation, bad_config: Path) -> None:
    done = installation.run(
        "run", "config_validator", "-p", f"config_path={bad_config}", "--remote", "--request-id", "by-remote"
    )
    assert done.returncode == 1, done.stderr
    assert "compose.yaml" in done.stdout
    _check(installation, _ended(installation, lambda r: r.request_id == "by-remote"), "api")


def test_from_a_schedule(installation: Installation, bad_config: Path) -> None:
    with installation.api as api:
        deployment = api.get("/deployments/name/config_validator/config-validator").json()["id"]
        created = api.post(
            f"/deployments/{deployment}/schedules",
            json=[
                {
                    "schedule": {"interval": 5, "anchor_date": datetime.datetime.now(datetime.UTC).isoformat()},
                    "active": True,
                    "parameters": {"config_path": str(bad_config)},
                }
            ],
        )
        created.raise_for_status()
        try:
            record = _ended(installation, lambda r: r.trigger == "schedule")
        finally:
            for schedule in created.json():
                api.delete(f"/deployments/{deployment}/schedules/{schedule['id']}")
    _check(installation, record, "schedule")


def test_from_the_run_form_of_the_ui(installation: Installation, bad_config: Path) -> None:
    from playwright.sync_api import sync_playwright

    ui = installation.record.ui_url
    with installation.api as api:
        deployment = api.get("/deployments/name/config_validator/config-validator").json()["id"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 1800})
        log_in(page, installation)
        page.goto(f"{ui}/deployments/deployment/{deployment}/run")
        page.get_by_text("Folder or file to validate").wait_for()
        page.get_by_text("How strict: strict for what goes to production").wait_for()
        page.locator("textarea").first.fill(str(bad_config))
        page.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/deployments/deployment/**", timeout=30_000)
        record = _ended(installation, lambda r: r.trigger == "ui")
        _check(installation, record, "ui")
        page.goto(f"{ui}/runs/flow-run/{record.flow_run_id}")
        page.get_by_text("Completed").first.wait_for(timeout=30_000)
        browser.close()
    with installation.api as api:
        wanted = {"artifacts": {"flow_run_id": {"any_": [record.flow_run_id]}}}
        artifacts = api.post("/artifacts/filter", json=wanted).json()
    kinds = {artifact["key"]: artifact["type"] for artifact in artifacts}
    assert kinds["config-validator-report"] == "markdown"
    assert kinds["config-validator-findings"] == "table"
    assert kinds["config-validator-progress"] == "progress"
