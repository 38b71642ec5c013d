"""What may end a process or never come back, done in a worker that may be lost (see `worker`).

The worker starts at the first need and serves the whole run: typical trees never need it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import re
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing.second_opinion import MAX_CHARACTERS, Opinion, ask_yaml12, is_harmless
from automation_scripts.validation.parsing.yaml_documents import BuiltDocument, Problem

_PACKAGE_PARENT = Path(__file__).resolve().parents[3]
_WALL_FACTOR, _WALL_EXTRA_S = 3.0, 5.0
"""A busy machine may give a process a third of the time; starting it takes some too."""
_OPINION_CPU_S = 1.0
_LENGTH_BYTES = 8
_DIRECTIVE = re.compile(r"(?m)^%")
_MAX_DIRECTIVES = 100


def yaml12_opinion(text: str, documents: Sequence[BuiltDocument], problems: Sequence[Problem]) -> Opinion | None:
    """The YAML 1.2 verdict, here where that is harmless, else by the worker; None when there is none."""
    if len(text) > MAX_CHARACTERS:
        return None
    if is_harmless(text, documents, problems):
        return ask_yaml12(text)
    answer = WORKER.ask(("opinion", text), _OPINION_CPU_S)
    return answer if isinstance(answer, Opinion) else None


def is_suspicious(text: str) -> bool:
    """True when reading the text in this process could hang it: libyaml compares each directive with all before it."""
    return "%" in text and len(_DIRECTIVE.findall(text)) > _MAX_DIRECTIVES


def trial(path: Path, name: str, text: str, limits: Limits, kind: object) -> Lost | None:
    """Have a text parsed by the worker; None when that ended well, so that it may be done here too."""
    answer = WORKER.ask(("trial", str(path), name, text, limits, kind), limits.cpu_s(len(text)))
    return answer if isinstance(answer, Lost) else None


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker gave no answer: why, in words that follow "Reading it"."""

    reason: str


class Worker:
    """A process that answers one request after the other. It is made again after each loss."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, request: tuple[Any, ...], cpu_s: float) -> Any:
        """The answer to a request, or `Lost`. The worker may use `cpu_s` of processor time for it."""
        with self._lock:
            process = self._running()
            assert process.stdin is not None and process.stdout is not None
            try:
                answer = _exchange(process, pickle.dumps((cpu_s, request)), cpu_s * _WALL_FACTOR + _WALL_EXTRA_S)
            except _TimeOut:
                self._end()
                return Lost(f"took longer than {cpu_s:g} s and was stopped")
            except (OSError, EOFError, pickle.UnpicklingError):
                return Lost(self._cause_of_death(cpu_s))
        return answer

    def close(self) -> None:
        """End the process, if there is one of ours."""
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_PACKAGE_PARENT), *_python_path()])}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "automation_scripts.validation.parsing.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
            self._owner = os.getpid()
        return self._process

    def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return None  # a fork does not end its parent's worker
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return process.wait()

    def _cause_of_death(self, cpu_s: float) -> str:
        code = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout=1.0)
        self._end()
        if code == -_number("SIGXCPU"):
            return f"took more than {cpu_s:g} s of processor time and was stopped"
        if code == -_number("SIGABRT"):
            return "needed more memory than one file may take"
        return "ended the reader's process" if code is None else f"ended the reader's process (exit status {code})"


class _TimeOut(Exception):
    pass


def _exchange(process: subprocess.Popen[bytes], request: bytes, wall_s: float) -> Any:
    assert process.stdin is not None and process.stdout is not None
    end = time.monotonic() + wall_s
    # The worker reads a whole request before it writes, so this cannot wait for ever while it lives.
    process.stdin.write(len(request).to_bytes(_LENGTH_BYTES, "big") + request)
    process.stdin.flush()
    size = int.from_bytes(_read(process.stdout, _LENGTH_BYTES, end), "big")
    return pickle.loads(_read(process.stdout, size, end))  # noqa: S301 - our own process wrote it


def _read(pipe: IO[bytes], count: int, end: float) -> bytes:
    pieces = []
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while count:
            if not selector.select(max(end - time.monotonic(), 0.0)):
                raise _TimeOut
            piece = os.read(pipe.fileno(), count)
            if not piece:
                raise EOFError
            pieces.append(piece)
            count -= len(piece)
    return b"".join(pieces)


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _number(name: str) -> int:
    import signal

    return int(getattr(signal, name, 0))


WORKER = Worker()
atexit.register(WORKER.close)
