"""Ten governed runs at once, with Prefect and the history both in a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Figure, median


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """Runs a second, ten at a time, in one process."""
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="pg") as folder, database(Path(folder)) as url:
        os.environ["PREFECT_API_DATABASE_CONNECTION_URL"] = (
            url.replace("postgresql://", "postgresql+asyncpg://") + "/prefect"
        )
        try:
            yield from _measure(Path(folder) / "state", f"{url}/history", rounds)
        finally:
            del os.environ["PREFECT_API_DATABASE_CONNECTION_URL"]


def _measure(state: Path, history_url: str, rounds: int) -> Iterator[Figure]:
    from automation_scripts import AutomationOrchestrator
    from automation_scripts.settings import load_settings
    from benchmarks.flows_compared import run_governed

    state.mkdir(mode=0o700)
    file = state / "config.yaml"
    file.write_text(f"history: {{url: '{history_url}'}}\nserver: {{port: 4391, warm_runner: false}}\n")
    orchestrator = AutomationOrchestrator(load_settings(file, environ={"AUTOMATION_HOME": str(state)}))
    try:
        orchestrator.server_url()

        async def at_once() -> float:
            begin = time.perf_counter()
            results = await asyncio.gather(*(run_governed(orchestrator, 1) for _ in range(10)))
            assert all(result.status == "succeeded" for result in results)
            return 10 / (time.perf_counter() - begin)

        async def all_rounds() -> list[float]:
            await at_once()
            return [await at_once() for _ in range(rounds)]

        rates = asyncio.run(all_rounds())
    finally:
        orchestrator.embedded_server().stop()
    yield Figure("10 governed runs at once, PostgreSQL", median(rates), "runs/s", "≥ 10", "one task each, one process")


@contextlib.contextmanager
def database(folder: Path) -> Iterator[str]:
    """A PostgreSQL server of this machine's packages, on a loopback port, with the databases prefect and history."""
    import socket

    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    tools, data = binaries[-1], folder / "data"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data.mkdir()
    # PostgreSQL refuses to run as root.
    become: list[str] = []
    if os.getuid() == 0:
        folder.chmod(0o755)
        shutil.chown(data, "postgres", "postgres")
        become = ["runuser", "-u", "postgres", "--"]
    _quietly([*become, str(tools / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres"])
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1"
    _quietly([*become, str(tools / "pg_ctl"), "-D", str(data), "-l", str(data / "log"), "-w", "-o", options, "start"])
    try:
        for name in ("prefect", "history"):
            _quietly([str(tools / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", name])
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        _quietly([*become, str(tools / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"])


def _quietly(argv: list[str]) -> None:
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True, cwd="/")
