"""`${{ ... }}` inside a text."""

from __future__ import annotations

from collections.abc import Iterator


def expressions_in(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, inner text) of every `${{ ... }}`; start and end include the braces. Linear, whatever the text is."""
    start = text.find("${{")
    while start >= 0:
        end = text.find("}}", start + 3)
        if end < 0:
            return
        yield start, end + 2, text[start + 3 : end]
        start = text.find("${{", end + 2)
