"""The worker hears of a new run at once."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from prefect.workers.process import ProcessWorker

from automation_scripts.server.app import nudge, with_nudges
from automation_scripts.server.worker import NudgedWorker, open_nudges


async def _answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": []})


async def _ignore(_message: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("method", "path", "heard"),
    [
        ("POST", "/api/deployments/1/create_flow_run", True),
        ("POST", "/api/flow_runs/1/resume", True),
        ("GET", "/api/deployments/1/create_flow_run", False),
        ("POST", "/api/flow_runs/filter", False),
    ],
)
async def test_requests_that_make_a_run_due_are_told(tmp_path: Path, method: str, path: str, heard: bool) -> None:
    with open_nudges(tmp_path / "worker.sock") as nudges:
        application = with_nudges(_answer, tmp_path / "worker.sock")
        await application({"type": "http", "method": method, "path": path}, None, _ignore)  # type: ignore[arg-type]
        with contextlib.suppress(BlockingIOError):
            assert heard == bool(nudges.recv(16))
            return
        assert not heard


def test_nobody_has_to_listen(tmp_path: Path) -> None:
    nudge(tmp_path / "nobody.sock")
    with open_nudges(tmp_path / "worker.sock"):
        for _ in range(5000):  # far more than its queue holds
            nudge(tmp_path / "worker.sock")


def test_only_this_account_may_tell(tmp_path: Path) -> None:
    with open_nudges(tmp_path / "worker.sock"):
        assert (tmp_path / "worker.sock").stat().st_mode & 0o077 == 0


async def test_each_nudge_is_a_look_and_looks_do_not_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looking, most, looked = 0, 0, asyncio.Event()

    async def look(_self: Any) -> list[Any]:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        await asyncio.sleep(0)
        looking -= 1
        looked.set()
        if not failed.is_set():
            failed.set()
            raise RuntimeError("the server is away")
        return []

    failed = asyncio.Event()
    monkeypatch.setattr(ProcessWorker, "get_and_submit_flow_runs", look)
    monkeypatch.setattr(ProcessWorker, "__aenter__", lambda self: asyncio.sleep(0, self))
    monkeypatch.setattr(ProcessWorker, "__aexit__", lambda self, *error: asyncio.sleep(0))
    with open_nudges(tmp_path / "worker.sock") as nudges:
        async with NudgedWorker(work_pool_name="pool", nudges=nudges) as worker:
            nudge(tmp_path / "worker.sock")
            await looked.wait()
            looked.clear()
            nudge(tmp_path / "worker.sock")  # one that failed ends nothing
            await looked.wait()
            await asyncio.gather(*(worker.get_and_submit_flow_runs() for _ in range(5)))
    assert most == 1
