"""The process that does what may end a process: `python -m automation_scripts.validation.parsing.worker`.

Requests and answers are pickles with their length before them, on standard input and output. Only the process that
started the worker writes to it. Before each request the limit on processor time is set anew; the one on memory holds
for all.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

_MEMORY_BYTES = 512 * 1024**2
_LENGTH_BYTES = 8


def main() -> None:
    """Answer until the input ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _limit_memory()
    while (size := int.from_bytes(requests.read(_LENGTH_BYTES), "big")) > 0:
        cpu_s, request = pickle.loads(requests.read(size))  # noqa: S301 - from the process that started this one
        _limit_cpu(cpu_s)
        _write(answers, _answer(request))


def _answer(request: tuple[Any, ...]) -> Any:
    kind, *arguments = request
    try:
        return _opinion(*arguments) if kind == "opinion" else _trial(*arguments)
    except MemoryError:
        from automation_scripts.validation.parsing.isolated import Lost

        return Lost("needed more memory than one file may take")


def _opinion(text: str) -> Any:
    from automation_scripts.validation.parsing.second_opinion import ask_yaml12

    return ask_yaml12(text)


def _trial(path: str, name: str, text: str, limits: Any, kind: Any) -> bool:
    """Parse a text to see whether that ends. The tree is dropped: to make it again costs less than to send it."""
    from automation_scripts.validation.parsing.files import parse_text

    parse_text(Path(path), name, text, replace(limits, isolate=False), kind)
    return True


def _write(answers: BinaryIO, answer: Any) -> None:
    packed = pickle.dumps(answer)
    answers.write(len(packed).to_bytes(_LENGTH_BYTES, "big") + packed)
    answers.flush()


def _limit_cpu(seconds: float) -> None:
    try:
        import resource
    except ImportError:  # no such limits on this platform; the one on wall time remains
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, hard))


def _limit_memory() -> None:
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return
    allowed = pages * os.sysconf("SC_PAGE_SIZE") + _MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))


if __name__ == "__main__":
    main()
