"""Text edits: applying them, and telling whether they overlap."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from automation_scripts.results import TextEdit
from automation_scripts.validation.input.text import LineIndex


class OverlappingEditsError(ValueError):
    """Two edits change the same characters, so no order of applying them is right."""


Replacement = tuple[int, int, str]
"""(start offset, end offset, new text), end exclusive."""


def replacements(index: LineIndex, edits: Iterable[TextEdit]) -> list[Replacement]:
    """The edits as offsets, in the order of the text. The same edit given twice counts once.

    Raises:
        ValueError: when an edit lies outside the text or ends before it starts.
        OverlappingEditsError: when two edits overlap, or insert different texts at one place.
    """
    found: set[Replacement] = set()
    for edit in edits:
        start = index.offset(edit.start_line, edit.start_column)
        end = index.offset(edit.end_line, edit.end_column)
        if end < start:
            raise ValueError(
                f"an edit of {edit.file} ends at {edit.end_line}:{edit.end_column}, before its start at "
                f"{edit.start_line}:{edit.start_column}"
            )
        found.add((start, end, edit.text))
    ordered = sorted(found)
    for before, after in pairwise(ordered):
        if overlap(before, after):
            line, column = index.position(after[0])
            raise OverlappingEditsError(f"two edits change the same text at line {line}, column {column}")
    return ordered


def overlap(a: Replacement, b: Replacement) -> bool:
    """True when two replacements touch a common character, or both insert at one place."""
    if a == b:
        return False
    if a[0] == a[1] and b[0] == b[1]:
        return a[0] == b[0]
    # An insertion at the edge of a replaced span is ambiguous too: which comes first?
    if a[0] == a[1] or b[0] == b[1]:
        return a[0] <= b[1] and b[0] <= a[1]
    return a[0] < b[1] and b[0] < a[1]


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """The text with all edits applied at once; positions refer to the text as it is given.

    Line endings of inserted text follow the text's own.

    Raises:
        ValueError: when an edit lies outside the text or ends before it starts.
        OverlappingEditsError: when two edits overlap.
    """
    index = LineIndex(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    pieces: list[str] = []
    at = 0
    for start, end, new in replacements(index, edits):
        pieces.extend((text[at:start], new if newline == "\n" else _with_newlines(new, newline)))
        at = end
    pieces.append(text[at:])
    return "".join(pieces)


def _with_newlines(text: str, newline: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", newline)
