"""Have a module do a piece of work in another process: in the warm runner, which has its imports done, or in a fresh one.

The module is run as `python -m MODULE`; it reads one JSON value from stdin and writes one to stdout. It works on
plain data only, can be ended at any time, and a crash of it is an error here and nothing worse.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from automation_scripts.server.handoff import connect, exit_code_within, submit

TURN_S = 0.2
"""How long a wait may block: between two waits the calling thread can be interrupted."""


class OffloadError(RuntimeError):
    """The module ended with an error; the message holds the end of what it wrote to stderr."""


def offload(module: str, payload: Any, *, warm_socket: Path, env: Mapping[str, str]) -> Any:
    """Run `module` on `payload` and return its answer.

    Args:
        module: a module that can be run with `python -m`.
        payload: its input, as JSON.
        warm_socket: where the warm runner listens; when nobody does, a fresh process does the work.
        env: the environment of the process.

    Raises:
        OffloadError: the module failed, was killed, or answered no JSON.
    """
    # Files, not pipes: neither side can block on a full pipe that the other does not read.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
        given.write(json.dumps(payload).encode())
        given.seek(0)
        code = _warm(module, warm_socket, env, (given, answer, said))
        if code is None:
            code = _fresh(module, env, (given, answer, said))
        answer.seek(0)
        said.seek(0)
        if code != 0:
            tail = said.read()[-2000:].decode("utf-8", "replace").strip()
            raise OffloadError(f"{module} ended with {code}: {tail}")
        try:
            return json.loads(answer.read())
        except ValueError as error:
            raise OffloadError(f"{module} answered no JSON: {error}") from error


def _warm(module: str, path: Path, env: Mapping[str, str], streams: tuple[IO[bytes], ...]) -> int | None:
    """The exit code; None when there is no warm runner, or it went away before the work began or ended."""
    connection = connect(path, limit_s=TURN_S)
    if connection is None:
        return None
    # Closing the connection, on whatever way out of here, makes the warm runner end the child.
    with contextlib.closing(connection):
        try:
            connection.settimeout(10.0)
            submit(connection, [module], env, [stream.fileno() for stream in streams])
            while (code := exit_code_within(connection, TURN_S)) is None:
                continue
        except (OSError, EOFError):
            for stream in streams[1:]:
                stream.seek(0)
                stream.truncate()
            streams[0].seek(0)
            return None
        return code


def _fresh(module: str, env: Mapping[str, str], streams: tuple[IO[bytes], ...]) -> int:
    given, answer, said = streams
    process = subprocess.Popen([sys.executable, "-m", module], stdin=given, stdout=answer, stderr=said, env=dict(env))
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(TURN_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
