"""A habit: what nearly all comparable places do, how sure that is, and the places that do something else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from automation_scripts.results import Severity, TextEdit
from automation_scripts.validation.documents.tree import Node
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.learned.statistics import LEAST_BOUND, chance, is_rule, wilson_lower
from automation_scripts.validation.learned.tables import Path, Table

MOST_BREAKS = 3
"""More places than this that break a habit together have a habit of their own."""


@dataclass(frozen=True, slots=True)
class Break:
    """One place that does something else."""

    row: int
    span: Span
    what: str
    """What it does instead: `says Recreate`."""
    suggestion: str
    fix: tuple[TextEdit, ...] = ()
    is_strong: bool = False
    """True when the place says the same thing in another form: hardly anybody means that."""


@dataclass(slots=True, eq=False)
class Habit:
    """One habit that was tested."""

    rule: str
    """The id without its family: `value`, `type`."""
    table: Table
    path: Path
    what: str
    """What the places do: `set 'spec.strategy.type' to RollingUpdate`."""
    kept: int
    of: int
    breaks: list[Break]
    keepers: list[tuple[int, Node]]
    """Some that keep it, as rows and the nodes to show."""
    is_weak: bool = False
    """True when people break such a habit on purpose more often than by mistake."""
    severity: Severity = Severity.LOW
    base: float = LEAST_BOUND
    """How often places would agree by themselves."""
    chance: float = field(init=False)

    def __post_init__(self) -> None:
        self.chance = chance(self.kept, self.of, max(self.base, LEAST_BOUND))

    @property
    def has_news(self) -> bool:
        """True when the habit is sure and a few places break it."""
        most = 1 if self.is_weak and not any(found.is_strong for found in self.breaks) else MOST_BREAKS
        return bool(self.breaks) and self.of - self.kept <= most and is_rule(self.kept, self.of)

    @property
    def bound(self) -> float:
        """The lower end of Wilson's interval."""
        return wilson_lower(self.kept, self.of)


def first(cells: Iterable[tuple[int, Node]], count: int = 2) -> list[tuple[int, Node]]:
    """A few keepers in different places."""
    found: list[tuple[int, Node]] = []
    for cell in cells:
        found.append(cell)
        if len(found) == count:
            break
    return found
