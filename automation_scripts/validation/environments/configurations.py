"""One configuration for one environment: its values by key path, over those of what it inherits.

In manifests and compose files, lists of named maps and of `KEY=value` texts are read as maps, which is how Kustomize
and Compose merge them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import named_value, pairs
from automation_scripts.validation.documents.tree import Kind, Node, PathKey

MANIFESTS = frozenset({"kubernetes", "compose"})
"""Files of these kinds for one environment are patches of others: they lack most keys by design."""
_IGNORE_KEY = re.compile(r"(?:#|//).*\bdrift-ignore\b(?!-file)")
_SPRING_NAME = re.compile(r"(?:application|bootstrap)\b")
_MOST_VALUES = 20_000
_DEEPEST = 60
_ASSIGNMENT = re.compile(r"([A-Za-z_][\w.-]{0,100})=(.*)", re.DOTALL)
_ASSIGNED = frozenset({"environment", "labels", "args", "literals"})

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a configuration, with its key and the map around it. `node` is never an alias."""

    key: Node
    node: Node
    parent: Node
    document: CheckedDocument
    where: tuple[PathKey, ...]
    """Its path in the document, for findings."""


Values = dict[Path, Value]


def values_of(
    document: CheckedDocument,
    root: Node,
    where: tuple[PathKey, ...] = (),
    *,
    by_name: bool = False,
    dotted: bool = False,
    below: Path = (),
) -> Values:
    """Key paths to values, merge keys applied. A list is one value: its items have no names to compare by.

    Args:
        document: where the values stand.
        root: the map to read.
        where: the path of `root` in the document.
        by_name: read lists of named items as maps too.
        dotted: read `server.port` as `port` below `server`, as Spring does.
        below: the key path that `root` itself has.

    Returns:
        The values; none when the aliases of the file unfold to more than can be compared.
    """
    values: Values = {}
    stack: list[tuple[Path, tuple[PathKey, ...], Node]] = [(below, where, root)]
    while stack:
        path, place, parent = stack.pop()
        for key, node in pairs(parent):
            steps = key.value.split(".") if dotted else [key.value]
            here, there = (*path, *steps), (*place, key.value)
            for end in range(1, len(steps)):
                values.setdefault((*path, *steps[:end]), Value(key, parent, parent, document, there))
            values[here] = Value(key, node, parent, document, there)
            if node.kind is Kind.MAP:
                stack.append((here, there, node))
            elif by_name and node.kind is Kind.SEQ:
                for name, value, is_map in _named(document, node, key, there):
                    values[(*here, name)] = value
                    if is_map:
                        stack.append(((*here, name), value.where, value.node))
        if len(values) > _MOST_VALUES or len(path) > _DEEPEST:
            return {}
    return values


def _named(
    document: CheckedDocument, node: Node, key: Node, where: tuple[PathKey, ...]
) -> Iterator[tuple[str, Value, bool]]:
    """The items of a list that have names: (name, value, whether it is a map)."""
    for i, child in enumerate(node.children):
        item = child.resolved()
        if item.kind is Kind.MAP and (entry := item.entry("name")) and entry[1].resolved().kind is Kind.SCALAR:
            name = entry[1].resolved()
            pair = named_value(item) if len(item.entries) == 2 else None
            if pair is not None:
                # `{name: DEBUG, value: "1"}` is the variable itself.
                value_key = item.entry(pair[2])
                at = Value(value_key[0] if value_key else name, pair[1], item, document, (*where, i, pair[2]))
                yield pair[0], at, False
                continue
            yield name.value, Value(name, item, node, document, (*where, i)), True
        elif item.kind is Kind.SCALAR and key.value in _ASSIGNED and (found := _ASSIGNMENT.fullmatch(item.value)):
            span = document.part(item, found.start(2), len(item.value)) if found[2] else item.span
            text = Node(Kind.SCALAR, span, value=found[2])
            yield found[1], Value(item, text, node, document, (*where, i)), False


def overlaid(below: Values, above: Values) -> Values:
    """The values of two layers as one: maps are merged, anything else takes the place of what was there."""
    replaced = [
        path
        for path, value in above.items()
        if path in below
        and below[path].node.kind is Kind.MAP
        and (value.node.kind is not Kind.MAP or _is_replaced(value.node))
    ]
    if replaced:
        tops = set(replaced)
        below = {path: v for path, v in below.items() if not any(path[:end] in tops for end in range(1, len(path)))}
    return below | above


def _is_replaced(node: Node) -> bool:
    """`$patch: replace` and `$patch: delete` of a strategic merge."""
    return node.entry("$patch") is not None


@dataclass(eq=False)
class Configuration:
    """A configuration for one environment: a document, one section of it, or an object that an overlay makes."""

    environment: str
    document: CheckedDocument
    root: Node
    section: Path = ()
    """The keys above `root`, for findings."""
    heading: Node | None = None
    """The key of the section."""
    bases: list[Configuration] = field(default_factory=list)
    """What holds for all environments, nearest first."""
    given: Values | None = None
    """The own values, where they are no document's: what the patches of an overlay set."""
    title: str = ""
    """What is compared, when the file does not say it: `Deployment/web`."""

    @cached_property
    def own(self) -> Values:
        """The values that are its own, by key path."""
        if self.given is not None:
            return self.given
        kind, name = self.document.kind, self.document.file.path.name
        dotted = not kind and _SPRING_NAME.match(name) is not None
        return values_of(self.document, self.root, self.section, by_name=kind in MANIFESTS, dotted=dotted)

    @cached_property
    def effective(self) -> Values:
        """The own values over those of the bases."""
        values: Values = {}
        for base in reversed(self.bases):
            values = overlaid(values, base.own)
        return overlaid(values, self.own)

    @property
    def is_manifest(self) -> bool:
        """True for objects and services: they lack much by design, but not their protections."""
        return self.document.kind in MANIFESTS or self.given is not None

    @property
    def is_partial(self) -> bool:
        """True for what only changes a part of something else: a key that it lacks says nothing."""
        if self.given is not None:
            return False
        if self.document.kind in MANIFESTS:
            return not self.bases
        stem = self.document.file.path.name.lower()
        return not self.bases and re.match(r"values\b|values_", stem) is not None

    def place(self, path: Path) -> str:
        """`file:line` of a value that it has, by itself or from a base."""
        for holder in (self, *self.bases):
            if path in holder.own:
                value = holder.own[path]
                return f"{value.document.file.name}:{value.key.span.line}"
        return self.document.file.name

    def ignores(self, path: Path) -> bool:
        """True when the key, or one above it, has a `# drift-ignore` on its line."""
        if self.heading is not None and self.heading.span.line in ignored_lines(self.document):
            return True
        tops = [path[:end] for end in range(1, len(path) + 1)]
        return any(
            top in self.own and self.own[top].key.span.line in ignored_lines(self.own[top].document) for top in tops
        )


def ignored_lines(document: CheckedDocument) -> frozenset[int]:
    """The lines of a file with a `# drift-ignore`."""
    text = document.file.text
    if "drift-ignore" not in text:
        return frozenset()
    return frozenset(number for number, line in enumerate(text.split("\n"), 1) if _IGNORE_KEY.search(line))
