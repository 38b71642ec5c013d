"""Places in a text."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Where something stands: offsets and columns count Unicode code points of `ParsedFile.text`.

    `start`/`end` are 0-based offsets, end exclusive; lines and columns are 1-based, the end column exclusive.
    The end never runs over trailing blank lines or comments.
    """

    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int
