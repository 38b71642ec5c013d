"""Start the local Prefect server once, find it again, check its health, stop it.

One server a state folder: whoever wants it takes a file lock first, so that two commands that start at once end up
with one server. A record whose process is gone, or whose port answers for another server, is stale and is replaced.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from automation_scripts.errors import ServerUnavailable
from automation_scripts.processes import end_tree, living
from automation_scripts.server.record import ServerFolder, ServerRecord

INSTANCE_HEADER = "x-automation-instance"
START_LIMIT_S = 120.0
"""A first start migrates a new database: 10 s on an idle two-core machine, far more on a busy one."""
HEALTH_LIMIT_S = 10.0
BUSY_LIMIT_S = 30.0
"""A living server that answers nothing for so long hangs; it is ended and replaced."""


class EmbeddedServer:
    """The Prefect server that belongs to one state folder.

    Args:
        home: the state folder (`AUTOMATION_HOME`).
        port: the port to prefer; when another program has it, a free one is taken.
        warm: also keep a warm runner and a worker, so that runs from the UI, the API and schedules start quickly.
    """

    def __init__(self, home: Path, port: int = 4200, warm: bool = True) -> None:
        self.folder = ServerFolder(home)
        self.port = port
        self.warm = warm

    def find(self) -> ServerRecord | None:
        """The server that runs and answers; None when there is none."""
        record = ServerRecord.read(self.folder.record)
        if record is None or living(record.process) is None or not answers(record):
            return None
        return record

    def ensure(self) -> ServerRecord:
        """The running server, started when there is none.

        Raises:
            ServerUnavailable: it cannot be started; the message holds the end of its log.
        """
        if record := self.find():
            return record
        with self._lock():
            if record := self._found_patiently():
                return record
            self._clear_stale()
            return self._start()

    def _found_patiently(self) -> ServerRecord | None:
        """Like `find`, but a server that lives and is only too busy to answer at once is given time."""
        record = ServerRecord.read(self.folder.record)
        if record is None:
            return None
        deadline = time.monotonic() + BUSY_LIMIT_S
        while living(record.process) is not None and time.monotonic() < deadline:
            if answers(record):
                return record
            time.sleep(0.2)  # a refused connection answers at once; do not ask in a tight loop
        return None

    def stop(self, grace_s: float = 10.0) -> bool:
        """End the server and everything it started. False when none ran."""
        if not self.folder.home.is_dir():
            return False
        with self._lock():
            return self._end_recorded(grace_s)

    def _end_recorded(self, grace_s: float) -> bool:
        record = ServerRecord.read(self.folder.record)
        process = living(record.process) if record else None
        if process is not None:
            end_tree(process, grace_s)
        self.folder.record.unlink(missing_ok=True)
        return process is not None

    def _clear_stale(self) -> None:
        """Remove the record of a dead server, and end one that lives but does not answer: two would share a database."""
        self._end_recorded(grace_s=5.0)

    def _start(self) -> ServerRecord:
        ready, announce = os.pipe()
        try:
            with self.folder.log.open("ab") as log:
                process = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "automation_scripts.server",
                        f"--home={self.folder.home}",
                        f"--port={self.port}",
                        f"--ready-fd={announce}",
                        *([] if self.warm else ["--no-warm"]),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(announce,),
                    start_new_session=True,
                    cwd=self.folder.home,
                )
            os.close(announce)
            announce = -1
            process.wait()  # it leaves at once: the server itself is its child, and nobody's
            said = _read_until_ready(ready)
        finally:
            os.close(ready)
            if announce >= 0:
                os.close(announce)
        record = ServerRecord.read(self.folder.record)
        pid = int(said.split()[1]) if said.startswith(b"pid ") else None
        if said.endswith(b"ready\n") and record and record.pid == pid:
            return record
        in_time = True
        if pid is not None and psutil.pid_exists(pid):
            in_time = False
            end_tree(psutil.Process(pid), grace_s=1.0)
        why = "ended while starting" if in_time else "did not answer in time"
        raise ServerUnavailable(
            f"The local Prefect server {why}. Its log is {self.folder.log}; the end of it:\n{self._log_tail()}\n"
            "Run `automation doctor` for a check of the installation, or set PREFECT_API_URL to use another server."
        )

    def _log_tail(self, size: int = 2000) -> str:
        try:
            data = self.folder.log.read_bytes()[-size:]
        except OSError as error:
            return f"(no log: {error})"
        return data.decode("utf-8", "replace").strip()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            self.folder.create()
            handle = os.open(self.folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ServerUnavailable(
                f"The state folder {self.folder.home} cannot be used: {error.strerror or error}. "
                "Make it writable, or set AUTOMATION_HOME to another folder."
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def answers(record: ServerRecord, limit_s: float = HEALTH_LIMIT_S) -> bool:
    """Whether the recorded address answers as healthy **and** as this very server, not as another one on its port."""
    return _instance(record.api_url, limit_s) == record.instance


def is_healthy(api_url: str, limit_s: float = HEALTH_LIMIT_S) -> bool:
    """Whether a Prefect server, whichever it is, answers as healthy at this address."""
    return _instance(api_url, limit_s) is not None


def _instance(api_url: str, limit_s: float) -> str | None:
    """The name of the instance that answers as healthy; empty when it has no name; None when nothing answers so."""
    parts = urlsplit(api_url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=limit_s)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/health")
        response = connection.getresponse()
        return (response.getheader(INSTANCE_HEADER) or "") if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _read_until_ready(descriptor: int) -> bytes:
    """What a starting server says: `pid N`, then `ready`. Its death closes the pipe, so no case waits for a clock alone."""
    said, deadline = b"", time.monotonic() + START_LIMIT_S
    while not said.endswith(b"ready\n"):
        readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(descriptor, 256) if readable else b""
        if not chunk:
            break
        said += chunk
    return said
