"""Findings that point at nodes: positions, path texts and edits, built the same way by every check."""

from __future__ import annotations

import re
from collections.abc import Sequence

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile, PathKey, Style
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.input.text import LineIndex

_BARE_STEP = re.compile(r"[\w/@*$<>+-]+")


def path_text(path: Sequence[PathKey]) -> str:
    """A path as people write it: `spec.containers[0].image`; keys with dots or spaces are quoted."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            text = step if _BARE_STEP.fullmatch(step) else '"' + step.replace('"', '\\"')[:120] + '"'
            parts.append(f".{text}" if parts else text)
    return "".join(parts)


def head(key: Node | None, node: Node) -> Span:
    """Where to point for a node: a scalar's own text, a collection's key, else the collection's first line."""
    if node.kind is Kind.SCALAR or node.kind is Kind.ALIAS:
        # An empty value has no text to point at.
        return key.span if key and node.span.start == node.span.end else node.span
    if key is not None:
        return key.span
    span = node.span
    if span.line == span.end_line:
        return span
    if node.kind is Kind.MAP and node.entries:
        return node.entries[0][0].span
    return Span(span.start, span.start + 1, span.line, span.column, span.line, span.column + 1)


def finding_at(
    file: ParsedFile,
    span: Span,
    rule_id: str,
    severity: Severity,
    message: str,
    tag: str,
    *,
    path: Sequence[PathKey] | str = (),
    suggestion: str | None = None,
    fix: Sequence[TextEdit] = (),
    cwe: str | None = None,
    references: Sequence[str] = (),
) -> Finding:
    """A finding at a span of a file; `path` becomes its `resource`."""
    return Finding(
        rule_id,
        severity,
        message,
        file=file.name,
        line=span.line,
        column=span.column,
        end_line=span.end_line,
        end_column=span.end_column,
        resource=(path if isinstance(path, str) else path_text(path)) or None,
        suggestion=suggestion,
        fix=tuple(fix),
        tags=(tag,),
        cwe=cwe,
        references=tuple(references),
    )


def replace(file: ParsedFile, span: Span, text: str) -> TextEdit:
    """The edit that puts `text` in place of a span."""
    return TextEdit(file.name, span.line, span.column, span.end_line, span.end_column, text)


def part_of(file: ParsedFile, node: Node, start: int, end: int, lines: LineIndex | None = None) -> Span:
    """The span of `node.value[start:end]`, exact where the scalar stands in the file as it reads, else its line.

    Escapes and folding move characters about; then the piece is searched in the scalar's own text, and when it is
    not there the whole scalar is the answer.
    """
    piece = node.value[start:end]
    raw = file.text[node.span.start : node.span.end]
    if not piece or not raw:
        return node.span
    at = _raw_offset(node, raw, start, piece)
    if at is None:
        return node.span
    return (lines or LineIndex(file.text)).span(node.span.start + at, node.span.start + at + len(piece))


def _raw_offset(node: Node, raw: str, start: int, piece: str) -> int | None:
    shift = 1 if node.style in (Style.SINGLE, Style.DOUBLE) else 0
    if raw[shift + start : shift + start + len(piece)] == piece:
        return shift + start
    # The same piece may stand several times; take the one that comes as often before it in the value.
    before = node.value.count(piece, 0, start)
    at = -1
    for _ in range(before + 1):
        at = raw.find(piece, at + 1)
        if at < 0:
            return None
    return at
