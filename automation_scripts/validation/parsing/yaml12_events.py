"""Events of a text that is valid YAML 1.2 but that libyaml, a reader of YAML 1.1, refuses.

The events are PyYAML's, so the same builder makes the tree. Only for texts that a YAML 1.2 reader accepted: nothing is
checked again, which keeps the grammar small. A text without such a verdict may give any events, but always an end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import yaml

from automation_scripts.validation.parsing.yaml12_inline import (
    PLAIN_BLOCK,
    STANDARD_HANDLES,
    InlineReader,
    Properties,
    mark,
    nothing_at,
)
from automation_scripts.validation.parsing.yaml12_scalars import block_text

_MARKER = re.compile(r"(?m)^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")
_DIRECTIVE = re.compile(r"%[^\r\n]*")
_TAG_DIRECTIVE = re.compile(r"%TAG[ \t]+(\S+)[ \t]+(\S+)", re.ASCII)


def events_of(text: str) -> Callable[[], yaml.Event]:
    """A function that gives the next event on each call, like PyYAML's `get_event`."""
    return iter(_Reader(text).stream()).__next__


class _Reader(InlineReader):
    # Documents --------------------------------------------------------------------------------------------

    def stream(self) -> Iterator[yaml.Event]:
        """All events, one document after the other."""
        size = len(self.text)
        markers = [(found.start(), found.end()) for found in _MARKER.finditer(self.text)]
        yield yaml.StreamStartEvent(mark(0), mark(0))
        self.limit = markers[0][0] if markers else size
        self._prefix()
        if self.at < self.limit:
            yield from self._document(self.at, self.at)
        for number, (start, end) in enumerate(markers):
            self.at, self.limit = end, markers[number + 1][0] if number + 1 < len(markers) else size
            if self.text[start] == "-":
                yield from self._document(start, end)
                self.handles = dict(STANDARD_HANDLES)
            else:
                self._prefix()
                if self.at < self.limit:
                    yield from self._document(self.at, self.at)
        yield yaml.StreamEndEvent(mark(size), mark(size))

    def _prefix(self) -> None:
        """Over comments and directives before a document."""
        self.skip()
        while found := _DIRECTIVE.match(self.text, self.at, self.limit):
            tag = _TAG_DIRECTIVE.match(found.group())
            if tag is not None:
                self.handles[tag[1]] = tag[2]
            self.at = found.end()
            self.skip()

    def _document(self, start: int, end: int) -> list[yaml.Event]:
        self.events = [yaml.DocumentStartEvent(mark(start), mark(end), explicit=end > start)]
        self._block_node(-1, same_column=False)
        self.events.append(yaml.DocumentEndEvent(mark(self.limit), mark(self.limit)))
        return self.events

    # Blocks -----------------------------------------------------------------------------------------------

    def _block_node(self, parent: int, *, same_column: bool) -> None:
        """A value behind `-`, `?`, `:` or `---`; `same_column` where a list may stand in its key's own column."""
        begin = self.at
        crossed = self.skip()
        if self._is_outside(parent, same_column, crossed):
            self.at = begin
            self.empty(nothing_at(begin))
            return
        start = self.at
        properties = self.properties()
        if properties.end == start:
            self._block_content(parent, properties)
            return
        if not self.skip() and not self.is_end():
            if self.is_key(start):  # what stands before a key belongs to the key, not to the map
                self.at = start
                self._block_map(nothing_at(start))
            else:
                self._block_content(parent, properties)
        elif self._is_outside(parent, same_column, True):
            self.at = properties.end
            self.empty(properties)
        else:
            self._block_content(parent, properties)

    def _block_content(self, parent: int, properties: Properties) -> None:
        text, at = self.text, self.at
        first = text[at]
        if first == "-" and self.is_mark(at):
            self._block_list(properties)
        elif (first in "?:" and self.is_mark(at)) or self.is_key(at):
            self._block_map(properties)
        elif first in "|>":
            value, self.at = block_text(text, at, self.limit, parent)
            self.scalar(properties, value, first)
        else:
            self.inline(properties, PLAIN_BLOCK, parent)

    def _block_list(self, properties: Properties) -> None:
        column = self.column(self.at)
        self.start(yaml.SequenceStartEvent, properties, flow=False)
        while not self.is_end() and self.column(self.at) == column and self.is_mark(self.at, "-"):
            self.at += 1
            self._block_node(column, same_column=False)
            self.skip()
        self.end(yaml.SequenceEndEvent)

    def _block_map(self, properties: Properties) -> None:
        column = self.column(self.at)
        self.start(yaml.MappingStartEvent, properties, flow=False)
        while not self.is_end() and self.column(self.at) == column:
            before = self.at
            if self.is_mark(self.at, "?"):
                self.at += 1
                self._block_node(column, same_column=True)
                end = self.at
                self.skip()
                if self.is_end() or self.column(self.at) != column or not self.is_mark(self.at, ":"):
                    self.empty(nothing_at(end))
                    continue
            elif self.is_mark(self.at, ":"):
                self.empty(nothing_at(self.at))
            else:
                found = self.properties()
                self.blanks()
                if self.is_mark(self.at, ":"):
                    self.empty(found)
                else:
                    self.inline(found, PLAIN_BLOCK, None)
                self.blanks()
            self.at += 1
            self._block_node(column, same_column=True)
            self.skip()
            if self.at <= before:
                break
        self.end(yaml.MappingEndEvent)

    def _is_outside(self, parent: int, same_column: bool, crossed: bool) -> bool:
        if self.is_end():
            return True
        column = self.column(self.at)
        if not crossed or column > parent:
            return False
        return not (same_column and column == parent and self.is_mark(self.at, "-"))
