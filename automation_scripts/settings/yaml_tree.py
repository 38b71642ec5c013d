"""YAML text as a small tree of positioned nodes, refused while it is still small when it is hostile.

The tree is built from PyYAML's events, one at a time, so that a file made to exhaust memory (billion laughs,
merge keys, deep nesting) stays as small as its text: aliases point at their node and are only counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from automation_scripts.settings.problems import Position

MAX_DEPTH = 32
MAX_NODES = 5_000
"""How many keys and values a file may hold once its aliases are followed."""

_NULL = re.compile(r"(?:~|null|Null|NULL)?")
_BOOLEAN = re.compile(r"(?:(true|yes|on)|(?:false|no|off))", re.IGNORECASE)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})?\.[0-9]{1,18}")


class FileRefused(Exception):
    """The file cannot be read any further."""

    def __init__(self, message: str, at: Position | None = None) -> None:
        super().__init__(message)
        self.at = at


@dataclass(slots=True, eq=False)
class Node:
    """A scalar (`text`, and `value`, what it means), a `seq`, or a `map`: keys and values in turn."""

    kind: str
    at: Position
    tag: str | None = None
    text: str | None = None
    value: Any = None
    merge: bool = False
    """True for the key `<<`."""
    children: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 1


def build(text: str) -> Node | None:
    """The root of the only document, or None for an empty one. Raises FileRefused."""
    builder = _Builder()
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.problem, error.context) if part)
        hint = "; indent with spaces, not tabs" if "'\\t'" in said or "tab" in said else ""
        raise FileRefused(f"is not YAML: {said}{hint}", _position(mark)) from None
    except yaml.YAMLError as error:
        raise FileRefused(f"is not YAML: {error}") from None
    return builder.root


def _events(text: str) -> Iterator[yaml.Event]:
    # Both are safe loaders; libyaml's is ten times faster and not always there.
    return yaml.parse(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


class _Builder:
    """Takes the events in turn; `root` is the tree once they have ended."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._anchors: dict[str, Node] = {}

    def take(self, event: yaml.Event) -> None:
        at = _position(event.start_mark)
        match event:
            case yaml.DocumentStartEvent() if self.root:
                raise FileRefused("a second document begins here; a settings file has one: remove `---`", at)
            case yaml.MappingStartEvent():
                self._begin(Node("map", at, event.tag), event.anchor)
            case yaml.SequenceStartEvent():
                self._begin(Node("seq", at, event.tag), event.anchor)
            case yaml.CollectionEndEvent():
                node = self._open.pop()
                _measure(node)
                self._place(node)
            case yaml.AliasEvent():
                self._place(self._target(event.anchor or "", at))
            case yaml.ScalarEvent():
                node = _scalar(event, at)
                self._name(node, event.anchor)
                self._place(node)

    def _begin(self, node: Node, anchor: str | None) -> None:
        self._name(node, anchor)
        self._open.append(node)
        if len(self._open) > MAX_DEPTH:
            raise FileRefused(f"is nested deeper than {MAX_DEPTH} levels", node.at)

    def _name(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node

    def _target(self, anchor: str, at: Position) -> Node:
        node = self._anchors.get(anchor)
        if node is None:
            raise FileRefused(f"alias *{anchor} has no anchor &{anchor} before it", at)
        if node in self._open:
            raise FileRefused(f"alias *{anchor} contains itself", at)
        return node

    def _place(self, node: Node) -> None:
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node


def _measure(node: Node) -> None:
    """Counts what the node holds with its aliases followed, before anything follows them."""
    node.size = 1 + sum(child.size for child in node.children)
    node.height = 1 + max((child.height for child in node.children), default=0)
    if node.size > MAX_NODES:
        raise FileRefused(f"holds more than {MAX_NODES} values once its aliases are followed", node.at)
    if node.height > MAX_DEPTH:
        raise FileRefused(f"is nested deeper than {MAX_DEPTH} levels once its aliases are followed", node.at)


def _scalar(event: yaml.ScalarEvent, at: Position) -> Node:
    plain = event.tag is None and not event.style  # the style of a plain scalar is None or ""
    value = meaning(event.value) if plain else event.value
    return Node("scalar", at, event.tag, event.value, value, merge=plain and event.value == "<<")


def meaning(text: str) -> Any:
    """What a plain scalar means: YAML 1.2's core schema, plus yes, no, on and off as booleans.

    What YAML 1.1 would silently turn into another number (0600, 1:30, 1_000) stays text, and is then refused
    where a number is expected.
    """
    if _NULL.fullmatch(text):
        return None
    if found := _BOOLEAN.fullmatch(text):
        return found[1] is not None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
