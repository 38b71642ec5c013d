"""What a database holds, in the words of its messages."""

from __future__ import annotations

from dataclasses import dataclass

from automation_scripts.errors import AutomationError, HistoryUnavailable


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of database: what people call it, which setting names it, and what is raised when it cannot be used."""

    name: str
    """As in "The run history /path cannot be used"."""
    setting: str
    """The setting that holds its URL."""
    without: str
    """What happens at the next start when the file is gone."""
    error: type[AutomationError]


RUN_HISTORY = Subject("run history", "history URL", "a new history is begun at the next start", HistoryUnavailable)
