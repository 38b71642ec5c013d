"""Habits of numbers: the unit, the magnitude, and which of two is the larger one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from automation_scripts.results import Severity
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.learned.habits import Break, Habit, first
from automation_scripts.validation.learned.readings import Measure, listed, measure
from automation_scripts.validation.learned.statistics import LEAST_PLACES
from automation_scripts.validation.learned.tables import Column, Path, Table, quoted
from automation_scripts.validation.values.secret_words import name_class, words_of

_MOST_NUMBERS = 60
_GAP = 1.0
_CAPACITY_GAP = 2.0
"""Powers of ten between an odd number and the nearest of the others."""


def habits_of_amounts(table: Table) -> Iterator[Habit]:
    """How the rows of a table write their amounts, how large these are, and how two of one row compare."""
    numbers: dict[Path, dict[int, Measure]] = {}
    for path, column in table.columns.items():
        if len(column) < LEAST_PLACES or _counts_nothing(path):
            continue
        found = {row: m for row, cell in column.items() if cell.node.kind is Kind.SCALAR and (m := measure(cell.node))}
        if len(found) < max(LEAST_PLACES, 0.9 * len(column)):
            continue
        if unit := _unit(table, path, column, found):
            yield unit
        if magnitude := _magnitude(table, path, column, found):
            yield magnitude
        numbers[path] = found
    yield from _orders(table, numbers)


def _counts_nothing(path: Path) -> bool:
    words = words_of(path[-1][:120])
    # A secret of digits is no amount, and must not be shown.
    return not words or name_class(path[-1]) is not None or not set(words).isdisjoint(listed("not measured"))


def _unit(table: Table, path: Path, column: Column, found: dict[int, Measure]) -> Habit | None:
    # `cpu: 500m` and `cpu: 2` are both common, and zero needs no unit.
    written = {row: m.family for row, m in found.items() if m.size}
    if not written or "cpu" in words_of(path[-1][:120]):
        return None
    usual, kept = Counter(written.values()).most_common(1)[0]
    breaks = [
        Break(
            row,
            column[row].node.span,
            f"writes {column[row].node.value}, {_family(family)}",
            f"Write it {_family(usual)} too.",
            is_strong=True,
        )
        for row, family in written.items()
        if family != usual
    ]
    keepers = first((row, column[row].node) for row, family in written.items() if family == usual)
    what = f"write {quoted(path)} {_family(usual)}"
    return Habit("unit", table, path, what, kept, len(written), breaks, keepers, severity=Severity.MEDIUM)


def _family(family: str) -> str:
    return {
        "number": "as a number without a unit",
        "binary size": "in units of 1024 (Mi)",
        "decimal size": "in units of 1000 (M)",
        "time": "with a unit of time",
        "percent": "in percent",
    }[family]


def _magnitude(table: Table, path: Path, column: Column, found: dict[int, Measure]) -> Habit | None:
    family = Counter(m.family for m in found.values()).most_common(1)[0][0]
    # Zero and less mean "off" or "without end", and have no magnitude.
    sizes = {row: math.log10(m.size) for row, m in found.items() if m.family == family and m.size > 0}
    if len(sizes) < LEAST_PLACES:
        return None
    ordered = sorted(sizes.values())
    spare = max(1, len(ordered) // 20)
    low, high = ordered[spare], ordered[-1 - spare]
    words = set(words_of(path[-1][:120])) | set(words_of(path[-2][:120]) if len(path) > 1 else ())
    gap = (_CAPACITY_GAP if words & listed("capacity") else _GAP) + (high - low)
    odd = [row for row, size in sizes.items() if size <= low - gap or size >= high + gap]
    least, most = (min, max)
    inside = {row: size for row, size in sizes.items() if row not in set(odd)}
    lowest, highest = least(inside, key=inside.__getitem__), most(inside, key=inside.__getitem__)
    span = f"from {column[lowest].node.value} to {column[highest].node.value}"
    if inside[lowest] == inside[highest]:
        span = column[lowest].node.value
    breaks = [
        Break(row, column[row].node.span, f"says {column[row].node.value}", "Check the number and its unit.")
        for row in odd
    ]
    what = f"set {quoted(path)} to {span}"
    keepers = first((row, column[row].node) for row in inside)
    return Habit("magnitude", table, path, what, len(inside), len(sizes), breaks, keepers, severity=Severity.MEDIUM)


def _orders(table: Table, numbers: dict[Path, dict[int, Measure]]) -> Iterator[Habit]:
    paths = list(numbers)[:_MOST_NUMBERS]
    for i, one in enumerate(paths):
        for other in paths[i + 1 :]:
            if _are_counterparts(one, other):
                yield from _order(table, one, other, numbers[one], numbers[other])


_LESS_AND_MORE = (
    ("min", "max"),
    ("minimum", "maximum"),
    ("low", "high"),
    ("lower", "upper"),
    ("requests", "limits"),
    ("request", "limit"),
    ("reserved", "limit"),
    ("reservations", "limits"),
    ("soft", "hard"),
    ("warning", "critical"),
    ("warn", "critical"),
    ("initial", "max"),
    ("initial", "maximum"),
    ("start", "end"),
    ("first", "last"),
    ("desired", "max"),
    ("min", "desired"),
)


def _are_counterparts(one: Path, other: Path) -> bool:
    """True when two paths differ in one word, and the words are a smaller and a larger one: `minReplicas` and
    `maxReplicas`, `requests.memory` and `limits.memory`."""
    if len(one) != len(other):
        return False
    steps = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    if len(steps) != 1:
        return False
    mine, theirs = words_of(steps[0][0][:120]), words_of(steps[0][1][:120])
    if len(mine) != len(theirs):
        return False
    different = [(a, b) for a, b in zip(mine, theirs, strict=True) if a != b]
    return len(different) == 1 and (different[0] in _LESS_AND_MORE or different[0][::-1] in _LESS_AND_MORE)


def _order(
    table: Table, one: Path, other: Path, mine: dict[int, Measure], theirs: dict[int, Measure]
) -> Iterator[Habit]:
    rows = [row for row in mine if row in theirs and mine[row].family == theirs[row].family]
    if len(rows) < LEAST_PLACES:
        return
    less = [row for row in rows if mine[row].size < theirs[row].size]
    more = [row for row in rows if mine[row].size > theirs[row].size]
    small, large, odd = (one, other, more) if len(less) >= len(more) else (other, one, less)
    strict = len(less) + len(more) - len(odd)
    # Two that are mostly equal say nothing of an order.
    if strict < len(rows) / 3:
        return
    breaks = [
        Break(
            row,
            table.columns[small][row].node.span,
            f"says {table.columns[small][row].node.value} and {table.columns[large][row].node.value}",
            f"Check both: {quoted(small)} is not above {quoted(large)} elsewhere.",
            is_strong=True,
        )
        for row in odd
    ]
    keepers = first((row, table.columns[small][row].node) for row in rows if row not in set(odd))
    what = f"keep {quoted(small)} at or below {quoted(large)}"
    yield Habit("order", table, small, what, len(rows) - len(odd), len(rows), breaks, keepers, severity=Severity.MEDIUM)
