"""`max_concurrent_executions` across real processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from automation_scripts.errors import IllegalTransition

# Says when it held a slot, by the clock that all processes of a machine share.
TAKE_TURNS = """
import sys, time
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
store, prefix, limit, turns = HistoryStore(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
for turn in range(turns):
    name = f"{prefix}-{turn}"
    store.open_run(RunRecord(execution_id=name, script="s", category="c", environment="e", user="u"))
    while not store.acquire_slot(name, limit):
        time.sleep(0.002)
    begin = time.monotonic_ns()
    time.sleep(0.005)  # the work of the run
    in_use = store.slots_in_use()
    end = time.monotonic_ns()
    store.close_run(name, "requested", "succeeded")
    print(begin, end, in_use, flush=True)
print("done", flush=True)
"""

HOLD = """
import sys
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
store = HistoryStore(sys.argv[1])
store.open_run(RunRecord(execution_id=sys.argv[2], script="s", category="c", environment="e", user="u"))
print(store.acquire_slot(sys.argv[2], int(sys.argv[3])), flush=True)
sys.stdin.readline()
"""


def test_no_more_processes_than_the_limit_hold_a_slot_at_once(history_url, store, start_worker):
    limit, turns = 2, 10
    workers = [start_worker(TAKE_TURNS, history_url, f"w{n}", str(limit), str(turns)) for n in range(4)]
    for worker in workers:
        assert worker.hear() == "ready"
    for worker in workers:
        worker.tell("go")
    held: list[tuple[int, int]] = []
    most = 0
    for worker in workers:
        while (line := worker.hear()) != "done":
            begin, end, in_use = map(int, line.split())
            held += [(begin, 1), (end, -1)]
            most = max(most, in_use)
        assert worker.finish() == 0
    at_once = highest = 0
    for _, step in sorted(held):
        at_once += step
        highest = max(highest, at_once)
    assert len(held) == 2 * 4 * turns
    assert highest <= limit
    assert most == limit  # the limit was reached, so it was tried
    assert store.slots_in_use() == 0


def test_threads_that_want_the_last_slot(store, make_run):
    names = [f"run-{number}" for number in range(12)]
    for name in names:
        store.open_run(make_run(name))
    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(lambda name: store.acquire_slot(name, 5), names)) == 5
    assert store.slots_in_use() == 5


def test_the_slot_of_a_killed_process_is_free_again_and_its_run_still_to_be_marked(
    history_url, store, start_worker, make_run
):
    worker = start_worker(HOLD, history_url, "theirs", "1")
    assert worker.hear() == "True"
    store.open_run(make_run("mine"))
    assert not store.acquire_slot("mine", 1)
    worker.kill()
    assert store.acquire_slot("mine", 1)
    assert not store.get("theirs").holds_slot
    assert [run.execution_id for run in store.mark_crashed()] == ["theirs"]


def test_the_slot_of_another_host_is_never_taken_away(store, make_run):
    store.open_run(make_run("theirs", host="elsewhere", boot_id="another", pid=2**22 + 1, holds_slot=True))
    store.open_run(make_run("mine"))
    assert not store.acquire_slot("mine", 1)
    assert store.mark_crashed() == []
    store.mark_crashed(assume_gone=["elsewhere"])
    assert store.acquire_slot("mine", 1)


def test_taking_twice_is_once_and_releasing_or_closing_frees(store, make_run):
    for name in ("a", "b"):
        store.open_run(make_run(name))
    assert store.acquire_slot("a", 1)
    assert store.acquire_slot("a", 1)
    assert store.slots_in_use() == 1
    assert not store.acquire_slot("b", 1)
    store.release_slot("a")
    store.release_slot("a")
    assert store.acquire_slot("b", 1)
    store.close_run("b", "requested", "cancelled")
    assert store.acquire_slot("a", 1)
    assert not store.acquire_slot("a", 0) or store.slots_in_use() == 1


def test_only_an_active_run_takes_a_slot(store, make_run):
    with pytest.raises(IllegalTransition, match="is not in the history"):
        store.acquire_slot("nobody", 1)
    store.open_run(make_run("a"))
    store.close_run("a", "requested", "denied")
    with pytest.raises(IllegalTransition, match="has ended"):
        store.acquire_slot("a", 1)
    store.open_run(make_run("b"))
    assert not store.acquire_slot("b", 0)
