"""Names in many formats, from one table (`name_tables.yaml`): what defines a name, what uses it, how often it may stand.

A format is known by its content. Files of one folder that are of one format are read together: tools merge them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path as FilePath
from typing import Any

import yaml

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import cycle_findings, likely_typo, meant_by, missing_name
from automation_scripts.validation.references.selection import Place, Steps, select, steps_of
from automation_scripts.validation.values.formats import is_template

# What documentation writes in place of names.
_PLACEHOLDERS = frozenset(("foobar", "foo", "bar"))
_TABLE = FilePath(__file__).parent / "name_tables.yaml"
Path = tuple[PathKey, ...]


@dataclass(frozen=True, slots=True)
class NameTable:
    """One sort of name in one format; `name_tables.yaml` explains each field."""

    what: str
    keys: tuple[Steps, ...] = ()
    values: tuple[Steps, ...] = ()
    used: tuple[Steps, ...] = ()
    used_keys: tuple[Steps, ...] = ()
    also: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None
    unless: tuple[str, ...] = ()
    once: bool = False
    unused: bool = False
    cycle: bool = False
    only_typos: bool = False
    needs_one: bool = False
    severity: Severity = Severity.HIGH


@dataclass(frozen=True)
class Format:
    """A format: how a document of it is known, where its scopes are, when its names may come from elsewhere."""

    name: str
    kind: str | None
    path: re.Pattern[str] | None
    has: tuple[Steps, ...]
    lacks: tuple[Steps, ...]
    value: dict[str, re.Pattern[str]]
    within: tuple[Steps, ...]
    scope_has: tuple[Steps, ...]
    open_when: tuple[Steps, ...]
    tables: tuple[NameTable, ...]

    @cached_property
    def needed(self) -> frozenset[str]:
        """Keys without which a document cannot be of this format: a look-up instead of a search."""
        paths = [*self.has, *self.scope_has, *(self.within if len(self.within) == 1 else ())]
        return frozenset(step for steps in paths for step in steps if step not in ("*", "**", "[]"))


@dataclass(frozen=True, slots=True)
class _Scope:
    document: CheckedDocument
    place: Place
    is_open: bool


def check_name_tables(corpus: Corpus) -> list[Finding]:
    """Every dangling, repeated and unused name, and every cycle, in the formats of the table."""
    found: list[Finding] = []
    for form in formats():
        folders: dict[FilePath, list[_Scope]] = {}
        for document in corpus.documents:
            if _is_of(document, form):
                folders.setdefault(document.folder, []).extend(_scopes(document, form))
        for scopes in folders.values():
            found += _check(form, scopes)
    return found


def _is_of(document: CheckedDocument, form: Format) -> bool:
    if form.kind is not None and document.kind != form.kind:
        return False
    if form.path is not None and not form.path.search(document.file.path.as_posix()):
        return False
    root = document.root
    keys = document.index.by_key
    if not all(key in keys for key in form.needed):
        return False
    if root.kind is not Kind.MAP or not _leads(root, form.has) or any(_leads(root, (steps,)) for steps in form.lacks):
        return False
    return all(pattern.fullmatch(text_of(root.get(key)) or "") for key, pattern in form.value.items())


def _leads(node: Node, paths: tuple[Steps, ...]) -> bool:
    """True when every one of the paths leads somewhere."""
    return all(any(True for _ in select(node, steps)) for steps in paths)


def _scopes(document: CheckedDocument, form: Format) -> Iterator[_Scope]:
    keys = document.index.by_key
    for within in form.within:
        if within and within[-1] not in keys and within[-1] != "[]":
            continue
        for place in select(document.root, within):
            if _leads(place.node, form.scope_has):
                is_open = any(_leads(document.root, (steps,)) for steps in form.open_when)
                yield _Scope(document, place, is_open)


def _check(form: Format, scopes: list[_Scope]) -> Iterator[Finding]:
    # Only whole documents are merged by their tools; scopes inside of one stay apart.
    groups = [scopes] if form.within == ((),) else [[scope] for scope in scopes]
    for group in groups:
        for table in form.tables:
            yield from _names(table, group)


def _names(table: NameTable, group: list[_Scope]) -> Iterator[Finding]:
    definitions = {id(scope): list(_definitions(table, scope)) for scope in group}
    known = {name for listed in definitions.values() for name, _, _ in listed}
    used: set[str] = set()
    for scope in group:
        uses = list(_uses(table, scope))
        used |= {name for name, _, _, _ in uses}
        if not (table.needs_one and not known):
            yield from _dangling(table, scope, uses, known)
        if table.cycle:
            yield from _cycles(table, scope, definitions[id(scope)], uses)
        if table.once:
            yield from _repeated(table, scope, definitions[id(scope)])
    if table.unused and used and not any(scope.is_open for scope in group):
        idle = {name for name in known - used - table.also if not is_template(name)}
        idle -= meant_by(used - known - table.also, sorted(idle), known & used)
        for scope in group:
            for name, node, path in definitions[id(scope)]:
                if name in idle:
                    yield scope.document.finding(
                        node.span, "reference/unused-name", Severity.LOW, f"Nothing uses the {table.what} '{name}'.", "unused",
                        path=path, suggestion="Remove it, or name it where it was meant to be used.",
                    )  # fmt: skip


def _definitions(table: NameTable, scope: _Scope) -> Iterator[tuple[str, Node, Path]]:
    base = scope.place.path
    for steps in table.keys:
        for place in select(scope.place.node, steps):
            if place.key is not None:
                yield place.key.value, place.key, (*base, *place.path)
    for steps in table.values:
        for place in select(scope.place.node, steps):
            if place.node.kind is Kind.SCALAR:
                yield place.node.value, place.node, (*base, *place.path)


def _uses(table: NameTable, scope: _Scope) -> Iterator[tuple[str, Node, Path, tuple[int, int]]]:
    """(name, node, path, where the name stands in the node's value)."""
    base = scope.place.path
    found = [(p.node, p) for steps in table.used for p in select(scope.place.node, steps)]
    found += [(p.key, p) for steps in table.used_keys for p in select(scope.place.node, steps) if p.key is not None]
    for node, place in found:
        if node.kind is not Kind.SCALAR or not node.value or len(node.value) > 300:
            continue
        if place.parent is not None and any(place.parent.entry(key) for key in table.unless):
            continue
        if table.pattern is None:
            yield node.value, node, (*base, *place.path), (0, len(node.value))
            continue
        match = table.pattern.search(node.value)
        if match:
            yield match[1], node, (*base, *place.path), match.span(1)


def _dangling(
    table: NameTable, scope: _Scope, uses: list[tuple[str, Node, Path, tuple[int, int]]], known: set[str]
) -> Iterator[Finding]:
    document = scope.document
    for name, node, path, (start, end) in uses:
        if name in known or name in table.also or name in _PLACEHOLDERS or is_template(name):
            continue
        typo = likely_typo(name, known)
        if (scope.is_open or table.only_typos) and not typo:
            continue
        span = node.span if end - start == len(node.value) else document.part(node, start, end)
        yield missing_name(
            document, node, f"unknown-{table.what.replace(' ', '-')}", f"There is no {table.what} '{name}' here.", name, known, path,
            span=span, severity=Severity.MEDIUM if scope.is_open or table.only_typos else table.severity,
        )  # fmt: skip


def _cycles(
    table: NameTable,
    scope: _Scope,
    definitions: list[tuple[str, Node, Path]],
    uses: list[tuple[str, Node, Path, tuple[int, int]]],
) -> list[Finding]:
    # `jobs.a` defines a by its key, `steps[0].id` by a value in its map: either way the use stands in the same map.
    owners = {(path if node.value == path[-1] else path[:-1]): name for name, node, path in definitions if path}
    graph: dict[str, list[str]] = {name: [] for name, _, _ in definitions}
    edges: dict[tuple[str, str], tuple[Node, Path]] = {}
    for name, node, path, _ in uses:
        for length in range(len(path) - 1, 0, -1):
            owner = owners.get(path[:length])
            if owner is not None:
                graph[owner].append(name)
                edges.setdefault((owner, name), (node, path))
                break
    return cycle_findings(scope.document, graph, edges, "name-cycle", f"{table.what.capitalize()}s")


def _repeated(table: NameTable, scope: _Scope, definitions: list[tuple[str, Node, Path]]) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for name, node, path in definitions:
        earlier = first.setdefault(name, node)
        if earlier is not node and name and not is_template(name) and node.span.start != earlier.span.start:
            yield scope.document.finding(
                node.span, "reference/repeated-name", Severity.MEDIUM,
                f"The {table.what} '{name}' is defined again; line {earlier.span.line} has it already.", "dup-name", path=path,
                suggestion="Rename or remove one of them.",
            )  # fmt: skip


# ----- the table -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def formats() -> tuple[Format, ...]:
    """All formats of the table.

    Raises:
        TypeError: when a field is not one of those that are known.
    """
    raw = yaml.load(_TABLE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return tuple(_format(entry) for entry in raw["formats"])


def _format(raw: dict[str, Any]) -> Format:
    path = raw.get("path")
    return Format(
        raw["format"],
        raw.get("kind"),
        re.compile(path) if path else None,
        has=_paths(raw, "has"),
        lacks=_paths(raw, "lacks"),
        value={key: re.compile(pattern) for key, pattern in raw.get("value", {}).items()},
        within=_paths(raw, "within") or ((),),
        scope_has=_paths(raw, "scope_has"),
        open_when=_paths(raw, "open_when"),
        tables=tuple(_table(entry) for entry in raw["names"]),
    )


def _paths(raw: dict[str, Any], name: str) -> tuple[Steps, ...]:
    return tuple(steps_of(text) for text in raw.get(name, ()))


def _table(raw: dict[str, Any]) -> NameTable:
    fields = dict(raw)
    for name in ("keys", "values", "used", "used_keys"):
        fields[name] = _paths(raw, name)
    fields["also"] = frozenset(fields.get("also", ()))
    fields["unless"] = tuple(fields.get("unless", ()))
    fields["pattern"] = re.compile(fields["pattern"]) if "pattern" in fields else None
    if "severity" in fields:
        fields["severity"] = Severity(fields["severity"])
    return NameTable(**fields)
