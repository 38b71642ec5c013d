"""From `create_flow_run` to Running: with the warm runner, and with Prefect's plain process worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, median

LIMIT_S = 60


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """Medians of the seconds between the API's answer and the state Running, by the server's own clock."""
    import httpx

    from automation_scripts.server.embedded import EmbeddedServer
    from deployments.registration import project_file, register

    server = EmbeddedServer(home)
    api_url = server.ensure().api_url
    password = server.folder.password()
    user, _, secret = password.partition(":")
    register(project_file(Path(__file__).resolve().parent.parent / "prefect.yaml"), api_url, password)
    with httpx.Client(base_url=api_url, timeout=30, auth=(user, secret)) as api:
        deployment = api.get("/deployments/name/config_validator/config-validator").json()["id"]
        _start(api, deployment)
        warm = median([_start(api, deployment) for _ in range(rounds)])
        yield Figure("API create → Running, warm runner", warm, "s", "≤ 0.5", "worker asks every 0.5 s")

        pool = "benchmark-plain"
        api.post("/work_pools/", json={"name": pool, "type": "process"})
        plain = api.get(f"/deployments/{deployment}").json()
        created = api.post(
            "/deployments/",
            json={
                "name": "benchmark-plain",
                "flow_id": plain["flow_id"],
                "entrypoint": plain["entrypoint"],
                "pull_steps": plain["pull_steps"],
                "work_pool_name": pool,
                "parameter_openapi_schema": plain["parameter_openapi_schema"],
            },
        ).json()["id"]
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"],
            env={
                **os.environ,
                "PREFECT_API_URL": api_url,
                "PREFECT_API_AUTH_STRING": password,
                "PREFECT_WORKER_QUERY_SECONDS": "1",
                "AUTOMATION_HOME": str(home),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _start(api, created)
            cold = median([_start(api, created) for _ in range(max(3, rounds // 2))])
        finally:
            worker.terminate()
            worker.wait(30)
            api.delete(f"/deployments/{created}")
        yield Figure("API create → Running, plain process worker", cold, "s", "≤ 3", "worker asks every 1 s")


def _start(api: Any, deployment: str) -> float:
    """Create one run and wait for its end; seconds from its creation to Running."""
    run = api.post(
        f"/deployments/{deployment}/create_flow_run",
        json={"parameters": {"config_path": "examples/config"}, "state": {"type": "SCHEDULED"}},
    ).json()["id"]
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        states = api.get("/flow_run_states/", params={"flow_run_id": run}).json()
        if states and states[-1]["type"] in ("COMPLETED", "FAILED", "CRASHED"):
            times = {state["name"]: _seconds(state["timestamp"]) for state in states}
            return times["Running"] - times["Scheduled"]
        time.sleep(0.05)
    raise RuntimeError(f"run {run} did not end within {LIMIT_S} s")


def _seconds(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()
