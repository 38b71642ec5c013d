"""Edits that mend a problem without changing what was meant: another word in the same quotes, quotes on or off."""

from __future__ import annotations

import json

from automation_scripts.results import TextEdit
from automation_scripts.validation.documents.pointing import replace
from automation_scripts.validation.documents.tree import Format, Kind, Node, ParsedFile, Style
from automation_scripts.validation.parsing.yaml_types import resolve


def renamed(file: ParsedFile, node: Node, word: str) -> tuple[TextEdit, ...]:
    """The edit that puts `word` in place of a scalar; none where an anchor or a tag hangs on it."""
    if node.kind is not Kind.SCALAR or node.anchor or node.tag or "\n" in file.text[node.span.start : node.span.end]:
        return ()
    return (replace(file, node.span, quoted_like(node, word, file.format)),)


def retyped(file: ParsedFile, node: Node, types: list[str], advice: str) -> tuple[tuple[TextEdit, ...], str]:
    """(edit, advice) that keeps what is written and changes how it is read; no edit and `advice` when there is none."""
    if node.anchor or node.tag:
        return (), advice
    if "string" in types and node.style is Style.PLAIN and resolve(node).type not in ("null", "str"):
        return (replace(file, node.span, json.dumps(node.value)),), "Write it in quotes."
    if node.style in (Style.SINGLE, Style.DOUBLE):
        meant = resolve(Node(Kind.SCALAR, node.span, value=node.value), "1.2").type
        fits = {"int": ("integer", "number"), "float": ("number",), "bool": ("boolean",)}.get(meant, ())
        if any(name in types for name in fits):
            return (replace(file, node.span, node.value),), "Write it without quotes."
    return (), advice


def quoted_like(node: Node, text: str, format: Format) -> str:
    """`text` in the quotes that the node has, so that an edit changes the word and nothing else."""
    if format is Format.JSON or node.style is Style.DOUBLE:
        return json.dumps(text, ensure_ascii=False)
    if node.style is Style.SINGLE:
        return "'" + text.replace("'", "''") + "'"
    plain = Node(Kind.SCALAR, node.span, value=text)
    is_safe = text[:1].isalnum() and not any(mark in text for mark in (": ", " #")) and resolve(plain).type == "str"
    return text if is_safe else json.dumps(text, ensure_ascii=False)
