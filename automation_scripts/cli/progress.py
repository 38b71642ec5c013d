"""What a person sees while a run works: its state and its steps, on stderr, and only on a terminal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from automation_scripts.cli.console import stderr

if TYPE_CHECKING:
    from automation_scripts.execution.events import Event


class RunDisplay:
    """A listener that draws one line for each step. Does nothing when stderr is no terminal."""

    def __init__(self) -> None:
        self._console = stderr()
        self._lock = threading.Lock()
        self._progress: Any = None
        self._lines: dict[str, Any] = {}
        self._status: Any = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self._progress = Progress(
                SpinnerColumn(finished_text="✓"),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.start()
            self._status = self._progress.add_task("preparing", total=None, note="Prefect server")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    @contextmanager
    def standing_aside(self) -> Iterator[None]:
        """Leave the terminal to a question."""
        if self._progress is None:
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def __call__(self, event: Event) -> None:
        """Take one event of the run, from any thread."""
        from automation_scripts.execution.events import StateChanged

        if self._progress is None:
            return
        with self._lock:
            if isinstance(event, StateChanged):
                self._progress.update(self._status, description=event.state.value.replace("_", " "), note="")
                return
            if event.step not in self._lines:
                self._lines[event.step] = self._progress.add_task(event.step, total=event.total, note="")
            note = f"{event.done}/{event.total}" if event.total > 1 else ""
            self._progress.update(self._lines[event.step], completed=event.done, total=event.total, note=note)
