"""One positioned tree that every check reads, for YAML and JSON alike.

Scalars stay text here (`value`), with the tag and style the reader saw: what a scalar *means* differs between
YAML 1.1 and 1.2, so that is decided by `yaml_types`, not by the parser. Aliases are kept as nodes that point at
their target and are never expanded here: a bomb stays as small as its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path as FilePath

from automation_scripts.results import Finding
from automation_scripts.validation.input.spans import Span

PathKey = str | int
"""One step of a path into a document: a key's text, or an index into a sequence."""


class Kind(StrEnum):
    """What a node is."""

    MAP = "map"
    SEQ = "seq"
    SCALAR = "scalar"
    ALIAS = "alias"


class Style(StrEnum):
    """How a scalar or collection was written."""

    PLAIN = "plain"
    SINGLE = "single"
    DOUBLE = "double"
    LITERAL = "literal"
    FOLDED = "folded"
    BLOCK = "block"
    FLOW = "flow"


@dataclass(slots=True, eq=False)
class Node:
    """A map, sequence, scalar or alias with its position. Map entries keep their order and their duplicates."""

    kind: Kind
    span: Span
    tag: str | None = None
    """The tag as written (`!Ref`, `tag:yaml.org,2002:str`), or None when there was none."""
    style: Style = Style.PLAIN
    value: str = ""
    """A scalar's text after unescaping; an alias's anchor name."""
    anchor: str | None = None
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    """A map's (key, value) pairs."""
    children: list[Node] = field(default_factory=list)
    """A sequence's items."""
    target: Node | None = None
    """What an alias points at; None for a dangling alias."""

    def resolved(self) -> Node:
        """This node, or what its alias chain leads to (itself when the alias dangles)."""
        node, hops = self, 0
        while node.kind is Kind.ALIAS and node.target is not None and hops < 100:
            node, hops = node.target, hops + 1
        return node

    def get(self, key: str) -> Node | None:
        """The value of the last entry with this key text, as readers keep it; merge keys (`<<`) are followed after
        the map's own keys. None when absent or when this is no map. Aliases are resolved."""
        pair = self.entry(key)
        return pair[1].resolved() if pair else None

    def entry(self, key: str) -> tuple[Node, Node] | None:
        """Like `get`, with the key node, for reports that must point at the key."""
        return _entry(self.resolved(), key, 0)

    def at(self, path: tuple[PathKey, ...]) -> Node | None:
        """The node at `path`, aliases resolved; None when the path leads nowhere."""
        node: Node | None = self.resolved()
        for step in path:
            if node is None:
                return None
            if isinstance(step, int) and node.kind is Kind.SEQ:
                node = node.children[step].resolved() if 0 <= step < len(node.children) else None
            else:
                node = node.get(str(step))
        return node

    def walk(self) -> Iterator[tuple[tuple[PathKey, ...], Node | None, Node]]:
        """Every node below and including this one as (path, key node or None, node), in document order.

        Aliases are yielded, not entered: nothing is visited twice and cycles end.
        """
        stack: list[tuple[tuple[PathKey, ...], Node | None, Node]] = [((), None, self)]
        while stack:
            path, key, node = stack.pop()
            yield path, key, node
            if node.kind is Kind.MAP:
                stack.extend(((*path, k.value), k, v) for k, v in reversed(node.entries))
            elif node.kind is Kind.SEQ:
                stack.extend(((*path, i), None, c) for i, c in reversed(list(enumerate(node.children))))


def _entry(node: Node, key: str, depth: int) -> tuple[Node, Node] | None:
    if node.kind is not Kind.MAP or depth > 20:
        return None
    merges: list[Node] = []
    found = None
    for k, v in node.entries:
        if k.kind is Kind.SCALAR and k.value == key:
            found = (k, v)
        elif k.kind is Kind.SCALAR and k.value == "<<" and k.style is Style.PLAIN:
            merges.append(v.resolved())
    if found:
        return found
    for merge in merges:
        for source in merge.children if merge.kind is Kind.SEQ else [merge]:
            if inherited := _entry(source.resolved(), key, depth + 1):
                return inherited
    return None


class Format(StrEnum):
    """The syntax a file was read as."""

    YAML = "yaml"
    JSON = "json"


@dataclass(slots=True)
class Document:
    """One document of a file (JSON has exactly one; YAML may have many)."""

    root: Node
    index: int = 0


@dataclass(slots=True)
class ParsedFile:
    """A file as read: its text, its documents (empty when nothing could be parsed) and what parsing found.

    `path` is absolute; `name` is what findings show as `file`, relative to the folder that was asked for.
    """

    path: FilePath
    name: str
    format: Format
    text: str
    documents: list[Document] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
