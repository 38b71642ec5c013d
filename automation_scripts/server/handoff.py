"""Run `python -m MODULE …` in the warm runner: `python -m automation_scripts.server.handoff SOCKET MODULE [ARGUMENT …]`.

This small process stands for the real one: it gives its streams, environment and folder away, hands on the signals it
gets, and leaves with the exit code. Where no warm runner answers it becomes the plain `python -m MODULE …` itself, so
the work is done either way. It imports nothing heavy: it is started once for each run.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from automation_scripts.server.fork_loop import HEADER
from automation_scripts.server.local_sockets import short_path

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def connect(path: Path, limit_s: float | None = None) -> socket.socket | None:
    """A connection to the warm runner at `path`; None when none listens there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(limit_s)
    try:
        with short_path(path) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection


def submit(
    connection: socket.socket,
    argv: Sequence[str],
    env: Mapping[str, str],
    streams: Sequence[int],
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Send a command line (`MODULE ARGUMENT …`), an environment and the three standard streams."""
    body = json.dumps({"argv": list(argv), "env": dict(env), "cwd": str(Path.cwd()), **(extra or {})}).encode()
    socket.send_fds(connection, [HEADER.pack(len(body))], list(streams))
    connection.sendall(body)


def exit_code_within(connection: socket.socket, limit_s: float | None) -> int | None:
    """The child's exit code, once it has ended (negative: ended by that signal); None when it still runs.

    Raises:
        EOFError: the warm runner itself went away.
    """
    connection.settimeout(limit_s)
    try:
        data = connection.recv(4, socket.MSG_WAITALL)
    except TimeoutError:
        return None
    if len(data) < 4:
        raise EOFError("the warm runner ended")
    (code,) = struct.unpack("!i", data)
    return int(code)


def main() -> NoReturn:
    """Hand the work over and wait for it."""
    path, *argv = sys.argv[1:]
    connection = connect(Path(path))
    if connection is None:
        os.execv(sys.executable, [sys.executable, "-m", *argv])  # noqa: S606

    def forward(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(bytes([number]))

    try:
        submit(connection, argv, os.environ, (0, 1, 2))
    except OSError:
        os.execv(sys.executable, [sys.executable, "-m", *argv])  # noqa: S606
    for number in FORWARDED:
        signal.signal(number, forward)
    try:
        code = exit_code_within(connection, None)
    except (OSError, EOFError):
        code = None
    if code is None:
        sys.exit("The warm runner ended while it ran this; see `automation server status`.")
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no handler to reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
