"""Operating-system processes: who is alive, told apart from a later process with the same number, and how to end one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process number with the time it started (seconds since the epoch): numbers are used again, pairs are not."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The identity of a living process; None when there is none."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    @classmethod
    def current(cls) -> ProcessIdentity:
        """The identity of this process."""
        return cls(os.getpid(), psutil.Process().create_time())

    def process(self) -> psutil.Process | None:
        """The living process, or None when it is gone, a zombie, or another process took its number."""
        try:
            process = psutil.Process(self.pid)
            # The kernel counts start times in ticks of 10 ms and psutil adds the boot time, which clock steps move.
            if abs(process.create_time() - self.started) > 1.0 or process.status() == psutil.STATUS_ZOMBIE:
                return None
            return process
        except psutil.Error:
            return None

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.process() is not None


def end_tree(process: psutil.Process, grace_s: float = 5.0) -> None:
    """End a process and everything below it: SIGTERM, and SIGKILL for what is left after `grace_s` seconds."""
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    end_all(family, grace_s)


def end_all(processes: Iterable[psutil.Process], grace_s: float = 5.0) -> None:
    """End these processes: SIGTERM, and SIGKILL for what is left after `grace_s` seconds. Returns when they are gone."""
    family = list(processes)
    _signal(family, signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=grace_s)
    _signal(left, signal.SIGKILL)
    psutil.wait_procs(left, timeout=grace_s)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue  # already gone, which is what was wanted
