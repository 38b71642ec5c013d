"""Comparable places of a tree as tables: one row a place (a Deployment, a service, an item of a list), one column a
key path.

Documents of one kind are rows of one table. Maps whose keys are names (`services`, `jobs`, `Resources`) and lists of
maps give tables of their own, with one row an entry. Every node is looked at once.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import pairs
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.learned.populations import LEAST_FILES, Population, Row, populations
from automation_scripts.validation.learned.statistics import LEAST_PLACES

Path = tuple[str, ...]
"""Keys below a row. `[]` is any item of a list; `*` any key of a map of names; `{name=X}` the item with that name."""

_LEAST_SHARE = 0.3
_DEEPEST = 24
_MOST_COLUMNS = 400
_DISCRIMINATORS = ("kind", "Type", "type", "uses", "name", "job_name", "alert")
_COLLECTION_LEAST = 3
_COLLECTION_SHARE = 0.8


class Cell(NamedTuple):
    """A value with its key; `key` is None for an item of a list."""

    key: Node | None
    node: Node


Column = dict[int, Cell]
"""Row numbers to cells."""


@dataclass(eq=False, slots=True)
class Table:
    """Rows that can be compared."""

    title: str
    """What the rows are, in the plural: `Deployments`, `entries of 'services'`."""
    kind: str
    """The kind of their documents; empty when no schema is known for them."""
    rows: list[Row]
    columns: dict[Path, Column]

    @property
    def files(self) -> int:
        """In how many files the rows stand."""
        return len({id(row.document.file) for row in self.rows})

    def parents(self, path: Path) -> Column:
        """The maps in which the last key of a path could stand."""
        if len(path) > 1:
            return self.columns.get(path[:-1], {})
        return {i: Cell(row.key, row.node) for i, row in enumerate(self.rows)}


@dataclass(slots=True)
class _Task:
    title: str
    kind: str
    path: Path
    rows: list[Row]
    depth: int


def quoted(path: Path) -> str:
    """A path below a row, for messages: `'spec.containers[].env{name=A}'`."""
    return "'" + ".".join(path).replace(".[]", "[]").replace(".{", "{")[:120] + "'"


def tables(corpus: Corpus) -> Iterator[Table]:
    """The tables of a tree that are large enough to learn from."""
    tasks = deque(task for population in populations(corpus) for task in _roots(population))
    while tasks:
        task = tasks.popleft()
        if task.depth > _DEEPEST:
            continue
        if len(task.rows) < LEAST_PLACES:
            tasks.extend(_below_few(task))
            continue
        for part in _parts(task):
            table, below = _table(part)
            tasks.extend(below)
            if len(part.rows) >= LEAST_PLACES:
                yield table


def _roots(population: Population) -> Iterator[_Task]:
    """Documents that are maps as they are; of those that are lists the items."""
    maps = [row for row in population.rows if row.node.kind is Kind.MAP]
    items = [item for row in population.rows if row.node.kind is Kind.SEQ for item in _items(row.document, row.node)]
    yield _Task(population.title, population.kind, (), maps, 0)
    yield _Task(f"items of {population.title}", population.kind, ("[]",), items, 1)


def _items(document: CheckedDocument, node: Node) -> Iterator[Row]:
    # What an alias stands for is looked at where it is written, and only there.
    return (Row(document, None, child) for child in node.children if child.kind is Kind.MAP)


def _parts(task: _Task) -> Iterator[_Task]:
    """A table of mixed things apart by what says what they are: `kind`, `Type`, `name`."""
    if not task.path or task.path[-1] not in ("[]", "*"):
        yield task
        return
    for name in _DISCRIMINATORS:
        values = [_text(row.node, name) for row in task.rows]
        if sum(value is not None for value in values) < 0.9 * len(values):
            continue
        if len(set(values)) > len(values) / 2:
            continue
        groups: dict[str, list[Row]] = defaultdict(list)
        for row, value in zip(task.rows, values, strict=True):
            groups[(value or "").partition("@")[0]].append(row)
        if len(groups) == 1:
            continue
        for value, rows in groups.items():
            title = f"{task.title} with {name} {value[:60]}" if value else task.title
            yield _Task(title, task.kind, task.path, rows, task.depth)
        return
    yield task


def _text(node: Node, key: str) -> str | None:
    for name, value in node.entries:
        if name.value == key:
            return value.value if value.kind is Kind.SCALAR else None
    return None


def _below_few(task: _Task) -> Iterator[_Task]:
    """Of too few rows only what is below them, where there may be many."""
    return _Below(task).of_maps((), [(row, row.node) for row in task.rows])


class _Below:
    """The tasks below the maps at one path."""

    def __init__(self, task: _Task) -> None:
        self.task = task

    def of_maps(
        self, path: Path, maps: Iterable[tuple[Row, Node]], fixed: frozenset[str] | set[str] = frozenset()
    ) -> Iterator[_Task]:
        """Tasks for the lists, the maps of names, and the maps of rare keys."""
        lists: dict[str, list[Row]] = defaultdict(list)
        rare: dict[str, list[Row]] = defaultdict(list)
        named: list[Row] = []
        for row, node in maps:
            document = row.document
            children = []
            for key, value in node.entries:
                if value.kind is Kind.SEQ:
                    lists[key.value].extend(_items(document, value))
                elif value.kind is Kind.MAP and key.value not in fixed:
                    children.append(Row(document, key, value))
            if _is_collection(children):
                named += children
            else:
                for child in children:
                    if child.key is not None:
                        rare[child.key.value].append(child)
        for name, rows in lists.items():
            if rows:
                yield self._task((*path, name, "[]"), rows, "items")
        for name, rows in rare.items():
            yield self._task((*path, name), rows, "values")
        if named:
            yield self._task((*path, "*"), named, "entries")

    def _task(self, path: Path, rows: list[Row], what: str) -> _Task:
        whole = (*self.task.path, *path)
        shown = _shown(whole)
        title = f"{what} of {shown}" if shown else f"entries of {self.task.title}"
        return _Task(title, self.task.kind, whole, rows, self.task.depth + len(path))


def _shown(path: Path) -> str:
    named = path[:-1] if path and path[-1] in ("[]", "*") else path
    return "'" + ".".join(named[-4:]).replace(".[]", "[]") + "'" if named else ""


def _is_collection(children: list[Row]) -> bool:
    """True for maps side by side that have the same keys: theirs are names."""
    if len(children) < _COLLECTION_LEAST:
        return False
    counts: dict[str, int] = defaultdict(int)
    for child in children:
        for key, _ in child.node.entries:
            counts[key.value] += 1
    return bool(counts) and max(counts.values()) >= _COLLECTION_SHARE * len(children)


def _table(task: _Task) -> tuple[Table, list[_Task]]:
    table = Table(task.title, task.kind, task.rows, {})
    below: list[_Task] = []
    finder = _Below(task)
    frontier: deque[tuple[Path, list[tuple[int, Node]]]] = deque([((), [(i, r.node) for i, r in enumerate(task.rows)])])
    while frontier:
        path, maps = frontier.popleft()
        cells: dict[str, Column] = {}
        for i, node in maps:
            for key, value in _entries(node):
                if key.kind is Kind.SCALAR:
                    cells.setdefault(key.value, {})[i] = Cell(key, value)
        least = max(LEAST_FILES, _LEAST_SHARE * len(maps))
        fixed = {name for name, column in cells.items() if len(column) >= least}
        if len(table.columns) + len(fixed) > _MOST_COLUMNS or len(path) > _DEEPEST:
            fixed = set()
        for name, column in cells.items():
            if name not in fixed:
                continue
            table.columns[(*path, name)] = {i: Cell(c.key, c.node.resolved()) for i, c in column.items()}
            inner = [(i, cell.node) for i, cell in column.items() if cell.node.kind is Kind.MAP]
            if inner:
                frontier.append(((*path, name), inner))
            _add_named_items(table, (*path, name), column)
        below += finder.of_maps(path, ((task.rows[i], node) for i, node in maps), fixed)
    return table, below


def _entries(node: Node) -> Iterable[tuple[Node, Node]]:
    if any(key.value == "<<" for key, _ in node.entries):
        return pairs(node)
    return node.entries


def _add_named_items(table: Table, path: Path, column: Column) -> None:
    """Items with a name that many lists have become columns: `env{name=LOG_LEVEL}`."""
    found: dict[str, Column] = defaultdict(dict)
    lists = [(i, cell.node) for i, cell in column.items() if cell.node.kind is Kind.SEQ]
    for i, node in lists:
        for child in node.children:
            name = _text(child, "name") if child.kind is Kind.MAP else None
            if name is not None:
                found[name][i] = Cell(None, child)
    for name, cells in found.items():
        if len(cells) >= max(LEAST_PLACES, 0.9 * len(lists)) and len(table.columns) < _MOST_COLUMNS:
            table.columns[(*path, f"{{name={name}}}")] = cells
