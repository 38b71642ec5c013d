"""The parts of YAML 1.2 that stand inside a line or in brackets: quoted and plain texts, aliases, lists and maps in flow
style, anchors and tags. `yaml12_events` puts them into blocks and documents.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

import yaml

from automation_scripts.validation.parsing.yaml12_scalars import double_quoted, fold, single_quoted, space_end

_BLANK = re.compile(r"[ \t]*+")
_ANCHOR = re.compile(r"[&*]([^\s,\[\]{}]+)", re.ASCII)
_TAG = re.compile(r"!<([^>\s]*)>|(![\w-]*!|!)([^\s,\[\]{}]*)", re.ASCII)
_DOUBLE = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_SINGLE = re.compile(r"'((?:[^']++|'')*+)'")
# One line of a plain text: up to `: `, ` #` or, in brackets, a mark of theirs.
PLAIN_BLOCK = re.compile(r"(?:[^\s:#]++|:(?=\S)|(?<=\S)#|[ \t]++(?=[^\s#:]|:\S))++", re.ASCII)
_PLAIN_FLOW = re.compile(
    r"(?:[^\s:#,\[\]{}]++|:(?=[^\s,\[\]{}])|(?<=\S)#|[ \t]++(?=[^\s#:,\[\]{}]|:[^\s,\[\]{}]))++", re.ASCII
)
_NEXT_LINE = re.compile(r"[ \t]*+(?:(?:\r\n?|\n)[ \t]*+)++")
_BREAK = re.compile(r"\r\n?|\n")
STANDARD_HANDLES = {"!": "!", "!!": "tag:yaml.org,2002:"}


def mark(offset: int) -> yaml.Mark:
    """A place in the text as PyYAML's events carry it; lines are counted elsewhere."""
    return yaml.Mark("", offset, 0, 0, None, 0)


class Properties(NamedTuple):
    """The anchor and tag before a node, and where they begin and end (both where the node begins without any)."""

    anchor: str | None
    tag: str | None
    start: int
    end: int


def nothing_at(offset: int) -> Properties:
    """No anchor and no tag."""
    return Properties(None, None, offset, offset)


class InlineReader:
    """Reads from `at` on and appends to `events`; nothing at or behind `limit` is looked at."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(found.end() for found in _BREAK.finditer(text))]
        self.events: list[yaml.Event] = []
        self.handles = dict(STANDARD_HANDLES)
        self.at = 0
        self.limit = len(text)
        self.adjacent = False  # whether the latest key in brackets may be followed by a ':' without a blank

    # Inside a line ----------------------------------------------------------------------------------------

    def inline(self, properties: Properties, plain: re.Pattern[str], parent: int | None) -> bool:
        """A quoted or plain text, an alias, or brackets; True when a `:` may follow it without a blank."""
        text, at = self.text, self.at
        first = text[at : at + 1]
        if first == "*" and (name := _ANCHOR.match(text, at, self.limit)):
            self.at = name.end()
            self.events.append(yaml.AliasEvent(name[1], mark(at), mark(self.at)))
            return False
        if first in ("[", "{"):
            self._flow_list(properties) if first == "[" else self._flow_map(properties)
            return True
        quoted = (_DOUBLE if first == '"' else _SINGLE).match(text, at, self.limit) if first in ('"', "'") else None
        if quoted is not None:
            self.at = quoted.end()
            self.scalar(properties, double_quoted(quoted[1]) if first == '"' else single_quoted(quoted[1]), first)
            return True
        self._plain(properties, plain, parent)
        return False

    def _plain(self, properties: Properties, plain: re.Pattern[str], parent: int | None) -> None:
        """A plain text: one line where it is a key (`parent` None), else with the lines that continue it."""
        text, begin = self.text, self.at
        found = plain.match(text, begin, self.limit)
        end = found.end() if found else begin
        while found is not None and parent is not None:
            gap = _NEXT_LINE.match(text, end, self.limit)
            if gap is None or gap.end() >= self.limit or text[gap.end()] == "#":
                break
            if self.column(gap.end()) <= parent and plain is PLAIN_BLOCK:
                break
            found = plain.match(text, gap.end(), self.limit)
            end = found.end() if found else end
        self.at = max(end, begin)
        if end == begin and begin < self.limit and plain is PLAIN_BLOCK:
            self.at += 1  # no text: it cannot be valid, but reading must go on
        self.scalar(properties, fold(text[begin:end]), "")

    def is_key(self, at: int) -> bool:
        """True when a `:` follows the node that begins here, on the same line."""
        mine, events, line_end = self.at, self.events, self.line_end(at)
        limit, self.limit = self.limit, line_end
        self.at, self.events = at, []
        self.properties()
        self.blanks()
        if self.opens_a_longer_quote():
            self.at = line_end
        elif not self.is_mark(self.at, ":") and not self.is_end():
            self.inline(nothing_at(self.at), PLAIN_BLOCK, None)
            self.blanks()
        found = self.is_mark(self.at, ":")
        self.at, self.events, self.limit = mine, events, limit
        return found

    def opens_a_longer_quote(self) -> bool:
        """True at a quote that is not closed before the limit."""
        first = self.text[self.at : self.at + 1]
        if first not in ('"', "'"):
            return False
        return (_DOUBLE if first == '"' else _SINGLE).match(self.text, self.at, self.limit) is None

    # Brackets ---------------------------------------------------------------------------------------------

    def _flow_list(self, properties: Properties) -> None:
        self.start(yaml.SequenceStartEvent, properties, flow=True)
        for _ in self._flow_entries("]"):
            place, start = len(self.events), self.at
            explicit = self._flow_key()
            if explicit or self._is_flow_colon():
                pair = yaml.MappingStartEvent(None, None, True, mark(start), mark(start), flow_style=True)
                self.events.insert(place, pair)
                self._flow_value()
                self.events.append(yaml.MappingEndEvent(mark(self.at), mark(self.at)))
        self.end(yaml.SequenceEndEvent)

    def _flow_map(self, properties: Properties) -> None:
        self.start(yaml.MappingStartEvent, properties, flow=True)
        for _ in self._flow_entries("}"):
            self._flow_key()
            self._flow_value()
        self.end(yaml.MappingEndEvent)

    def _flow_entries(self, closing: str) -> Iterator[None]:
        """Once for each entry between two brackets; what the loop's body does not read is passed over."""
        self.at += 1
        while True:
            self.skip()
            if self.is_end():
                return
            first = self.text[self.at]
            if first in "]}":
                self.at += 1
                return
            if first == ",":
                self.at += 1
                continue
            before = self.at
            yield
            if self.at == before:
                self.at += 1

    def _flow_key(self) -> bool:
        """The key of a pair, or a value alone; True when it is marked by `?`."""
        explicit = self.is_mark(self.at, "?")
        if explicit:
            self.at += 1
            self.skip()
        self.adjacent = self._flow_node()
        end = self.at
        self.skip()
        if self.is_end() or self.text[self.at] in ",]}":
            self.at = end
        return explicit

    def _flow_value(self) -> None:
        if not self._is_flow_colon():
            self.empty(nothing_at(self.at))
            return
        self.at += 1
        colon = self.at
        self.skip()
        if self.is_end() or self.text[self.at] in ",]}":
            self.at = colon
        self._flow_node()

    def _flow_node(self) -> bool:
        properties = self.properties()
        self.skip()
        if self.is_end() or self.text[self.at] in ",]}" or self._is_flow_mark(self.at):
            self.at = properties.end
            self.empty(properties)
            return False
        return self.inline(properties, _PLAIN_FLOW, -1)

    def _is_flow_colon(self) -> bool:
        """True when a `:` stands here (or behind blanks) that separates a key from its value."""
        at = space_end(self.text, self.at, self.limit)
        if at < self.limit and self.text[at] == ":" and (self.adjacent or self._is_flow_mark(at)):
            self.at = at
            return True
        return False

    def _is_flow_mark(self, at: int) -> bool:
        return self.text[at] == ":" and (at + 1 >= self.limit or self.text[at + 1] in " \t\r\n,[]{}")

    # Parts of nodes ---------------------------------------------------------------------------------------

    def properties(self) -> Properties:
        """Over an anchor and a tag in any order; the position stays behind the last of them."""
        text, start = self.text, self.at
        anchor = tag = None
        end = at = start
        while at < self.limit and text[at] in "&!":
            found = (_ANCHOR if text[at] == "&" else _TAG).match(text, at, self.limit)
            if found is None or (anchor if text[at] == "&" else tag) is not None:
                break
            if text[at] == "&":
                anchor = found[1]
            else:
                tag = found[1] or self._tag(found[2], found[3])
            end = found.end()
            at = space_end(text, end, self.limit)
            if _BREAK.search(text, end, at) and not self._continues_properties(at, anchor, tag):
                break
        self.at = end
        return Properties(anchor, tag, start, end)

    def _continues_properties(self, at: int, anchor: str | None, tag: str | None) -> bool:
        """True when the other property on a later line belongs to the same node, not to a key that begins there."""
        if at >= self.limit or self.text[at] != ("!" if tag is None else "&") or (anchor and tag):
            return False
        return not self.is_key(at)

    def _tag(self, handle: str, suffix: str) -> str:
        if not suffix and handle == "!":
            return "!"
        return self.handles.get(handle, handle) + unquote(suffix)

    def scalar(self, properties: Properties, value: str, style: str) -> None:
        implicit = (properties.tag is None and style == "", properties.tag is None and style != "")
        self.events.append(
            yaml.ScalarEvent(
                properties.anchor, properties.tag, implicit, value, mark(properties.start), mark(self.at), style=style
            )
        )

    def empty(self, properties: Properties) -> None:
        self.events.append(
            yaml.ScalarEvent(
                properties.anchor,
                properties.tag,
                (properties.tag is None, False),
                "",
                mark(properties.start),
                mark(properties.end),
                style="",
            )
        )

    def start(self, kind: type[yaml.CollectionStartEvent], properties: Properties, *, flow: bool) -> None:
        anchor, tag, start, end = properties
        begin = start if end > start else self.at
        head_end = self.at + 1 if flow else self.at
        self.events.append(kind(anchor, tag, tag is None, mark(begin), mark(head_end), flow_style=flow))

    def end(self, kind: type[yaml.CollectionEndEvent]) -> None:
        self.events.append(kind(mark(self.at), mark(self.at)))

    # Places -----------------------------------------------------------------------------------------------

    def skip(self) -> bool:
        """Over blanks, line breaks and comments; True when a line break was among them."""
        before = self.at
        self.at = space_end(self.text, before, self.limit)
        return _BREAK.search(self.text, before, self.at) is not None

    def blanks(self) -> None:
        found = _BLANK.match(self.text, self.at, self.limit)
        self.at = found.end() if found else self.at

    def is_end(self) -> bool:
        return self.at >= self.limit

    def is_mark(self, at: int, mark: str = "") -> bool:
        """True when an indicator stands here: the character, then a blank or the end."""
        if at >= self.limit or (mark and self.text[at] != mark) or self.text[at] not in "-?:":
            return False
        return at + 1 >= self.limit or self.text[at + 1] in " \t\r\n"

    def column(self, at: int) -> int:
        return at - self.starts[bisect_right(self.starts, at) - 1]

    def line_end(self, at: int) -> int:
        found = _BREAK.search(self.text, at, self.limit)
        return found.start() if found else self.limit
