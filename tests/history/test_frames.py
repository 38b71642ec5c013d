"""The run history as a frame: exactly the columns and types that learning is promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from automation_scripts.history.frames import AFTER_THE_END, records_df, runs_df
from automation_scripts.history.models import runs
from automation_scripts.history.records import RunRecord
from automation_scripts.history.rows import run_to_row

T0 = datetime(2026, 10, 25, 0, 30, 0, 123456, tzinfo=UTC)

TYPES = {
    "run_id": "str",
    "script": "str",
    "category": "str",
    "environment": "str",
    "user": "str",
    "trigger": "str",
    "host": "str",
    "attempt": "int16",
    "dry_run": "bool",
    "queued_s": "float64",
    "start_time": "datetime64[ns, UTC]",
    "end_time": "datetime64[ns, UTC]",
    "duration_s": "float64",
    "status": "str",
    "error_class": "str",
    "rolled_back": "bool",
    "cpu_s": "float64",
    "max_rss_mb": "float64",
}


def types(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(kind) for name, kind in frame.dtypes.items()}


def add(store, make_run, name, minute=0, status="succeeded", fields=None, **changes):
    at = T0 + timedelta(minutes=minute)
    store.open_run(make_run(name, status="running", requested_at=at, **changes))
    store.close_run(name, "running", status, at=at + timedelta(seconds=1.5), **(fields or {}))


def test_columns_types_and_values(store, make_run):
    add(
        store,
        make_run,
        "a",
        trigger="api",
        attempt=2,
        queued_s=0.25,
        fields={"cpu_s": 0.5, "max_rss_mb": 90.0},
    )
    add(store, make_run, "b", 1, "failed", fields={"error_class": "ValueError", "rolled_back": True})
    frame = runs_df(store)
    assert types(frame) == TYPES
    first = frame.iloc[0]
    assert (first.run_id, first.trigger, first.attempt, first.queued_s) == ("a", "api", 2, 0.25)
    assert first.start_time == pd.Timestamp(T0)
    assert first.end_time == pd.Timestamp(T0 + timedelta(seconds=1.5))
    assert (first.duration_s, first.cpu_s, first.max_rss_mb) == (1.5, 0.5, 90.0)
    assert pd.isna(first.error_class)
    assert frame["rolled_back"].tolist() == [False, True]
    assert np.isnan(frame["cpu_s"][1])


def test_an_empty_history_has_the_same_columns_and_types(store):
    assert types(runs_df(store)) == TYPES
    assert len(runs_df(store, measures=True)) == 0
    expected = {name: kind for name, kind in TYPES.items() if name not in AFTER_THE_END}
    assert types(runs_df(store, for_prediction=True)) == expected
    assert types(records_df([], for_prediction=False)) == TYPES


def test_what_only_the_end_tells_is_left_out_for_prediction(store, make_run):
    add(store, make_run, "a", parameters={"size": 3})
    frame = runs_df(store, for_prediction=True)
    assert set(TYPES) - set(frame.columns) == {
        "end_time",
        "duration_s",
        "status",
        "error_class",
        "rolled_back",
        "cpu_s",
        "max_rss_mb",
    }
    assert frame["param.size"].tolist() == [3.0]


def test_states_are_told_in_the_words_of_learning(store, make_run):
    endings = ("succeeded", "failed", "cancelled", "timed_out", "rolled_back", "dry_run", "denied")
    for minute, status in enumerate(endings):
        add(store, make_run, status, minute, status)
    store.open_run(make_run("lost", status="running", pid=2**22 + 1, requested_at=T0 + timedelta(hours=1)))
    store.mark_crashed(at=T0 + timedelta(hours=2))
    store.open_run(make_run("active", status="running"))
    frame = runs_df(store).set_index("run_id")
    assert frame["status"].to_dict() == {
        "succeeded": "succeeded",
        "failed": "failed",
        "cancelled": "cancelled",
        "timed_out": "timed_out",
        "rolled_back": "failed",
        "dry_run": "succeeded",
        "lost": "crashed",
    }
    assert frame.index[frame["rolled_back"]].tolist() == ["rolled_back"]
    assert frame.index[frame["dry_run"]].tolist() == ["dry_run"]
    assert np.isnan(frame.loc["lost", "duration_s"])
    assert types(frame.reset_index()) == TYPES


def test_active_runs_on_request(store, make_run):
    add(store, make_run, "ended")
    store.open_run(make_run("active"))
    assert runs_df(store, ended=False)["run_id"].tolist() == ["active"]
    both = runs_df(store, ended=None)
    assert sorted(both["run_id"]) == ["active", "ended"]
    assert both["end_time"].isna().sum() == 1
    assert types(both) == TYPES
    assert types(runs_df(store, ended=False)) == TYPES


def test_filters_limit_and_order(store, make_run):
    for minute in (3, 1, 2, 0):
        add(
            store,
            make_run,
            f"run-{minute}",
            minute,
            script="a" if minute < 2 else "b",
            environment="production" if minute == 2 else "staging",
            user=f"user-{minute}",
            category="security" if minute == 3 else "validation",
            dry_run=minute == 0,
        )

    def ids(**filters):
        return runs_df(store, **filters)["run_id"].tolist()

    assert ids() == ["run-0", "run-1", "run-2", "run-3"]
    assert ids(limit=2) == ["run-2", "run-3"]
    assert ids(script="b") == ["run-2", "run-3"]
    assert ids(script=["a"], dry_runs=False) == ["run-1"]
    assert ids(environment="production") == ["run-2"]
    assert ids(category="security") == ["run-3"]
    assert ids(user=["user-1", "user-3"]) == ["run-1", "run-3"]
    assert ids(since=T0 + timedelta(minutes=1), until=T0 + timedelta(minutes=3)) == ["run-1", "run-2"]
    assert ids(since=timedelta(days=100_000)) == ids()


def test_measures_on_request(store, make_run):
    add(store, make_run, "a", fields={"read_bytes": 2**40, "rollback_cause": "probe", "findings": {"high": 2}})
    add(store, make_run, "b", 1)
    frame = runs_df(store, measures=True)
    assert frame["read_bytes"].tolist()[0] == 2.0**40
    assert np.isnan(frame["read_bytes"][1])
    assert frame["rollback_cause"][0] == "probe"
    assert frame["findings_high"].tolist() == [2.0, 0.0]
    assert str(frame["rollback_cause"].dtype) == "str"


def test_parameters_become_columns_of_numbers_or_text(store, make_run):
    huge = 10**400
    add(store, make_run, "a", 0, parameters={"n": 1, "flag": True, "mixed": 1, "nothing": None, "id": huge})
    add(
        store,
        make_run,
        "b",
        1,
        parameters={"n": 2.5, "flag": False, "mixed": "x", "tags": ["p", 1], "text": "t"},
    )
    add(store, make_run, "c", 2, parameters={"target": {"name": "web", "limits": {"cpu": 2}}, "mixed": True})
    add(store, make_run, "d", 3)
    frame = runs_df(store)
    parameters = frame[[name for name in frame if name.startswith("param.")]]
    assert list(parameters) == [
        "param.flag",
        "param.id",
        "param.mixed",
        "param.n",
        "param.tags",
        "param.target.limits.cpu",
        "param.target.name",
        "param.text",
    ]
    assert types(parameters) == {
        "param.flag": "float64",
        "param.id": "str",
        "param.mixed": "str",
        "param.n": "float64",
        "param.tags": "str",
        "param.target.limits.cpu": "float64",
        "param.target.name": "str",
        "param.text": "str",
    }
    assert parameters["param.flag"].fillna(-1).tolist() == [1.0, 0.0, -1.0, -1.0]
    assert parameters["param.mixed"].fillna("-").tolist() == ["1", "x", "true", "-"]
    assert parameters["param.id"][0] == str(huge)
    assert parameters["param.tags"][1] == '["p",1]'
    assert parameters["param.target.name"].fillna("-").tolist() == ["-", "-", "web", "-"]


def test_parameters_cannot_flood_the_frame(store, make_run):
    add(store, make_run, "a", parameters={f"key-{number}": number for number in range(2000)})
    add(store, make_run, "b", 1, parameters={"key-1999": 1})
    frame = runs_df(store)
    assert sum(name.startswith("param.") for name in frame) == 256
    assert "param.key-1999" in frame


def test_records_at_hand_look_like_those_of_the_history(store, make_run):
    records = [
        make_run("a", requested_at=T0, queued_s=1.0, parameters={"n": 1, "deep": {"x": "y"}}),
        make_run("b", requested_at=T0 + timedelta(seconds=1), parameters={"n": 2}),
    ]
    for run in records:
        store.open_run(run)
    stored = runs_df(store, ended=None, for_prediction=True)
    pd.testing.assert_frame_equal(records_df(records), stored)
    pd.testing.assert_frame_equal(
        records_df(store.list()[::-1], for_prediction=False), runs_df(store, ended=None), check_exact=True
    )


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), values, max_size=4), max_size=5))
def test_any_parameters_make_a_frame_of_numbers_and_text(parameters):
    records = [
        RunRecord(execution_id=str(n), script="s", category="c", environment="e", user="u", parameters=given_ones)
        for n, given_ones in enumerate(parameters)
    ]
    frame = records_df(records, for_prediction=False)
    assert len(frame) == len(parameters)
    for name in frame.columns[len(TYPES) :]:
        assert name.startswith("param.")
        assert str(frame[name].dtype) in ("float64", "str")


@pytest.mark.slow
def test_a_long_history_reads_whole(store, make_run):
    rows = [
        run_to_row(
            make_run(
                f"run-{n:06}",
                requested_at=T0 + timedelta(seconds=n),
                end_time=T0 + timedelta(seconds=n + 1),
                status="succeeded",
                parameters={"n": n},
            )
        )
        for n in range(20_000)
    ]
    with store.database.write() as connection:
        connection.execute(insert(runs), rows)
    frame = runs_df(store)
    assert frame["param.n"].tolist() == list(range(20_000))
    assert frame["start_time"].is_monotonic_increasing
