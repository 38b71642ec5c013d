"""A document as expressions see it: plain data, made once, and never larger than an expression should be given."""

from __future__ import annotations

from typing import Any

from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.pointing import path_text
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.parsing.yaml_data import to_data
from automation_scripts.validation.rules.expressions import EvaluationError, Expression

MOST_NODES = 200_000
"""Nodes that one variable may have, aliases expanded: an expression takes its own copy of them."""


class DocumentData:
    """The variables of expressions over one document, each made when it is first needed."""

    def __init__(self, document: CheckedDocument, environment: str) -> None:
        self.document = document
        self._environment = environment
        self._made: dict[int, Any] = {}
        self._sizes: dict[int, int] = {}

    def variables(self, expression: Expression, match: Match) -> tuple[dict[str, Any], int]:
        """The variables that `expression` names, for one selected node, and how many nodes they hold.

        Raises:
            EvaluationError: when one of them is too large.
        """
        nodes = {"value": match.node, "parent": match.parent, "document": self.document.root}
        found: dict[str, Any] = {}
        size = 0
        for name in expression.needs:
            if name not in nodes:
                found[name] = self._text(name, match)
                continue
            node = nodes[name]
            found[name] = self._plain(node, name) if node is not None else None
            size += self._size(node) if node is not None else 0
        return found, size

    def _text(self, name: str, match: Match) -> str:
        if name == "path":
            return path_text(match.path)
        if name == "key":
            return match.key.value if match.key is not None else ""
        if name == "file":
            return self.document.file.name
        return self.document.kind if name == "kind" else self._environment

    def _plain(self, node: Node, name: str) -> Any:
        node = node.resolved()
        if id(node) not in self._made:
            if self._size(node) > MOST_NODES:
                raise EvaluationError(f"`{name}` is too large for an expression")
            self._made[id(node)] = to_data(node)
        return self._made[id(node)]

    def _size(self, node: Node) -> int:
        """Nodes with every alias expanded: counted, not expanded. A cycle counts as one node."""
        node = node.resolved()
        if node.kind is Kind.SCALAR:
            return 1
        known = self._sizes
        stack: list[tuple[Node, bool]] = [(node, False)]
        while stack:
            current, ready = stack.pop()
            below = current.children or [value for _, value in current.entries]
            if ready:
                known[id(current)] = min(1 + sum(known[id(child.resolved())] for child in below), MOST_NODES * 10)
            elif id(current) not in known:
                known[id(current)] = 1  # stands until the node is finished, and so ends cycles
                if below:
                    stack.append((current, True))
                    stack.extend((child.resolved(), False) for child in below)
        return known[id(node)]
