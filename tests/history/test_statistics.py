"""The four metric groups, against figures worked out by hand and against numpy."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.history.frames import records_df, runs_df
from automation_scripts.history.records import RunRecord
from automation_scripts.history.statistics import compute, execution_times, success_rates

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def frame_of(rows: list[dict[str, object]]) -> pd.DataFrame:
    """A frame with measures, made without a database."""
    records = [
        RunRecord(
            **(
                {
                    "execution_id": str(number),
                    "script": "s",
                    "category": "c",
                    "environment": "e",
                    "user": "u",
                    "status": "succeeded",
                    "requested_at": T0,
                    "end_time": T0 + timedelta(minutes=number),
                }
                | row
            )
        )
        for number, row in enumerate(rows)
    ]
    frame = records_df(records, for_prediction=False)
    for name in ("read_bytes", "written_bytes"):
        frame[name] = np.array([getattr(record, name) for record in records], dtype="float64")
    frame["rollback_cause"] = pd.Series([record.rollback_cause for record in records], dtype="str")
    return frame


def test_success_rate_leaves_cancelled_and_dry_runs_out():
    frame = frame_of(
        [
            *({"status": "succeeded"},) * 6,
            {"status": "failed"},
            {"status": "timed_out"},
            {"status": "crashed"},
            {"status": "rolled_back"},
            *({"status": "cancelled"},) * 5,
            *({"status": "dry_run", "dry_run": True},) * 7,
            {"status": "failed", "dry_run": True},
            {"status": "cancelled", "category": "other"},
        ]
    )
    found = compute(frame)
    rate = found.success_rate_by_category["c"]
    assert (rate.succeeded, rate.failed, rate.timed_out, rate.crashed, rate.cancelled) == (6, 2, 1, 1, 5)
    assert rate.rate == 0.6
    assert found.success_rate_by_category["other"].rate is None
    assert (found.runs, found.dry_runs) == (16, 8)
    assert found.success_rate.rate == 0.6
    assert compute(frame, dry_runs=True).success_rate_by_category["c"].rate == 13 / 18
    assert success_rates(frame, "script")["s"].cancelled == 6


def test_execution_time_is_that_of_runs_that_ran_to_an_outcome():
    rows = [{"duration_s": float(n), "script": "a"} for n in range(1, 101)]
    rows += [{"duration_s": 1e6, "status": "cancelled", "script": "a"}]
    rows += [{"duration_s": None, "status": "crashed", "script": "b"}]
    rows += [{"duration_s": 8.0, "status": "timed_out", "script": "c"}]
    found = compute(frame_of(rows)).execution_time_s
    spread = found["a"]
    assert (spread.count, spread.mean, spread.p50, spread.max) == (100, 50.5, 50.5, 100.0)
    assert (spread.p95, spread.p99) == (pytest.approx(95.05), pytest.approx(99.01))
    assert "b" not in found
    assert (found["c"].count, found["c"].p99) == (1, 8.0)


def test_resources_are_told_for_the_measures_that_were_taken():
    frame = frame_of(
        [
            {"duration_s": 1.0, "cpu_s": 1.0, "max_rss_mb": 100.0, "read_bytes": 10, "written_bytes": 2**41},
            {"duration_s": 1.0, "cpu_s": 3.0, "max_rss_mb": None},
        ]
    )
    found = compute(frame).resources["s"]
    assert (found["cpu_s"].count, found["cpu_s"].mean, found["cpu_s"].max) == (2, 2.0, 3.0)
    assert (found["max_rss_mb"].count, found["max_rss_mb"].mean) == (1, 100.0)
    assert found["written_bytes"].max == 2.0**41
    without = frame.drop(columns=["read_bytes", "written_bytes", "rollback_cause"])
    assert set(compute(without).resources["s"]) == {"cpu_s", "max_rss_mb"}


def test_rollbacks_are_counted_with_their_causes():
    frame = frame_of(
        [
            {"status": "succeeded"},
            {"status": "rolled_back", "rollback_cause": "probe failed"},
            {"status": "rolled_back", "rollback_cause": "probe failed"},
            {"status": "failed", "rolled_back": True, "rollback_cause": "error rate"},
            {"status": "rolled_back"},
            {"status": "cancelled"},
            {"status": "succeeded", "script": "t"},
        ]
    )
    found = compute(frame).rollbacks
    assert (found["s"].count, found["s"].rate) == (4, 0.8)
    assert next(iter(found["s"].causes.items())) == ("probe failed", 2)
    assert found["s"].causes == {"probe failed": 2, "error rate": 1, "unknown": 1}
    assert (found["t"].count, found["t"].rate, found["t"].causes) == (0, 0.0, {})


def test_a_window_is_over_the_time_when_the_outcome_was_known():
    frame = frame_of([{"status": "failed" if n < 5 else "succeeded"} for n in range(10)])
    until = T0 + timedelta(minutes=7)
    found = compute(frame, window=timedelta(minutes=3), until=until)
    assert (found.runs, found.success_rate.failed, found.success_rate.succeeded) == (4, 1, 3)
    assert found.to_dict()["since"] == "2026-01-01T00:04:00+00:00"
    assert compute(frame, window=timedelta(hours=1)).runs == 0  # long ago, seen from now
    assert compute(frame, until=T0).runs == 1
    with pytest.raises(ValueError, match="no time zone"):
        compute(frame, window=timedelta(hours=1), until=until.replace(tzinfo=None))


def test_nothing_is_none_and_never_zero(store):
    found = compute(runs_df(store, measures=True), window=timedelta(hours=1)).to_dict()
    assert found["success_rate"]["rate"] is None
    assert found["success_rate_by_category"] == {}
    assert found["execution_time_s"] == {}
    json.dumps(found, allow_nan=False)


def test_from_the_store_to_json(store, make_run):
    store.open_run(make_run("a", status="running", requested_at=T0))
    store.close_run(
        "a",
        "running",
        "rolled_back",
        at=T0 + timedelta(seconds=2),
        rollback_cause="probe",
        cpu_s=1.0,
        read_bytes=5,
    )
    store.open_run(make_run("still-running", status="running"))
    found = json.loads(json.dumps(compute(runs_df(store, ended=None, measures=True)).to_dict(), allow_nan=False))
    assert found["runs"] == 1
    assert found["success_rate_by_category"]["validation"]["rate"] == 0.0
    assert found["execution_time_s"]["config_validator"]["p99"] == 2.0
    assert found["resources"]["config_validator"]["read_bytes"]["mean"] == 5.0
    assert found["resources"]["config_validator"]["max_rss_mb"]["mean"] is None
    assert found["rollbacks"]["config_validator"] == {"count": 1, "rate": 1.0, "causes": {"probe": 1}}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.floats(0, 1e6), st.sampled_from(["succeeded", "failed", "cancelled"])),
        max_size=30,
    )
)
def test_figures_agree_with_a_plain_computation(runs):
    frame = frame_of([{"script": s, "duration_s": d, "status": status} for s, d, status in runs])
    found = execution_times(frame)
    rates = success_rates(frame, "script")
    for script in {s for s, _, _ in runs}:
        durations = [d for s, d, status in runs if s == script and status != "cancelled"]
        outcomes = [status for s, _, status in runs if s == script and status != "cancelled"]
        if durations:
            assert found[script].mean == pytest.approx(sum(durations) / len(durations))
            assert found[script].p95 == pytest.approx(float(np.quantile(durations, 0.95)))
            assert rates[script].rate == pytest.approx(outcomes.count("succeeded") / len(outcomes))
        else:
            assert script not in found
            assert rates[script].rate is None
