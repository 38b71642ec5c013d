"""Runs, their transitions and their end, on both databases."""

from __future__ import annotations

import asyncio
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import insert

from automation_scripts.errors import IllegalTransition, InvalidParameters
from automation_scripts.history.models import run_results, runs
from automation_scripts.history.rows import run_to_row
from automation_scripts.history.store import HistoryStore
from automation_scripts.states import State

T0 = datetime(2026, 3, 29, 0, 59, 59, 123456, tzinfo=UTC)


def test_a_run_comes_back_as_it_was_written(store, make_run):
    run = make_run(
        "run-1",
        trigger="schedule",
        level="ai_driven",
        attempt=3,
        dry_run=True,
        requested_at=T0,
        start_time=T0 + timedelta(seconds=2),
        queued_s=2.0,
        flow_run_id="f",
        trace_id="t",
        request_id="req_1",
        approval_id="a",
        predicted_changes=4,
        findings={"high": 2, "info": 7},
        parameters={"path": "/etc/app", "strict": True, "limits": {"cpu": 0.5}, "tags": ["a", None]},
    )
    store.open_run(run)
    found = store.get("run-1")
    assert found.findings == {"critical": 0, "high": 2, "medium": 0, "low": 0, "info": 7}
    run.findings = found.findings
    assert found == run
    assert found.active
    assert found.requested_at.utcoffset() == timedelta(0)


def test_times_of_other_zones_are_stored_as_utc_and_naive_ones_refused(store, make_run):
    there = T0.astimezone(timezone(timedelta(hours=5, minutes=45)))
    store.open_run(make_run("run-1", requested_at=there))
    assert store.get("run-1").start_time == T0
    assert store.transitions("run-1")[0].at == T0
    with pytest.raises(ValueError, match="no time zone"):
        store.open_run(make_run("run-2", requested_at=T0.replace(tzinfo=None)))
    with pytest.raises(ValueError, match="no time zone"):
        store.transition("run-1", "requested", "admitted", at=T0.replace(tzinfo=None))
    assert store.get("run-1").status == "requested"


def test_transitions_are_kept_in_order_with_their_reasons_and_fields(store, make_run):
    store.open_run(make_run("run-1", requested_at=T0))
    started = T0 + timedelta(seconds=9)
    store.transition("run-1", State.REQUESTED, State.ADMITTED, at=T0, reason="policy 4 allows it")
    store.transition("run-1", "admitted", "planning", at=started, start_time=started, queued_s=9.0)
    store.transition("run-1", "planning", "running", at=started, predicted_changes=2, trace_id="abc")
    changes = [(t.seq, t.from_state, t.to_state, t.reason) for t in store.transitions("run-1")]
    assert changes == [
        (1, None, "requested", ""),
        (2, "requested", "admitted", "policy 4 allows it"),
        (3, "admitted", "planning", ""),
        (4, "planning", "running", ""),
    ]
    run = store.get("run-1")
    assert (run.status, run.start_time, run.queued_s, run.predicted_changes) == ("running", started, 9.0, 2)


def test_a_transition_from_another_state_is_refused_and_changes_nothing(store, make_run):
    store.open_run(make_run("run-1", status="running"))
    with pytest.raises(IllegalTransition, match="cannot go from planning to verifying: it is running"):
        store.transition("run-1", "planning", "verifying", trace_id="abc")
    with pytest.raises(IllegalTransition, match="No run 'run-9'"):
        store.transition("run-9", "planning", "running")
    assert (store.get("run-1").status, store.get("run-1").trace_id) == ("running", None)
    assert len(store.transitions("run-1")) == 1


def test_of_many_threads_that_move_a_run_exactly_one_succeeds(store, make_run):
    store.open_run(make_run("run-1", status="running"))
    together = threading.Barrier(8)

    def move(number: int) -> bool:
        together.wait()
        try:
            store.transition("run-1", "running", f"state-{number}")
        except IllegalTransition:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(move, range(8)))
    assert sum(outcomes) == 1
    assert store.get("run-1").status == f"state-{outcomes.index(True)}"
    assert len(store.transitions("run-1")) == 2


def test_closing_writes_outcome_measures_and_result_and_happens_once(store, make_run):
    store.open_run(make_run("run-1", status="verifying", requested_at=T0, start_time=T0))
    assert store.acquire_slot("run-1", 1)
    end = T0 + timedelta(seconds=61.5)
    result = {"status": "failed", "findings": [{"severity": "high", "message": "wörk"}]}
    store.close_run(
        "run-1",
        "verifying",
        "failed",
        at=end,
        reason="the probe said 500",
        result=result,
        error_class="ProbeFailed",
        error_message="500",
        cpu_s=1.5,
        max_rss_mb=80.25,
        read_bytes=2**40,
        written_bytes=0,
        findings={"high": 1},
    )
    run = store.get("run-1")
    assert (run.status, run.end_time, run.duration_s, run.holds_slot) == ("failed", end, 61.5, False)
    assert (run.error_class, run.cpu_s, run.max_rss_mb, run.read_bytes) == ("ProbeFailed", 1.5, 80.25, 2**40)
    assert run.result == result
    assert run.findings["high"] == 1
    assert store.slots_in_use() == 0
    assert store.active() == []
    for attempt in (
        lambda: store.close_run("run-1", "failed", "succeeded"),
        lambda: store.close_run("run-1", "verifying", "succeeded"),
        lambda: store.transition("run-1", "failed", "running"),
    ):
        with pytest.raises(IllegalTransition, match="is failed and ended at 2026-03-29T01:01:00"):
            attempt()
    assert [t.to_state for t in store.transitions("run-1")] == ["verifying", "failed"]


def test_a_run_that_was_moved_to_its_last_state_is_closed_there(store, make_run):
    store.open_run(make_run("run-1", status="running"))
    store.transition("run-1", "running", "rolled_back", reason="verify failed")
    assert store.get("run-1").active
    store.close_run("run-1", "rolled_back", "rolled_back", rollback_cause="verify")
    run = store.get("run-1")
    assert (run.active, run.rolled_back, run.rollback_cause) == (False, True, "verify")
    assert [t.to_state for t in store.transitions("run-1")] == ["running", "rolled_back"]


def test_a_clock_that_was_set_back_gives_no_negative_duration(store, make_run):
    store.open_run(make_run("run-1", status="running", requested_at=T0, start_time=T0))
    store.close_run("run-1", "running", "succeeded", at=T0 - timedelta(hours=1))
    assert store.get("run-1").duration_s == 0.0


def test_an_id_is_taken_once(store, make_run):
    store.open_run(make_run("run-1"))
    with pytest.raises(IllegalTransition, match="run-1 is already in the history"):
        store.open_run(make_run("run-1", script="other"))
    assert store.get("run-1").script == "config_validator"
    assert len(store.transitions("run-1")) == 1


def test_a_run_is_found_by_a_unique_beginning_of_its_id(store, make_run):
    for name in ("ab_1", "abX2", "AB_3", "é1", "é2", "zz\U0010fffe"):
        store.open_run(make_run(name))
    assert store.get("ab_").execution_id == "ab_1"  # no wildcard
    assert store.get("A").execution_id == "AB_3"  # not case-blind
    assert store.get("z").execution_id == "zz\U0010fffe"
    with pytest.raises(InvalidParameters, match=r"beginning of several runs: .*ab"):
        store.get("ab")
    with pytest.raises(InvalidParameters, match="No run 'b'"):
        store.get("b")
    with pytest.raises(InvalidParameters, match="No run '%'"):
        store.get("%")
    with pytest.raises(InvalidParameters, match="No run ''"):
        store.get("")
    store.open_run(make_run("ab"))
    assert store.get("ab").execution_id == "ab"  # a whole id wins over beginnings


def test_lists_are_filtered_and_newest_first(store, make_run):
    for number in range(6):
        store.open_run(
            make_run(
                f"run-{number}",
                script="a" if number % 2 else "b",
                environment="production" if number < 3 else "staging",
                user="o'brien; DROP TABLE runs" if number == 5 else "ada",
                status="running" if number == 4 else "requested",
                requested_at=T0 + timedelta(minutes=number),
            )
        )

    def ids(**filters: object) -> list[str]:
        return [run.execution_id for run in store.list(**filters)]

    assert ids() == [f"run-{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert ids(script="a") == ["run-5", "run-3", "run-1"]
    assert ids(script=["a", "b"], environment="production") == ["run-2", "run-1", "run-0"]
    assert ids(user="o'brien; DROP TABLE runs") == ["run-5"]
    assert ids(status=State.RUNNING) == ["run-4"]
    assert ids(status=[]) == []
    assert ids(since=T0 + timedelta(minutes=4)) == ["run-5", "run-4"]
    assert ids(since=timedelta(days=100_000), limit=2) == ["run-5", "run-4"]
    assert ids(limit=None) == ids()
    assert [run.execution_id for run in store.active()] == [f"run-{number}" for number in range(6)]


class Odd:
    """An object that JSON knows nothing of."""

    def __str__(self) -> str:
        return "odd \0 \udc80"


def test_whatever_is_put_into_a_run_can_be_stored(store, make_run):
    cycle: dict[str, object] = {}
    cycle["again"] = cycle
    parameters = {
        "nan": math.nan,
        "inf": [math.inf, -math.inf],
        "path": Path("/etc/x"),
        "when": T0,
        "secret": SecretStr("hunter2"),
        "undecodable": os.fsdecode(b"caf\xe9.yaml"),
        "nul": "a\0b",
        "literal": "\\u0000",
        "face": "😀",
        "set": {3, 1},
        "bytes": b"\xff",
        "huge": 10**40,
        "odd": Odd(),
        7: "key",
        ("t",): 1,
        "cycle": cycle,
    }
    store.open_run(make_run("run-1", parameters=parameters, user="a\0b", script="\udc80"))
    store.close_run(
        "run-1", "requested", "failed", error_message="bad \0 name caf\udce9", result={"deep": [parameters]}
    )
    run = store.get("run-1")
    assert run.parameters["nan"] is None
    assert run.parameters["inf"] == [None, None]
    assert (run.parameters["path"], run.parameters["set"]) == ("/etc/x", [1, 3])
    assert run.parameters["undecodable"] == "caf\ufffd.yaml"
    assert (run.parameters["nul"], run.parameters["literal"]) == ("a\ufffdb", "\\u0000")
    assert (run.parameters["face"], run.parameters["7"]) == ("😀", "key")
    assert run.parameters["odd"] == "odd \ufffd \ufffd"
    assert "hunter2" not in repr(run)
    assert (run.user, run.error_message) == ("a\ufffdb", "bad \ufffd name caf\ufffd")
    assert run.result is not None
    assert run.result["deep"][0]["path"] == "/etc/x"


def test_amending_sets_known_fields_only(store, make_run):
    store.open_run(make_run("run-1"))
    store.close_run("run-1", "requested", "failed")
    store.amend("run-1", rolled_back=True, rollback_cause="by hand")
    store.amend("run-1")
    assert store.get("run-1").rollback_cause == "by hand"
    with pytest.raises(TypeError, match="status"):
        store.amend("run-1", status="succeeded")
    with pytest.raises(TypeError, match="fatal"):
        store.amend("run-1", findings={"fatal": 1})
    with pytest.raises(InvalidParameters, match="No run 'run-2'"):
        store.amend("run-2", trace_id="x")


def test_pruning_deletes_old_ended_runs_with_all_that_is_theirs(store, make_run):
    for number in range(3):
        store.open_run(make_run(f"old-{number}", requested_at=T0, status="running"))
    rows = [run_to_row(make_run(f"many-{n}", requested_at=T0, end_time=T0, status="failed")) for n in range(1200)]
    with store.database.write() as connection:
        connection.execute(insert(runs), rows)
        connection.execute(insert(run_results), [{"execution_id": "many-7", "result": {"x": 1}}])
    store.close_run("old-1", "running", "succeeded", at=T0 + timedelta(days=1), result={"x": 1})
    store.close_run("old-2", "running", "succeeded", at=T0 + timedelta(days=40))
    assert store.prune(T0 + timedelta(days=30)) == 1201
    assert store.prune(T0 + timedelta(days=30)) == 0
    assert sorted(run.execution_id for run in store.list(limit=None)) == ["old-0", "old-2"]
    assert store.transitions("old-1") == []
    with store.database.read() as connection:
        assert connection.execute(run_results.select()).all() == []
    assert store.get("old-0").active


def test_pruning_gives_space_back_to_the_file_system(sqlite_url, make_run):
    with HistoryStore(sqlite_url) as store:
        for number in range(40):
            store.open_run(make_run(f"run-{number}", requested_at=T0))
            store.close_run(f"run-{number}", "requested", "failed", at=T0, result={"text": "x" * 50_000})
        store.prune(timedelta(0))
        assert Path(store.database.place).stat().st_size < 400_000


def test_many_asyncio_tasks_write_at_once(store, make_run):
    async def one(number: int) -> None:
        name = f"run-{number}"
        await asyncio.to_thread(store.open_run, make_run(name))
        await asyncio.to_thread(store.transition, name, "requested", "running")
        await asyncio.to_thread(store.close_run, name, "running", "succeeded")

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(40)))

    asyncio.run(all_of_them())
    assert len(store.list(status="succeeded", limit=None)) == 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_writes_through_connections_of_its_own(store, make_run):
    store.open_run(make_run("parent-1"))
    child = os.fork()
    if child == 0:
        try:
            store.open_run(make_run("child-1"))
            same = store.get("child-1").pid == os.getpid()
        except BaseException:
            os._exit(3)
        os._exit(0 if same else 4)
    store.open_run(make_run("parent-2"))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert {run.execution_id for run in store.list()} == {"parent-1", "parent-2", "child-1"}


def test_the_file_is_for_its_owner_only(sqlite_url):
    with HistoryStore(sqlite_url) as store:
        path = Path(store.database.place)
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
