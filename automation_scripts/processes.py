"""Operating-system processes: which one it is, whether it still lives, and how to end one.

A process id alone is not enough: ids are used again, and a rebooted host starts to count anew. A process is
therefore known by host, boot, pid namespace, id and start time; see proc(5), `/proc/[pid]/stat` field 22.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

_DEAD_STATES = frozenset("ZXx")  # a zombie has ended; only its parent has not asked for the exit status yet
_cached: ProcessIdentity | None = None


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process for all time. `started` is in clock ticks since boot (Linux), else in ms since 1970."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int | None
    started: int | None


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """The fields of `/proc/[pid]/stat` that matter here. Ticks are `sysconf(SC_CLK_TCK)` a second."""

    parent: int
    state: str
    own_ticks: int
    reaped_ticks: int
    started: int
    rss_pages: int


def current_process() -> ProcessIdentity:
    """The identity of the calling process; computed once a process."""
    global _cached  # noqa: PLW0603 - a fork must not inherit it, hence the check of the pid
    if _cached is None or _cached.pid != os.getpid():
        _cached = ProcessIdentity(
            host=socket.gethostname(),
            boot_id=_boot_id(),
            pid_namespace=_pid_namespace(),
            pid=os.getpid(),
            started=_started(os.getpid()),
        )
    return _cached


def is_gone(owner: ProcessIdentity, here: ProcessIdentity) -> bool:
    """True when it is certain that `owner` no longer runs, judged from the process `here`.

    False where it cannot be known: a process of another host or of another container, or a run that no
    process holds (`pid` is None, for example while it waits for an approval).
    """
    if owner.pid is None or owner.host != here.host:
        return False
    if owner.boot_id != here.boot_id:
        return True
    if owner.pid_namespace != here.pid_namespace:
        return False
    return not _is_alive(owner.pid, owner.started)


def read_stat(pid: int) -> ProcessStat | None:
    """Read `/proc/<pid>/stat`; None when the process is gone or /proc does not show it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - read ten times a second: no Path object
            text = file.read()
    except OSError:
        return None
    # The command name stands in brackets and may itself hold spaces and brackets.
    fields = text[text.rfind(b")") + 2 :].split()
    if len(fields) < 22:
        return None
    return ProcessStat(
        parent=int(fields[1]),
        state=fields[0].decode(),
        own_ticks=int(fields[11]) + int(fields[12]),
        reaped_ticks=int(fields[13]) + int(fields[14]),
        started=int(fields[19]),
        rss_pages=int(fields[21]),
    )


def _is_alive(pid: int, started: int | None) -> bool:
    if HAS_PROC:
        stat = read_stat(pid)
        if stat is not None:
            return stat.state not in _DEAD_STATES and started in (None, stat.started)
        return _signal_reaches(pid)
    import psutil

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and started in (None, _milliseconds(process))
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _signal_reaches(pid: int) -> bool:
    """Ask the kernel itself: a /proc mounted with `hidepid` hides the living processes of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _started(pid: int) -> int | None:
    stat = read_stat(pid) if HAS_PROC else None
    if stat is not None:
        return stat.started
    import psutil

    try:
        return _milliseconds(psutil.Process(pid))
    except psutil.Error:
        return None


def _milliseconds(process: psutil.Process) -> int:
    return round(process.create_time() * 1000)


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        import psutil

        # Whole minutes: the computed boot time shifts by a second or so when the clock is set.
        return f"booted-{round(psutil.boot_time() / 60)}"


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


HAS_PROC = read_stat(os.getpid()) is not None
"""Linux shows its processes below /proc; elsewhere psutil asks the system."""


def living(owner: ProcessIdentity) -> psutil.Process | None:
    """The process itself, when it runs on this host and in this boot and container; None when it is gone or elsewhere."""
    import psutil

    here = current_process()
    same = (owner.host, owner.boot_id, owner.pid_namespace) == (here.host, here.boot_id, here.pid_namespace)
    if not same or owner.pid is None or is_gone(owner, here):
        return None
    try:
        return psutil.Process(owner.pid)
    except psutil.Error:
        return None


def end_tree(process: psutil.Process, grace_s: float = 5.0) -> None:
    """End a process and everything below it: SIGTERM, and SIGKILL for what is left after `grace_s` seconds."""
    import psutil

    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    end_all(family, grace_s)


def end_all(processes: Iterable[psutil.Process], grace_s: float = 5.0) -> None:
    """End these processes: SIGTERM, and SIGKILL for what is left after `grace_s` seconds. Returns when they are gone."""
    import psutil

    family = list(processes)
    _signal(family, signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=grace_s)
    _signal(left, signal.SIGKILL)
    psutil.wait_procs(left, timeout=grace_s)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    import psutil

    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue  # already gone, which is what was wanted
