"""Habits across columns: two values that are the same text, and one value that implies another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from automation_scripts.results import Severity
from automation_scripts.suggest import distance
from automation_scripts.validation.learned.habits import MOST_BREAKS, Break, Habit, first
from automation_scripts.validation.learned.populations import LEAST_FILES
from automation_scripts.validation.learned.readings import choice, is_own, type_of
from automation_scripts.validation.learned.statistics import LEAST_CONFIDENCE, LEAST_PLACES, is_rule
from automation_scripts.validation.learned.tables import Path, Table, quoted
from automation_scripts.validation.values.secret_words import name_class

_FILE, _FOLDER = ("<file name>",), ("<folder name>",)
_MOST_SAME = 12
"""More values of one row than this that are the same text are no identity."""
_MOST_ITEMS = 60
_LEAST_VARIETY = 0.3
_MOST_BASE = 0.8


def equalities(table: Table) -> Iterator[Habit]:
    """Texts that are the same at two paths in nearly every row, and different from row to row.

    Work is bounded by the number of equal texts within a row, not by pairs of columns.
    """
    texts = {path: found for path in table.columns if (found := _varied(table, path))}
    for path, found in ((_FILE, _stems(table)), (_FOLDER, _folders(table))):
        if len(set(found.values())) >= _LEAST_VARIETY * len(found):
            texts[path] = found
    together = _counted_together(texts, len(table.rows))
    sure = []
    for (one, other), kept in together.items():
        of = len(texts[one].keys() & texts[other].keys())
        if is_rule(kept, of):
            sure.append((one, other, kept, of))
    broken: dict[int, Counter[Path]] = defaultdict(Counter)
    for one, other, _, _ in sure:
        for row in texts[one].keys() & texts[other].keys():
            if texts[one][row] != texts[other][row]:
                broken[row].update((one, other))
    told: set[tuple[int, Path]] = set()
    for one, other, kept, of in sure:
        yield _equality(table, texts, broken, told, one, other, kept, of)


def _varied(table: Table, path: Path) -> dict[int, str] | None:
    column = table.columns[path]
    if len(column) < LEAST_PLACES or path[-1].startswith("{") or name_class(path[-1]) is not None:
        return None
    found = {
        row: cell.node.value
        for row, cell in column.items()
        if type_of(cell.node) == "text" and 3 <= len(cell.node.value) <= 100
    }
    enough = len(found) >= LEAST_PLACES and len(set(found.values())) >= _LEAST_VARIETY * len(found)
    return found if enough else None


def _stems(table: Table) -> dict[int, str]:
    return {i: PurePosixPath(row.document.file.name).stem for i, row in enumerate(table.rows)}


def _folders(table: Table) -> dict[int, str]:
    return {i: PurePosixPath(row.document.file.name).parent.name for i, row in enumerate(table.rows)}


def _counted_together(texts: dict[Path, dict[int, str]], rows: int) -> Counter[tuple[Path, Path]]:
    """For each pair of paths, in how many rows they are the same text; pairs in the order of the columns."""
    counts: Counter[tuple[Path, Path]] = Counter()
    paths = list(texts)
    for row in range(rows):
        same: dict[str, list[Path]] = defaultdict(list)
        for path in paths:
            text = texts[path].get(row)
            if text is not None:
                same[text].append(path)
        for group in same.values():
            if 1 < len(group) <= _MOST_SAME:
                counts.update((one, other) for i, one in enumerate(group) for other in group[i + 1 :])
    return counts


def _equality(
    table: Table,
    texts: dict[Path, dict[int, str]],
    broken: dict[int, Counter[Path]],
    told: set[tuple[int, Path]],
    one: Path,
    other: Path,
    kept: int,
    of: int,
) -> Habit:
    breaks = []
    known = {path: Counter(texts[path].values()) for path in (one, other)}
    for row in texts[one].keys() & texts[other].keys():
        if texts[one][row] == texts[other][row]:
            continue
        odd, usual = (one, other) if broken[row][one] > broken[row][other] else (other, one)
        if odd not in table.columns:
            odd, usual = usual, odd
        if odd not in table.columns or (row, odd) in told:
            continue
        if not _is_slip(texts[odd][row], texts[usual][row], known[odd]):
            continue
        told.add((row, odd))
        node = table.columns[odd][row].node
        breaks.append(
            Break(
                row,
                node.span,
                f"says '{node.value}' at {quoted(odd)} and '{texts[usual][row]}' at {quoted(usual)}",
                f"Check which one is right; elsewhere {quoted(odd)} is the same text as {quoted(usual)}.",
                is_strong=True,
            )
        )
    shown = other if other in table.columns else one
    keepers = (
        []
        if shown not in table.columns
        else first(
            (row, table.columns[shown][row].node)
            for row in texts[one].keys() & texts[other].keys()
            if texts[one][row] == texts[other][row]
        )
    )
    what = f"say the same at {quoted(one)} and {quoted(other)}"
    return Habit("equality", table, shown, what, kept, of, breaks, keepers, severity=Severity.MEDIUM)


def _is_slip(odd: str, usual: str, known: Counter[str]) -> bool:
    """True for what another row says of itself (copied and not changed), and for a typing error."""
    return known[odd] > 1 or (len(usual) >= 5 and distance(odd.lower(), usual.lower()) <= 1)


Item = tuple[Path, str]
"""A path and what stands there: one of few words, or `""` for any value."""


def implications(table: Table) -> Iterator[Habit]:
    """Rules of the form "where A stands, B stands", in the manner of Apriori over pairs, rows as bits of a number."""
    if table.files < LEAST_FILES:
        return
    bits, holders = _items(table)
    for (path, text), antecedent in bits.items():
        of_all = antecedent.bit_count()
        if of_all < LEAST_PLACES or of_all > LEAST_CONFIDENCE * len(table.rows):
            continue
        for (other, value), consequent in bits.items():
            if other == path or other[: len(path)] == path or path[: len(other)] == other:
                continue
            present = holders[other]
            among = antecedent & present if value else antecedent
            of = among.bit_count()
            kept = (among & consequent).bit_count()
            if kept == of or of - kept > MOST_BREAKS or not is_rule(kept, of):
                if kept == of and of >= LEAST_PLACES:
                    yield Habit("implication", table, other, "", kept, of, [], [], is_weak=True)
                continue
            everywhere = present.bit_count() if value else len(table.rows)
            base = consequent.bit_count() / everywhere
            if base > _MOST_BASE:
                continue
            yield _implication(table, (path, text), (other, value), among & ~consequent, kept, of, base)


def _items(table: Table) -> tuple[dict[Item, int], dict[Path, int]]:
    bits: dict[Item, int] = {}
    holders: dict[Path, int] = {}
    for path, column in table.columns.items():
        if path[-1].startswith("{") or len(column) < LEAST_PLACES:
            continue
        holders[path] = sum(1 << row for row in column)
        if is_own(path[-1]):
            continue
        words: dict[str, int] = defaultdict(int)
        for row, cell in column.items():
            if (text := choice(cell.node)) is not None:
                words[text] |= 1 << row
        if len(words) <= 6:
            bits.update(((path, word), found) for word, found in words.items())
    most = sorted(bits, key=lambda item: bits[item].bit_count(), reverse=True)[:_MOST_ITEMS]
    return {item: bits[item] for item in most}, holders


def _implication(table: Table, given: Item, then: Item, odd: int, kept: int, of: int, base: float) -> Habit:
    (path, text), (other, value) = given, then
    rows = [row for row in range(len(table.rows)) if odd >> row & 1]
    column = table.columns[other]
    breaks = [
        Break(
            row,
            column[row].node.span,
            f"says {column[row].node.value[:60]}",
            f"Set it to {value}, or say in a comment on the line why it differs.",
        )
        for row in rows
        if row in column
    ]
    agreeing = (
        (row, column[row].node) for row in column if row in table.columns[path] and choice(column[row].node) == value
    )
    what = f"with {quoted(path)} {text} set {quoted(other)} to {value}"
    return Habit("implication", table, other, what, kept, of, breaks, first(agreeing), is_weak=True, base=base)
