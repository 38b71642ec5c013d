"""A thread-pool task runner that can leave a step behind that does not react to an interruption."""

from __future__ import annotations

from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner


class InterruptibleTaskRunner(ThreadPoolTaskRunner[Any]):
    """Prefect's thread pool, except that a run that was stopped need not wait for a thread that is stuck in a call."""

    abandon = False
    """True when a step did not obey its interruption: do not wait for its thread."""

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        if self.abandon and self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
        super().__exit__(exc_type, exc_value, traceback)
