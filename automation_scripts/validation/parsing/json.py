"""JSON text to a positioned tree: strict by RFC 8259, with recovery, so that one mistake does not hide the next.

What is mechanical to mend (a trailing comma, single quotes, a missing comma) is reported with its fix and read as
it was meant; anything else ends the reading. JSONC (`allow_comments`) permits comments and trailing commas.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from pathlib import Path
from typing import Literal, NoReturn

from automation_scripts.results import Severity
from automation_scripts.validation.documents.edits import Replacement
from automation_scripts.validation.documents.reporting import Reporter
from automation_scripts.validation.documents.tree import Document, Format, Kind, Node, ParsedFile, Style
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.collector import collector_paused
from automation_scripts.validation.parsing.json_brackets import Stray, brackets, closing_quote, stray_bracket
from automation_scripts.validation.parsing.json_strings import Flaw, unescape
from automation_scripts.validation.parsing.json_tokens import Oddity, odd_token
from automation_scripts.validation.parsing.yaml_keys import add_repeated_keys

_LITERAL_PATTERN = r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null)(?![\w.+$-])"
_LITERAL = re.compile(_LITERAL_PATTERN, re.ASCII)
# What nearly every token is: a string without escapes (1), a mark (2) or a literal (3). The rest is read slowly.
_TOKEN = re.compile(
    rf'[ \t\n\r]*(?:"([^"\\\x00-\x1f]*)"|([{{}}\[\],:])|({_LITERAL_PATTERN}))',
    re.ASCII,
)
_BLANK = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"((?:[^"\\\n\r]|\\[^\n\r])*)"')
_COMMENT = re.compile(r"//[^\n\r]*|/\*.*?\*/|#[^\n\r]*", re.DOTALL)

_State = Literal["value", "key", "colon", "next"]


class _Stop(Exception):
    pass


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


class _Scanner:
    def __init__(self, parsed: ParsedFile, limits: Limits, allow_comments: bool) -> None:
        self.parsed = parsed
        self.text = parsed.text
        self.limits = limits
        self.allow_comments = allow_comments
        self.index = LineIndex(parsed.text)
        self.starts = self.index.starts
        self.reporter = Reporter(parsed.name, self.index, limits)
        self.stack: list[Node] = []
        self.keys: list[Node | None] = []
        self.root: Node | None = None
        self.nodes = 0
        self.last_end = 0
        self.stray: Stray | None = None
        self.comma: int | None = None  # where the last comma stands while nothing followed it

    def run(self) -> None:
        try:
            at = self._skip(self._byte_order_mark())
            if at == len(self.text):
                self._stop(at, at, "The file is empty; JSON needs one value.", "Write {} for an empty configuration.")
            self._read(at)
        except _Stop:
            self.root = None
        if self.root is not None:
            self.parsed.documents.append(Document(self.root))
        self.parsed.findings.extend(self.reporter.ordered())

    def _byte_order_mark(self) -> int:
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

    def _read(self, at: int) -> None:
        text, token = self.text, _TOKEN.match
        state: _State = "value"
        while True:
            found = token(text, at)
            if found is not None:
                which = found.lastindex
                if which == 2:
                    mark = found[2]
                    if mark == ":" and state == "colon":
                        at, state = found.end(), "value"
                        continue
                    if mark == "," and state == "next" and self.stack:
                        at = found.end()
                        self.comma = at - 1
                        state = "key" if self.stack[-1].kind is Kind.MAP else "value"
                        continue
                elif which == 1 and state in ("key", "value"):
                    node = Node(Kind.SCALAR, self._span(found.start(1) - 1, found.end()), None, Style.DOUBLE, found[1])
                    at, state = self._add_key(node) if state == "key" else self._add(node)
                    continue
                elif which == 3 and state == "value":
                    at, state = self._add(Node(Kind.SCALAR, self._span(found.start(3), found.end()), value=found[3]))
                    continue
            at = self._skip(at)
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

    # States -----------------------------------------------------------------------------------------------

    def _value(self, at: int) -> tuple[int, _State]:
        text = self.text
        first = text[at : at + 1]
        if first == '"':
            return self._add(self._string(at))
        if first in ("{", "["):
            return self._open(at, Kind.MAP if first == "{" else Kind.SEQ)
        if (literal := _LITERAL.match(text, at)) is not None:
            return self._add(Node(Kind.SCALAR, self._span(at, literal.end()), value=literal.group()))
        if first in ("]", "}") and self.stack:
            return self._close(at)
        if first == ",":
            self._syntax(at, at + 1, "A ',' stands where a value is expected.", "Remove it.", "")
            return at + 1, "value"
        if not first:
            self._unfinished()
        odd = odd_token(text, at, key=False)
        if odd is None:
            self._stop(at, at + 1, f"{first!r} cannot begin a JSON value.", "Put text into double quotes.")
        return self._add(self._odd(at, odd))

    def _key(self, at: int) -> tuple[int, _State]:
        first = self.text[at : at + 1]
        if first == '"':
            return self._add_key(self._string(at))
        if first in ("}", "]"):
            return self._close(at)
        if first == ",":
            self._syntax(at, at + 1, "A ',' stands where a key is expected.", "Remove it.", "")
            return at + 1, "key"
        if not first:
            self._unfinished()
        odd = odd_token(self.text, at, key=True)
        if odd is None:
            self._stop(at, at + 1, f"{first!r} stands where a key is expected.", "Keys are text in double quotes.")
        return self._add_key(self._odd(at, odd))

    def _colon(self, at: int) -> tuple[int, _State]:
        found = self.text[at : at + 1]
        if not found:
            self._unfinished()
        key = self.keys[-1]
        shown = key.value[:50] if key else ""
        if found == "=":
            self._syntax(at, at + 1, f"'=' stands after the key {shown!r}; JSON uses ':'.", "Write ':'.", ":")
            return at + 1, "value"
        if found in (",", "}", "]"):
            self._stop(at, at + 1, f"The key {shown!r} has no value.", "Write ': value' after it.")
        end = self.last_end
        self._syntax(end, end, f"A ':' is missing after the key {shown!r}.", "Write ':' between key and value.", ":")
        return at, "value"

    def _next(self, at: int) -> tuple[int, _State]:
        found = self.text[at : at + 1]
        if found in ("}", "]"):
            return self._close(at)
        if not found:
            self._unfinished()
        after: _State = "key" if self.stack[-1].kind is Kind.MAP else "value"
        readable = found in ("'", '"', "{", "[") or _LITERAL.match(self.text, at) is not None
        if not readable and odd_token(self.text, at, key=after == "key") is None:
            self._stop(at, at + 1, f"{found!r} is not expected after a value.", "Write ',' or close the bracket.")
        end = self.last_end
        self._syntax(end, end, "A ',' is missing after this value.", "Write ',' between the entries.", ",")
        return at, after

    def _end(self, at: int) -> None:
        if at < len(self.text):
            more = "a second JSON value" if self.text[at] in ("{", "[", '"') else "text"
            self._syntax(
                at,
                at + 1,
                f"There is {more} after the end of the JSON value.",
                "Keep one value in a file; put several into a list.",
            )

    # Nodes ------------------------------------------------------------------------------------------------

    def _span(self, start: int, end: int) -> Span:
        starts = self.starts
        line = bisect_right(starts, start)
        column = start - starts[line - 1] + 1
        if line == len(starts) or end < starts[line]:
            return Span(start, end, line, column, line, column + end - start)
        return self.index.span(start, end)

    def _string(self, at: int) -> Node:
        found = _STRING.match(self.text, at)
        if found is None:
            self._unclosed(at)
        value = unescape(found[1], at + 1, self._flaw)
        return Node(Kind.SCALAR, self._span(at, found.end()), None, Style.DOUBLE, value)

    def _unclosed(self, at: int) -> NoReturn:
        line = self.index.position(at)[0]
        end = self.index.line_start(line) + len(self.index.line_text(line).rstrip())
        edit = closing_quote(self.text, at, end, inside=bool(self.stack))
        self._stop(
            at,
            end,
            'The text that " opens here is not closed on its line.',
            'Write the closing " at the end of the text; a line break inside is written \\n.',
            edit,
        )

    def _odd(self, at: int, odd: Oddity) -> Node:
        self._syntax(at, odd.end, odd.message, odd.suggestion, odd.replacement)
        value = unescape(odd.value, at + 1, self._flaw, quote="'") if odd.is_text else odd.value
        style = Style.DOUBLE if odd.is_text else Style.PLAIN
        return Node(Kind.SCALAR, self._span(at, odd.end), None, style, value)

    def _open(self, at: int, kind: Kind) -> tuple[int, _State]:
        self.nodes += 1
        self.comma = None
        self.stack.append(Node(kind, self._span(at, at + 1), None, Style.FLOW))
        self.keys.append(None)
        if len(self.stack) > self.limits.max_depth:
            self._limit("json/too-deep", at, f"Objects and lists are nested deeper than {self.limits.max_depth} levels")
        return at + 1, "key" if kind is Kind.MAP else "value"

    def _close(self, at: int) -> tuple[int, _State]:
        node, key = self.stack[-1], self.keys[-1]
        opening, closing = brackets(node)
        if self.text[at] != closing:
            self._report_stray()
            self._stop(
                at,
                at + 1,
                f"{self.text[at]!r} does not close the {opening!r} of line {node.span.line}.",
                f"Write {closing!r} here, or check the brackets between.",
            )
        if key is not None:
            self._stop(at, at + 1, f"The key {key.value[:50]!r} has no value.", "Write a value after ':'.")
        if self.comma is not None and not self.allow_comments:
            comma = self.comma
            message = f"A ',' stands before {closing!r}; JSON allows none there."
            self._syntax(comma, comma + 1, message, "Remove it.", "")
        if self.stray is None:
            self.stray = stray_bracket(node, at, self.last_end, self.index)
        self.stack.pop()
        self.keys.pop()
        node.span = self.index.span(node.span.start, at + 1)
        if len({key.value for key, _ in node.entries}) != len(node.entries):
            add_repeated_keys(node, self.reporter, "json/duplicate-key")
        self.nodes -= 1  # it was counted when it was opened
        return self._add(node)

    def _report_stray(self) -> None:
        """Where brackets do not pair, tell the place that the indentation shows, and end the reading."""
        stray = self.stray
        if stray is not None:
            self._stop(stray.at, stray.at + 1, stray.message, stray.suggestion, stray.edit)

    def _add_key(self, key: Node) -> tuple[int, _State]:
        self.nodes += 1
        self.keys[-1] = key
        self.comma = None
        self.last_end = end = key.span.end
        return end, "colon"

    def _add(self, node: Node) -> tuple[int, _State]:
        self.nodes += 1
        if self.nodes > self.limits.max_nodes:
            self._limit("json/too-large", node.span.start, f"The file holds more than {self.limits.max_nodes:,} values")
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

    def _skip(self, at: int) -> int:
        """Over blanks and comments; other blanks of Unicode are reported and skipped too."""
        text = self.text
        while True:
            found = _BLANK.match(text, at)
            at = found.end() if found else at
            first = text[at : at + 1]
            comment = _COMMENT.match(text, at) if first in ("/", "#") else None
            if comment is not None:
                if not self.allow_comments or first == "#":
                    self._syntax(
                        at,
                        comment.end(),
                        "JSON has no comments." if first == "/" else "JSON has no comments with '#'.",
                        "Remove it, or use a format with comments (JSONC, YAML) if the reader knows it.",
                    )
                at = comment.end()
            elif text.startswith("/*", at):
                self._stop(at, at + 2, "The comment that /* opens is never closed.", "Write */ after it.")
            elif first.isspace() or first in ("\ufeff", "\u200b"):
                what = f"U+{ord(first):04X} is no blank of JSON (only space, tab and line breaks are)."
                self._syntax(at, at + 1, what, "Replace it by a space.", " ")
                at += 1
            else:
                return at

    # Findings ---------------------------------------------------------------------------------------------

    def _unfinished(self) -> NoReturn:
        end = len(self.text)
        if not self.stack:
            self._stop(end, end, "The text ends where a value is expected.", "Write the value.")
        self._report_stray()
        node = self.stack[-1]
        opening, closing = brackets(node)
        only_this = len(self.stack) == 1 and self.keys[-1] is None and self.comma is None
        self._stop(
            node.span.start,
            node.span.start + 1,
            f"The {opening!r} opened here is never closed: the file ends on line {self.index.position(end)[0]}.",
            f"Write {closing!r} where it ends.",
            (self.last_end, self.last_end, closing) if only_this and self.last_end > node.span.start else None,
        )

    def _flaw(self, flaw: Flaw) -> None:
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

    def _syntax(self, start: int, end: int, message: str, suggestion: str, replacement: str | None = None) -> None:
        edits = [] if replacement is None else [(start, end, replacement)]
        self.reporter.report("json/syntax", message, start, end, suggestion=suggestion, edits=edits)

    def _stop(self, start: int, end: int, message: str, suggestion: str, edit: Replacement | None = None) -> NoReturn:
        edits = [] if edit is None else [edit]
        self.reporter.report("json/syntax", message, start, end, suggestion=suggestion, edits=edits)
        raise _Stop

    def _limit(self, rule_id: str, at: int, what: str) -> NoReturn:
        self.reporter.report(
            rule_id,
            f"{what}; the file is not read.",
            at,
            at + 1,
            tag="invalid-value",
            suggestion="Flatten the document, or split the file.",
        )
        raise _Stop
