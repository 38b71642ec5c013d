"""Habits of one column: the value, the type, and the presence of a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from automation_scripts.results import Severity
from automation_scripts.suggest import distance
from automation_scripts.validation.documents.pointing import head, replace
from automation_scripts.validation.documents.scalars import is_null
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.learned.habits import Break, Habit, first
from automation_scripts.validation.learned.readings import (
    choice,
    in_style,
    is_own,
    is_quoted,
    measure,
    style_of,
    type_if_plain,
    type_of,
)
from automation_scripts.validation.learned.statistics import LEAST_PLACES
from automation_scripts.validation.learned.tables import Cell, Column, Path, Table, quoted
from automation_scripts.validation.values.formats import is_template
from automation_scripts.validation.values.secret_words import shown, words_of

_FREE_KINDS = frozenset({"", "helm-values"})
"""Kinds of documents that no schema describes: there even the form of a value is only known from the others."""
_LEAST_KEYS = 2
"""With fewer keys than this a map is too bare to lack one."""
_FORMS = {Kind.MAP: "map", Kind.SEQ: "list", Kind.SCALAR: "single value"}


def habits_of_columns(table: Table) -> Iterator[Habit]:
    """What the rows of a table say at each of its paths."""
    for path, column in table.columns.items():
        if presence := _presence(table, path, column):
            yield presence
        if len(column) < LEAST_PLACES or path[-1].startswith("{"):
            continue
        if form := _form(table, path, column):
            yield form
        if kind := _type(table, path, column):
            yield kind
        if value := _value(table, path, column):
            yield value


def _value(table: Table, path: Path, column: Column) -> Habit | None:
    if is_own(path[-1]):
        return None
    chosen = {row: text for row, cell in column.items() if (text := choice(cell.node)) is not None}
    if len(chosen) < max(LEAST_PLACES, 0.95 * len(column)):
        return None
    usual, kept = Counter(chosen.values()).most_common(1)[0]
    breaks = [
        Break(
            row,
            column[row].node.span,
            f"says {column[row].node.value}",
            f"Set it to {usual}, or say in a comment on the line why it differs.",
            is_strong=_is_variant(text, usual),
        )
        for row, text in chosen.items()
        if text != usual
    ]
    keepers = first((row, column[row].node) for row, text in chosen.items() if text == usual)
    return Habit(
        "value", table, path, f"set {quoted(path)} to {usual}", kept, len(chosen), breaks, keepers, is_weak=True
    )


def _is_variant(text: str, usual: str) -> bool:
    """The same word in other letters, or with a slip of the hand."""
    if text.lower() == usual.lower():
        return True
    return len(usual) >= 5 and distance(text.lower(), usual.lower()) <= 1


def _type(table: Table, path: Path, column: Column) -> Habit | None:
    types = {row: kind for row, cell in column.items() if (kind := type_of(cell.node))}
    if len(types) < max(LEAST_PLACES, 0.9 * len(column)):
        return None
    usual, kept = Counter(types.values()).most_common(1)[0]
    odd = [row for row, kind in types.items() if kind != usual]
    if usual == "text" and any(m.family != "number" for row in types if (m := measure(column[row].node))):
        return None  # amounts with units: how they are written is a habit of its own
    # A text beside numbers is often meant (`80%`, `http`); a number in quotes beside numbers is not.
    breaks = [_other_type(path, column[row], row, table, usual) for row in odd]
    told = [found for found in breaks if found]
    if len(told) < len(odd):
        return None
    keepers = first((row, column[row].node) for row, kind in types.items() if kind == usual)
    return Habit(
        "type", table, path, f"give {quoted(path)} a {usual}", kept, len(types), told, keepers, severity=Severity.MEDIUM
    )


def _other_type(path: Path, cell: Cell, row: int, table: Table, usual: str) -> Break | None:
    node, kind = cell.node, type_of(cell.node)
    file = table.rows[row].document.file
    if kind == "text" and is_quoted(node) and type_if_plain(node) == usual:
        fix = (replace(file, node.span, node.value),)
        return Break(
            row,
            node.span,
            f"gives it the text '{shown(path[-1], node.value, 60)}'",
            "Write it without quotes.",
            fix,
            True,
        )
    if usual == "text" and kind != "text":
        fix = (replace(file, node.span, f'"{node.value}"'),)
        return Break(
            row,
            node.span,
            f"gives it the {kind} {shown(path[-1], node.value, 60)}",
            "Write it in quotes, as a text.",
            fix,
            True,
        )
    if table.kind in _FREE_KINDS and usual != "text":
        return Break(row, node.span, f"gives it a {kind}", f"Give it a {usual} too.")
    return None


def _form(table: Table, path: Path, column: Column) -> Habit | None:
    if table.kind not in _FREE_KINDS:
        return None
    forms = {row: cell.node.kind for row, cell in column.items() if not _is_empty(cell.node)}
    if len(forms) < LEAST_PLACES:
        return None
    usual, kept = Counter(forms.values()).most_common(1)[0]
    breaks = [
        Break(
            row,
            head(column[row].key, column[row].node),
            f"makes it a {_FORMS.get(form, form)}",
            f"Make it a {_FORMS.get(usual, usual)} too.",
        )
        for row, form in forms.items()
        if form is not usual
    ]
    keepers = first((row, column[row].key or column[row].node) for row, form in forms.items() if form is usual)
    what = f"make {quoted(path)} a {_FORMS.get(usual, usual)}"
    return Habit("form", table, path, what, kept, len(forms), breaks, keepers, is_weak=True)


def _is_empty(node: Node) -> bool:
    if node.kind is Kind.SCALAR:
        return is_null(node) or not node.value.strip() or is_template(node.value)
    return node.kind is Kind.ALIAS or not (node.entries or node.children)


def _presence(table: Table, path: Path, column: Column) -> Habit | None:
    parents = {row: cell for row, cell in table.parents(path).items() if cell.node.kind in (Kind.MAP, Kind.SEQ)}
    of = len(parents)
    kept = sum(row in column for row in parents)
    if of < LEAST_PLACES or kept < 0.9 * of:
        return None
    lacking = [row for row in parents if row not in column]
    keepers = first((row, column[row].key or column[row].node) for row in column)
    spelled = [found for row in lacking if (found := _other_spelling(table, path, parents[row].node, row))]
    if spelled and len(spelled) == len(lacking):
        what = f"call the key {quoted(path)}"
        return Habit("key-spelling", table, path, what, kept, of, spelled, keepers, severity=Severity.MEDIUM)
    if table.kind not in _FREE_KINDS and next(iter(column.values())).node.kind is not Kind.SCALAR:
        return None  # a part that a schema knows and does not ask for is there by choice
    breaks = [
        Break(
            row,
            head(parents[row].key, parents[row].node),
            "lacks it",
            f"Add {quoted(path[-1:])}, or say in a comment beside it why it is missing.",
        )
        for row in lacking
        if not _is_variant_of_map(table, path, parents[row].node)
    ]
    return Habit("missing-key", table, path, f"have {quoted(path)}", kept, of, breaks, keepers, is_weak=True)


def _is_variant_of_map(table: Table, path: Path, parent: Node) -> bool:
    """True for a map that is another form of the usual one: it has keys of its own, or hardly any."""
    keys = {key.value for key, _ in parent.entries}
    if parent.kind is Kind.SEQ:
        return False
    own = [key for key in keys if (*path[:-1], key) not in table.columns]
    return bool(own) or len(keys) < _LEAST_KEYS or "<<" in keys


def _other_spelling(table: Table, path: Path, parent: Node, row: int) -> Break | None:
    """A key that nobody else has and that is the usual one in another spelling."""
    usual = path[-1]
    words = words_of(usual[:120])
    # Where a schema knows the keys, `patch` beside `path` is a key of its own; names that people choose have none.
    may_slip = len(usual) >= 5 and (table.kind in _FREE_KINDS or bool({"annotations", "labels"} & set(path)))
    for key, _ in parent.entries if parent.kind is Kind.MAP else ():
        name = key.value
        if name == usual or len(name) > 80 or (*path[:-1], name) in table.columns:
            continue
        same_words = words_of(name) == words
        slip = may_slip and distance(name.lower(), usual.lower()) <= (1 if len(usual) < 8 else 2)
        if same_words or slip:
            file = table.rows[row].document.file
            text = f'"{usual}"' if is_quoted(key) else usual
            return Break(
                row, key.span, f"calls it '{name}'", f"Call it '{usual}'.", (replace(file, key.span, text),), True
            )
    return None


def habits_of_names(table: Table) -> Iterator[Habit]:
    """How names are written: the values of `name` keys, and the keys of the rows themselves."""
    for path, column in table.columns.items():
        if path[-1] == "name":
            styles = {row: style for row, cell in column.items() if (style := _style(cell.node))}
            if habit := _styles(table, path, "value-style", styles, {row: column[row].node for row in styles}):
                yield habit
    keys = {row: item.key for row, item in enumerate(table.rows) if item.key is not None}
    styles = {row: style for row, key in keys.items() if (style := style_of(key.value))}
    if habit := _styles(table, (), "key-style", styles, {row: keys[row] for row in styles}):
        yield habit


def _style(node: Node) -> str | None:
    return style_of(node.value) if type_of(node) == "text" else None


def _styles(table: Table, path: Path, rule: str, styles: dict[int, str], nodes: dict[int, Node]) -> Habit | None:
    if len(styles) < LEAST_PLACES:
        return None
    usual, kept = Counter(styles.values()).most_common(1)[0]
    breaks = [
        Break(
            row,
            nodes[row].span,
            f"writes '{nodes[row].value}' in {style}",
            f"Write it as '{in_style(nodes[row].value, usual)}', and its uses too.",
        )
        for row, style in styles.items()
        if style != usual
    ]
    what = f"write {quoted(path) if path else 'their names'} in {usual}"
    keepers = first((row, nodes[row]) for row, style in styles.items() if style == usual)
    return Habit(rule, table, path, what, kept, len(styles), breaks, keepers, is_weak=True)
