"""How much processor time one file may take."""

from __future__ import annotations

from time import thread_time

_NODES_BETWEEN_LOOKS = 20_000


class CpuBudget:
    """Counts from its making. Only this thread's time counts, so that a busy machine changes nothing."""

    step = _NODES_BETWEEN_LOOKS
    """After how many nodes it is worth to look at the clock again."""

    def __init__(self, seconds: float) -> None:
        self._end = thread_time() + seconds

    def is_spent(self) -> bool:
        """True when the time is over."""
        return thread_time() > self._end
