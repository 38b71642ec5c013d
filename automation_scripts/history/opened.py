"""The run history of these settings, opened once in each process."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation_scripts.history.store import HistoryStore
    from automation_scripts.settings import Settings


def open_store(settings: Settings) -> HistoryStore:
    """The history store, created or upgraded when need be.

    Raises:
        HistoryUnavailable: the database cannot be used; the message says where it is and what to do.
    """
    return _open(settings.history_url, os.getpid())


@functools.lru_cache(maxsize=8)
def _open(url: str, pid: int) -> HistoryStore:
    # By process too: a connection must not be shared with a forked child.
    from automation_scripts.history.store import HistoryStore

    return HistoryStore(url)
