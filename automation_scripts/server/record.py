"""What is known of the running embedded server: one small file in the state folder, written by the server itself."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from automation_scripts.processes import ProcessIdentity

NO_AUTHORITY = Path(__file__).parent / "loopback.pem"
"""What Prefect's client is to load as certificate authorities when it talks plain HTTP, where it verifies nothing.

Each of its clients, one a task thread, would load the 140 authorities of the internet first, at 20 ms apiece. This file
holds one certificate whose key was thrown away: it signs nothing, so that nothing is trusted by it.
"""


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """The files of the embedded server under the state folder (`AUTOMATION_HOME`)."""

    home: Path

    @property
    def prefect_home(self) -> Path:
        """Prefect's own folder: its database, its settings, its results."""
        return self.home / "prefect"

    @property
    def record(self) -> Path:
        """Who serves, and where."""
        return self.home / "server.json"

    @property
    def lock(self) -> Path:
        """Held by whoever starts or stops the server."""
        return self.home / "server.lock"

    @property
    def log(self) -> Path:
        """What the server process printed."""
        return self.home / "logs" / "prefect-server.log"

    @property
    def warm_socket(self) -> Path:
        """Where the warm runner listens."""
        return self.home / "warm.sock"

    @property
    def worker_socket(self) -> Path:
        """Where the worker is told that a run was created."""
        return self.home / "worker.sock"

    @property
    def password_file(self) -> Path:
        """The user and password (`user:password`) that the API and the UI ask for."""
        return self.home / "server-password"

    def password(self) -> str:
        """What the running server asks for; empty when there is none."""
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def make_password(self, given: str = "") -> str:
        """The password for a server that starts: `given`, or the one of before, or a new one. Only its owner can read it."""
        known = given or self.password() or f"automation:{secrets.token_urlsafe(24)}"
        if known != self.password():
            temporary = self.password_file.with_suffix(f".{os.getpid()}.tmp")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(known + "\n")
            temporary.replace(self.password_file)
        return known

    def create(self) -> None:
        """Make the folders; only their owner may look inside.

        Raises:
            OSError: the state folder cannot be created or written.
        """
        for folder in (self.home, self.prefect_home, self.log.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """One running server: its process, its address, and the name that its answers carry."""

    process: ProcessIdentity
    port: int
    instance: str
    prefect_version: str

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self.process.pid is not None, "a record is written by the server's own process"
        return self.process.pid

    @property
    def api_url(self) -> str:
        """The address for `PREFECT_API_URL`."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def ui_url(self) -> str:
        """Where a browser finds the Prefect UI."""
        return f"http://127.0.0.1:{self.port}"

    def write(self, path: Path) -> None:
        """Store atomically: a reader sees the old record or the new one, never half of one."""
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        temporary.replace(path)

    @classmethod
    def read(cls, path: Path) -> ServerRecord | None:
        """The stored record; None when there is none or it cannot be read as one (a stale or torn file)."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**data, "process": ProcessIdentity(**data["process"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None
