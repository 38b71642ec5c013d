"""Events of scalars to positioned nodes, and where nodes stand.

Marks of events need care: a node's mark includes its anchor and tag, a block scalar's end runs over blank lines, and an
empty value may be placed at the next token.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.parsing.yaml_documents import Anchor, BuiltDocument

_SCALAR = Kind.SCALAR
_STYLES = {
    None: Style.PLAIN,
    "": Style.PLAIN,
    "'": Style.SINGLE,
    '"': Style.DOUBLE,
    "|": Style.LITERAL,
    ">": Style.FOLDED,
}
_PROPERTY = re.compile(r"[ \t\r\n]+|#[^\r\n]*|&[^\s,\[\]{}]+|!<[^>\s]*>|![^\s,\[\]{}]*", re.ASCII)
# An entry without the space after its colon. A digest (`sha256:...`) is a value of its own.
_GLUED = re.compile(r"[ ]*(?!sha\d+:)([A-Za-z_][\w-]*:)([\w.+-]+|\"[^\"\n]*\"|'[^'\n]*')[ ]*(?:#.*)?\r?$", re.MULTILINE)
_KEY_LINE = re.compile(r"\n[ ]*(?:-[ ]+)?[A-Za-z_][\w.-]*:(?=[ \r\n])")
_LINE_INDENT = re.compile(r"[\r\n]([ ]*)(?=[^ \r\n])")
_MAX_INDENT = 500  # of an entry that lacks the space after its colon
_VALUE_MARK = re.compile(r"[ \t]*:")

# Shared by all nodes that cannot have any: two lists less a scalar is a quarter of its memory.
NO_ENTRIES: list[tuple[Node, Node]] = []
NO_CHILDREN: list[Node] = []

_new_tuple = tuple.__new__
_new_object = object.__new__


class NodeBuilder:
    """The document that is being built, and its scalars."""

    def __init__(self, text: str, starts: Sequence[int], base: int, nodes: int) -> None:
        self.text = text
        self.starts = starts
        self.base = base
        self.nodes = nodes
        self.last_end = base
        self.last_scalar: Node | None = None
        self.line, self.line_start, self.line_end = 0, 0, 0  # the line that the latest node stands on
        self._begin(base)

    def _begin(self, start: int) -> None:
        self.document = BuiltDocument(start=start)
        self.stack: list[Node] = []
        self.roots: list[Node] = []
        self.items: list[Any] = self.roots  # what the next node is added to: children, or entries of a map
        self.in_map = False
        self.key: Node | None = None  # the key whose value comes next
        self.outer: list[tuple[list[Any], bool, Node | None, int]] = []  # the same of the collections around
        self.heights: list[int] = [0]
        self.anchors: dict[str, Anchor] = {}
        self.closed: dict[int, tuple[int, int]] = {}  # of named nodes: (nodes below, levels below)
        self.merge_weights: dict[int, int] = {}
        self.open = False
        self.suspect: Node | None = None

    def _add(self, node: Node) -> None:
        if not self.in_map:
            self.items.append(node)
        elif self.key is None:
            self.key = node
        else:
            self.items.append((self.key, node))
            self.key = None

    # Scalars ----------------------------------------------------------------------------------------------

    def _scalar(self, event: Any) -> None:
        """Most nodes of a file come through here, so what is frequent is written out in place."""
        start, end = self.base + event.start_mark.index, self.base + event.end_mark.index
        style, value, text = event.style, event.value, self.text
        if not self.line_start <= start < self.line_end:
            self._go_to_line(start)
        if (
            end >= self.line_end
            or start == end
            or event.anchor is not None
            or event.tag is not None
            or style == "|"
            or style == ">"
        ):
            node = self._special_scalar(event, start, end)
        else:
            line, line_start = self.line, self.line_start
            span = _new_tuple(Span, (start, end, line, start - line_start + 1, line, end - line_start + 1))
            # Half the price of calling the class.
            node = _new_object(Node)
            node.kind, node.span, node.tag, node.style = _SCALAR, span, None, _STYLES[style]
            node.value, node.anchor, node.target = value, None, None
            node.entries, node.children = NO_ENTRIES, NO_CHILDREN
            if not style and ":" in value and start - line_start < _MAX_INDENT and not text[line_start:start].strip():
                self._glued(start, end)
            self.last_end = end
            self.last_scalar = node
            self.nodes += 1
        if not self.in_map:
            self.items.append(node)
        elif self.key is None:
            self.key = node
        else:
            self.items.append((self.key, node))
            self.key = None

    def _special_scalar(self, event: Any, start: int, end: int) -> Node:
        """An empty value, a text over several lines, or a scalar with an anchor or a tag."""
        style, anchor = _STYLES[event.style], event.anchor
        properties = start
        if anchor is not None or event.tag is not None:
            start = self._content_start(start, end)
        if style is Style.LITERAL or style is Style.FOLDED:
            end = start + len(self.text[start:end].rstrip(" \t\r\n"))
        elif start == end and start == properties:
            start = end = self._empty_at(start)
        span = self._span(start, end)
        node = Node(_SCALAR, span, event.tag, style, event.value, anchor, NO_ENTRIES, NO_CHILDREN, None)
        if span.line != span.end_line:
            self._long_scalar(node)
        elif style is Style.PLAIN and ":" in node.value:
            self._glued(start, end)
        self.last_end = end
        self.last_scalar = node
        self.nodes += 1
        if anchor is not None:
            self._name(anchor, node, properties, start)
            self.closed[id(node)] = (1, 0)
        return node

    def _long_scalar(self, node: Node) -> None:
        """What a text over several lines may hide: entries that it swallowed."""
        span = node.span
        if node.style is Style.PLAIN:
            if ":" in node.value:
                self._glued(span.start, span.end)
        elif node.style is Style.SINGLE or node.style is Style.DOUBLE:
            self._note_indentation(span)
            if self.suspect is None and _KEY_LINE.search(self.text, span.start, span.end):
                self.suspect = node

    def _note_indentation(self, span: Span) -> None:
        """YAML 1.2 wants every line of a quoted text or of brackets deeper than the block around; 1.1 does not."""
        if not self.document.shallow:
            block = next((node.span.column - 1 for node in reversed(self.stack) if node.style is Style.BLOCK), -1)
            lines = _LINE_INDENT.finditer(self.text, span.start, span.end)
            self.document.shallow = any(found.end() - found.start(1) <= block for found in lines)

    def _glued(self, start: int, end: int) -> None:
        """Lines of a plain text that stand alone and look like an entry without the space after its colon."""
        first = bisect_right(self.starts, start)
        last = bisect_right(self.starts, end)
        for line in range(first, last + 1):
            found = _GLUED.match(self.text, self.starts[line - 1])
            if found is not None and start <= found.start(1) and found.end(2) <= end:
                self.document.glued.append(found.span(1))

    def _empty_at(self, start: int) -> int:
        """Where an empty value belongs: after its `:`, `-` or `?`, not at the token that follows it."""
        before = self.text[start - 1 : start]
        if start <= self.last_end or before in (":", "-", "?"):
            return start
        mark = _VALUE_MARK.match(self.text, self.last_end, start)
        return mark.end() if mark else self.last_end

    # Places -----------------------------------------------------------------------------------------------

    def _go_to_line(self, offset: int) -> None:
        starts = self.starts
        self.line = line = bisect_right(starts, offset)
        self.line_start = starts[line - 1]
        self.line_end = starts[line] if line < len(starts) else sys.maxsize

    def _span(self, start: int, end: int) -> Span:
        if not self.line_start <= start < self.line_end:
            self._go_to_line(start)
        line, column = self.line, start - self.line_start + 1
        if end < self.line_end:
            return Span(start, end, line, column, line, column + end - start)
        end_line = bisect_right(self.starts, end)
        return Span(start, end, line, column, end_line, end - self.starts[end_line - 1] + 1)

    def _content_start(self, start: int, end: int) -> int:
        """Skip the anchor and tag of a node, and the blanks and comments after them."""
        while start < end and (found := _PROPERTY.match(self.text, start, end)):
            start = found.end()
        return start

    def _name(self, name: str, node: Node, start: int, end: int) -> None:
        at = start
        while at < end and (found := _PROPERTY.match(self.text, at, end)):
            if self.text[at] == "&":
                break
            at = found.end()
        # Defining a name again is legal; from here on it means the new node.
        self.anchors[name] = anchor = Anchor(name, node, at, at + 1 + len(name))
        self.document.anchors.append(anchor)
