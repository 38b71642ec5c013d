"""Unquoted scalars that versions of YAML may read in two ways, each with what stands around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from automation_scripts.validation.documents.tree import Document, Kind, Node, Style

_MAX_TEXT = 100  # longer texts are no numbers, words or dates
# Only a text like this can be read differently by the two versions.
_CANDIDATE = re.compile(r"[-+]?[0-9.][0-9a-fA-FobxX_.:eE+\-TtZ \t]*|[yYnNoO][a-zA-Z]{1,2}|=|<<")


@dataclass(frozen=True, slots=True)
class Place:
    """A plain scalar and what stands around it."""

    node: Node
    parent: Node | None
    key: str
    """The key it is the value of (also through lists), or empty."""
    is_key: bool
    root: Node

    @property
    def text(self) -> str:
        return self.node.value


def places(document: Document) -> Iterator[Place]:
    """Plain scalars that may be read in two ways, in document order."""
    root = document.root
    stack: list[tuple[Node, Node | None, str, bool]] = [(root, None, "", False)]
    while stack:
        node, parent, key, is_key = stack.pop()
        if node.kind is Kind.SCALAR:
            plain = node.style is Style.PLAIN and node.tag is None and len(node.value) <= _MAX_TEXT
            if plain and _CANDIDATE.fullmatch(node.value):
                yield Place(node, parent, key, is_key, root)
        elif node.kind is Kind.SEQ:
            stack.extend((child, node, key, False) for child in reversed(node.children))
        elif node.kind is Kind.MAP:
            for name, value in reversed(node.entries):
                stack.append((value, node, name.value, False))
                stack.append((name, node, "", True))
