"""Edits that add entries to block maps: exact about indentation, and none where the layout leaves doubt."""

from __future__ import annotations

from automation_scripts.results import TextEdit
from automation_scripts.validation.documents.tree import Format, Kind, Node, ParsedFile, Style


def new_entry_first(file: ParsedFile, key: Node, value: Node, entry: str) -> tuple[TextEdit, ...]:
    """Add an entry at the head of the block map that stands below `key`; nothing for other layouts."""
    if file.format is not Format.YAML or value.kind is not Kind.MAP or value.style is not Style.BLOCK:
        return ()
    if value.anchor is not None or not value.entries:
        return ()
    first = value.entries[0][0].span
    if first.line <= key.span.line or _before(file, first.start).strip(" "):
        return ()
    return (_insert(file, first.line, first.column, f"{entry}\n{' ' * (first.column - 1)}"),)


def new_entry_last(file: ParsedFile, owner: Node, after: Node, *lines: str) -> tuple[TextEdit, ...]:
    """Add an entry to the block map `owner` right below the line on which the scalar `after` stands.

    The first of `lines` is the entry's own line, the others are one step deeper. Nothing for other layouts.
    """
    if file.format is not Format.YAML or owner.style is not Style.BLOCK or not owner.entries or owner.anchor:
        return ()
    if after.kind is not Kind.SCALAR or after.style in (Style.LITERAL, Style.FOLDED):
        return ()
    if after.span.line != after.span.end_line:
        return ()
    indent = " " * (owner.entries[0][0].span.column - 1)
    end = file.text.find("\n", after.span.end)
    end = len(file.text) if end < 0 else end
    rest = file.text[after.span.end : end].rstrip("\r")
    if rest.strip() and not rest.lstrip().startswith("#"):
        return ()
    text = "".join(f"\n{indent}{'  ' * (i > 0)}{line}" for i, line in enumerate(lines))
    return (_insert(file, after.span.end_line, after.span.end_column + len(rest), text),)


def _before(file: ParsedFile, offset: int) -> str:
    """What stands on the line before an offset."""
    return file.text[file.text.rfind("\n", 0, offset) + 1 : offset]


def _insert(file: ParsedFile, line: int, column: int, text: str) -> TextEdit:
    return TextEdit(file.name, line, column, line, column, text)
