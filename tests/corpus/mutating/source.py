"""A text with the place of each key and value, by PyYAML's own nodes, and edits of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A text with one mistake in it."""

    text: str
    line: int
    """1-based: where a careful reader would point."""
    cls: str
    also_lines: frozenset[int] = frozenset()
    """Other lines that are as good: the parent of what is missing, the other end of a cycle."""
    also: frozenset[str] = frozenset()
    """Classes that describe the same mistake as well."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One key with its value. `path` ends with the key."""

    path: Path
    key: yaml.ScalarNode
    value: yaml.Node
    parent: yaml.MappingNode

    @property
    def name(self) -> str:
        """The key's text."""
        return str(self.key.value)

    @property
    def text(self) -> str:
        """The scalar value's text; empty for maps and lists."""
        return str(self.value.value) if isinstance(self.value, yaml.ScalarNode) else ""

    @property
    def line(self) -> int:
        """1-based line of the key."""
        return int(self.key.start_mark.line) + 1


class Source:
    """One file: its nodes in order. Raises `yaml.YAMLError` where PyYAML cannot read it."""

    def __init__(self, text: str, json: bool) -> None:
        self.text = text
        self.json = json
        self.lines = text.split("\n")
        self.documents: list[yaml.Node] = [d for d in yaml.compose_all(text, Loader=yaml.CSafeLoader) if d]

    @cached_property
    def pairs(self) -> list[Pair]:
        """All keys of all documents, in the order of the text; paths start with the document's number."""
        found: list[Pair] = []
        for number, document in enumerate(self.documents):
            found.extend(_pairs(document, (number,)))
        return found

    def where(self, condition: Callable[[Pair], bool]) -> list[Pair]:
        """The pairs for which `condition` holds."""
        return [pair for pair in self.pairs if condition(pair)]

    def simple(self, pair: Pair) -> bool:
        """A key with a plain scalar on the same line, with nothing else before or after it, not in a flow map."""
        value = pair.value
        if not isinstance(value, yaml.ScalarNode) or value.style in ("|", ">"):
            return False
        same = pair.key.start_mark.line == value.start_mark.line == value.end_mark.line
        return same and self.own_line(pair) and bool(value.value) and "{{" not in value.value

    def own_line(self, pair: Pair) -> bool:
        """Whether the key is the first thing of its line, apart from list marks."""
        before = self.lines[pair.key.start_mark.line][: pair.key.start_mark.column]
        return not before.strip(" -") and (self.json or not pair.parent.flow_style)

    def first_on_line(self, pair: Pair) -> bool:
        """Like `own_line`, without a list mark before it."""
        return self.own_line(pair) and not self.lines[pair.key.start_mark.line][: pair.key.start_mark.column].strip()

    def replace(self, node: yaml.Node, text: str) -> str:
        """The whole text with a scalar, or a list or map that ends on its last item, replaced."""
        return self.text[: node.start_mark.index] + text + self.text[_end(self.text, node) :]

    def insert(self, after: int, lines: list[str]) -> str:
        """The whole text with lines put after a 1-based line (0: at the start)."""
        return "\n".join([*self.lines[:after], *lines, *self.lines[after:]])

    def add_key(self, beside: Pair, lines: list[str]) -> tuple[str, int]:
        """New lines in the map of `beside`, indented like it, and the 1-based line of the first of them.

        In JSON the lines come before `beside`, and the last of them gets a comma.
        """
        indent = " " * beside.key.start_mark.column
        if self.json:
            lines = [*lines[:-1], lines[-1] + ","]
            return self.insert(beside.line - 1, [indent + line for line in lines]), beside.line
        last = self.last_line(beside.value)
        return self.insert(last, [indent + line for line in lines]), last + 1

    def last_line(self, node: yaml.Node) -> int:
        """1-based line of the last character of a value."""
        return self.text.count("\n", 0, max(_end(self.text, node), node.start_mark.index)) + 1

    def without(self, pair: Pair) -> str:
        """The text without the lines of a block pair that is alone on its lines."""
        last = max(self.last_line(pair.value), pair.line)
        return "\n".join([*self.lines[: pair.line - 1], *self.lines[last:]])


def _end(text: str, node: yaml.Node) -> int:
    """Where the content ends: libyaml puts the end of a block collection after the blank lines and comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    end = int(node.end_mark.index)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return len(text[:end].rstrip("\n"))
    return end


def _pairs(node: yaml.Node, path: Path, seen: frozenset[int] = frozenset()) -> Iterator[Pair]:
    if id(node) in seen:
        return
    seen = seen | {id(node)}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield Pair((*path, key.value), key, value, node)
                if value.start_mark.index >= key.start_mark.index:  # not an alias to something earlier
                    yield from _pairs(value, (*path, key.value), seen)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            if item.start_mark.index >= node.start_mark.index:
                yield from _pairs(item, (*path, number), seen)


def child(node: Any, name: str) -> yaml.Node | None:
    """The value of a key of a map, or None."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == name:
                found: yaml.Node = value
                return found
    return None


def scalar(node: Any, name: str) -> str:
    """The text of a key's scalar, or an empty text."""
    value = child(node, name)
    return str(value.value) if isinstance(value, yaml.ScalarNode) else ""


def items(node: Any) -> list[yaml.Node]:
    """The items of a list; none for anything else."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def typo(word: str, rng: random.Random) -> str:
    """A slip of the keyboard: two letters swapped, one left out, or one twice; never the first one."""
    at = rng.randrange(1, len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    slips = [swapped, word[:at] + word[at + 1 :], word[: at + 1] + word[at:]]
    return next(slip for slip in rng.sample(slips, 3) + [word + "x"] if slip != word)
