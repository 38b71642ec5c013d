"""YAML events to positioned nodes, one document at a time, without recursion.

The events come from libyaml (through PyYAML): it is fast and gives offsets. Its marks need care, and all of
it is here: a node's mark includes its anchor and tag, a block collection's end runs over blank lines and
comments, a block scalar's end runs over blank lines, and an empty value may be placed at the next token.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import yaml

from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.parsing.yaml_documents import Anchor, BuiltDocument, Problem

_STYLES = {
    None: Style.PLAIN,
    "": Style.PLAIN,
    "'": Style.SINGLE,
    '"': Style.DOUBLE,
    "|": Style.LITERAL,
    ">": Style.FOLDED,
}
_PROPERTY = re.compile(r"[ \t\r\n]+|#[^\r\n]*|&[^\s,\[\]{}]+|!<[^>\s]*>|![^\s,\[\]{}]*")
# An entry without the space after its colon. A digest (`sha256:...`) is a value of its own.
_GLUED = re.compile(r"[ ]*(?!sha\d+:)([A-Za-z_][\w-]*:)([\w.+-]+|\"[^\"\n]*\"|'[^'\n]*')[ ]*(?:#.*)?\r?$", re.MULTILINE)
_KEY_LINE = re.compile(r"\n[ ]*(?:-[ ]+)?[A-Za-z_][\w.-]*:(?=[ \r\n])")
_VALUE_MARK = re.compile(r"[ \t]*:")


class EventReader:
    """Builds the documents of one text. `read` goes on where a broken document was left."""

    def __init__(self, text: str, starts: list[int], limits: Limits) -> None:
        self._text = text
        self._starts = starts
        self._limits = limits
        self._nodes = 0

    def read(self, base: int, emit: Callable[[BuiltDocument], None]) -> Problem | None:
        """Build documents from offset `base` on and hand each to `emit`; the problem that ended it, or
        None."""
        builder = _Builder(self._text, self._starts, self._limits, base, self._nodes)
        try:
            loader = yaml.CSafeLoader(self._text[base:] if base else self._text)
            try:
                return builder.run(loader, emit)
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            return builder.syntax_problem(error)
        except (yaml.YAMLError, UnicodeError, ValueError) as error:
            return Problem("syntax", builder.last_end, str(error).split("\n", 1)[0])
        finally:
            self._nodes = builder.nodes
            builder.flush(emit)


class _Builder:
    def __init__(self, text: str, starts: list[int], limits: Limits, base: int, nodes: int) -> None:
        self.text = text
        self.starts = starts
        self.limits = limits
        self.base = base
        self.nodes = nodes
        self.last_end = base
        self.last_scalar: Node | None = None
        self._begin(base)

    def _begin(self, start: int) -> None:
        self.document = BuiltDocument(start=start)
        self.stack: list[Node] = []
        self.keys: list[Node | None] = []
        self.sizes: list[int] = []
        self.anchors: dict[str, Anchor] = {}
        self.heights: list[int] = []
        self.closed: dict[int, tuple[int, int]] = {}  # of named nodes: (nodes below, levels below)
        self.merge_weights: dict[int, int] = {}
        self.open = False
        self.suspect: Node | None = None

    def flush(self, emit: Callable[[BuiltDocument], None]) -> None:
        """Hand over what is known of a document that broke off: it has no root."""
        if self.open:
            self.open = False
            self.document.root = None
            emit(self.document)

    def run(self, loader: Any, emit: Callable[[BuiltDocument], None]) -> Problem | None:
        base, limits = self.base, self.limits
        next_event = loader.get_event
        while True:
            event = next_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._add(self._scalar(event), 1)
            elif kind is yaml.AliasEvent:
                problem = self._alias(event)
                if problem:
                    return problem
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, Kind.MAP if kind is yaml.MappingStartEvent else Kind.SEQ)
                if len(self.stack) > limits.max_depth:
                    return Problem("depth", self.stack[-1].span.start)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                problem = self._close(event)
                if problem:
                    return problem
            elif kind is yaml.DocumentStartEvent:
                self._begin(base + event.start_mark.index)
                self.open = True
                self.last_end = base + event.end_mark.index
            elif kind is yaml.DocumentEndEvent:
                self.open = False
                emit(self.document)
            elif kind is yaml.StreamEndEvent:
                return None
            if self.nodes > limits.max_nodes:
                return Problem("nodes", self.last_end)

    def syntax_problem(self, error: yaml.MarkedYAMLError) -> Problem:
        """libyaml's complaint with offsets into the whole text."""
        mark, context = error.problem_mark, error.context_mark
        return Problem(
            "syntax",
            self.base + mark.index if mark is not None else self.last_end,
            str(error.problem or error.context or "cannot be read"),
            str(error.context or ""),
            self.base + context.index if context is not None else None,
            self.last_scalar,
            self.suspect,
            next((n.span.start for n in reversed(self.stack) if self.text.startswith(("[", "{"), n.span.start)), None),
        )

    # Nodes ------------------------------------------------------------------------------------------------

    def _span(self, start: int, end: int) -> Span:
        starts = self.starts
        line = bisect_right(starts, start)
        column = start - starts[line - 1] + 1
        if line == len(starts) or end < starts[line]:
            return Span(start, end, line, column, line, column + end - start)
        end_line = bisect_right(starts, end)
        return Span(start, end, line, column, end_line, end - starts[end_line - 1] + 1)

    def _scalar(self, event: Any) -> Node:
        start, end = self.base + event.start_mark.index, self.base + event.end_mark.index
        style = _STYLES[event.style]
        anchor, tag = event.anchor, event.tag
        properties = start
        if anchor is not None or tag is not None:
            start = self._content_start(start, end)
        if style is Style.LITERAL or style is Style.FOLDED:
            end = start + len(self.text[start:end].rstrip())
        elif start == end and start == properties:
            start = end = self._empty_at(start)
        node = Node(Kind.SCALAR, self._span(start, end), tag, style, event.value, anchor)
        if node.span.line != node.span.end_line and style in (Style.SINGLE, Style.DOUBLE) and self.suspect is None:
            self.suspect = node if _KEY_LINE.search(self.text, start, end) else None
        if style is Style.PLAIN and ":" in event.value:
            self._glued(start, end)
        self.last_end = end
        self.last_scalar = node
        self.nodes += 1
        if anchor is not None:
            self._name(anchor, node, properties, start)
            self.closed[id(node)] = (1, 0)
        return node

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
        mark_end = at + 1 + len(name)
        # Defining a name again is legal; from here on it means the new node.
        self.anchors[name] = anchor = Anchor(name, node, at, mark_end)
        self.document.anchors.append(anchor)

    def _open(self, event: Any, kind: Kind) -> None:
        start, head_end = self.base + event.start_mark.index, self.base + event.end_mark.index
        properties = start
        anchor, tag = event.anchor, event.tag
        if anchor is not None or tag is not None:
            if event.flow_style:
                start = self._content_start(start, head_end)
            elif kind is Kind.MAP or self.text.startswith("-", head_end):
                start = head_end
            else:  # a list at its key's own indentation: libyaml has read its first dash already
                start = head_end - 1
        # The end is not known yet; an empty span until the collection closes.
        node = Node(kind, self._span(start, start), tag, Style.FLOW if event.flow_style else Style.BLOCK, "", anchor)
        self.nodes += 1
        self.last_end = max(self.last_end, start)
        if anchor is not None:
            self._name(anchor, node, properties, start)
        self.stack.append(node)
        self.keys.append(None)
        self.sizes.append(1)
        self.heights.append(0)
        self.document.depth = max(self.document.depth, len(self.stack))

    def _close(self, event: Any) -> Problem | None:
        node, size, height = self.stack.pop(), self.sizes.pop(), self.heights.pop() + 1
        self.keys.pop()
        start, end = self.base + event.start_mark.index, self.base + event.end_mark.index
        if node.style is not Style.FLOW or start == end:
            end = self.last_end
        node.span = self._span(node.span.start, max(end, node.span.start))
        self.last_end = node.span.end
        if node.kind is Kind.MAP:
            keys = [key.value for key, _ in node.entries if key.kind is Kind.SCALAR]
            if len(set(keys)) != len(keys):
                self.document.repeated.append(node)
            if "<<" in keys and not self._weigh_merges(node):
                return Problem("merge", node.span.start)
        if node.anchor is not None:
            self.closed[id(node)] = (size, height)
        self._add(node, size)
        if self.stack and height > self.heights[-1]:
            self.heights[-1] = height
        return None

    def _alias(self, event: Any) -> Problem | None:
        start, end = self.base + event.start_mark.index, self.base + event.end_mark.index
        name = event.anchor
        anchor = self.anchors.get(name)
        node = Node(Kind.ALIAS, self._span(start, end), value=name, target=anchor.node if anchor else None)
        self.nodes += 1
        self.last_end = end
        size, height = 1, 0
        if anchor is None:
            self.document.dangling.append((node, tuple(self.anchors)))
        else:
            anchor.used = True
            if id(anchor.node) in self.closed:
                size, height = self.closed[id(anchor.node)]
                self.document.expansion += size
            else:
                self.document.cycles.append(node)
        self._add(node, size)
        if self.stack:
            self.heights[-1] = max(self.heights[-1], height)
        # An anchor's size holds the sizes of the aliases inside it, so nested aliases multiply without being
        # expanded.
        if self.document.expansion > self.limits.max_alias_expansion:
            return Problem("expansion", start)
        if len(self.stack) + height > self.limits.max_depth:
            return Problem("depth", start)
        return None

    def _weigh_merges(self, node: Node) -> bool:
        """Count the maps a look-up in this map may visit through `<<`; False when that is over the limit."""
        weight = 1
        for key, value in node.entries:
            if key.kind is Kind.SCALAR and key.value == "<<" and key.style is Style.PLAIN:
                for source in value.children if value.kind is Kind.SEQ else [value]:
                    target = source.target if source.kind is Kind.ALIAS else source
                    if target is None:
                        continue
                    if source.kind is Kind.ALIAS and id(target) not in self.closed:
                        return False  # a map that merges itself
                    weight += self.merge_weights.get(id(target), 1)
        self.merge_weights[id(node)] = weight
        return weight <= self.limits.max_merge_sources

    def _add(self, node: Node, size: int) -> None:
        if not self.stack:
            self.document.root = node
            return
        parent = self.stack[-1]
        self.sizes[-1] += size
        if parent.kind is Kind.SEQ:
            parent.children.append(node)
            return
        key = self.keys[-1]
        if key is None:
            self.keys[-1] = node
        else:
            parent.entries.append((key, node))
            self.keys[-1] = None
