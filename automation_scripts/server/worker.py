"""The embedded worker: Prefect's process worker, which also looks for runs at once when the server says there is one.

A worker asks the server every so often. The server's middleware (`app.with_nudges`) sends a datagram when a run was
created, so that nobody waits for the next question. A lost datagram costs no more than that wait.

    python -m automation_scripts.server.worker POOL SOCKET
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.workers.process import ProcessWorker

from automation_scripts.server.local_sockets import short_path

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

NAME = "embedded"
# It takes the place of its base class under Prefect's name for it, on purpose: the pool is of that type.
warnings.filterwarnings("ignore", message="Type 'NudgedWorker'", category=UserWarning)


class NudgedWorker(ProcessWorker):
    """Polls as its base class does, and whenever a datagram arrives at `nudges`."""

    def __init__(self, *, nudges: socket.socket, **options: Any) -> None:
        super().__init__(**options)
        self._nudges = nudges
        self._looking = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """One look at a time: two would find the same runs."""
        async with self._looking:
            return await super().get_and_submit_flow_runs()

    async def __aenter__(self) -> NudgedWorker:
        await super().__aenter__()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *error: Any) -> None:
        if self._listening is not None:
            self._listening.cancel()
        await super().__aexit__(*error)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await loop.sock_recv(self._nudges, 16)
            with contextlib.suppress(BlockingIOError):
                while self._nudges.recv(16):  # several runs created at once need one look
                    continue
            try:
                await self.get_and_submit_flow_runs()
            except Exception as error:  # the poll tries again, and counts how often it fails
                self._logger.debug("a look for runs failed: %s", error)


def open_nudges(path: Path) -> socket.socket:
    """A datagram socket at `path` for this account only."""
    path.unlink(missing_ok=True)
    nudges = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    before = os.umask(0o177)
    try:
        with short_path(path) as address:
            nudges.bind(address)
    finally:
        os.umask(before)
    nudges.setblocking(False)
    return nudges


async def _work(pool: str, path: Path) -> None:
    with open_nudges(path) as nudges:
        await NudgedWorker(name=NAME, work_pool_name=pool, nudges=nudges).start(printer=_say)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Work until told to stop."""
    from prefect.utilities.processutils import setup_signal_handlers_worker

    setup_signal_handlers_worker(os.getpid(), "the embedded worker", _say)
    pool, path = sys.argv[1:]
    asyncio.run(_work(pool, Path(path)))


if __name__ == "__main__":
    main()
