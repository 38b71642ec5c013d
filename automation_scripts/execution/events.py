"""What a run tells while it goes on, for a progress display; and how a caller follows its own run."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from automation_scripts.execution.request import Trigger
from automation_scripts.governance.credentials import NOTHING, Presented
from automation_scripts.states import State

if TYPE_CHECKING:
    from automation_scripts.results import ExecutionResult
    from automation_scripts.settings import Settings


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The run has reached another state."""

    execution_id: str
    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A step has begun (`done` is 0), has got further, or has ended (`done` equals `total`)."""

    execution_id: str
    step: str
    done: int
    total: int


Event = StateChanged | StepProgress
Listener = Callable[[Event], None]
"""Called from whichever thread the event arose in; it must be quick and must not raise."""


class Desk(Protocol):
    """Where a person can be asked something while a run waits."""

    waits_for_decisions: bool
    """Whether a run may stay until its approval was decided, instead of being asked for again afterwards."""

    identifies: bool
    """Whether somebody of whom nothing is known can say here who it is."""

    async def identify(self, message: str, actor: str) -> Presented | None:
        """Ask for a second factor of `actor`, or (empty) for a user and a code. None: nobody answered."""

    async def await_decision(
        self,
        message: str,
        decided: Callable[[], bool],
        vote: Callable[[Presented, str, str], Any],
        limit_s: float,
    ) -> None:
        """Return when `decided` says so, or the limit (seconds) is over. Whoever is there may `vote`: who, what, why."""


@dataclass(slots=True)
class Submission:
    """A run that a caller of this process asked for: how it is to be started, and afterwards what it came to."""

    settings: Settings
    trigger: Trigger
    execution_id: str
    listener: Listener | None = None
    credential: Presented = NOTHING
    """What proves who asks."""
    desk: Desk | None = None
    """Where a person can be asked while the run waits; None when nobody is there."""
    timeout_s: float | None = None
    """Overrides the settings' time limit, in seconds."""
    result: ExecutionResult | None = None
    refusal: Exception | None = None
    stuck: bool = False
    """True when the run was stopped and a step did not react: its thread still hangs in a call."""


submitted: ContextVar[Submission | None] = ContextVar("automation_submission", default=None)
"""The submission that the flow about to be called belongs to; None when Prefect itself starts the flow."""
