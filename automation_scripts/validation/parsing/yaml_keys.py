"""Keys that stand twice in one map: which value readers keep, and the fix when nothing is lost by it."""

from __future__ import annotations

import re

from automation_scripts.results import Severity
from automation_scripts.validation.documents.edits import Replacement
from automation_scripts.validation.documents.reporting import Reporter
from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.scalar_types import is_string

_MAX_COMPARED_CHARACTERS = 10_000
_MAX_SHOWN = 80
_LINE_END = re.compile(r"[ \t]*(?:\r\n?|\n|\Z)")


def add_repeated_keys(node: Node, reporter: Reporter, rule_id: str) -> None:
    """Report each repetition of a key in the map `node`, at the later key.

    `a` and `"a"` are the same key; `1` (a number) and `"1"` (a text) are not. A key that a merge also brings is no
    repetition: overriding is what merges are for.
    """
    first: dict[tuple[str, bool], int] = {}
    index = reporter.index
    for position, (key, value) in enumerate(node.entries):
        if key.kind is not Kind.SCALAR:
            continue
        identity = (key.value, is_string(key))
        if identity in first:
            if reporter.is_full(rule_id):
                return
            earlier_key, earlier_value = node.entries[first[identity]]
            merge = key.value == "<<" and key.style is Style.PLAIN
            same = not merge and _same(value, earlier_value, index.text)
            severity, message, suggestion = _judge(key, earlier_key, merge=merge, same=same)
            reporter.report(
                rule_id,
                message,
                key.span.start,
                key.span.end,
                severity=severity,
                tag="dup-key",
                suggestion=suggestion,
                edits=_removal(node, position, index) if same else (),
                resource=key.value[:_MAX_SHOWN],
            )
        first[identity] = position


def _judge(key: Node, earlier: Node, *, merge: bool, same: bool) -> tuple[Severity, str, str]:
    """(severity, message, suggestion) for a key that stood before."""
    shown, lines = key.value[:_MAX_SHOWN], (earlier.span.line, key.span.line)
    if merge:
        return (
            Severity.MEDIUM,
            f"The merge key '<<' stands twice in this map (first on line {lines[0]}); some readers reject it, others "
            "ignore one of them.",
            "Merge several maps with one key: '<<: [*first, *second]'.",
        )
    if same:
        return (
            Severity.MEDIUM,
            f"The key {shown!r} stands twice in this map with the same value (first on line {lines[0]}).",
            "Remove one of them.",
        )
    what = (
        f"of line {lines[0]} is ignored, the one of line {lines[1]}"
        if lines[0] != lines[1]
        else "is ignored, the last one"
    )
    return (
        Severity.HIGH,
        f"The key {shown!r} stands twice in this map: the first value {what} is kept, and strict readers reject it.",
        "Keep one of them, or rename the other.",
    )


def _same(a: Node, b: Node, text: str) -> bool:
    """True when two values are written alike and neither carries a name that others use."""
    if a.anchor or b.anchor or a.span.end - a.span.start > _MAX_COMPARED_CHARACTERS:
        return False
    return (
        a.kind is b.kind
        and a.tag == b.tag
        and (
            text[a.span.start : a.span.end] == text[b.span.start : b.span.end]
            and "&" not in text[a.span.start : a.span.end]
        )
    )


def _removal(node: Node, position: int, index: LineIndex) -> tuple[Replacement, ...]:
    """The edit that takes a later entry out: its lines in block style, `, key: value` in flow style."""
    key, value = node.entries[position]
    text = index.text
    if node.style is Style.FLOW:
        start, end = node.entries[position - 1][1].span.end, value.span.end
        if text[start : key.span.start].strip() != ",":
            return ()
    else:
        start = index.line_start(key.span.line)
        tail = _LINE_END.match(text, value.span.end)
        if tail is None or text[start : key.span.start].strip():
            return ()
        end = tail.end()
    return ((start, end, ""),)
