"""The tree of a JSON text while it is read: open brackets, nodes with their spans, and findings."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from typing import Literal, NoReturn

from automation_scripts.results import Severity
from automation_scripts.validation.documents.edits import Replacement
from automation_scripts.validation.documents.reporting import Reporter
from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile, Style
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.budget import CpuBudget
from automation_scripts.validation.parsing.json_brackets import Stray, brackets, lost_bracket, stray_bracket
from automation_scripts.validation.parsing.json_strings import Flaw
from automation_scripts.validation.parsing.yaml_keys import add_repeated_keys
from automation_scripts.validation.parsing.yaml_nodes import NO_CHILDREN, NO_ENTRIES

State = Literal["value", "key", "colon", "next"]
"""What comes next in the text."""

_MAX_ERRORS = 10_000  # read on behind; more is no JSON at all
_BLANK = re.compile(r"[ \t\n\r]*+")
_COMMENT = re.compile(r"//[^\n\r]*|/\*.*?\*/|#[^\n\r]*", re.DOTALL)
_new_tuple = tuple.__new__
_new_object = object.__new__
_SCALAR, _MAP, _SEQ = Kind.SCALAR, Kind.MAP, Kind.SEQ


class Stop(Exception):
    """The rest of the text is not read; why is reported already."""


class JsonBuilder:
    """Adds nodes in the order of the text. Positions are offsets."""

    def __init__(self, parsed: ParsedFile, limits: Limits) -> None:
        self.parsed = parsed
        self.text = parsed.text
        self.limits = limits
        self.index = LineIndex(parsed.text)
        self.starts = self.index.starts
        self.line, self.line_start, self.line_end = 0, 0, 0  # the line that the latest node stands on
        self.reporter = Reporter(parsed.name, self.index, limits)
        self.budget = CpuBudget(limits.cpu_s(len(parsed.text)))
        self.max_nodes = limits.nodes(len(parsed.text))
        self.checkpoint = min(self.budget.step, self.max_nodes)
        self.stack: list[Node] = []
        self.keys: list[Node | None] = []
        self.root: Node | None = None
        self.nodes = 0
        self.errors = 0
        self.last_end = 0
        self.stray: Stray | None = None
        self.comma: int | None = None  # where the last comma stands while nothing followed it
        self.allow_comments = False

    # Nodes ------------------------------------------------------------------------------------------------

    def scalar(self, start: int, end: int, style: Style, value: str) -> Node:
        """A new scalar, not yet added. Most nodes come through here."""
        if not self.line_start <= start < self.line_end:
            self._go_to_line(start)
        if end >= self.line_end:
            span = self.index.span(start, end)
        else:
            line, line_start = self.line, self.line_start
            span = _new_tuple(Span, (start, end, line, start - line_start + 1, line, end - line_start + 1))
        node = _new_object(Node)  # half the price of calling the class
        node.kind, node.span, node.tag, node.style = _SCALAR, span, None, style
        node.value, node.anchor, node.target = value, None, None
        node.entries, node.children = NO_ENTRIES, NO_CHILDREN
        return node

    def _go_to_line(self, offset: int) -> None:
        starts = self.starts
        self.line = line = bisect_right(starts, offset)
        self.line_start = starts[line - 1]
        self.line_end = starts[line] if line < len(starts) else sys.maxsize

    def open(self, at: int, kind: Kind) -> tuple[int, State]:
        self.nodes += 1
        self.comma = None
        if not self.line_start <= at < self.line_end:
            self._go_to_line(at)
        line, column = self.line, at - self.line_start + 1
        span = Span(at, at + 1, line, column, line, column + 1)  # it gets its end when the bracket closes
        entries: list[tuple[Node, Node]] = [] if kind is _MAP else NO_ENTRIES
        children: list[Node] = [] if kind is _SEQ else NO_CHILDREN
        self.stack.append(Node(kind, span, None, Style.FLOW, "", None, entries, children, None))
        self.keys.append(None)
        if len(self.stack) > self.limits.max_depth:
            self._limit("json/too-deep", at, f"Objects and lists are nested deeper than {self.limits.max_depth} levels")
        return at + 1, "key" if kind is Kind.MAP else "value"

    def close(self, at: int) -> tuple[int, State]:
        node, key = self.stack[-1], self.keys[-1]
        opening, closing = brackets(node)
        if self.text[at] != closing:
            self.report_stray()
            self.stop(
                at,
                at + 1,
                f"{self.text[at]!r} does not close the {opening!r} of line {node.span.line}.",
                f"Write {closing!r} here, or check the brackets between.",
            )
        if key is not None:
            self.stop(at, at + 1, f"The key {key.value[:50]!r} has no value.", "Write a value after ':'.")
        if self.comma is not None and not self.allow_comments:
            comma = self.comma
            message = f"A ',' stands before {closing!r}; JSON allows none there."
            self.syntax(comma, comma + 1, message, "Remove it.", "")
        self.stack.pop()
        self.keys.pop()
        if not self.line_start <= at < self.line_end:
            self._go_to_line(at)
        if self.stray is None and self.line != node.span.line:
            self.stray = stray_bracket(node, at, self.last_end, self.index)
        begin, _, line, column, _, _ = node.span
        node.span = Span(begin, at + 1, line, column, self.line, at - self.line_start + 2)
        if len(node.entries) > 1 and len({key.value for key, _ in node.entries}) != len(node.entries):
            add_repeated_keys(node, self.reporter, "json/duplicate-key")
        self.nodes -= 1  # it was counted when it was opened
        return self.add(node)

    def report_stray(self) -> None:
        """Where brackets do not pair, tell the place that the indentation shows, and end the reading."""
        lost = lost_bracket(self.stack, self.index)
        stray = min(filter(None, (self.stray, lost)), key=lambda found: found.at, default=None)
        if stray is not None:
            self.stop(stray.at, stray.at + 1, stray.message, stray.suggestion, stray.edit)

    def add_key(self, key: Node) -> tuple[int, State]:
        self.nodes += 1
        self.keys[-1] = key
        self.comma = None
        self.last_end = end = key.span.end
        return end, "colon"

    def add(self, node: Node) -> tuple[int, State]:
        self.nodes += 1
        if self.nodes > self.checkpoint:
            self.look_at_limits(node.span.start)
        self.comma = None
        self.last_end = end = node.span.end
        if not self.stack:
            self.root = node
            return end, "next"
        parent, key = self.stack[-1], self.keys[-1]
        if key is None:
            parent.children.append(node)
        else:
            parent.entries.append((key, node))
            self.keys[-1] = None
        return end, "next"

    def look_at_limits(self, at: int) -> None:
        """End the reading when there are too many values, or when it takes too long."""
        limit = self.max_nodes
        if self.nodes > limit:
            self._limit("json/too-large", at, f"The file holds more than {limit:,} values")
        if self.budget.is_spent():
            self._limit("json/too-large", at, "Reading the file takes too long")
        self.checkpoint = min(self.nodes + self.budget.step, limit)

    def skip(self, at: int) -> int:
        """Over blanks and comments; other blanks of Unicode are reported and skipped too."""
        text = self.text
        while True:
            found = _BLANK.match(text, at)
            at = found.end() if found else at
            first = text[at : at + 1]
            comment = _COMMENT.match(text, at) if first in ("/", "#") else None
            if comment is not None:
                if not self.allow_comments or first == "#":
                    self.syntax(
                        at,
                        comment.end(),
                        "JSON has no comments." if first == "/" else "JSON has no comments with '#'.",
                        "Remove it, or use a format with comments (JSONC, YAML) if the reader knows it.",
                    )
                at = comment.end()
            elif text.startswith("/*", at):
                self.stop(at, at + 2, "The comment that /* opens is never closed.", "Write */ after it.")
            elif first.isspace() or first in ("\ufeff", "\u200b"):
                what = f"U+{ord(first):04X} is no blank of JSON (only space, tab and line breaks are)."
                self.syntax(at, at + 1, what, "Replace it by a space.", " ")
                at += 1
            else:
                return at

    def byte_order_mark(self) -> int:
        """How long the mark at the beginning is, reported; files lose theirs before, when they are decoded."""
        if not self.text.startswith("\ufeff"):
            return 0
        self.reporter.report(
            "json/byte-order-mark",
            "The text begins with a byte order mark. JSON must not have one, and many readers reject it.",
            0,
            1,
            severity=Severity.LOW,
            suggestion="Save the file without a byte order mark (UTF-8 without BOM).",
            edits=[(0, 1, "")],
        )
        return 1

    # Findings -------------------------------------------------------------------------------------------

    def flaw(self, flaw: Flaw) -> None:
        self.reporter.report(
            flaw.rule_id,
            flaw.message,
            flaw.start,
            flaw.end,
            severity=Severity.HIGH if flaw.rule_id == "json/syntax" else Severity.MEDIUM,
            tag="syntax" if flaw.rule_id == "json/syntax" else "invalid-value",
            suggestion=flaw.suggestion,
            edits=[] if flaw.replacement is None else [(flaw.start, flaw.end, flaw.replacement)],
        )

    def syntax(self, start: int, end: int, message: str, suggestion: str, replacement: str | None = None) -> None:
        edits = [] if replacement is None else [(start, end, replacement)]
        self.reporter.report("json/syntax", message, start, end, suggestion=suggestion, edits=edits)
        self.errors += 1
        if self.errors > _MAX_ERRORS:
            raise Stop

    def stop(self, start: int, end: int, message: str, suggestion: str, edit: Replacement | None = None) -> NoReturn:
        edits = [] if edit is None else [edit]
        self.reporter.report("json/syntax", message, start, end, suggestion=suggestion, edits=edits)
        raise Stop

    def _limit(self, rule_id: str, at: int, what: str) -> NoReturn:
        self.reporter.report(
            rule_id,
            f"{what}; the file is not read.",
            at,
            at + 1,
            tag="invalid-value",
            suggestion="Flatten the document, or split the file.",
        )
        raise Stop
