"""The store against a model of it: any order of calls, right and wrong ones, leaves the same history."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from automation_scripts.errors import IllegalTransition
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
from automation_scripts.states import ACTIVE, TERMINAL, State, is_allowed

states = st.sampled_from(sorted(State))


class HistoryMachine(RuleBasedStateMachine):
    """`model` holds, for each run, its states in order and whether it was closed."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = HistoryStore(f"sqlite:///{Path(self.folder.name) / 'h.db'}")
        self.model: dict[str, list[str]] = {}
        self.closed: set[str] = set()
        self.slots: set[str] = set()

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(target=runs)
    def open(self) -> str:
        name = f"run-{len(self.model)}"
        self.store.open_run(RunRecord(execution_id=name, script="s", category="c", environment="e", user="u"))
        self.model[name] = ["requested"]
        return name

    @rule(run=runs)
    def open_again(self, run: str) -> None:
        with pytest.raises(IllegalTransition):
            self.store.open_run(RunRecord(execution_id=run, script="x", category="c", environment="e", user="u"))

    @rule(run=runs, believed=states, following=states)
    def move(self, run: str, believed: State, following: State) -> None:
        if run not in self.closed and believed == self.model[run][-1]:
            self.store.transition(run, believed, following, reason="why")
            self.model[run].append(following)
        else:
            with pytest.raises(IllegalTransition):
                self.store.transition(run, believed, following)

    @rule(run=runs, data=st.data())
    def follow_the_table(self, run: str, data: st.DataObject) -> None:
        present = State(self.model[run][-1])
        allowed = sorted(state for state in State if is_allowed(present, state))
        if run in self.closed or not allowed:
            return
        following = data.draw(st.sampled_from(allowed))
        if following in TERMINAL:
            self.store.close_run(run, present, following)
            self.closed.add(run)
            self.slots.discard(run)
        else:
            self.store.transition(run, present, following)
        self.model[run].append(following)

    @rule(run=runs, believed=states, following=st.sampled_from(sorted(TERMINAL)))
    def close(self, run: str, believed: State, following: State) -> None:
        if run in self.closed or believed != self.model[run][-1]:
            with pytest.raises(IllegalTransition):
                self.store.close_run(run, believed, following)
            return
        self.store.close_run(run, believed, following)
        self.closed.add(run)
        self.slots.discard(run)
        if believed != following:
            self.model[run].append(following)

    @rule(run=runs, limit=st.integers(0, 3))
    def take_slot(self, run: str, limit: int) -> None:
        if run in self.closed:
            with pytest.raises(IllegalTransition):
                self.store.acquire_slot(run, limit)
            return
        free = run in self.slots or len(self.slots) < limit
        assert self.store.acquire_slot(run, limit) is free
        if free:
            self.slots.add(run)

    @rule(run=runs)
    def release(self, run: str) -> None:
        self.store.release_slot(run)
        self.slots.discard(run)

    @rule(run=runs)
    def detach_and_adopt(self, run: str) -> None:
        if run in self.closed:
            with pytest.raises(IllegalTransition):
                self.store.detach(run)
            assert not self.store.adopt(run)
        else:
            self.store.detach(run)
            self.slots.discard(run)
            assert self.store.adopt(run)
            assert not self.store.adopt(run)

    @rule()
    def nobody_crashed(self) -> None:
        assert self.store.mark_crashed() == []

    @invariant()
    def same_as_the_model(self) -> None:
        stored = {run.execution_id: run for run in self.store.list(limit=None)}
        assert stored.keys() == self.model.keys()
        for name, path in self.model.items():
            changes = self.store.transitions(name)
            assert [change.to_state for change in changes] == path
            assert [change.from_state for change in changes] == [None, *path[:-1]]
            assert [change.seq for change in changes] == list(range(1, len(path) + 1))
            assert stored[name].status == path[-1]
            assert stored[name].active is (name not in self.closed)
            assert stored[name].holds_slot is (name in self.slots)
        assert self.store.slots_in_use() == len(self.slots)


TestHistoryMachine = HistoryMachine.TestCase
TestHistoryMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_every_active_state_can_crash():
    """`mark_crashed` takes no state into account, so the table must allow it from all of them."""
    assert all(is_allowed(state, State.CRASHED) for state in ACTIVE)
