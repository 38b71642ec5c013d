"""JSON text to a positioned tree: strict by RFC 8259, with recovery, so that one mistake does not hide the next.

What is mechanical to mend (a trailing comma, single quotes, a missing comma) is reported with its fix and read as
it was meant; anything else ends the reading. JSONC (`allow_comments`) permits comments and trailing commas.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from automation_scripts.validation.documents.tree import Document, Format, Kind, Node, ParsedFile, Style
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.parsing.collector import collector_paused
from automation_scripts.validation.parsing.json_brackets import brackets, closing_quote
from automation_scripts.validation.parsing.json_nodes import JsonBuilder, State, Stop
from automation_scripts.validation.parsing.json_strings import unescape
from automation_scripts.validation.parsing.json_tokens import Oddity, odd_token

_LITERAL_PATTERN = r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null)(?![\w.+$-])"
_LITERAL = re.compile(_LITERAL_PATTERN, re.ASCII)
# What nearly every token is: a string without escapes (1), a mark (2) or a literal (3). The rest is read slowly.
_TEXT = r'"([^"\\\x00-\x1f]*+)"'
_TOKEN = re.compile(rf"[ \t\n\r]*+(?:{_TEXT}|([{{}}\[\],:])|({_LITERAL_PATTERN}))", re.ASCII)
# An entry of an object: key (1), then a text (2) or literal (3) with its comma (4), or the beginning of more (5).
_ENTRY = re.compile(
    rf"[ \t\n\r]*+{_TEXT}[ \t\n\r]*+:[ \t\n\r]*+"
    rf"(?:(?:{_TEXT}|({_LITERAL_PATTERN}))(?:[ \t\n\r]*+(,))?|([{{\[]))",
    re.ASCII,
)
# A text (1) or literal (2) in a list, with its comma.
_ITEM = re.compile(rf"[ \t\n\r]*+(?:{_TEXT}|({_LITERAL_PATTERN}))[ \t\n\r]*+,", re.ASCII)
_STRING = re.compile(r'"((?:[^"\\\n\r]++|\\[^\n\r])*+)"')


def parse_json(
    path: Path, name: str, text: str, limits: Limits = DEFAULT_LIMITS, *, allow_comments: bool = False
) -> ParsedFile:
    """Parse JSON `text` that was read from `path`; `name` is what findings call the file.

    Never raises for what the text holds. The file has no document when the text could not be read to its end.
    """
    parsed = ParsedFile(path, name, Format.JSON, text)
    with collector_paused():
        _Scanner(parsed, limits, allow_comments).run()
    return parsed


class _Scanner(JsonBuilder):
    def __init__(self, parsed: ParsedFile, limits: Limits, allow_comments: bool) -> None:
        super().__init__(parsed, limits)
        self.allow_comments = allow_comments

    def run(self) -> None:
        try:
            at = self.skip(self.byte_order_mark())
            if at == len(self.text):
                self.stop(at, at, "The file is empty; JSON needs one value.", "Write {} for an empty configuration.")
            self._read(at)
        except Stop:
            self.root = None
        if self.root is not None:
            self.parsed.documents.append(Document(self.root))
        self.parsed.findings.extend(self.reporter.ordered())

    def _read(self, at: int) -> None:
        text, token = self.text, _TOKEN.match
        state: State = "value"
        while True:
            if state == "key":
                at, state = self._entries(at)
            elif state == "value" and self.stack and self.stack[-1].kind is Kind.SEQ:
                at = self._items(at)
            found = token(text, at)
            step = None if found is None else self._token(found, state)
            if step is not None:
                at, state = step
                continue
            at = self.skip(at)
            if state == "value":
                at, state = self._value(at)
            elif state == "key":
                at, state = self._key(at)
            elif state == "colon":
                at, state = self._colon(at)
            elif self.stack:
                at, state = self._next(at)
            else:
                self._end(at)
                return

    def _token(self, found: re.Match[str], state: State) -> tuple[int, State] | None:
        """Take a token where it is what may stand here; None where it is not."""
        which = found.lastindex
        if which == 1:
            if state == "key":
                return self.add_key(self.scalar(found.start(1) - 1, found.end(), Style.DOUBLE, found[1]))
            if state == "value":
                return self.add(self.scalar(found.start(1) - 1, found.end(), Style.DOUBLE, found[1]))
            return None
        if which == 3:
            return (
                self.add(self.scalar(found.start(3), found.end(), Style.PLAIN, found[3])) if state == "value" else None
            )
        return self._mark(found[2], found.end(), state)

    def _mark(self, mark: str, end: int, state: State) -> tuple[int, State] | None:
        if mark == ",":
            if state != "next" or not self.stack:
                return None
            self.comma = end - 1
            return end, "key" if self.stack[-1].kind is Kind.MAP else "value"
        if mark == ":":
            return (end, "value") if state == "colon" else None
        if mark in "}]":
            return self.close(end - 1) if self.stack and state != "colon" else None
        return self.open(end - 1, Kind.MAP if mark == "{" else Kind.SEQ) if state == "value" else None

    def _entries(self, at: int) -> tuple[int, State]:
        """Over entries with a simple value, which are most of any file, up to one that is something else."""
        text, match, scalar, entries = self.text, _ENTRY.match, self.scalar, self.stack[-1].entries
        while (found := match(text, at)) is not None:
            key = scalar(found.start(1) - 1, found.end(1) + 1, Style.DOUBLE, found[1])
            if found[2] is not None:
                value = scalar(found.start(2) - 1, found.end(2) + 1, Style.DOUBLE, found[2])
            elif found[3] is not None:
                value = scalar(found.start(3), found.end(3), Style.PLAIN, found[3])
            else:
                self.add_key(key)
                return self.open(found.end() - 1, Kind.MAP if found[5] == "{" else Kind.SEQ)
            entries.append((key, value))
            self._count(value, 2)
            at = found.end()
            if found[4] is None:
                self.comma = None
                return at, "next"
            self.comma = at - 1
        return at, "key"

    def _items(self, at: int) -> int:
        """Over simple items of a list that have a comma behind them."""
        text, match, scalar, children = self.text, _ITEM.match, self.scalar, self.stack[-1].children
        while (found := match(text, at)) is not None:
            if found[1] is not None:
                value = scalar(found.start(1) - 1, found.end(1) + 1, Style.DOUBLE, found[1])
            else:
                value = scalar(found.start(2), found.end(2), Style.PLAIN, found[2])
            children.append(value)
            self._count(value, 1)
            at = found.end()
            self.comma = at - 1
        return at

    def _count(self, value: Node, nodes: int) -> None:
        self.last_end = value.span.end
        self.nodes += nodes
        if self.nodes > self.checkpoint:
            self.look_at_limits(value.span.start)

    # States -----------------------------------------------------------------------------------------------

    def _value(self, at: int) -> tuple[int, State]:
        text = self.text
        first = text[at : at + 1]
        if first == '"':
            return self.add(self._string(at))
        if first in ("{", "["):
            return self.open(at, Kind.MAP if first == "{" else Kind.SEQ)
        if (literal := _LITERAL.match(text, at)) is not None:
            return self.add(self.scalar(at, literal.end(), Style.PLAIN, literal.group()))
        if first in ("]", "}") and self.stack:
            return self.close(at)
        if first == ",":
            self.syntax(at, at + 1, "A ',' stands where a value is expected.", "Remove it.", "")
            return at + 1, "value"
        if not first:
            self._unfinished()
        odd = odd_token(text, at, key=False)
        if odd is None:
            self.stop(at, at + 1, f"{first!r} cannot begin a JSON value.", "Put text into double quotes.")
        return self.add(self._odd(at, odd))

    def _key(self, at: int) -> tuple[int, State]:
        first = self.text[at : at + 1]
        if first == '"':
            return self.add_key(self._string(at))
        if first in ("}", "]"):
            return self.close(at)
        if first == ",":
            self.syntax(at, at + 1, "A ',' stands where a key is expected.", "Remove it.", "")
            return at + 1, "key"
        if not first:
            self._unfinished()
        odd = odd_token(self.text, at, key=True)
        if odd is None:
            self.report_stray()
            self.stop(at, at + 1, f"{first!r} stands where a key is expected.", "Keys are text in double quotes.")
        return self.add_key(self._odd(at, odd))

    def _colon(self, at: int) -> tuple[int, State]:
        found = self.text[at : at + 1]
        if not found:
            self._unfinished()
        key = self.keys[-1]
        shown = key.value[:50] if key else ""
        if found == "=":
            self.syntax(at, at + 1, f"'=' stands after the key {shown!r}; JSON uses ':'.", "Write ':'.", ":")
            return at + 1, "value"
        if found in (",", "}", "]"):
            self.report_stray()
            self.stop(at, at + 1, f"The key {shown!r} has no value.", "Write ': value' after it.")
        end = self.last_end
        self.syntax(end, end, f"A ':' is missing after the key {shown!r}.", "Write ':' between key and value.", ":")
        return at, "value"

    def _next(self, at: int) -> tuple[int, State]:
        found = self.text[at : at + 1]
        if found in ("}", "]"):
            return self.close(at)
        if not found:
            self._unfinished()
        after: State = "key" if self.stack[-1].kind is Kind.MAP else "value"
        readable = found in ("'", '"', "{", "[") or _LITERAL.match(self.text, at) is not None
        if not readable and odd_token(self.text, at, key=after == "key") is None:
            self.report_stray()
            if found == ":" and after == "value":
                line = self.stack[-1].span.line
                what = f"A key stands in the list of line {line}: the list's ']' is probably missing."
                self.stop(at, at + 1, what, "Write ']' where the list ends.")
            self.stop(at, at + 1, f"{found!r} is not expected after a value.", "Write ',' or close the bracket.")
        end = self.last_end
        self.syntax(end, end, "A ',' is missing after this value.", "Write ',' between the entries.", ",")
        return at, after

    def _end(self, at: int) -> None:
        if at < len(self.text):
            more = "a second JSON value" if self.text[at] in ("{", "[", '"') else "text"
            self.syntax(
                at,
                at + 1,
                f"There is {more} after the end of the JSON value.",
                "Keep one value in a file; put several into a list.",
            )

    def _string(self, at: int) -> Node:
        found = _STRING.match(self.text, at)
        if found is None:
            self._unclosed(at)
        value = unescape(found[1], at + 1, self.flaw)
        return self.scalar(at, found.end(), Style.DOUBLE, value)

    def _unclosed(self, at: int) -> NoReturn:
        line = self.index.position(at)[0]
        end = self.index.line_start(line) + len(self.index.line_text(line).rstrip())
        edit = closing_quote(self.text, at, end, inside=bool(self.stack))
        self.stop(
            at,
            end,
            'The text that " opens here is not closed on its line.',
            'Write the closing " at the end of the text; a line break inside is written \\n.',
            edit,
        )

    def _odd(self, at: int, odd: Oddity) -> Node:
        self.syntax(at, odd.end, odd.message, odd.suggestion, odd.replacement)
        value = unescape(odd.value, at + 1, self.flaw, quote="'") if odd.is_text else odd.value
        style = Style.DOUBLE if odd.is_text else Style.PLAIN
        return self.scalar(at, odd.end, style, value)

    # Findings -------------------------------------------------------------------------------------------

    def _unfinished(self) -> NoReturn:
        end = len(self.text)
        if not self.stack:
            self.stop(end, end, "The text ends where a value is expected.", "Write the value.")
        self.report_stray()
        node = self.stack[-1]
        opening, closing = brackets(node)
        only_this = len(self.stack) == 1 and self.keys[-1] is None and self.comma is None
        at = max(self.last_end, node.span.start + 1)
        self.stop(
            at - 1,
            at,
            f"The file ends behind this, on line {self.index.position(end)[0]}, but the {opening!r} of line "
            f"{node.span.line} is never closed.",
            f"Write {closing!r} where it ends.",
            (self.last_end, self.last_end, closing) if only_this and self.last_end > node.span.start else None,
        )
