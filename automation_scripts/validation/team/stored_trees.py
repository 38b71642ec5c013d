"""A parsed file's trees as numbers only: where every node stands and how its value is read from the text again.

No text of a file is stored, so no secret is either: a value is cut out of the file's own text by its position. What
cannot be read again that way (a block scalar with an indentation of its own) makes the file one that is not stored.
"""

from __future__ import annotations

import json
import re
import struct
import sys
from array import array
from collections.abc import Iterator
from typing import Any

import yaml

from automation_scripts.validation.documents.tree import Document, Kind, Node, ParsedFile, Style
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.parsing.collector import collector_paused

_KINDS = tuple(Kind)
_STYLES = tuple(Style)
_KIND_NUMBER = {kind: number for number, kind in enumerate(_KINDS)}
_STYLE_NUMBER = {style: number for number, style in enumerate(_STYLES)}
_AS_IT_STANDS, _IN_QUOTES, _BEHIND_MARK, _BY_JSON, _BY_YAML, _WITH_BLANKS, _EMPTY = range(7)
_RECORD = struct.Struct("=8i")
_STYLE_UNIT, _WAY_UNIT = 4, 32
_BLANKS = re.compile(r"[ \t]*(?:\r\n?|\n|\Z)(?:[ \t]*(?:\r\n?|\n))*")


def stored(file: ParsedFile) -> bytes | None:
    """The documents of a file without their texts; None when some value could not be read again."""
    writer = _Writer(file.text)
    try:
        documents = [[document.index, writer.node(document.root)] for document in file.documents]
    except (_NotAgain, RecursionError, OverflowError):
        return None
    head = {
        "order": sys.byteorder,
        "documents": [index for index, _ in documents],
        "anchors": writer.anchors,
        "tags": writer.tags,
        "targets": writer.targets,
    }
    return json.dumps(head).encode() + b"\n" + writer.records.tobytes()


def restored(data: bytes, text: str) -> list[Document] | None:
    """The documents again, from what `stored` gave and the same text; None when the data is not what it should be."""
    head, _, records = data.partition(b"\n")
    try:
        read = json.loads(head)
        if read["order"] != sys.byteorder:
            return None
        with collector_paused():
            reader = _Reader(text, records, read)
            return [Document(reader.node(), index) for index in read["documents"]]
    except (ValueError, KeyError, IndexError, TypeError, StopIteration, RecursionError, struct.error):
        return None


class _NotAgain(Exception):
    """A value that cannot be read from the text by its position alone."""


class _Writer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.records = array("i")
        self.anchors: dict[int, str] = {}
        self.tags: dict[int, str] = {}
        self.targets: dict[int, int] = {}
        self._numbers: dict[int, int] = {}

    def node(self, node: Node) -> int:
        number = len(self._numbers)
        self._numbers[id(node)] = number
        if node.anchor is not None:
            self.anchors[number] = node.anchor
        if node.tag is not None:
            self.tags[number] = node.tag
        if node.target is not None:
            if id(node.target) not in self._numbers:
                raise _NotAgain
            self.targets[number] = self._numbers[id(node.target)]
        code = _KIND_NUMBER[node.kind] + _STYLE_UNIT * _STYLE_NUMBER[node.style] + _WAY_UNIT * self._way(node)
        at = node.span
        place = (at.start, at.end, at.line, at.column, at.end_line, at.end_column)
        self.records.extend((code, *place, len(node.entries) or len(node.children)))
        for key, value in node.entries:
            self.node(key)
            self.node(value)
        for child in node.children:
            self.node(child)
        return number

    def _way(self, node: Node) -> int:
        if not node.value:
            return _EMPTY
        start, end = node.span.start, node.span.end
        for way in (_AS_IT_STANDS, _IN_QUOTES, _BEHIND_MARK, _BY_JSON, _BY_YAML, _WITH_BLANKS):
            if _value(way, self.text, start, end) == node.value:
                return way
        raise _NotAgain


class _Reader:
    def __init__(self, text: str, records: bytes, head: dict[str, Any]) -> None:
        self._text = text
        self._records: Iterator[tuple[int, ...]] = _RECORD.iter_unpack(records)
        self._anchors = {int(number): anchor for number, anchor in head["anchors"].items()}
        self._tags = {int(number): tag for number, tag in head["tags"].items()}
        self._targets = {int(number): target for number, target in head["targets"].items()}
        self._nodes: list[Node] = []

    def node(self) -> Node:
        code, start, end, line, column, end_line, end_column, size = next(self._records)
        kind, style, way = _KINDS[code & 3], _STYLES[code >> 2 & 7], code >> 5
        value = self._text[start:end] if way == _AS_IT_STANDS else _value(way, self._text, start, end) or ""
        node = Node(kind, Span(start, end, line, column, end_line, end_column), None, style, value)
        number = len(self._nodes)
        self._nodes.append(node)
        if number in self._anchors:
            node.anchor = self._anchors[number]
        if number in self._tags:
            node.tag = self._tags[number]
        if number in self._targets:
            node.target = self._nodes[self._targets[number]]
        if size:
            read = self.node
            if kind is Kind.MAP:
                node.entries = [(read(), read()) for _ in range(size)]
            else:
                node.children = [read() for _ in range(size)]
        return node


def _value(way: int, text: str, start: int, end: int) -> str | None:
    """A value from where it stands in the text; None when that is not the way."""
    if way == _AS_IT_STANDS:
        return text[start:end]
    if way == _IN_QUOTES:
        return text[start + 1 : end - 1]
    if way == _BEHIND_MARK:
        return text[start + 1 : end]
    if way == _BY_JSON:
        return _by_json(text[start:end])
    if way == _BY_YAML:
        return _by_yaml(text[start:end] + "\n")
    if way == _WITH_BLANKS:
        # A block scalar keeps blanks at its end, and the line breaks that its mark asks for.
        found = _BLANKS.match(text, end)
        return _by_yaml(text[start : found.end()]) if found else None
    return None


def _by_json(raw: str) -> str | None:
    if not raw.startswith('"'):
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def _by_yaml(raw: str) -> str | None:
    try:
        loader = yaml.CSafeLoader(raw)
    except (yaml.YAMLError, ValueError):
        return None
    try:
        while not isinstance(event := loader.get_event(), yaml.ScalarEvent):
            if isinstance(event, yaml.StreamEndEvent):
                return None
        return str(event.value)
    except (yaml.YAMLError, ValueError):
        return None
    finally:
        loader.dispose()
