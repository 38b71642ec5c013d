"""What verification says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Ways in which an audit log can be wrong."""

    ENTRY_EDITED = "entry_edited"
    ENTRY_DELETED = "entry_deleted"
    ENTRY_INSERTED = "entry_inserted"
    ENTRY_MOVED = "entry_moved"
    """It lies at another index than the one it was written at."""
    COLUMN_EDITED = "column_edited"
    """A column that one searches by differs from the entry."""
    NODE_EDITED = "node_edited"
    """A stored hash of the tree is not the hash of what lies below it."""
    TIME_WENT_BACK = "time_went_back"
    LOG_TRUNCATED = "log_truncated"
    """Entries are missing at the end, by what the log itself has signed."""
    LOG_ROLLED_BACK = "log_rolled_back"
    """The whole log is an earlier one, by what an anchor holds."""
    LOG_FORKED = "log_forked"
    """The key has signed two histories; an anchor holds the other one."""
    HISTORY_REWRITTEN = "history_rewritten"
    """Entries were changed and the tree recomputed to match."""
    HEAD_MISSING = "head_missing"
    CHECKPOINT_EDITED = "checkpoint_edited"
    CHECKPOINT_DELETED = "checkpoint_deleted"
    UNKNOWN_KEY = "unknown_key"
    RETIRED_KEY = "retired_key"
    ANCHOR_EDITED = "anchor_edited"
    ANCHOR_TRUNCATED = "anchor_truncated"
    ANCHOR_UNAVAILABLE = "anchor_unavailable"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. Entries `index` to `end` - 1 are meant; `index` is None when it is about no entry."""

    kind: Kind
    index: int | None
    message: str
    end: int | None = None


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """An intent that no outcome followed: the run goes on, or its process died. Not tampering."""

    index: int
    action: str
    execution_id: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. `ok` is False for any problem, an anchor that could not be read included."""

    ok: bool
    size: int
    """Entries that were read."""
    root: str
    """The root hash over them, computed from the entries, as hexadecimal."""
    problems: list[Problem] = field(default_factory=list)
    open_intents: list[OpenIntent] = field(default_factory=list)
    signed_size: int = 0
    """Of the newest checkpoint or head with a valid signature that agrees with the entries."""
    anchored_size: int = 0
    """Of the newest checkpoint of an anchor that agrees with the entries; what comes after it rests on the key alone."""


def entries_text(start: int, end: int) -> str:
    """`entry 5` or `entries 5 to 7`, without the last."""
    return f"entry {start}" if end - start == 1 else f"entries {start} to {end - 1}"
