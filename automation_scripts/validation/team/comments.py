"""True comments of a parsed file: text behind `#` or `//` that stands in no scalar, by the parser's positions."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from automation_scripts.validation.documents.tree import Format, Kind, Node, ParsedFile, Style
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.input.text import LineIndex

MARK = "automation:"
"""What a comment for this tool begins with."""

_YAML = re.compile(r"(?m)(?:^|(?<=[ \t\r]))#(?P<text>[ \t]*automation:[^\r\n]*)")
_JSON = re.compile(r"//(?P<text>[ \t]*automation:[^\r\n]*)|/\*(?P<block>[ \t]*automation:.*?)\*/", re.DOTALL)
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]")
_NO_CONTENT = {
    Format.YAML: re.compile(r"[ \t]*(?:#.*|---(?:[ \t]+#.*)?|%.*|\.\.\.)?"),
    Format.JSON: re.compile(r"[ \t]*(?://.*|/\*.*\*/[ \t]*)?"),
}


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment that begins with the mark. `text` follows the mark."""

    text: str
    span: Span
    alone: bool
    """True when nothing else stands on its line."""
    leading: bool
    """True when no content stands above it."""


class Comments:
    """The comments of one file that begin with the mark, and which lines they speak of."""

    def __init__(self, file: ParsedFile) -> None:
        self.file = file
        self.index = LineIndex(file.text)
        self._scalars = sorted(scalars_of(file), key=lambda node: node.span.start)
        self._starts = [node.span.start for node in self._scalars]

    def __iter__(self) -> Iterator[Comment]:
        text = self.file.text
        first = self._first_content()
        for found in (_YAML if self.file.format is Format.YAML else _JSON).finditer(text):
            # A file without a tree is only known to have comments above its content.
            if self._in_scalar(found.start()) or (not self.file.documents and found.start() > first):
                continue
            span = self.index.span(found.start(), found.end())
            before = text[self.index.line_start(span.line) : found.start()]
            words = found["text"] if self.file.format is Format.YAML else found["text"] or found["block"] or ""
            yield Comment(
                words.strip().removeprefix(MARK).strip(), span, not before.strip("\ufeff \t"), found.start() < first
            )

    def next_content(self, line: int) -> int | None:
        """The first line below `line` that holds more than comments and marks of documents."""
        for number in range(line + 1, self.index.lines + 1):
            if not _NO_CONTENT[self.file.format].fullmatch(self.index.line_text(number)):
                return number
        return None

    def end_of_text(self, line: int) -> int:
        """The last line of a text over several lines that begins on `line`; `line` when none does."""
        at = bisect_right(self._starts, self.index.line_start(line) - 1)
        end = line
        for node in self._scalars[at:]:
            if node.span.line != line:
                break
            end = max(end, node.span.end_line)
        return end

    def _first_content(self) -> int:
        line = self.next_content(0)
        return len(self.file.text) if line is None else self.index.line_start(line)

    def _in_scalar(self, offset: int) -> bool:
        at = bisect_right(self._starts, offset) - 1
        if at < 0 or self._scalars[at].span.end <= offset:
            return False
        node = self._scalars[at]
        if node.style in (Style.LITERAL, Style.FOLDED):
            # `key: |  # comment`: behind the mark of a block scalar a comment may stand.
            header = self.file.text[node.span.start : offset]
            return "\n" in header or "\r" in header or not _BLOCK_HEADER.match(header)
        return True


def scalars_of(file: ParsedFile) -> Iterator[Node]:
    """Every scalar of a file, keys and values, in no order; what an alias points at once."""
    waiting = [document.root for document in file.documents]
    while waiting:
        node = waiting.pop()
        if node.kind is Kind.SCALAR:
            yield node
        elif node.kind is Kind.SEQ:
            waiting += node.children
        elif node.kind is Kind.MAP:
            for entry in node.entries:
                waiting += entry


def keys_of(file: ParsedFile) -> Iterator[str]:
    """The text of every key of a file's maps."""
    waiting = [document.root for document in file.documents]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        for key, value in node.entries:
            yield key.value
            waiting.append(value)
