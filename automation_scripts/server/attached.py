"""Let a command of this terminal do its work in a fork of the warm runner, as if it did it itself.

The fork has the command's own streams, environment, folder, limits and signals, ends with it, and owes the server
nothing: it goes on when the server dies. Only the second of importing Prefect is saved. Where anything is in doubt
(another version of the code, limits of a control group, no warm runner) the command does the work itself.

The two processes share a socket. The command sends the numbers of the signals it gets; the fork sends its exit code.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
ATTACHED_STREAMS = 4
"""The three standard streams, and the socket between the command and its fork."""
_forked: list[socket.socket] = []
"""In a fork: its end of the socket."""
EXIT_CODE = struct.Struct("!i")


def offer(path: Path) -> None:
    """In the warm runner, once its imports are done: say beside the socket at `path` what is offered."""
    from automation_scripts.server.circumstances import code_fingerprint, control_group

    offered = _offer_file(path)
    temporary = offered.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps({"code": code_fingerprint(), "group": control_group()}), encoding="utf-8")
    temporary.replace(offered)


def run_attached(path: Path, argv: Sequence[str], *, same_code: bool = False) -> int | None:
    """Run `python -m MODULE …` (`argv`) in a fork of the warm runner at `path`, and return its exit code.

    Args:
        path: where the warm runner listens. One that still imports lets the caller wait.
        argv: the module and its arguments.
        same_code: it was started by this process and can have no other code and no other limits.

    Returns:
        None when the work has not been begun, so that the caller is to do it.
    """
    connection = _connect(path, same_code)
    if connection is None:
        return None
    from automation_scripts.server.circumstances import gather
    from automation_scripts.server.handoff import submit

    mine, its = socket.socketpair()
    with connection, mine:
        try:
            with its:
                encodings = [getattr(stream, "encoding", "utf-8") for stream in (sys.stdin, sys.stdout, sys.stderr)]
                extra = {"attached": True, "encodings": encodings, "circumstances": gather()}
                submit(connection, argv, os.environ, (0, 1, 2, its.fileno()), extra)
        except OSError:
            return None

        def forward(number: int, _: FrameType | None) -> None:
            with contextlib.suppress(OSError):
                mine.sendall(bytes([number]))

        for number in FORWARDED:
            signal.signal(number, forward)
        return _outcome(mine)


def _connect(path: Path, same_code: bool) -> socket.socket | None:
    """A connection to a warm runner that has the same code and no other limits; None when there is none."""
    from automation_scripts.server.circumstances import code_fingerprint, confined, control_group
    from automation_scripts.server.handoff import connect

    if same_code:
        return connect(path)
    try:
        offered = json.loads(_offer_file(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if offered.get("code") != code_fingerprint():
        return None
    if offered.get("group") != control_group() and confined():
        return None
    return connect(path)


def _outcome(mine: socket.socket) -> int | None:
    """The fork's exit code. A fork that begins says 0 first, so that one that never came is told from one that died."""
    begun = mine.recv(EXIT_CODE.size, socket.MSG_WAITALL)
    if len(begun) < EXIT_CODE.size:
        return None
    data = mine.recv(EXIT_CODE.size, socket.MSG_WAITALL)
    if len(data) < EXIT_CODE.size:
        sys.stderr.write("The process that did the work was killed; `automation history` tells how far it came.\n")
        return 1
    return int(EXIT_CODE.unpack(data)[0])


def in_fork() -> bool:
    """Whether this process is such a fork."""
    return bool(_forked)


def attach(request: dict[str, Any], descriptor: int) -> None:
    """In the fork: leave the warm runner's family, take on the command's circumstances, and follow its signals."""
    from automation_scripts.server.circumstances import take_on

    if os.fork():
        os._exit(0)  # now nobody's child: neither the end of the server nor its search for descendants finds it
    take_on(request["circumstances"])
    _open_streams(request["encodings"])
    control = socket.socket(fileno=descriptor)
    control.sendall(EXIT_CODE.pack(0))
    _forked.append(control)
    threading.Thread(target=_follow, args=(control,), name="follow-the-command", daemon=True).start()


def report(code: int) -> None:
    """In the fork, at its end: the exit code, after everything that was printed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    with contextlib.suppress(OSError):
        _forked[0].sendall(EXIT_CODE.pack(code))


def _follow(control: socket.socket) -> None:
    """Signals come as bytes. The end of the stream is the end of the command, however it came: the work ends with it."""
    while True:
        try:
            numbers = control.recv(64)
        except OSError:
            numbers = b""
        if not numbers:
            os.kill(os.getpid(), signal.SIGKILL)
        for number in numbers:
            os.kill(os.getpid(), number)


def _open_streams(encodings: Sequence[str]) -> None:
    """Python's own streams anew, for what the descriptors are now: a terminal or a file, in the command's encoding."""
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding=encodings[0])
    raw = io.FileIO(1, "w", closefd=False)
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding=encodings[1], line_buffering=raw.isatty())
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)),
        encoding=encodings[2],
        errors="backslashreplace",
        line_buffering=True,
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def _offer_file(path: Path) -> Path:
    return path.with_suffix(".json")
