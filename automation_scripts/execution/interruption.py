"""Stop work that is under way: threads at their next step of Python code, child processes at once.

A thread cannot be ended from outside. It can be sent an exception (CPython's `PyThreadState_SetAsyncExc`), which
reaches it when it next runs Python code, and the processes that it waits for can be ended, so that it gets there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Iterator

from automation_scripts.settings.environ import SECRETS

MARK = "AUTOMATION_EXECUTION_ID"
"""Processes that a run starts carry this variable, and so do their children: that is how they are found again."""


class Interrupted(BaseException):
    """Raised inside a step whose run was stopped. No `Exception`: nothing in a step may take it for a failure to retry."""


class Workers:
    """The threads that work for one run."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._threads: set[int] = set()
        self._interrupted = False

    @contextlib.contextmanager
    def occupy(self) -> Iterator[None]:
        """Count the calling thread as one of the run's, so that it can be interrupted.

        Raises:
            Interrupted: the run was stopped before this step began.
        """
        me = threading.get_ident()
        with self._changed:
            if self._interrupted:
                raise Interrupted("the run was stopped")
            self._threads.add(me)
        try:
            yield
        finally:
            with self._changed:
                self._threads.discard(me)
                self._changed.notify_all()

    def interrupt(self) -> None:
        """Send `Interrupted` to the threads, and let no other step begin."""
        with self._changed:
            self._interrupted = True
            self._send()

    def left(self, grace_s: float) -> bool:
        """Wait until the interrupted threads have left their steps. False when one is still in it after `grace_s`."""
        with self._changed:
            deadline = time.monotonic() + grace_s
            while self._threads:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._changed.wait(min(0.5, remaining))
                self._send()  # a step may have swallowed it: a bare except, a finally
            return True

    def _send(self) -> None:
        for ident in self._threads:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Interrupted))


def marked_environment(execution_id: str) -> dict[str, str]:
    """The environment for a child process of this run: without the keys and the token, which are none of its business."""
    return {**{name: value for name, value in os.environ.items() if name not in SECRETS}, MARK: execution_id}


def end_marked_processes(execution_id: str, grace_s: float = 2.0) -> int:
    """End every process that carries this run's mark, also those that left their parent. Returns how many."""
    import psutil

    from automation_scripts.processes import end_all

    found = []
    me = os.getpid()
    for process in psutil.process_iter():
        try:
            if process.pid != me and process.environ().get(MARK) == execution_id:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # another account's process, or one that has just ended
    end_all(found, grace_s)
    return len(found)
