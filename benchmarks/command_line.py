"""Whole processes: `--help`, a small validation with the server up, and one from nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Figure, median, process_time

AUTOMATION = [sys.executable, "-m", "automation_scripts.cli"]


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """CPU seconds of `--help`; wall seconds of a validation, warm and cold."""
    cpu = median([process_time([*AUTOMATION, "--help"])[1] for _ in range(rounds)])
    yield Figure("`automation --help`, CPU", cpu, "s", "≤ 0.3")

    with tempfile.TemporaryDirectory() as folder:
        config = _small_folder(Path(folder))
        run = [*AUTOMATION, "run", "config_validator", "-p", f"config_path={config}", "--fail-on", "never"]
        environment = {"AUTOMATION_HOME": str(home)}
        process_time(run, environment)
        warm = median([process_time(run, environment)[0] for _ in range(rounds)])
        yield Figure("`automation run config_validator`, server up", warm, "s", "≤ 2.0", "5 small files")

    ours, bare = [], []
    for _ in range(max(2, rounds // 4)):
        with tempfile.TemporaryDirectory() as folder:
            bare.append(_bare_server_start(Path(folder) / "bare"))
        with tempfile.TemporaryDirectory() as folder:
            config = _small_folder(Path(folder))
            state = Path(folder) / "state"
            run = [*AUTOMATION, "run", "config_validator", "-p", f"config_path={config}", "--fail-on", "never"]
            ours.append(process_time(run, {"AUTOMATION_HOME": str(state)})[0])
            subprocess.run(
                [*AUTOMATION, "server", "stop"], env={**os.environ, "AUTOMATION_HOME": str(state)}, check=False
            )
    yield Figure(
        "the same from nothing, less Prefect's own first start",
        median(ours) - median(bare),
        "s",
        "≤ 1",
        f"ours {median(ours):.1f} s, `prefect server start` until healthy {median(bare):.1f} s",
    )


def _small_folder(folder: Path) -> Path:
    target = folder / "config"
    shutil.copytree(Path(__file__).resolve().parent.parent / "examples" / "config", target)
    return target


def _bare_server_start(home: Path) -> float:
    """Seconds until a new `prefect server start` answers."""
    import http.client
    import socket

    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        env={**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            try:
                connection.request("GET", "/api/health")
                if connection.getresponse().status == 200:
                    return time.perf_counter() - begin
            except OSError:
                time.sleep(0.02)
            finally:
                connection.close()
    finally:
        server.terminate()
        server.wait(20)
