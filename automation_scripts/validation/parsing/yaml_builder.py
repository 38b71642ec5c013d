"""YAML events to one positioned tree a document, without recursion.

The events are those of PyYAML, from libyaml or from `yaml12_events`. A block collection's end mark runs over blank lines
and comments, so its end is that of its last node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import yaml

from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.parsing.budget import CpuBudget
from automation_scripts.validation.parsing.yaml_documents import BuiltDocument, Problem
from automation_scripts.validation.parsing.yaml_nodes import NO_CHILDREN, NO_ENTRIES, NodeBuilder

_SCALAR, _MAP, _SEQ, _ALIAS = Kind.SCALAR, Kind.MAP, Kind.SEQ, Kind.ALIAS
_BLOCK, _FLOW = Style.BLOCK, Style.FLOW
_MERGE = "<<"
_new_tuple = tuple.__new__
_NODES_A_DOCUMENT = 8  # what the book-keeping of a document takes in memory
_MAX_DANGLING = 200
_MAX_NAMES_SHOWN = 100


class TreeBuilder(NodeBuilder):
    """Builds the documents of a text from offset `base` on; `nodes` were built before it."""

    def __init__(
        self, text: str, starts: Sequence[int], limits: Limits, budget: CpuBudget, base: int, nodes: int
    ) -> None:
        super().__init__(text, starts, base, nodes)
        self.limits = limits
        self.budget = budget

    def flush(self, emit: Callable[[BuiltDocument], None]) -> None:
        """Hand over what is known of a document that broke off: it has no root."""
        if self.open:
            self.open = False
            self.document.root = None
            emit(self.document)

    def run(self, next_event: Callable[[], Any], emit: Callable[[BuiltDocument], None]) -> Problem | None:
        """Build until the events end, or until a limit is met: that is the problem."""
        scalar, budget, limit = self._scalar, self.budget, self.limits.nodes(len(self.text))
        checkpoint = min(self.nodes + budget.step, limit + 1)
        problem: Problem | None = None
        while problem is None:
            event = next_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                scalar(event)
            elif kind is yaml.MappingStartEvent:
                problem = self._open(event, _MAP)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                problem = self._close(event)
            elif kind is yaml.SequenceStartEvent:
                problem = self._open(event, _SEQ)
            elif kind is yaml.AliasEvent:
                problem = self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self._begin(self.base + event.start_mark.index)
                self.open = True
                self.nodes += _NODES_A_DOCUMENT
                self.last_end = self.base + event.end_mark.index
            elif kind is yaml.DocumentEndEvent:
                self.open = False
                self.document.root = self.roots[0] if self.roots else None
                emit(self.document)
            elif kind is yaml.StreamEndEvent:
                return None
            if self.nodes >= checkpoint:
                if self.nodes > limit:
                    return Problem("nodes", self.last_end)
                checkpoint = min(self.nodes + budget.step, limit + 1)
                if budget.is_spent():
                    return Problem("time", self.last_end)
        return problem

    def syntax_problem(self, error: yaml.MarkedYAMLError) -> Problem:
        """The reader's complaint with offsets into the whole text."""
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
            self.document.start,
            self.roots[0] if self.roots else None,
        )

    # Collections ------------------------------------------------------------------------------------------

    def _open(self, event: Any, kind: Kind) -> Problem | None:
        start = properties = self.base + event.start_mark.index
        anchor, tag, flow = event.anchor, event.tag, event.flow_style
        if anchor is not None or tag is not None:
            start = self._content_of_collection(event, kind, start)
        if not self.line_start <= start < self.line_end:
            self._go_to_line(start)
        # The end is not known yet; an empty span until the collection closes.
        line, column = self.line, start - self.line_start + 1
        span = _new_tuple(Span, (start, start, line, column, line, column))
        style = _FLOW if flow else _BLOCK
        entries: list[tuple[Node, Node]] = [] if kind is _MAP else NO_ENTRIES
        children: list[Node] = [] if kind is _SEQ else NO_CHILDREN
        node = Node(kind, span, tag, style, "", anchor, entries, children, None)
        self.nodes += 1
        self.last_end = max(self.last_end, start)
        if anchor is not None:
            self._name(anchor, node, properties, start)
        self.outer.append((self.items, self.in_map, self.key, self.nodes + self.document.expansion))
        self.stack.append(node)
        self.heights.append(0)
        self.items, self.in_map, self.key = (entries, True, None) if kind is _MAP else (children, False, None)
        depth = len(self.stack)
        if depth > self.document.depth:
            self.document.depth = depth
            if depth > self.limits.max_depth:
                return Problem("depth", start)
        return None

    def _content_of_collection(self, event: Any, kind: Kind, start: int) -> int:
        head_end: int = self.base + event.end_mark.index
        if event.flow_style:
            return self._content_start(start, head_end)
        if kind is _MAP or self.text.startswith("-", head_end):
            return head_end
        return head_end - 1  # a list at its key's own indentation: libyaml has read its first dash already

    def _close(self, event: Any) -> Problem | None:
        node, height = self.stack.pop(), self.heights.pop() + 1
        self.items, self.in_map, self.key, before = self.outer.pop()
        start, end = self.base + event.start_mark.index, self.base + event.end_mark.index
        if node.style is _BLOCK or start == end:
            end = self.last_end
        self._end_at(node, end)
        if node.kind is _MAP:
            keys = [key.value for key, _ in node.entries if key.kind is _SCALAR]
            if len(set(keys)) != len(keys):
                self.document.repeated.append(node)
            if _MERGE in keys and not self._weigh_merges(node):
                return Problem("merge", node.span.start)
        if node.anchor is not None:
            self.closed[id(node)] = (self.nodes + self.document.expansion - before + 1, height)
        self._add(node)
        self.heights[-1] = max(self.heights[-1], height)
        return None

    def _end_at(self, node: Node, end: int) -> None:
        begin, _, line, column, _, _ = node.span
        end = max(end, begin)
        if not self.line_start <= end < self.line_end:
            self._go_to_line(end)
        node.span = _new_tuple(Span, (begin, end, line, column, self.line, end - self.line_start + 1))
        self.last_end = end
        if self.line != line and node.style is _FLOW and not (self.stack and self.stack[-1].style is _FLOW):
            self._note_indentation(node.span)

    def _alias(self, event: Any) -> Problem | None:
        start, end = self.base + event.start_mark.index, self.base + event.end_mark.index
        name = event.anchor
        anchor = self.anchors.get(name)
        node = Node(
            _ALIAS,
            self._span(start, end),
            value=name,
            entries=NO_ENTRIES,
            children=NO_CHILDREN,
            target=anchor.node if anchor else None,
        )
        self.nodes += 1
        self.last_end = end
        height = 0
        if anchor is None:
            self._dangling(node)
        else:
            anchor.used = True
            if id(anchor.node) in self.closed:
                size, height = self.closed[id(anchor.node)]
                self.document.expansion += size
            else:
                self.document.cycles.append(node)
        self._add(node)
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
            if key.kind is _SCALAR and key.value == _MERGE and key.style is Style.PLAIN:
                for source in value.children if value.kind is _SEQ else [value]:
                    target = source.target if source.kind is _ALIAS else source
                    if target is None:
                        continue
                    if source.kind is _ALIAS and id(target) not in self.closed:
                        return False  # a map that merges itself
                    weight += self.merge_weights.get(id(target), 1)
        self.merge_weights[id(node)] = weight
        return weight <= self.limits.max_merge_sources

    def _dangling(self, alias: Node) -> None:
        known = self.document.dangling
        if len(known) <= _MAX_DANGLING:  # no more are reported, and each keeps names
            known.append((alias, tuple(islice(reversed(self.anchors), _MAX_NAMES_SHOWN))))
