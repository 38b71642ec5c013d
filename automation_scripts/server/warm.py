"""The warm runner: a process that has everything imported, and forks one child for each piece of work.

Importing Prefect takes about a second and Great Expectations two more. This process pays for that once. A client (see
`handoff`) sends a command line, an environment, a folder and its own three standard streams; the child that is forked
for it runs `python -m MODULE …` in place of the client, which hands its signals on and leaves with its exit code.

The parent stays single-threaded and never runs user code, so a fork always starts from a clean state. Children die
with the parent (PR_SET_PDEATHSIG), and with their client.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import struct
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automation_scripts.server.attached import ATTACHED_STREAMS, attach, in_fork, offer, report

PRELOAD = (
    "prefect",
    "prefect.engine",
    "prefect.flow_engine",
    "prefect.task_engine",
    "prefect.cli",
    "prefect.workers.process",
    "automation_scripts.server.worker",
    "prefect.utilities.visualization",
    "fastapi",  # for the encoder that Prefect writes parameters with
    "anyio._backends._asyncio",
    "rich.progress",
    "pandas",
    "great_expectations",
    "flows",
    "flows.validation",
    "automation_scripts.validation.environments.check",
    "automation_scripts.validation.references.check",
    "automation_scripts.validation.rules.check",
    "automation_scripts.validation.schemas.check",
    "automation_scripts.validation.security.check",
    "automation_scripts.governance.rehearsal",
    "automation_scripts.cli.app",
    "automation_scripts.cli.progress",
    "automation_scripts.cli.summary",
    "automation_scripts.orchestrator",
)
REHEARSE = (
    ("automation_scripts.validation.tables.expectations", "rehearse"),
    ("automation_scripts.governance.rehearsal", "rehearse"),
)
"""Functions that do a piece of real work once: libraries import much only when they are first used."""
HEADER = struct.Struct("!I")
MAX_REQUEST = 4 * 1024 * 1024
PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    buffer: bytes = b""
    streams: list[int] = field(default_factory=list)
    child: int | None = None


def serve(path: Path) -> dict[str, Any] | None:
    """Listen, import, and fork on request. Returns in a forked child, with the request that it is to run.

    Returns None in the parent when it was told to stop.
    """
    listener = _listen(path)
    preload()
    offer(path)
    return _Loop(listener).run()


def preload() -> None:
    """Import what flow runs need. What is not installed is left out: its own run will say so."""
    for name in PRELOAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for module, function in REHEARSE:
        with contextlib.suppress(ImportError):
            getattr(importlib.import_module(module), function)()
    # What is loaded now stays: the collector need not touch it in the children, whose memory is shared until written to.
    gc.collect()
    gc.freeze()


def run_module(request: dict[str, Any]) -> None:
    """In the child: become `python -m MODULE ARGUMENTS` of the request."""
    import runpy

    if "prefect" in sys.modules:
        # The settings that Prefect read at import are the parent's; this run has its own environment.
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    module, *arguments = request["argv"]
    sys.argv = [module, *arguments]
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*found in sys.modules.*", category=RuntimeWarning)
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _listen(path: Path) -> socket.socket:
    """Bind before the imports: clients that come early wait in the queue instead of being turned away."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with short_path(path) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


@contextlib.contextmanager
def short_path(path: Path) -> Any:
    """An address for a socket whose real path may be longer than the 107 bytes that the kernel takes."""
    if len(os.fsencode(path)) <= 100 or not Path("/proc/self/fd").is_dir():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class _Loop:
    """Accept clients, fork for them, pass signals down and exit codes up. One thread, no blocking call but select."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.clients: dict[int, _Client] = {}
        self.stopping = False
        self.wake_read, self.wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> dict[str, Any] | None:
        listener, selector = self.listener, self.selector
        listener.setblocking(False)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        selector.register(listener, selectors.EVENT_READ, "listener")
        selector.register(self.wake_read, selectors.EVENT_READ, "wake")
        while not self.stopping:
            for key, _ in selector.select():
                if key.data == "listener":
                    self._accept()
                elif key.data == "wake":
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake_read, 4096)
                    self._reap()
                elif (request := self._receive(key.data)) is not None:
                    return request
        for client in self.clients.values():
            if client.child:
                self._signal(client.child, signal.SIGTERM)
        return None

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _accept(self) -> None:
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        if not _same_user(connection):
            connection.close()
            return
        connection.setblocking(False)
        client = _Client(connection)
        self.clients[connection.fileno()] = client
        self.selector.register(connection, selectors.EVENT_READ, client)

    def _receive(self, client: _Client) -> dict[str, Any] | None:
        """Read what a client sent. In a forked child, returns the request; in the parent, always None."""
        try:
            data, descriptors, _, _ = socket.recv_fds(client.connection, 65536, ATTACHED_STREAMS)
        except BlockingIOError:
            return None
        except OSError:
            data, descriptors = b"", []
        client.streams.extend(descriptors)
        if not data:
            self._drop(client)
            return None
        client.buffer += data
        if client.child is not None:
            for number in client.buffer:
                self._signal(client.child, number)
            client.buffer = b""
            return None
        return self._fork_when_complete(client)

    def _fork_when_complete(self, client: _Client) -> dict[str, Any] | None:
        if len(client.buffer) < HEADER.size:
            return None
        (size,) = HEADER.unpack_from(client.buffer)
        if size > MAX_REQUEST:
            self._drop(client)
            return None
        if len(client.buffer) < HEADER.size + size or len(client.streams) < 3:
            return None
        request: dict[str, Any] = json.loads(client.buffer[HEADER.size : HEADER.size + size])
        attached = bool(request.get("attached"))
        if attached and len(client.streams) < ATTACHED_STREAMS:
            self._drop(client)
            return None
        client.buffer = b""
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            self._become_child(client, request, parent)
            return request
        if attached:
            self._drop(client)  # the fork and its command speak to each other
            return None
        client.child = child
        for descriptor in client.streams:
            os.close(descriptor)
        client.streams = []
        return None

    def _become_child(self, client: _Client, request: dict[str, Any], parent: int) -> None:
        """Leave the parent's loop behind: own session, own streams, own environment, default signals."""
        os.setsid()
        if not request.get("attached"):
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for target, descriptor in enumerate(client.streams[:3]):
            os.dup2(descriptor, target)
            os.close(descriptor)
        self.selector.close()
        self.listener.close()
        for other in self.clients.values():
            other.connection.close()
        os.close(self.wake_read)
        os.close(self.wake_write)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        if request.get("attached"):
            attach(request, client.streams[3])

    def _drop(self, client: _Client) -> None:
        """A client that is gone takes its child with it."""
        if client.child is not None:
            self._signal(client.child, signal.SIGKILL)
        self.selector.unregister(client.connection)
        del self.clients[client.connection.fileno()]
        client.connection.close()
        for descriptor in client.streams:
            os.close(descriptor)

    def _reap(self) -> None:
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if child == 0:
                return
            for client in list(self.clients.values()):
                if client.child == child:
                    client.child = None
                    with contextlib.suppress(OSError):
                        client.connection.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))
                    self._drop(client)

    @staticmethod
    def _signal(child: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, OSError):
            os.kill(child, number)


def _same_user(connection: socket.socket) -> bool:
    """Only this account may have code run here; the socket's mode says so too."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return bool(uid == os.getuid())


def main() -> None:
    """`python -m automation_scripts.server.warm SOCKET`"""
    request = serve(Path(sys.argv[1]))
    if request is None:
        return
    if in_fork():
        _run_attached(request)
    else:
        run_module(request)


def _run_attached(request: dict[str, Any]) -> None:
    """Run the module as a process of its own would: whatever it ends with becomes an exit code, and that is told last."""
    code = 0
    try:
        run_module(request)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
    except BaseException:  # as the interpreter does at the end of a process
        traceback.print_exc()
        code = 1
    report(code)


if __name__ == "__main__":
    main()
