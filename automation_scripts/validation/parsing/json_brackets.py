"""Where a missing bracket or quote of JSON belongs: guesses from indentation and from what follows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from automation_scripts.validation.documents.edits import Replacement
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.input.text import LineIndex

_BLANK = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Stray:
    """A bracket that closes one which began deeper than it: the closing of that one is probably missing before."""

    at: int
    message: str
    suggestion: str
    edit: Replacement


def brackets(node: Node) -> tuple[str, str]:
    """The opening and the closing bracket of a collection."""
    return ("{", "}") if node.kind is Kind.MAP else ("[", "]")


def stray_bracket(node: Node, at: int, content_end: int, index: LineIndex) -> Stray | None:
    """The bracket at `at`, which closes `node`, when it begins its line less deep than the line of the opening one.

    `content_end` is where the last value before the bracket ends. This alone is no error: lines may be indented in any
    way. It tells where to look when the brackets of the whole text do not pair.
    """
    line, column = index.position(at)
    if line == node.span.line or index.line_text(line)[: column - 1].strip(" \t"):
        return None
    opener = index.line_text(node.span.line)
    indent = opener[: len(opener) - len(opener.lstrip(" \t"))]
    if len(indent) <= column - 1:
        return None
    opening, closing = brackets(node)
    return Stray(
        at,
        f"A {closing!r} is probably missing before this line: by its indentation this one does not close the "
        f"{opening!r} of line {node.span.line}.",
        f"Close the {opening!r} of line {node.span.line} first.",
        (content_end, content_end, f"\n{indent}{closing}"),
    )


def closing_quote(text: str, opened: int, line_end: int, *, inside: bool) -> Replacement | None:
    """The closing quote of a text that is not closed on its line, or None when no place is likely.

    A comma at the end of the line is not part of the text, a bracket may be, and what follows must be able to follow
    a text.
    """
    last = text[line_end - 1] if line_end - 1 > opened else ""
    if last and last in ",:":
        return (line_end - 1, line_end - 1, '"')
    following = _BLANK.match(text, line_end)
    after = text[following.end() : following.end() + 1] if following else ""
    if last in ("}", "]", "{", "["):
        return None
    if after == '"' and inside:
        return (line_end, line_end, '",')
    return (line_end, line_end, '"') if after in ("}", "]", ",", "") else None
