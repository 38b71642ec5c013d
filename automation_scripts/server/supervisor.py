"""What runs beside the embedded server: the warm runner, and a worker that takes scheduled and API-started runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time

import psutil

from automation_scripts.processes import end_all
from automation_scripts.server.record import NO_AUTHORITY, ServerFolder

WORK_POOL = "automation"
"""The work pool that deployments go to."""
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
HEALTHY_AFTER_S = 30.0


class Companions:
    """Start, watch and end the processes beside the server.

    Args:
        folder: the server's folder.
        port: where the API answers.
    """

    def __init__(self, folder: ServerFolder, port: int) -> None:
        self.folder = folder
        self.port = port
        self._warm: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None

    def start_warm_runner(self) -> None:
        """Start the warm runner; it imports while the server starts, and queues early clients."""
        self._warm = self._spawn("automation_scripts.server.warm", str(self.folder.warm_socket))

    def start_worker(self) -> None:
        """Start the embedded worker, forked from the warm runner so that it starts at once."""
        self._worker = self._spawn(
            "automation_scripts.server.handoff",
            str(self.folder.warm_socket),
            "automation_scripts.server.worker",
            WORK_POOL,
            str(self.folder.worker_socket),
        )

    async def supervise(self) -> None:
        """Prepare the work pool, start the worker, and restart what dies, with growing pauses."""
        await self._prepare_work_pool()
        self.start_worker()
        backoff, started = FIRST_BACKOFF_S, time.monotonic()
        while True:
            ended = await self._first_to_end()
            if time.monotonic() - started > HEALTHY_AFTER_S:
                backoff = FIRST_BACKOFF_S
            sys.stderr.write(f"automation: {ended} ended and is restarted in {backoff:.0f} s\n")
            await asyncio.sleep(backoff)
            backoff, started = min(backoff * 2, LONGEST_BACKOFF_S), time.monotonic()
            if ended == "the warm runner":
                self.start_warm_runner()
            else:
                self.start_worker()

    def stop(self) -> None:
        """End both, and what they started."""
        family: list[psutil.Process] = []
        for process in (self._worker, self._warm):
            if process is not None:
                with contextlib.suppress(psutil.Error):
                    parent = psutil.Process(process.pid)
                    family += [parent, *parent.children(recursive=True)]
        end_all(family, grace_s=3.0)

    async def _first_to_end(self) -> str:
        waits = {
            asyncio.create_task(_ended(process)): name
            for name, process in (("the warm runner", self._warm), ("the worker", self._worker))
            if process is not None
        }
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        return waits[done.pop()]

    async def _prepare_work_pool(self) -> None:
        """Create the work pool whose runs start in the warm runner, or bring it up to date."""
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
        from prefect.exceptions import ObjectAlreadyExists
        from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
        from prefect.workers.process import ProcessWorker

        template = ProcessWorker.get_default_base_job_template()
        # A deployment must not choose the command, nor the settings by way of the environment: the gate is in there.
        for name in ("command", "env", "working_dir"):
            template["variables"]["properties"].pop(name, None)
        template["job_configuration"] |= {"env": {}, "working_dir": None}
        template["job_configuration"]["command"] = shlex.join(
            [
                sys.executable,
                "-m",
                "automation_scripts.server.handoff",
                str(self.folder.warm_socket),
                "prefect.engine",
            ]
        )
        with temporary_settings(
            {
                PREFECT_API_URL: f"http://127.0.0.1:{self.port}/api",
                PREFECT_API_AUTH_STRING: self.folder.password(),
            }
        ):
            async with get_client() as client:
                wanted = WorkPoolCreate(name=WORK_POOL, type="process", base_job_template=template)
                try:
                    await client.create_work_pool(wanted)
                except ObjectAlreadyExists:
                    await client.update_work_pool(WORK_POOL, WorkPoolUpdate(base_job_template=template))

    def _spawn(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "AUTOMATION_HOME": str(self.folder.home),
            "PREFECT_WORKER_QUERY_SECONDS": "0.5",
            "PREFECT_API_SSL_CERT_FILE": str(NO_AUTHORITY),
            "PREFECT_LOGGING_EXTRA_LOGGERS": "automation",
            "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        }
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            cwd=self.folder.home,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """Return when the process has ended. A pidfd tells at once; where there is none, look once a second."""
    if hasattr(os, "pidfd_open"):
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        descriptor = os.pidfd_open(process.pid)
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    while process.poll() is None:
        await asyncio.sleep(1.0)


def _die_with_parent() -> None:
    """A server that is killed with -9 must not leave a worker behind that nobody watches."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
