"""The states of one execution and the only moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from automation_scripts.errors import IllegalTransition


class State(StrEnum):
    """Where an execution stands."""

    REQUESTED = "requested"
    ADMITTED = "admitted"
    AWAITING_APPROVAL = "awaiting_approval"
    PLANNING = "planning"
    RUNNING = "running"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    DENIED = "denied"
    DRY_RUN = "dry_run"


_S = State

TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        # The time limit starts at admission, so a request cannot time out; one that finds no slot is denied.
        _S.REQUESTED: frozenset({_S.ADMITTED, _S.DENIED, _S.CANCELLED, _S.CRASHED}),
        _S.ADMITTED: frozenset({_S.AWAITING_APPROVAL, _S.PLANNING, _S.FAILED, _S.CANCELLED, _S.TIMED_OUT, _S.CRASHED}),
        # After a yes the plan is made again and must have the confirmed hash. No answer is a time-out.
        _S.AWAITING_APPROVAL: frozenset({_S.PLANNING, _S.DENIED, _S.CANCELLED, _S.TIMED_OUT, _S.CRASHED}),
        # A semi-automatic script shows a person its plan, so it waits only once it has planned. Whether a plan may be
        # applied is decided when it is known, so a planned run can still be denied.
        _S.PLANNING: frozenset(
            {
                _S.AWAITING_APPROVAL,
                _S.RUNNING,
                _S.DRY_RUN,
                _S.DENIED,
                _S.FAILED,
                _S.CANCELLED,
                _S.TIMED_OUT,
                _S.CRASHED,
            }
        ),
        _S.RUNNING: frozenset({_S.VERIFYING, _S.FAILED, _S.ROLLED_BACK, _S.CANCELLED, _S.TIMED_OUT, _S.CRASHED}),
        # Success has one way in: nothing succeeds that was not verified.
        _S.VERIFYING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.ROLLED_BACK, _S.CANCELLED, _S.TIMED_OUT, _S.CRASHED}),
        _S.SUCCEEDED: frozenset(),
        _S.FAILED: frozenset(),
        _S.ROLLED_BACK: frozenset(),
        _S.CANCELLED: frozenset(),
        _S.TIMED_OUT: frozenset(),
        _S.CRASHED: frozenset(),
        _S.DENIED: frozenset(),
        _S.DRY_RUN: frozenset(),
    }
)
"""From each state, the states it may go to. This table is the only source."""

TERMINAL: frozenset[State] = frozenset(state for state, after in TRANSITIONS.items() if not after)
"""The states in which an execution has ended."""

ACTIVE: frozenset[State] = frozenset(TRANSITIONS) - TERMINAL
"""The states in which an execution still goes on."""


def is_allowed(present: State, following: State) -> bool:
    """True when an execution in `present` may go to `following`. Staying where it is is no transition."""
    return following in TRANSITIONS[present]


def check(present: State, following: State) -> State:
    """`following`, when it is allowed. Raises IllegalTransition, saying what is."""
    if not is_allowed(present, following):
        allowed = ", ".join(sorted(TRANSITIONS[present])) or "nothing: it is terminal"
        raise IllegalTransition(
            f"a run that is {present.value} cannot become {following.value}. Allowed from there: {allowed}."
        )
    return following
