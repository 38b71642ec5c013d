"""A tree as plain Python data, for JSON Schema and rule expressions.

- Scalars are read as `scalar_types` says; the default is the reading of configuration tools.
- Keys are always the text that was written (`on:` gives "on", `8080:` gives "8080"): JSON has no other keys.
  A key that is a collection becomes its source-like text. Of repeated keys the last one stays, as readers do.
- Aliases give the very object their anchor gave, so nothing is copied; a cycle ends in the text `*name`.
- Merge keys are applied as the YAML 1.1 merge type says: own keys win, then earlier sources.
- Everything in the result can be written as JSON: infinite numbers and NaN stay text, integers end at
  ±10**300.
- A value with a tag of its own (`!Ref x`) is its text or its collection, unless `on_tag` says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.parsing.scalar_types import Version, resolve

_STANDARD = ("tag:yaml.org,2002:", "!!", "?")


def to_data(node: Node, version: Version = "tools", *, on_tag: Callable[[Node, Any], Any] | None = None) -> Any:
    """Plain data of `node` and everything below it; iterative, so depth does not matter.

    Args:
        node: any node; aliases are followed.
        version: which reading of plain scalars; "1.2" leaves `<<` an ordinary key.
        on_tag: called with each node that has a tag of its own and with its plain value; what it returns is
        used.
    """
    return _Conversion(version, on_tag).run(node)


def key_text(key: Node) -> str:
    """The text that stands for a key in plain data."""
    target = key.resolved()
    if target.kind is Kind.SCALAR:
        return target.value
    if target.kind is Kind.ALIAS:
        return f"*{target.value}"
    return f"<{target.kind} key on line {target.span.line}>"


class _Conversion:
    def __init__(self, version: Version, on_tag: Callable[[Node, Any], Any] | None) -> None:
        self.version = version
        self.on_tag = on_tag
        self.done: dict[int, Any] = {}
        self.open: set[int] = set()

    def run(self, root: Node) -> Any:
        stack: list[tuple[Node, bool]] = [(root, False)]
        while stack:
            node, ready = stack.pop()
            node = node.resolved()
            key = id(node)
            if ready:
                self.open.discard(key)
                self.done[key] = self._finish(node, self._collect(node))
            elif key in self.done or key in self.open:
                continue
            elif node.kind is Kind.SCALAR:
                self.done[key] = self._finish(node, self._scalar(node))
            elif node.kind is Kind.ALIAS:
                self.done[key] = f"*{node.value}"
            else:
                self.open.add(key)
                stack.append((node, True))
                below = node.children if node.kind is Kind.SEQ else [value for _, value in node.entries]
                stack.extend((child, False) for child in reversed(below))
        return self.done[id(root.resolved())]

    def _value(self, node: Node) -> Any:
        """The finished data of a child; a child that is still open contains its parent."""
        target = node.resolved()
        return self.done.get(id(target), f"*{node.value}")

    def _collect(self, node: Node) -> Any:
        if node.kind is Kind.SEQ:
            return [self._value(child) for child in node.children]
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.entries:
            if self.version != "1.2" and key.kind is Kind.SCALAR and key.value == "<<" and key.style is Style.PLAIN:
                for source in self._sources(value):
                    for name, inherited in source.items():
                        merged.setdefault(name, inherited)
            else:
                own[key_text(key)] = self._value(value)
        return {**merged, **own}

    def _sources(self, value: Node) -> list[dict[str, Any]]:
        target = value.resolved()
        nodes = target.children if target.kind is Kind.SEQ else [target]
        return [data for data in map(self._value, nodes) if isinstance(data, dict)]

    def _scalar(self, node: Node) -> Any:
        value = resolve(node, self.version).value
        if isinstance(value, float) and not math.isfinite(value):
            return node.value
        return value

    def _finish(self, node: Node, data: Any) -> Any:
        if self.on_tag is not None and node.tag is not None and not node.tag.startswith(_STANDARD) and node.tag != "!":
            return self.on_tag(node, data)
        return data
