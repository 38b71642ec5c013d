"""What one run may take up: its time, and its place among the runs at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from automation_scripts.errors import ConcurrencyLimitReached
from automation_scripts.history.store import HistoryStore
from automation_scripts.settings import Settings

SLOT_PAUSE_S = 0.1


class Allowance:
    """A time limit that stands still while a person is waited for, and a place that is given up meanwhile.

    Args:
        execution_id: the run.
        settings: how many runs may be active at once, and how long one waits for its place.
        store: where places are taken.
        timeout_s: the time limit, in seconds from `begin` on.
    """

    def __init__(self, execution_id: str, settings: Settings, store: HistoryStore, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.limit: asyncio.Timeout | None = None
        """The time limit that is running, so that it can stand still."""
        self._execution_id = execution_id
        self._settings = settings
        self._store = store
        self._begun_at: float | None = None
        self._waited_s = 0.0

    def begin(self) -> None:
        """Count the time from now on."""
        self._begun_at = time.monotonic()

    def remaining_s(self) -> float:
        """Seconds left of the time limit."""
        used = 0.0 if self._begun_at is None else time.monotonic() - self._begun_at - self._waited_s
        return max(0.0, self.timeout_s - used)

    async def take_slot(self) -> None:
        """Wait for a free place. Raises ConcurrencyLimitReached."""
        limit = self._settings.automation.max_concurrent_executions
        wait_s = self._settings.automation.concurrency_wait
        deadline = time.monotonic() + wait_s
        while not await asyncio.to_thread(self._store.acquire_slot, self._execution_id, limit):
            if time.monotonic() >= deadline:
                raise ConcurrencyLimitReached(
                    f"{limit} executions are active and none ended within {wait_s:g} s. "
                    "See `automation history --status active`, wait, or raise "
                    "`max_concurrent_executions` in the settings file."
                )
            await asyncio.sleep(SLOT_PAUSE_S)  # a slot is free when its row says so; there is nobody to notify us

    @contextlib.asynccontextmanager
    async def standing_still(self) -> AsyncIterator[None]:
        """Around a wait for a person: the run takes no place, and its time limit stands still."""
        await asyncio.to_thread(self._store.release_slot, self._execution_id)
        pause = time.monotonic()
        if self.limit is not None:
            self.limit.reschedule(None)
        try:
            yield
        finally:
            self._waited_s += time.monotonic() - pause
            if self.limit is not None:
                self.limit.reschedule(asyncio.get_running_loop().time() + self.remaining_s())
