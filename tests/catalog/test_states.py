"""The state machine of an execution, as properties of its one table."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.errors import IllegalTransition
from automation_scripts.states import ACTIVE, TERMINAL, TRANSITIONS, State, check, is_allowed

STATES = list(State)
HAPPY = [
    State.REQUESTED,
    State.ADMITTED,
    State.AWAITING_APPROVAL,
    State.PLANNING,
    State.RUNNING,
    State.VERIFYING,
    State.SUCCEEDED,
]


def reachable(start: State) -> set[State]:
    seen, todo = {start}, [start]
    while todo:
        for state in TRANSITIONS[todo.pop()] - seen:
            seen.add(state)
            todo.append(state)
    return seen


def test_the_states_are_those_of_the_design() -> None:
    assert " ".join(State) == (
        "requested admitted awaiting_approval planning running verifying succeeded failed rolled_back cancelled "
        "timed_out crashed denied dry_run"
    )


def test_every_state_is_in_the_table_and_in_one_of_the_two_sets() -> None:
    assert set(TRANSITIONS) == set(State)
    assert set(State) == ACTIVE | TERMINAL
    assert not ACTIVE & TERMINAL


def test_the_terminal_states_are_the_ends_of_the_design() -> None:
    ends = "succeeded failed rolled_back cancelled timed_out crashed denied dry_run"
    assert {state.value for state in TERMINAL} == set(ends.split())


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_reached_from_the_first_and_leads_to_an_end(state: State) -> None:
    assert state in reachable(State.REQUESTED)
    assert reachable(state) & TERMINAL


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_an_end_leads_nowhere(state: State) -> None:
    assert not any(is_allowed(state, following) for following in State)
    with pytest.raises(IllegalTransition, match=f"{state.value} cannot become running.*terminal"):
        check(state, State.RUNNING)


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_whatever_is_active_can_be_cancelled_and_can_crash(state: State) -> None:
    assert {State.CANCELLED, State.CRASHED} <= TRANSITIONS[state]


@pytest.mark.parametrize("state", sorted(ACTIVE - {State.REQUESTED}))
def test_whatever_was_admitted_can_time_out(state: State) -> None:
    assert State.TIMED_OUT in TRANSITIONS[state]


def test_only_what_was_verified_succeeds() -> None:
    assert [s for s in State if State.SUCCEEDED in TRANSITIONS[s]] == [State.VERIFYING]


def test_a_dry_run_ends_at_the_plan_and_never_after_a_change() -> None:
    assert [s for s in State if State.DRY_RUN in TRANSITIONS[s]] == [State.PLANNING]


def test_nothing_is_denied_once_it_runs_and_nothing_is_rolled_back_before() -> None:
    assert {s for s in State if State.DENIED in TRANSITIONS[s]} == {
        State.REQUESTED,
        State.AWAITING_APPROVAL,
        State.PLANNING,
    }
    assert {s for s in State if State.ROLLED_BACK in TRANSITIONS[s]} == {State.RUNNING, State.VERIFYING}


def test_the_story_of_the_design_is_allowed_with_and_without_an_approval() -> None:
    for path in (HAPPY, [s for s in HAPPY if s is not State.AWAITING_APPROVAL]):
        assert [check(a, b) for a, b in pairwise(path)] == path[1:]


def test_nothing_returns_to_the_start() -> None:
    assert not any(State.REQUESTED in following for following in TRANSITIONS.values())


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[State.FAILED] = frozenset({State.RUNNING})  # type: ignore[index]


@given(st.sampled_from(STATES), st.sampled_from(STATES))
def test_check_and_is_allowed_agree(present: State, following: State) -> None:
    if is_allowed(present, following):
        assert check(present, following) is following
    else:
        with pytest.raises(IllegalTransition) as caught:
            check(present, following)
        assert present.value in str(caught.value) and following.value in str(caught.value)


@given(st.lists(st.sampled_from(STATES), max_size=60))
def test_a_walk_that_obeys_the_table_changes_nothing_after_its_end(wishes: list[State]) -> None:
    state, ended = State.REQUESTED, None
    for wish in wishes:
        if is_allowed(state, wish):
            assert ended is None, "a run went on after it had ended"
            state = check(state, wish)
            ended = state if state in TERMINAL else None


@given(st.data())
def test_a_random_walk_never_gets_stuck_before_an_end(data: st.DataObject) -> None:
    state = State.REQUESTED
    for _ in range(200):
        if state in TERMINAL:
            break
        state = check(state, data.draw(st.sampled_from(sorted(TRANSITIONS[state]))))
        assert state in TERMINAL or reachable(state) & TERMINAL
