"""The embedded server's process: `python -m automation_scripts.server --home=DIR --port=N --ready-fd=N [--no-warm]`.

Started by `EmbeddedServer`, not by people. It serves Prefect's API and UI on the loopback address only, and keeps the
warm runner and a worker alive beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import socket
import uuid
from pathlib import Path

from automation_scripts.processes import current_process
from automation_scripts.server.embedded import INSTANCE_HEADER
from automation_scripts.server.record import ServerFolder, ServerRecord
from automation_scripts.server.supervisor import Companions


def main() -> None:
    """Serve until told to stop."""
    options = _options()
    if options.ready_fd is not None:
        _detach(options.ready_fd)
    folder = ServerFolder(options.home)
    folder.create()
    listener = _bind(options.port)
    port: int = listener.getsockname()[1]
    _prepare_environment(folder, port)
    companions = Companions(folder, port) if options.warm and hasattr(os, "fork") else None
    if companions:
        companions.start_warm_runner()
    try:
        asyncio.run(_serve(folder, listener, port, options.ready_fd, companions))
    finally:
        if companions:
            companions.stop()
        record = ServerRecord.read(folder.record)
        if record and record.pid == os.getpid():
            folder.record.unlink(missing_ok=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="automation_scripts.server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--ready-fd", type=int, default=None)
    parser.add_argument("--no-warm", dest="warm", action="store_false")
    return parser.parse_args()


def _detach(ready_fd: int) -> None:
    """Leave the process that started this one: a server is no part of the first run that happened to need it, neither
    for what that run is measured to use nor for what ends with it."""
    if os.fork() > 0:
        os._exit(0)
    os.write(ready_fd, f"pid {os.getpid()}\n".encode())


def _bind(preferred: int) -> socket.socket:
    """A listening socket on the loopback address: the preferred port, or any free one when it is taken."""
    for port in (preferred, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            # Listening now, not later: a port that is only bound can still be taken by a listener.
            listener.listen(512)
            return listener
        except OSError:
            listener.close()
            if port == 0:
                raise
    raise AssertionError("unreachable")


def _prepare_environment(folder: ServerFolder, port: int) -> None:
    """Prefect reads its settings when it is imported, so they are set before."""
    os.environ.pop("PREFECT_API_URL", None)
    os.environ["PREFECT_HOME"] = str(folder.prefect_home)
    os.environ["PREFECT_SERVER_API_HOST"] = "127.0.0.1"
    os.environ["PREFECT_SERVER_API_PORT"] = str(port)
    os.environ["PREFECT_UI_API_URL"] = f"http://127.0.0.1:{port}/api"
    # Other accounts of this machine, and pages in its browsers, can reach the port. Whoever may create deployments may
    # have anything run as this account.
    password = folder.make_password(os.environ.get("PREFECT_SERVER_API_AUTH_STRING", ""))
    os.environ["PREFECT_SERVER_API_AUTH_STRING"] = os.environ["PREFECT_API_AUTH_STRING"] = password
    os.environ.setdefault("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", f"http://127.0.0.1:{port},http://localhost:{port}")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    # A minute until a new schedule takes effect is long for one who watches; the query is cheap on one machine.
    os.environ.setdefault("PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS", "10")


async def _serve(
    folder: ServerFolder,
    listener: socket.socket,
    port: int,
    ready_fd: int | None,
    companions: Companions | None,
) -> None:
    import prefect
    import uvicorn
    from prefect.server.api.server import create_app

    from automation_scripts.server.app import use_immediate_transactions, with_browser_mark, with_identity, with_nudges

    use_immediate_transactions()
    instance = uuid.uuid4().hex
    # By name: what checks credentials stands above the server, and knows scripts and people.
    with_credentials = importlib.import_module("automation_scripts.api_credentials").with_credentials
    prefect_app = with_credentials(with_browser_mark(create_app()))
    application = with_identity(with_nudges(prefect_app, folder.worker_socket), INSTANCE_HEADER, instance)

    class Server(uvicorn.Server):
        """Tells when it has begun to serve."""

        ready = asyncio.Event()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                self.ready.set()

    server = Server(
        uvicorn.Config(
            application,
            log_level="warning",
            # Longer than Prefect's client keeps an idle connection: a server that closes first breaks requests.
            timeout_keep_alive=65,
            # Open event streams of browsers must not hold up a stop.
            timeout_graceful_shutdown=3,
            # Prefect migrates its database in the lifespan; a failure there must end the process.
            lifespan="on",
        )
    )

    async def announce() -> None:
        await server.ready.wait()
        ServerRecord(current_process(), port, instance, prefect.__version__).write(folder.record)
        if ready_fd is not None:
            os.write(ready_fd, b"ready\n")
            os.close(ready_fd)
        if companions:
            await companions.supervise()

    announcing = asyncio.create_task(announce())
    try:
        await server.serve(sockets=[listener])
    finally:
        announcing.cancel()
    if not server.started:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
