"""The life of a run, against a real history store, without Prefect."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from automation_scripts.errors import (
    AccessDenied,
    ConcurrencyLimitReached,
    ExecutionTimeout,
    IllegalTransition,
    InvalidParameters,
)
from automation_scripts.execution.conduct import conduct
from automation_scripts.execution.events import Event, StateChanged, StepProgress
from automation_scripts.execution.interruption import Interrupted, marked_environment
from automation_scripts.execution.lifecycle import Execution, current
from automation_scripts.execution.request import Trigger, resolve
from automation_scripts.governance.opened import open_gate
from automation_scripts.history.store import HistoryStore
from automation_scripts.results import ChangeAction, ExecutionResult, Finding, PredictedChange, Severity
from automation_scripts.settings import load_settings
from automation_scripts.states import State
from tests import probe

CHANGE = PredictedChange("/etc/x", ChangeAction.UPDATE, "a", "b", "because")
Body = Callable[[Execution], Awaitable[None]]


class Bench:
    """A place to conduct runs in."""

    def __init__(self, folder: Path, config: str = "") -> None:
        probe.install()
        file = folder / "config.yaml"
        file.write_text(config or "{}")
        self.settings = load_settings(file, environ={"AUTOMATION_HOME": str(folder)})
        self.store = HistoryStore(self.settings.history_url)
        self.events: list[Event] = []

    def execution(self, *, timeout_s: float = 30.0, trigger: Trigger = Trigger.PYTHON, **context: Any) -> Execution:
        request = resolve(probe.PROBE, {"do": "nothing"}, context, trigger, self.settings)
        return Execution(
            request,
            self.settings,
            self.store,
            timeout_s=timeout_s,
            gate=open_gate(self.settings),
            listener=self.events.append,
        )

    async def run(self, body: Body, **options: Any) -> Execution:
        execution = self.execution(**options)
        await conduct(execution, body)
        return execution

    def states(self, execution: Execution) -> list[str]:
        return [t.to_state for t in self.store.transitions(execution.request.execution_id)]

    def result(self, execution: Execution) -> ExecutionResult:
        record = self.store.get(execution.request.execution_id)
        assert record.result is not None
        return ExecutionResult.from_dict(record.result)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def nothing(run: Execution) -> None:
    """A body that looks and finds nothing to do."""


async def test_a_run_goes_through_its_states_and_is_recorded(bench: Bench) -> None:
    async def body(run: Execution) -> None:
        assert current.get() is run
        run.report(findings=[Finding("r", Severity.HIGH, "m")], metrics={"files": 3}, message="well")
        if await run.planned([CHANGE], apply=True):
            await run.verify([CHANGE])

    execution = await bench.run(body, environment="staging", user="alice")
    expected = ["requested", "admitted", "planning", "running", "verifying", "succeeded"]
    assert bench.states(execution) == expected
    assert [e.state.value for e in bench.events if isinstance(e, StateChanged)] == expected
    record = bench.store.get(execution.request.execution_id)
    assert (record.user, record.environment, record.findings["high"]) == ("alice", "staging", 1)
    assert record.cpu_s is not None
    assert record.max_rss_mb
    assert record.queued_s is not None
    assert bench.result(execution) == execution.result
    assert execution.result.changes == [CHANGE]
    assert current.get() is None


async def test_a_run_with_nothing_to_apply_is_verified_too(bench: Bench) -> None:
    execution = await bench.run(nothing)
    assert bench.states(execution)[-3:] == ["running", "verifying", "succeeded"]


async def test_a_dry_run_stops_at_the_plan(bench: Bench) -> None:
    async def body(run: Execution) -> None:
        assert not await run.planned([CHANGE], apply=True)

    execution = await bench.run(body, dry_run=True)
    assert bench.states(execution) == ["requested", "admitted", "planning", "dry_run"]
    assert execution.result["predicted_changes"] == [CHANGE]
    assert execution.result.changes == []
    assert execution.result.succeeded


async def test_a_failure_is_recorded_and_raised(bench: Bench) -> None:
    async def body(run: Execution) -> None:
        raise ValueError("on purpose")

    execution = bench.execution()
    with pytest.raises(ValueError, match="on purpose"):
        await conduct(execution, body)
    record = bench.store.get(execution.request.execution_id)
    assert (record.status, record.error_class) == ("failed", "ValueError")
    assert execution.result.message == "ValueError: on purpose"


async def test_a_timeout_error_of_the_body_is_a_failure_not_our_time_limit(bench: Bench) -> None:
    async def body(run: Execution) -> None:
        raise TimeoutError("the database did not answer")

    execution = bench.execution()
    with pytest.raises(TimeoutError):
        await conduct(execution, body)
    assert execution.result.status == "failed"


async def test_the_time_limit_stops_a_busy_thread_and_detached_processes(bench: Bench, tmp_path: Path) -> None:
    pids: list[int] = []
    left = threading.Event()

    def busy(run: Execution) -> None:
        code = "import subprocess; p=subprocess.Popen(['sleep','300'],start_new_session=True); print(p.pid,flush=True)"
        out = subprocess.run(
            [sys.executable, "-c", code],
            env=marked_environment(run.request.execution_id),
            capture_output=True,
            text=True,
            check=True,
        )
        pids.append(int(out.stdout))
        try:
            with run.step("busy"):
                while True:
                    pass
        except Interrupted:
            left.set()

    async def body(run: Execution) -> None:
        await asyncio.to_thread(busy, run)

    execution = bench.execution(timeout_s=1.0)
    with pytest.raises(ExecutionTimeout, match="time limit of 1 s"):
        await conduct(execution, body)
    assert execution.result.status == "timed_out"
    assert left.wait(10)
    assert pids
    assert not psutil.pid_exists(pids[0])
    assert not execution.stuck


async def test_a_step_that_swallows_the_interruption_is_interrupted_again(bench: Bench) -> None:
    swallowed: list[int] = []

    def stubborn(run: Execution) -> None:
        with run.step("stubborn"):
            for _ in range(2):
                try:
                    while True:
                        pass
                except BaseException:
                    swallowed.append(1)

    async def body(run: Execution) -> None:
        await asyncio.to_thread(stubborn, run)

    execution = bench.execution(timeout_s=0.3)
    with pytest.raises(ExecutionTimeout):
        await conduct(execution, body)
    assert len(swallowed) == 2
    assert not execution.stuck


async def test_no_step_begins_after_the_run_was_stopped(bench: Bench) -> None:
    execution = bench.execution()
    execution.workers.interrupt()
    with pytest.raises(Interrupted), execution.step("late"):
        raise AssertionError("must not be reached")


async def test_cancelling_is_recorded_and_passed_on(bench: Bench) -> None:
    started = asyncio.Event()

    async def body(run: Execution) -> None:
        started.set()
        await asyncio.sleep(60)

    execution = bench.execution()
    task = asyncio.create_task(conduct(execution, body))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.store.get(execution.request.execution_id).status == "cancelled"


async def test_changes_in_production_are_refused_before_anything_is_done(bench: Bench) -> None:
    reached = []

    async def body(run: Execution) -> None:
        if await run.planned([CHANGE], apply=True):
            reached.append(run)

    execution = bench.execution(environment="production", approval_id="approval_67890")
    with pytest.raises(AccessDenied, match="whoever is not identified changes nothing in a protected environment"):
        await conduct(execution, body)
    assert not reached
    assert not execution.may_change
    assert execution.result.status == "denied"
    assert execution.result.predicted_changes == [CHANGE]


async def test_reading_in_production_needs_no_approval(bench: Bench) -> None:
    execution = await bench.run(nothing, environment="production")
    assert execution.result.status == "succeeded"


async def test_the_concurrency_limit_holds_and_the_refusal_is_recorded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "automation: {max_concurrent_executions: 1, concurrency_wait: 300ms}")
    inside, leave = asyncio.Event(), asyncio.Event()

    async def waits(run: Execution) -> None:
        inside.set()
        await leave.wait()

    first = asyncio.create_task(bench.run(waits))
    await inside.wait()
    second = bench.execution()
    with pytest.raises(ConcurrencyLimitReached, match="max_concurrent_executions"):
        await conduct(second, nothing)
    assert second.result.status == "denied"
    leave.set()
    await first
    third = await bench.run(nothing)
    assert third.result.status == "succeeded"


async def test_a_waiting_run_gets_the_slot_when_it_is_free(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "automation: {max_concurrent_executions: 2, concurrency_wait: 30s}")
    most, now = [0], [0]

    async def counts(run: Execution) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.02)
        now[0] -= 1

    done = await asyncio.gather(*(bench.run(counts) for _ in range(6)))
    assert most[0] == 2
    assert {execution.result.status for execution in done} == {"succeeded"}


async def test_a_history_that_fails_at_the_end_does_not_lose_the_result(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from automation_scripts.errors import HistoryUnavailable

    async def body(run: Execution) -> None:
        def full(*_: object, **__: object) -> None:
            raise HistoryUnavailable("the disk is full")

        monkeypatch.setattr(bench.store, "close_run", full)
        run.report(message="all is well")

    execution = await bench.run(body)
    assert execution.result.status == "succeeded"
    assert "all is well" in execution.result.message
    assert "the disk is full" in execution.result.message


async def test_steps_are_announced(bench: Bench) -> None:
    async def body(run: Execution) -> None:
        with run.step("look"):
            run.progress("look", 5, 10)

    await bench.run(body)
    assert [(e.done, e.total) for e in bench.events if isinstance(e, StepProgress)] == [(0, 1), (5, 10), (1, 1)]


async def test_a_body_that_skips_a_state_is_stopped(bench: Bench) -> None:
    async def body(run: Execution) -> None:
        await run.enter(State.SUCCEEDED)

    execution = bench.execution()
    with pytest.raises(IllegalTransition):
        await conduct(execution, body)
    assert execution.result.status == "failed"


async def test_secrets_are_given_by_reference_and_reach_no_store(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidParameters, match="'token' holds a secret.*env:NAME") as refused:
        resolve(probe.PROBE, {"token": "hunter2hunter2"}, None, Trigger.CLI, bench.settings)
    assert "hunter2" not in str(refused.value)
    monkeypatch.setenv("PROBE_TOKEN", "hunter2hunter2")
    request = resolve(probe.PROBE, {"token": "env:PROBE_TOKEN"}, None, Trigger.CLI, bench.settings)
    execution = Execution(request, bench.settings, bench.store, timeout_s=5, gate=open_gate(bench.settings))
    seen = []

    async def body(run: Execution) -> None:
        secret = run.secret(run.request.parameters.token)  # type: ignore[attr-defined]
        seen.append((secret.reveal(), str(secret)))

    await conduct(execution, body)
    assert seen[0][0] == "hunter2hunter2"
    assert "hunter2" not in seen[0][1]
    assert "hunter2" not in str(bench.store.get(request.execution_id).to_dict())
    assert b"hunter2" not in b"".join(file.read_bytes() for file in tmp_path.glob("*.db*"))


async def test_a_run_of_a_killed_process_is_marked_crashed_by_the_next_one(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from tests.execution.test_conduct import Bench\n"
        "from automation_scripts.execution.conduct import conduct\n"
        "async def body(run):\n"
        "    print(run.request.execution_id, flush=True); await asyncio.sleep(60)\n"
        "bench = Bench(Path(sys.argv[1]))\n"
        "asyncio.run(conduct(bench.execution(), body))\n"
    )
    victim = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    execution_id = victim.stdout.readline().strip()
    victim.kill()
    victim.wait()
    bench = Bench(tmp_path)
    assert bench.store.get(execution_id).status == "planning"
    await bench.run(nothing)
    assert bench.store.get(execution_id).status == "crashed"
