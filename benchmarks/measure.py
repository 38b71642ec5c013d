"""How the benchmarks measure: sides interleaved in one run, medians, and the ratio of each pair."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing, in seconds, with the ambition it is held against."""

    name: str
    value: float
    unit: str
    goal: str = ""
    note: str = ""

    def line(self) -> str:
        """A row of a Markdown table."""
        return f"| {self.name} | {self.value:.3g} {self.unit} | {self.goal} | {self.note} |"


async def interleaved(
    sides: dict[str, Callable[[], Awaitable[object]]], rounds: int, warmup: int = 1
) -> dict[str, list[float]]:
    """Wall seconds of each side, A B A B …, after `warmup` rounds that are not counted."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(warmup + rounds):
        for name, run in sides.items():
            begin = time.perf_counter()
            await run()
            if number >= warmup:
                times[name].append(time.perf_counter() - begin)
    return times


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def paired_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """The median of the ratios pair by pair: a slow spell of the machine hits both sides of a pair."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))


def process_time(argv: Sequence[str], env: dict[str, str] | None = None) -> tuple[float, float]:
    """(wall seconds, CPU seconds) of one whole process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(
        argv, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
