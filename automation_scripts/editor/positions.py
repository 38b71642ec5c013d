"""Places in a text as editors count them: zero-based lines and code units (LSP 3.17, "Position").

Our own lines end where YAML's do as well; an editor's end at `\\n`, `\\r\\n` and `\\r` only. Offsets are what both share.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from enum import StrEnum
from typing import TypeAlias

from automation_scripts.results import Finding, TextEdit
from automation_scripts.validation.documents.edits import replacements
from automation_scripts.validation.input.text import LineIndex

_LINE_END = re.compile(r"\r\n|\n|\r")

Place: TypeAlias = tuple[int, int]
"""(line, character), both zero-based; the character in units of the encoding."""


class Units(StrEnum):
    """What an editor counts characters in; the names are those of the protocol."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"

    def length(self, text: str) -> int:
        """How many units a text has."""
        if self is Units.UTF32:
            return len(text)
        if self is Units.UTF8:
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text.encode("utf-16-le", "surrogatepass")) // 2


class EditorText:
    """One text with its places.

    Args:
        text: the whole text.
        units: what the editor counts in.
    """

    def __init__(self, text: str, units: Units = Units.UTF16) -> None:
        self.text = text
        self._units = units
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._index = LineIndex(text)

    def place(self, offset: int) -> Place:
        """The place of an offset in code points; offsets outside of the text are moved to its ends."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset) - 1
        return line, self._units.length(self.text[self._starts[line] : offset])

    def offset(self, place: Place) -> int:
        """The offset of a place. One that lies past a line's end is the line's end (as the protocol has it)."""
        line, character = place
        if line >= len(self._starts):
            return len(self.text)
        start = self._starts[line]
        end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
        taken = 0
        for at, letter in enumerate(self.text[start:end].rstrip("\r\n"), start):
            if taken >= character:
                return at
            taken += self._units.length(letter)
        return start + len(self.text[start:end].rstrip("\r\n"))

    def range_of(self, finding: Finding) -> tuple[Place, Place]:
        """What a finding is about; its first line when it has no end, and the text's start when it has no place."""
        if finding.line is None:
            return (0, 0), (0, 0)
        start = self._ours(finding.line, finding.column or 1)
        if finding.end_line is not None and finding.end_column is not None:
            end = self._ours(finding.end_line, finding.end_column)
        else:
            end = start
        if end <= start:
            line = self.place(start)[0]
            stop = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
            end = max(start, self._starts[line] + len(self.text[self._starts[line] : stop].rstrip("\r\n")))
        return self.place(start), self.place(end)

    def edits(self, edits: tuple[TextEdit, ...]) -> list[tuple[Place, Place, str]]:
        """The edits of a correction in the editor's places, in the order of the text.

        Raises:
            ValueError: an edit lies outside of the text, which has changed since.
        """
        return [(self.place(start), self.place(end), text) for start, end, text in replacements(self._index, edits)]

    def _ours(self, line: int, column: int) -> int:
        try:
            return self._index.offset(line, column)
        except ValueError:
            return min(self._index.line_start(min(max(line, 1), self._index.lines)), len(self.text))
