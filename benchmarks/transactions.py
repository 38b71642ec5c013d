"""Prefect on SQLite, with its own deferred transactions and with ours: why the embedded server changes them."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Figure, median

CODE = """
import sys, uvicorn
from prefect.server.api.server import create_app
from automation_scripts.server.app import use_immediate_transactions
if sys.argv[2] == "immediate":
    use_immediate_transactions()
uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", timeout_keep_alive=65)
"""


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """Seconds of a bare flow with 10 tasks one after the other, and runs a second with ten at once."""
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    figures = {mode: _with_server(mode, max(3, rounds // 2)) for mode in ("deferred", "immediate")}
    for mode, (seconds, rate) in figures.items():
        yield Figure(f"bare flow, 10 tasks in a row, {mode} transactions", seconds, "s")
        yield Figure(f"10 bare flows at once, {mode} transactions", rate, "runs/s")


def _with_server(mode: str, rounds: int) -> tuple[float, float]:
    import http.client
    import socket

    from prefect.settings import PREFECT_API_URL, temporary_settings

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-c", CODE, str(port), mode],
            env={**os.environ, "PREFECT_HOME": folder, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while True:
                try:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
                    connection.request("GET", "/api/health")
                    if connection.getresponse().status == 200:
                        break
                except OSError:
                    time.sleep(0.1)
            with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}):
                return asyncio.run(_flows(rounds))
        finally:
            server.terminate()
            server.wait(20)


async def _flows(rounds: int) -> tuple[float, float]:
    from prefect import flow, task

    @task
    async def one(number: int) -> int:
        return number

    @flow
    async def row(count: int) -> None:
        for number in range(count):
            await one(number)

    await row(1)
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        await row(10)
        seconds.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    await asyncio.gather(*(row(1) for _ in range(10)))
    return median(seconds), 10 / (time.perf_counter() - begin)
