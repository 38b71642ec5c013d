"""Runs whose process was killed become `crashed`, once, and no other run does."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from automation_scripts.errors import IllegalTransition
from automation_scripts.history.store import HistoryStore
from automation_scripts.processes import current_process

T0 = datetime(2026, 3, 29, 1, tzinfo=UTC)

RUN_UNTIL_TOLD = """
import sys
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
store = HistoryStore(sys.argv[1])
common = {"script": "s", "category": "c", "environment": "e", "user": "u"}
for run in sys.argv[2:]:
    name, *states = run.split()
    store.open_run(RunRecord(execution_id=name, status=states[0], **common))
    store.acquire_slot(name, 1000)
    for before, after in zip(states, states[1:]):
        store.transition(name, before, after)
print("ready", flush=True)
sys.stdin.readline()
"""

WRITE_FOR_EVER = """
import itertools, sys
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
store = HistoryStore(sys.argv[1])
for number in itertools.count():
    name = f"{sys.argv[2]}-{number}"
    store.open_run(RunRecord(execution_id=name, script="s", category="c", environment="e", user="u"))
    store.transition(name, "requested", "running")
    if number == 5:
        print("under way", flush=True)
    store.close_run(name, "running", "succeeded", result={"text": "x" * 2000})
"""

STATES = ("requested", "admitted", "planning", "running", "verifying")


def test_the_runs_of_a_killed_process_are_crashed_once_whatever_their_state(store, history_url, make_run, start_worker):
    store.open_run(make_run("mine", status="running"))
    reached = {f"theirs-{n}": STATES[:n] for n in range(1, len(STATES) + 1)}
    worker = start_worker(RUN_UNTIL_TOLD, history_url, *(" ".join((name, *path)) for name, path in reached.items()))
    assert worker.hear() == "ready"
    assert store.mark_crashed() == []
    worker.kill()
    found = {run.execution_id: run for run in store.mark_crashed(at=T0)}
    assert found.keys() == reached.keys()
    for name, path in reached.items():
        run = store.get(name)
        assert run == found[name]
        assert (run.status, run.end_time, run.duration_s, run.holds_slot) == ("crashed", T0, None, False)
        assert run.error_class == "ProcessLost"
        changes = store.transitions(name)
        assert [change.to_state for change in changes] == [*path, "crashed"]
        assert changes[-1].at == T0
        assert "gone" in changes[-1].reason
    assert store.mark_crashed() == []
    assert [run.execution_id for run in store.active()] == ["mine"]


def test_a_killed_process_that_nobody_waited_for_is_gone_too(store, history_url, start_worker):
    worker = start_worker(RUN_UNTIL_TOLD, history_url, "theirs running")
    assert worker.hear() == "ready"
    worker.kill(reap=False)
    os.waitid(os.P_PID, worker.process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    assert [run.execution_id for run in store.mark_crashed()] == ["theirs"]


def test_a_run_that_was_taken_for_crashed_cannot_end_well(store, history_url, make_run):
    store.open_run(make_run("run-1", status="running", process_started=1))
    assert len(store.mark_crashed()) == 1
    with pytest.raises(IllegalTransition, match="it is crashed and ended"):
        store.close_run("run-1", "running", "succeeded")


def test_only_what_is_certain_is_taken_for_crashed(store, make_run):
    here = current_process()
    cases = {
        "alive": {},
        "pid-used-again": {"process_started": here.started - 1},
        "no-such-pid": {"pid": 2**22 + 1},
        "before-reboot": {"boot_id": "another"},
        "other-host": {"host": "elsewhere", "pid": 2**22 + 1},
        "other-host-other-boot": {"host": "elsewhere", "boot_id": "another"},
        "other-container": {"pid_namespace": "pid:[1]", "pid": 2**22 + 1},
        "waits-for-approval": {"pid": None, "process_started": None, "boot_id": "another"},
        "ended": {"pid": 2**22 + 1, "end_time": T0, "status": "succeeded"},
    }
    for name, changes in cases.items():
        store.open_run(make_run(name, **({"status": "running"} | changes)))
    crashed = sorted(run.execution_id for run in store.mark_crashed())
    assert crashed == ["before-reboot", "no-such-pid", "pid-used-again"]
    assert store.get("ended").status == "succeeded"


def test_a_host_that_a_person_knows_to_be_lost(store, make_run):
    here = current_process()
    store.open_run(make_run("lost", host="web-3", status="running"))
    store.open_run(make_run("other", host="web-4", status="running"))
    store.open_run(make_run("mine", status="running"))
    store.open_run(make_run("old-container", pid_namespace="pid:[1]", status="running"))
    store.open_run(make_run("lost-but-waits", host="web-3", pid=None, status="awaiting_approval"))
    assert [run.execution_id for run in store.mark_crashed(assume_gone="web-3")] == ["lost"]
    found = store.mark_crashed(assume_gone=["web-3", here.host])
    assert [run.execution_id for run in found] == ["old-container"]


def test_of_many_callers_each_crash_is_given_to_exactly_one(store, history_url, make_run):
    names = {f"run-{number:02}" for number in range(30)}
    for name in names:
        store.open_run(make_run(name, status="running", pid=2**22 + 1))
    stores = [HistoryStore(history_url) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: one.mark_crashed(), stores))
    given = [run.execution_id for runs in found for run in runs]
    assert sorted(given) == sorted(names)
    assert all(len(store.transitions(name)) == 2 for name in names)
    for one in stores:
        one.close()


def test_a_detached_run_waits_without_a_process_until_one_adopts_it(store, history_url, start_worker, make_run):
    worker = start_worker(RUN_UNTIL_TOLD, history_url, "theirs admitted awaiting_approval")
    assert worker.hear() == "ready"
    store.detach("theirs")
    worker.kill()
    assert store.slots_in_use() == 0
    assert store.mark_crashed() == []
    stores = [HistoryStore(history_url) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda one: one.adopt("theirs"), stores)) == 1
    for one in stores:
        one.close()
    assert store.get("theirs").process == current_process()
    assert store.mark_crashed() == []
    store.close_run("theirs", "awaiting_approval", "cancelled")
    assert not store.adopt("theirs")
    with pytest.raises(IllegalTransition, match="not active"):
        store.detach("theirs")
    with pytest.raises(IllegalTransition, match="not active"):
        store.detach("unknown")


def test_killing_writers_at_any_point_leaves_a_consistent_history(store, history_url, start_worker):
    workers = [start_worker(WRITE_FOR_EVER, history_url, f"w{number}") for number in range(4)]
    for worker in workers:
        assert worker.hear() == "under way"
    for worker in workers:
        worker.kill()
    store.mark_crashed()
    assert store.active() == []
    runs = store.list(limit=None)
    assert len(runs) >= 20
    for run in runs:
        changes = store.transitions(run.execution_id)
        assert changes[-1].to_state == run.status
        assert (store.get(run.execution_id).result is not None) is (run.status == "succeeded")
    if store.database.is_sqlite:
        check = sqlite3.connect(store.database.place)
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        check.close()


def test_a_run_knows_how_long_it_was_queued(store, make_run):
    store.open_run(make_run("run-1", requested_at=T0))
    store.transition("run-1", "requested", "admitted", start_time=T0 + timedelta(seconds=3), queued_s=3.0)
    store.close_run("run-1", "admitted", "cancelled", at=T0 + timedelta(seconds=5))
    assert store.get("run-1").duration_s == 2.0
