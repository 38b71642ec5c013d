"""`.env` files as documents, so that `.env.production` and `.env.staging` are compared like any other pair."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.tree import Document, Format, Kind, Node, ParsedFile, Style
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.references.env_files import NamedFile, read_env_file

KIND = "env"
_MOST_CHARACTERS = 1024 * 1024


def documents_of(files: Iterable[NamedFile]) -> list[CheckedDocument]:
    """One document a file, a map of its variables; samples, which nothing reads, are left out."""
    return [found for file in files if (found := _document(file)) is not None]


def _document(file: NamedFile) -> CheckedDocument | None:
    read = read_env_file(file)
    if read.is_sample or not read.entries:
        return None
    starts, text = _lines(file.path)
    entries = []
    for entry in read.entries:
        if entry.line > len(starts):
            continue
        at = starts[entry.line - 1] + entry.column - 1
        key = Node(Kind.SCALAR, _span(at, entry.name, entry.line, entry.column), value=entry.name)
        value, style = _unquoted(entry.value)
        found = text.find(entry.value, at + len(entry.name)) if entry.value else -1
        begin = found if found >= 0 else at + len(entry.name)
        column = entry.column + begin - at
        entries.append(
            (key, Node(Kind.SCALAR, _span(begin, entry.value, entry.line, column), style=style, value=value))
        )
    root = Node(Kind.MAP, _span(0, "", 1, 1), entries=entries)
    parsed = ParsedFile(file.path, file.name, Format.YAML, text, [Document(root)])
    return CheckedDocument(parsed, parsed.documents[0], KIND)


def _lines(path: Path) -> tuple[list[int], str]:
    """Where each line starts, and the text; the same reading as `read_env_file` makes."""
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_CHARACTERS).decode("utf-8", "replace")
    except OSError:
        return [], ""
    starts, at = [], 0
    for line in text.splitlines(keepends=True):
        starts.append(at)
        at += len(line)
    return starts, text


def _span(start: int, text: str, line: int, column: int) -> Span:
    return Span(start, start + len(text), line, column, line, column + len(text))


def _unquoted(value: str) -> tuple[str, Style]:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1], Style.DOUBLE if value[0] == '"' else Style.SINGLE
    return value.partition(" #")[0].rstrip(), Style.PLAIN
