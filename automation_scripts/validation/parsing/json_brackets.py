"""Where a missing bracket or quote of JSON belongs: guesses from indentation and from what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from automation_scripts.validation.documents.edits import Replacement
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.input.text import LineIndex

_MAX_INDENT = 500
_BLANK = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Stray:
    """A bracket that closes one which began deeper than it: the closing of that one is probably missing before."""

    at: int
    message: str
    suggestion: str
    edit: Replacement | None


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
    indent = _indent(node.span.line, index)
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


def lost_bracket(stack: Sequence[Node], index: LineIndex) -> Stray | None:
    """Where a bracket was probably lost, by the indentation in the collections that are open; None without evidence.

    What stands less deep than the first entry of its collection belongs to an outer one. A value under its key, where
    nothing opens it, was probably in brackets.
    """
    for node in [*stack, *_latest_below(stack)]:
        items = [key for key, _ in node.entries] or node.children
        values = [value for _, value in node.entries] or node.children
        own_line = [item for item in items if _begins_line(item, index)]
        shallow = next((item for item in own_line if item.span.column < own_line[0].span.column), None)
        if shallow is not None:
            opening, closing = brackets(node)
            end = values[items.index(shallow) - 1].span.end
            return Stray(
                shallow.span.start,
                f"A {closing!r} is probably missing before this line: by its indentation it does not belong to the "
                f"{opening!r} of line {node.span.line}.",
                f"Close the {opening!r} of line {node.span.line} first.",
                (end, end, f"\n{_indent(node.span.line, index)}{closing}"),
            )
    for key, value in reversed(stack[-1].entries) if stack else ():
        if value.span.line > key.span.end_line and value.kind is not Kind.SEQ:
            return Stray(
                key.span.start,
                f"The value of {key.value[:50]!r} stands on the next line, and a bracket further down closes nothing: "
                "a '[' is probably missing here.",
                "Write '[' behind the ':' of this line.",
                None,
            )
    return None


def _latest_below(stack: Sequence[Node]) -> Iterator[Node]:
    """The collections that closed last: a bracket that was meant for an outer one may have closed them."""
    node = stack[-1] if stack else None
    while node is not None and (node.entries or node.children):
        node = node.entries[-1][1] if node.entries else node.children[-1]
        yield node


def _indent(line: int, index: LineIndex) -> str:
    text = index.line_text(line)
    return text[: len(text) - len(text.lstrip(" \t"))]


def _begins_line(node: Node, index: LineIndex) -> bool:
    span = node.span
    return span.column <= _MAX_INDENT and not index.text[index.line_start(span.line) : span.start].strip(" \t")
