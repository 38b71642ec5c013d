"""Where a YAML syntax error stands and how it is told: the words, the span and the replacement."""

from __future__ import annotations

import re
from dataclasses import dataclass

from automation_scripts.validation.documents.edits import Replacement
from automation_scripts.validation.input.text import LineIndex

_WORD = re.compile(r"\S+")
_COMMENT = re.compile(r"\s#")
_MAX_LINES_LOOKED_BACK = 200
_MAX_LINE = 2000  # what patterns look at; a longer line is no line that a person wrote


@dataclass(frozen=True, slots=True)
class Explanation:
    """A syntax error as a person reads it. Offsets are into the whole text, the end exclusive."""

    start: int
    end: int
    message: str
    suggestion: str | None = None
    edits: tuple[Replacement, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its 1-based number, the offset where it begins, and its text without the line break."""

    number: int
    start: int
    text: str

    @property
    def indent(self) -> int:
        """How many spaces it begins with."""
        return len(self.text) - len(self.text.lstrip(" "))

    @property
    def end(self) -> int:
        """The offset after its last visible character."""
        return self.start + len(self.text.rstrip())


def line_at(offset: int, index: LineIndex) -> Line:
    """The line that an offset is on."""
    return line_numbered(index.position(offset)[0], index)


def line_numbered(number: int, index: LineIndex) -> Line:
    """The line with a 1-based number."""
    return Line(number, index.line_start(number), index.line_text(number)[:_MAX_LINE])


def content_line_above(number: int, index: LineIndex) -> Line | None:
    """The nearest line above that holds more than blanks and a comment."""
    for above in range(number - 1, max(number - _MAX_LINES_LOOKED_BACK, 0), -1):
        stripped = index.line_text(above).strip()
        if stripped and not stripped.startswith("#"):
            return line_numbered(above, index)
    return None


def word_end(text: str, at: int) -> int:
    """The end of the word at an offset; the offset itself when none stands there."""
    found = _WORD.match(text, at)
    return found.end() if found else at


def value_end(line_text: str, column: int) -> int:
    """Where a plain value that begins at a column (from 0) ends: before a comment and trailing blanks."""
    comment = _COMMENT.search(line_text, column)
    return len(line_text[: comment.start() if comment else len(line_text)].rstrip())


def quoted(value: str) -> str:
    """A one-line value as a quoted scalar that means exactly this text."""
    if "'" not in value:
        return f"'{value}'"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
