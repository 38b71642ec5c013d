"""Processes killed with -9 in the middle of a run: the next start tells the truth, and nothing hangs."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from automation_scripts.history.records import RunRecord
from automation_scripts.server.embedded import EmbeddedServer, answers
from tests.e2e.conftest import Installation

pytestmark = [pytest.mark.slow]
PROBE = "tests.probe"


def _probe(installation: Installation, do: str, path: Path, *more: str) -> subprocess.Popen[str]:
    """A run of the probe from the command line, once its step works."""
    process = installation.start("run", "probe", "-p", f"do={do}", "-p", f"path={path}", *more, module=PROBE)
    deadline = time.monotonic() + 90
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def _newest(installation: Installation) -> RunRecord:
    return installation.store.list(script="probe", limit=1)[0]


def _prefect_state(installation: Installation, flow_run_id: str | None) -> str:
    from prefect.client.orchestration import PrefectClient

    async def read() -> str:
        async with PrefectClient(installation.record.api_url, auth_string=installation.password) as client:
            run = await client.read_flow_run(str(flow_run_id))
            return str(run.state.name) if run.state else ""

    return asyncio.run(read())


def test_a_killed_cli_shows_as_crashed_in_the_history_and_in_prefect(
    installation: Installation, tmp_path: Path
) -> None:
    victim = _probe(installation, "wait", tmp_path / "started")
    victim.kill()
    victim.wait()
    shown = installation.run("history", "--script", "probe", "--format", "json", module=PROBE)
    assert shown.returncode == 0
    record = _newest(installation)
    assert record.status == "crashed"
    assert record.execution_id in shown.stdout
    done = installation.run("run", "probe", module=PROBE)
    assert done.returncode == 0, done.stderr
    assert _prefect_state(installation, record.flow_run_id) == "Crashed"


def test_a_killed_run_frees_its_slot(installation: Installation, tmp_path: Path) -> None:
    installation.run("history")  # runs of killed processes give their slots back when somebody looks
    before = installation.store.slots_in_use()
    victim = _probe(installation, "wait", tmp_path / "started")
    assert installation.store.slots_in_use() == before + 1
    victim.kill()
    victim.wait()
    assert installation.run("run", "probe", module=PROBE).returncode == 0
    assert installation.store.slots_in_use() == before


def test_a_process_that_ends_itself_in_a_step_shows_as_crashed(installation: Installation) -> None:
    assert installation.run("run", "probe", "-p", "do=exit", module=PROBE).returncode == 9
    installation.run("history")
    assert _newest(installation).status == "crashed"


def test_a_server_killed_during_a_run_does_not_hang_it(fresh: Installation, tmp_path: Path) -> None:
    process = _probe(fresh, "wait", tmp_path / "started")
    server = psutil.Process(fresh.record.pid)
    server.kill()
    psutil.wait_procs([server], timeout=10)
    (tmp_path / "started").unlink()
    process.communicate(timeout=120)
    record = fresh.store.list(limit=1)[0]
    assert not record.active, "the history tells what became of the run without the server"
    again = fresh.run("run", "probe", module=PROBE)
    assert again.returncode == 0, again.stderr
    assert answers(fresh.record)


def test_a_killed_worker_run_shows_as_crashed(installation: Installation, bad_config: Path, tmp_path: Path) -> None:
    """The run's own process is killed, as the out-of-memory killer does it."""
    started = tmp_path / "started"
    run = _waiting_run(installation, started)
    deadline = time.monotonic() + 60
    while not started.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    record = installation.store.of_flow_run(run)
    assert record is not None
    assert record.pid
    psutil.Process(record.pid).kill()
    while psutil.pid_exists(record.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    installation.run("history")
    after = installation.store.get(record.execution_id)
    assert after.status == "crashed"
    while _prefect_state(installation, run) != "Crashed":
        assert time.monotonic() < deadline, "the worker reports the crash of its run"
        time.sleep(0.1)


def test_a_worker_killed_during_a_run_leaves_a_run_that_ends_truthfully(
    installation: Installation, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    run = _waiting_run(installation, started)
    deadline = time.monotonic() + 120
    while not started.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker = next(
        child
        for child in psutil.Process(installation.record.pid).children()
        if "automation_scripts.server.handoff" in child.cmdline()
    )
    worker.kill()
    psutil.wait_procs([worker], timeout=10)
    started.unlink()
    while (record := installation.store.of_flow_run(run)) is None or record.active:
        installation.run("history")
        assert time.monotonic() < deadline
    # It goes on without its worker, or it is gone with it: either way the history says which.
    assert record.status in ("succeeded", "crashed")
    if record.status == "crashed":
        assert installation.run("run", "probe", module=PROBE).returncode == 0
    while _prefect_state(installation, run) not in ("Completed", "Crashed"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_ctrl_c_cancels(installation: Installation, tmp_path: Path) -> None:
    process = _probe(installation, "wait", tmp_path / "started")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    record = _newest(installation)
    assert record.status == "cancelled"
    assert _prefect_state(installation, record.flow_run_id) == "Cancelled"


def test_a_time_limit_ends_the_run_and_its_processes(installation: Installation, tmp_path: Path) -> None:
    process = _probe(installation, "child", tmp_path / "pids", "--timeout", "3")
    deadline = time.monotonic() + 10
    while not (text := (tmp_path / "pids").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "time limit of 3 s" in out
    assert not any(psutil.pid_exists(int(pid)) for pid in text.split())
    record = _newest(installation)
    assert record.status == "timed_out"
    assert _prefect_state(installation, record.flow_run_id) == "TimedOut"


def test_a_step_that_hangs_in_a_call_does_not_keep_the_process(installation: Installation, tmp_path: Path) -> None:
    process = _probe(installation, "hang", tmp_path / "started", "--timeout", "2")
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert _newest(installation).status == "timed_out"


def test_the_embedded_server_is_still_the_only_one(installation: Installation) -> None:
    servers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"--home={installation.home}" in (process.info["cmdline"] or ())
    ]
    assert len(servers) == 1
    assert EmbeddedServer(installation.home).find() == installation.record


def _waiting_run(installation: Installation, path: Path) -> str:
    """The id of a flow run of the probe's deployment that is to wait as long as `path` exists."""
    _deploy_probe(installation)
    with installation.api as api:
        deployment = api.get("/deployments/name/probe/probe").json()["id"]
        created = api.post(
            f"/deployments/{deployment}/create_flow_run",
            json={"parameters": {"do": "wait", "path": str(path)}, "state": {"type": "SCHEDULED"}},
        )
    return str(created.json()["id"])


def _deploy_probe(installation: Installation) -> None:
    import sys

    from tests.e2e.conftest import ROOT

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "prefect",
            "--no-prompt",
            "deploy",
            "tests/probe_flow.py:probe",
            "--name",
            "probe",
            "--pool",
            "automation",
        ],
        env={
            **installation.environment,
            "PREFECT_API_URL": installation.record.api_url,
            "PREFECT_API_AUTH_STRING": installation.password,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
