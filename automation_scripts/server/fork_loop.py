"""The loop of the warm runner: it takes requests over a socket, and forks one child for each.

A request is a length (4 bytes, big-endian), JSON, and the client's three standard streams; an attached client gives a
fourth descriptor (see `attached`). Later bytes are numbers of signals for the child. The exit code goes back as 4 bytes.

The parent stays single-threaded and never runs user code, so a fork always starts from a clean state. Children die
with the parent (PR_SET_PDEATHSIG), and with their client; an attached child and its command speak to each other instead.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

from automation_scripts.server.attached import ATTACHED_STREAMS, attach
from automation_scripts.server.local_sockets import same_user

HEADER = struct.Struct("!I")
MAX_REQUEST = 4 * 1024 * 1024
PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    buffer: bytes = b""
    streams: list[int] = field(default_factory=list)
    child: int | None = None


class ForkLoop:
    """Accept clients, fork for them, pass signals down and exit codes up. One thread, no blocking call but select."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.clients: dict[int, _Client] = {}
        self.stopping = False
        self.wake_read, self.wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> dict[str, Any] | None:
        """Until it is told to stop: None then. In a forked child, the request that it is to run."""
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
        if not same_user(connection):
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
