"""What a tree's own habits say of its exceptions.

Rules are mined from the files themselves: what at least 95 % of comparable places do, with a lower Wilson bound of
0.85, so never from fewer than 34 places. Many rules are tested, and some hold by chance: their false discovery rate is
bounded, places that differ in many ways are passed over (they are something else), and no file and no table is told
more than a few.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.tree import PathKey
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.learned.amounts import habits_of_amounts
from automation_scripts.validation.learned.consensus import habits_of_columns, habits_of_names
from automation_scripts.validation.learned.habits import Break, Habit
from automation_scripts.validation.learned.populations import LEAST_FILES
from automation_scripts.validation.learned.registries import habits_of_registries
from automation_scripts.validation.learned.relations import equalities, implications
from automation_scripts.validation.learned.statistics import discovered
from automation_scripts.validation.learned.tables import Table, tables

_MOST_OF_A_FILE = 3
_MOST_OF_A_TABLE = 5
_MOST_ODD = 2
"""A place that breaks more habits than this is another kind of thing, not a slip."""

Place = tuple[str, int]
"""A file as findings name it, and a line."""


def check_learned(corpus: Corpus, told: Collection[Place] = ()) -> list[Finding]:
    """The places that break what nearly all comparable places of the tree do.

    Args:
        corpus: the whole tree.
        told: places of which other checks have spoken already; nothing more is said there.

    Returns:
        Findings with the tag `outlier`, low or medium, by file and line.
    """
    habits = [habit for table in tables(corpus) for habit in _habits(table)]
    habits += habits_of_registries(corpus)
    threshold = discovered([habit.chance for habit in habits])
    news = [habit for habit in habits if habit.has_news and habit.chance <= threshold]
    return _chosen(news, set(told))


def _habits(table: Table) -> Iterator[Habit]:
    yield from habits_of_columns(table)
    yield from habits_of_names(table)
    yield from habits_of_amounts(table)
    yield from equalities(table)
    yield from implications(table)


def _chosen(news: list[Habit], told: set[Place]) -> list[Finding]:
    odd = _oddities(news)
    pairs = [(habit, found) for habit in news for found in habit.breaks if _speaks(habit, found, odd)]
    pairs.sort(key=lambda pair: (not pair[1].is_strong, pair[0].is_weak, pair[0].chance))
    findings: list[Finding] = []
    by_file: Counter[str] = Counter()
    by_table: Counter[int] = Counter()
    implied: set[int] = set()
    for habit, found in pairs:
        if habit.rule == "implication":
            # "A, so B" and "not B, so not A" are told once.
            row = id(habit.table.rows[found.row].node)
            if row in implied:
                continue
            implied.add(row)
        document = habit.table.rows[found.row].document
        place = (document.file.name, found.span.line)
        if place in told or by_file[place[0]] >= _MOST_OF_A_FILE or by_table[id(habit.table)] >= _MOST_OF_A_TABLE:
            continue
        told.add(place)
        by_file[place[0]] += 1
        by_table[id(habit.table)] += 1
        findings.append(_finding(habit, found, document))
    return sorted(findings, key=lambda finding: (finding.file or "", finding.line or 0))


def _oddities(news: list[Habit]) -> dict[int, int]:
    """How many different habits each row's map breaks."""
    places: dict[int, set[int]] = defaultdict(set)
    for habit in news:
        for found in habit.breaks:
            places[id(habit.table.rows[found.row].node)].add(found.span.start)
    return {row: len(starts) for row, starts in places.items()}


def _speaks(habit: Habit, found: Break, odd: dict[int, int]) -> bool:
    if found.is_strong:
        return True
    row = habit.table.rows[found.row]
    # A comment above a whole document is about something else.
    is_head = habit.rule == "missing-key" and row.key is None
    if odd[id(row.node)] > _MOST_ODD or (not is_head and _is_explained(habit, row.document, found.span)):
        return False
    # What is often meant needs a habit of many files, and one exception only.
    return not habit.is_weak or (habit.of - habit.kept == 1 and habit.table.files >= LEAST_FILES)


_COMMENT = re.compile(r"(?:^|\s)(?:#|//)\s*\S")


def _is_explained(habit: Habit, document: CheckedDocument, span: Span) -> bool:
    """True when a comment says why; where the others have comments too, it only says what."""
    rows = habit.table.rows
    others = [_has_comment(rows[row].document, node.span) for row, node in habit.keepers]
    return _has_comment(document, span) and not (others and all(others))


def _has_comment(document: CheckedDocument, span: Span) -> bool:
    """True when a comment stands on the line or alone on the line above."""
    lines = document.file.text.splitlines()[max(span.line - 2, 0) : span.line]
    if lines and _COMMENT.search(lines[-1]):
        return True
    return len(lines) > 1 and lines[0].lstrip().startswith(("#", "//"))


def _finding(habit: Habit, found: Break, document: CheckedDocument) -> Finding:
    rows = habit.table.rows
    examples = ", ".join(f"{rows[row].document.file.name}:{node.span.line}" for row, node in habit.keepers)
    return document.finding(
        found.span,
        f"outlier/{habit.rule}",
        habit.severity if not habit.is_weak else Severity.LOW,
        f"{habit.kept} of {habit.of} {habit.table.title} {habit.what}; this one {found.what}. "
        f"Wilson lower bound {habit.bound:.2f}; examples: {examples}.",
        "outlier",
        path=_path(document, found.span),
        suggestion=found.suggestion,
        fix=found.fix,
    )


def _path(document: CheckedDocument, span: Span) -> tuple[PathKey, ...]:
    for match in document.index.matches:
        if match.node.span.start == span.start or (match.key is not None and match.key.span.start == span.start):
            return match.path
    return ()
