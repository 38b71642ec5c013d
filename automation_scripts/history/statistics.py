"""The four metric groups over the run history, as pure functions of `frames.runs_df(measures=True)`.

What is counted:
- **Dry runs** change nothing and are quick; mixed with real runs they would flatter every figure. They are
  left out, unless `dry_runs=True`. How many there were is told in `dry_runs`.
- **Success rate** is succeeded / (succeeded + failed + timed_out + crashed). A cancelled run says nothing
  about the script and is in neither part; it is counted by itself. A run that was rolled back is failed.
- **Execution time** is taken over succeeded, failed and timed-out runs that have a duration. Cancelled and
  crashed runs were cut short by somebody or something else.
- **Resources** are taken over the same runs as execution time, and each measure over the runs that have it.
- **Rollback frequency** is rolled-back runs / (succeeded + failed + timed_out + crashed).
- **Percentiles** interpolate linearly between order statistics (type 7 of Hyndman and Fan, 1996). A figure
  without any run is None, never 0. The `window` is over `end_time`: an outcome counts when it was known.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from automation_scripts.states import State
from automation_scripts.storage.times import now as present
from automation_scripts.storage.times import utc

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES = (State.SUCCEEDED.value, State.FAILED.value, State.TIMED_OUT.value, State.CRASHED.value)
"""The statuses that a success rate is made of."""
TIMED = (State.SUCCEEDED.value, State.FAILED.value, State.TIMED_OUT.value)
"""The statuses whose duration says something about the script."""
RESOURCES = ("cpu_s", "max_rss_mb", "read_bytes", "written_bytes")


@dataclass(frozen=True, slots=True)
class SuccessRate:
    """Outcomes of a category or a script; `rate` is in [0, 1]."""

    succeeded: int
    failed: int
    timed_out: int
    crashed: int
    cancelled: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """A measured quantity over `count` runs, in its own unit."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class Rollbacks:
    """Rolled-back runs of a script: how many, which part of its runs, and why, most frequent cause first."""

    count: int
    rate: float | None
    causes: dict[str, int]


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """All four groups, and the runs that they were made of."""

    since: datetime | None
    until: datetime | None
    runs: int
    dry_runs: int
    success_rate: SuccessRate
    success_rate_by_category: dict[str, SuccessRate]
    success_rate_by_script: dict[str, SuccessRate]
    execution_time_s: dict[str, Spread]
    resources: dict[str, dict[str, Spread]]
    rollbacks: dict[str, Rollbacks]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data; times as ISO 8601 in UTC."""
        data = asdict(self)
        for name in ("since", "until"):
            data[name] = data[name].isoformat() if data[name] else None
        return data


def compute(
    frame: pd.DataFrame,
    *,
    window: timedelta | None = None,
    until: datetime | None = None,
    dry_runs: bool = False,
) -> RunStatistics:
    """All four groups over the runs that ended within `window` before `until` (default with a window: now).

    `frame` is one of `runs_df(store, measures=True)`; without measures the bytes and the causes are missing.
    """
    if window is not None and until is None:
        until = present()
    since = None if window is None or until is None else utc(until) - window
    chosen = within(frame, since, until)
    counted = chosen if dry_runs else chosen[~chosen["dry_run"]]
    return RunStatistics(
        since=since,
        until=until,
        runs=len(counted),
        dry_runs=int(chosen["dry_run"].sum()),
        success_rate=_success_rate(counted["status"].value_counts().to_dict()),
        success_rate_by_category=success_rates(counted, "category"),
        success_rate_by_script=success_rates(counted, "script"),
        execution_time_s=execution_times(counted),
        resources=resource_consumption(counted),
        rollbacks=rollbacks(counted),
    )


def within(frame: pd.DataFrame, since: datetime | None, until: datetime | None) -> pd.DataFrame:
    """The runs that ended in [since, until]; None is no bound. Runs that have not ended are left out."""
    ended = frame["end_time"]
    mask = ended.notna()
    if since is not None:
        mask &= ended >= utc(since)
    if until is not None:
        mask &= ended <= utc(until)
    return frame[mask]


def success_rates(frame: pd.DataFrame, by: str = "category") -> dict[str, SuccessRate]:
    """Success rate by category (or `script`, `environment`, `user`)."""
    counts: dict[str, dict[str, int]] = {}
    for group, status, count in _counted(frame, [by, "status"]):
        counts.setdefault(group, {})[status] = count
    return {group: _success_rate(found) for group, found in sorted(counts.items())}


def execution_times(frame: pd.DataFrame, by: str = "script") -> dict[str, Spread]:
    """Mean and percentiles of the execution time in seconds by script."""
    return _spreads(frame[frame["status"].isin(TIMED)], "duration_s", by)


def resource_consumption(frame: pd.DataFrame, by: str = "script") -> dict[str, dict[str, Spread]]:
    """CPU seconds, peak memory (MiB) and bytes by script, for the measures that the frame has."""
    timed = frame[frame["status"].isin(TIMED)]
    found: dict[str, dict[str, Spread]] = {str(group): {} for group in sorted(timed[by].unique())}
    for measure in RESOURCES:
        if measure in frame:
            for group, spread in _spreads(timed, measure, by).items():
                found[group][measure] = spread
    return found


def rollbacks(frame: pd.DataFrame, by: str = "script") -> dict[str, Rollbacks]:
    """How often runs of a script were rolled back, and why. A cause that was not recorded is `unknown`."""
    finished = frame[frame["status"].isin(OUTCOMES)]
    totals = finished.groupby(by, observed=True).size()
    undone = finished[finished["rolled_back"]]
    causes: dict[str, dict[str, int]] = {}
    if "rollback_cause" in undone:
        named = undone.assign(rollback_cause=undone["rollback_cause"].fillna("unknown"))
        for group, cause, count in _counted(named, [by, "rollback_cause"]):
            causes.setdefault(group, {})[cause] = count
    counts = undone.groupby(by, observed=True).size()
    return {
        str(group): Rollbacks(
            count=int(counts.get(group, 0)),
            rate=float(counts.get(group, 0)) / int(total),
            causes=causes.get(str(group), {}),
        )
        for group, total in totals.items()
    }


def _counted(frame: pd.DataFrame, by: list[str]) -> list[tuple[str, str, int]]:
    """How many rows have each pair of values, most frequent first."""
    sizes = frame.groupby(by, observed=True).size().reset_index(name="count")
    pairs = zip(sizes[by[0]], sizes[by[1]], sizes["count"], strict=True)
    return sorted(((str(a), str(b), int(n)) for a, b, n in pairs), key=lambda found: -found[2])


def _success_rate(counts: dict[Any, int]) -> SuccessRate:
    by_status = {status: int(counts.get(status, 0)) for status in (*OUTCOMES, State.CANCELLED.value)}
    total = sum(by_status[status] for status in OUTCOMES)
    return SuccessRate(**by_status, rate=by_status[State.SUCCEEDED] / total if total else None)


def _spreads(frame: pd.DataFrame, measure: str, by: str) -> dict[str, Spread]:
    import numpy as np

    found = {}
    for group, values in frame.groupby(by, observed=True)[measure]:
        known = values.to_numpy(dtype="float64", na_value=np.nan)
        known = known[np.isfinite(known)]
        found[str(group)] = _spread(known)
    return found


def _spread(values: Any) -> Spread:
    import numpy as np

    if not len(values):
        return Spread(0, None, None, None, None, None)
    p50, p95, p99 = (float(q) for q in np.percentile(values, (50, 95, 99)))
    return Spread(len(values), float(values.mean()), p50, p95, p99, float(values.max()))
