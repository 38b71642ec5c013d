"""What a validator says of a place, in our words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reported:
    """One report. `path` is relative to the folder of the case; lines are 1-based."""

    path: str
    line: int
    classes: frozenset[str]
    rule: str
    message: str
    serious: bool = True
    """Whether it is of medium severity or worse; a tool without severities is taken to mean it."""
    last: int = 0
    """The last line of the block, for tools that point at a block; otherwise 0."""
