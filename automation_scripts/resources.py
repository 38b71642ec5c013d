"""What a run consumes: CPU time, peak memory, bytes read and written, of this process and all its children.

How it is measured. At any time the totals of a process tree are those of its root, of what the root has
reaped (the kernel adds the totals of an ended child to its parent's), and of the living descendants with
what they have reaped. A run's consumption is the difference of the totals at its end and at its begin, so
children that ended are in it exactly, however short they lived. In between a thread samples the tree a few
times a second: for the peak of memory, which no counter keeps, and to follow descendants whose parent ended
before them.

Runs that share a process share its counters: each is given all that the process consumed during its time, and
`Usage.shared_with` says how many others there were at most. Such figures must not be added up.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from automation_scripts.history.records import RunFields
from automation_scripts.processes import HAS_PROC, ProcessStat, read_stat

_MEBIBYTE = 1024 * 1024
_active: set[ResourceSampler] = set()
_active_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Usage:
    """What was consumed. None where the system does not tell.

    `max_rss_mb` is the highest sum of resident memory over the tree, in MiB; memory that processes share
    counts once for each. Bytes are those of the read and write system calls, sockets and pipes included,
    whether or not the page cache served them: so a repetition gives the same figure. `shared_with` is the
    highest number of other samplers at work in this process at the same time.
    """

    cpu_s: float
    max_rss_mb: float | None
    read_bytes: int | None
    written_bytes: int | None
    shared_with: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def as_fields(self) -> RunFields:
        """The measures as fields of a run: `store.close_run(…, **sampler.usage.as_fields())`."""
        return {
            "cpu_s": self.cpu_s,
            "max_rss_mb": self.max_rss_mb,
            "read_bytes": self.read_bytes,
            "written_bytes": self.written_bytes,
        }


@dataclass(frozen=True, slots=True)
class _Totals:
    cpu_s: float
    rss_bytes: int | None
    read_bytes: int | None
    written_bytes: int | None


class ResourceSampler:
    """Measure a block: `with ResourceSampler() as sampler: ...`, then `sampler.usage`.

    `interval_s` is the time between two samples of memory. `snapshot()` tells what was consumed so far.
    """

    def __init__(self, interval_s: float = 0.2) -> None:
        self.interval_s = interval_s
        self.shared_with = 0
        self._usage: Usage | None = None
        self._lock = threading.Lock()

    @property
    def usage(self) -> Usage:
        """What the block consumed; until it ends, what it has consumed so far."""
        return self._usage or self.snapshot()

    def __enter__(self) -> Self:
        self._tree = _ProcessTree()
        self._peak: int | None = None
        self._peak_before = _own_peak()
        self._usage = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="resource-sampler", daemon=True)
        with _active_lock:
            self.shared_with = 0
            _active.add(self)
            for sampler in _active:
                sampler.shared_with = max(sampler.shared_with, len(_active) - 1)
        self._begin = self._tree.read()
        self._note_peak(self._begin)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        with _active_lock:
            _active.discard(self)
        self._usage = self.snapshot()

    def snapshot(self) -> Usage:
        """What was consumed since the begin."""
        with self._lock:
            totals = self._tree.read()
            self._note_peak(totals)
            peak = self._highest_peak()
        return Usage(
            cpu_s=max(totals.cpu_s - self._begin.cpu_s, 0.0),
            max_rss_mb=None if peak is None else peak / _MEBIBYTE,
            read_bytes=_difference(totals.read_bytes, self._begin.read_bytes),
            written_bytes=_difference(totals.written_bytes, self._begin.written_bytes),
            shared_with=self.shared_with,
        )

    def _sample(self) -> None:
        while not self._stop.wait(self.interval_s):
            with self._lock:
                self._note_peak(self._tree.read())

    def _note_peak(self, totals: _Totals) -> None:
        if totals.rss_bytes is not None:
            self._peak = max(self._peak or 0, totals.rss_bytes)

    def _highest_peak(self) -> int | None:
        """The sampled peak, or a higher one between two samples that the kernel noted.

        The kernel's marks are for a process's whole life, so they count only when they rose during the
        block. A reaped child has at least the mark of the program that started it, so its mark says more
        only when it is higher.
        """
        own, child = _own_peak()
        own_before, child_before = self._peak_before
        marks = [own] if own > own_before else []
        if child > max(child_before, own):
            marks.append(child)
        known = [*marks] if self._peak is None else [self._peak, *marks]
        return max(known) if known else None


class _ProcessTree:
    """The totals of this process and its descendants, orphans among them included."""

    def __init__(self) -> None:
        self._root = os.getpid()
        self._known: set[tuple[int, int]] = set()  # (pid, started) of every descendant at the last read
        self._orphans: dict[tuple[int, int], _Totals] = {}

    def read(self) -> _Totals:
        """The totals now. A child that is reaped meanwhile would be counted twice: then read again."""
        for _attempt in range(4):
            before = _reaped_cpu_s()
            totals = self._read_once()
            if _reaped_cpu_s() == before:
                break
        return totals

    def _read_once(self) -> _Totals:
        parts = [_own_totals(), *self._descendants()]
        return _Totals(
            cpu_s=sum(part.cpu_s for part in parts),
            rss_bytes=_sum([part.rss_bytes for part in parts]),
            # A descendant whose I/O may not be read shows up when its parent reaps it.
            read_bytes=None if parts[0].read_bytes is None else _sum([part.read_bytes for part in parts]),
            written_bytes=None if parts[0].written_bytes is None else _sum([part.written_bytes for part in parts]),
        )

    def _descendants(self) -> list[_Totals]:
        if not HAS_PROC:
            return list(_portable_descendants())
        seen: set[tuple[int, int]] = set()
        totals: list[_Totals] = []
        self._walk(self._root, seen, totals)
        # Known ones that are no longer below the root: reaped, or their parent ended first and they live on.
        for key in (self._known - seen) | self._orphans.keys():
            self._follow_orphan(key, seen, totals)
        self._known = seen
        return totals + list(self._orphans.values())

    def _walk(self, pid: int, seen: set[tuple[int, int]], totals: list[_Totals]) -> None:
        for child in _children(pid):
            stat = read_stat(child)
            if stat is not None and (child, stat.started) not in seen:
                seen.add((child, stat.started))
                totals.append(_totals_of(child, stat))
                self._walk(child, seen, totals)

    def _follow_orphan(self, key: tuple[int, int], seen: set[tuple[int, int]], totals: list[_Totals]) -> None:
        """Keep the last known totals of an orphan for good: nobody in the tree will reap it."""
        if key in seen:
            self._orphans.pop(key, None)
            return
        pid, started = key
        stat = read_stat(pid)
        if stat is not None and stat.started == started:
            self._orphans[key] = _totals_of(pid, stat)
            self._walk(pid, seen, totals)
        elif key in self._orphans:
            last = self._orphans[key]
            self._orphans[key] = _Totals(last.cpu_s, 0, last.read_bytes, last.written_bytes)


def _own_totals() -> _Totals:
    """Of this process with all that it has reaped; CPU to the microsecond, where ticks are 10 ms."""
    read, written = _io_bytes(os.getpid()) if HAS_PROC else (None, None)
    return _Totals(time.process_time() + _reaped_cpu_s(), _own_rss(), read, written)


def _totals_of(pid: int, stat: ProcessStat) -> _Totals:
    read, written = _io_bytes(pid)
    cpu_s = (stat.own_ticks + stat.reaped_ticks) / _TICKS_A_SECOND
    return _Totals(cpu_s, stat.rss_pages * _PAGE_BYTES, read, written)


def _children(pid: int) -> Iterator[int]:
    """The direct children of all threads of a process."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - read often
    except OSError:
        return
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:  # noqa: PTH123 - read often
                yield from map(int, file.read().split())
        except OSError:
            continue


def _io_bytes(pid: int) -> tuple[int | None, int | None]:
    """Bytes of read and write calls, with those of reaped children; proc(5), `rchar` and `wchar`."""
    try:
        with open(f"/proc/{pid}/io", "rb") as file:  # noqa: PTH123 - read often
            lines = file.read().split()
    except OSError:
        return None, None
    return int(lines[1]), int(lines[3])


def _portable_descendants() -> Iterator[_Totals]:
    """Without /proc: what psutil can tell, which has no I/O on macOS."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        try:
            with process.oneshot():
                yield _Totals(sum(process.cpu_times()[:4]), process.memory_info().rss, None, None)
        except psutil.Error:
            continue


def _own_rss() -> int | None:
    if HAS_PROC:
        stat = read_stat(os.getpid())
        return None if stat is None else stat.rss_pages * _PAGE_BYTES
    import psutil

    return int(psutil.Process().memory_info().rss)


def _reaped_cpu_s() -> float:
    times = os.times()
    if _resource is None:
        return times.children_user + times.children_system
    usage = _resource.getrusage(_resource.RUSAGE_CHILDREN)
    return float(usage.ru_utime + usage.ru_stime)


def _own_peak() -> tuple[int, int]:
    """The highest resident memory ever, in bytes: of this process, and of the largest one that was reaped."""
    if _resource is None:
        return 0, 0
    own = _resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss
    child = _resource.getrusage(_resource.RUSAGE_CHILDREN).ru_maxrss
    if not HAS_PROC:
        return own, child  # bytes on macOS
    with contextlib.suppress(OSError, IndexError, ValueError):
        # Unlike `ru_maxrss`, not inherited from the program that started this one.
        own = int(Path("/proc/self/status").read_text("ascii", "replace").split("VmHWM:")[1].split()[0])
    return own * 1024, child * 1024


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _difference(end: int | None, begin: int | None) -> int | None:
    return None if end is None or begin is None else max(end - begin, 0)


try:
    import resource as _resource_module
except ImportError:  # Windows
    _resource: Any = None
else:
    _resource = _resource_module
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
