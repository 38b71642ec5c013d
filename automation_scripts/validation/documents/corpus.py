"""The whole tree under check: every document with its kind, its index and its lines, found once and shared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.kinds import detect
from automation_scripts.validation.documents.pointing import finding_at, part_of
from automation_scripts.validation.documents.selectors import DocumentIndex
from automation_scripts.validation.documents.tree import Document, Kind, Node, ParsedFile
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.input.text import LineIndex


@dataclass(eq=False)
class CheckedDocument:
    """One document of a file, with what several checks ask about it."""

    file: ParsedFile
    document: Document
    kind: str
    """Its kind as `kinds.yaml` names it; empty when unknown."""

    @property
    def root(self) -> Node:
        """The document's root node, never an alias."""
        return self.document.root.resolved()

    @cached_property
    def object_kind(self) -> str:
        """The document's own `kind` (`Deployment`); empty when it says none."""
        kind = self.root.get("kind")
        return kind.value if kind is not None and kind.kind is Kind.SCALAR else ""

    @cached_property
    def index(self) -> DocumentIndex:
        """Every node of the document, by key."""
        return DocumentIndex(self.document)

    @cached_property
    def lines(self) -> LineIndex:
        """Offsets to lines of the whole file."""
        return LineIndex(self.file.text)

    @property
    def folder(self) -> Path:
        """Where the file stands: relative paths in it mostly start here."""
        return self.file.path.parent

    def finding(self, where: Span, rule_id: str, severity: Severity, message: str, tag: str, **more: Any) -> Finding:
        """A finding in this document; see `finding_at`."""
        return finding_at(self.file, where, rule_id, severity, message, tag, **more)

    def part(self, node: Node, start: int, end: int) -> Span:
        """The span of a piece of a scalar's value; see `part_of`."""
        return part_of(self.file, node, start, end, self.lines)


class Corpus:
    """The documents of all files, in the order of the files."""

    def __init__(self, files: Sequence[ParsedFile]) -> None:
        self.files = list(files)
        self.documents = [
            CheckedDocument(file, document, kind.name if (kind := detect(file, document)) else "")
            for file in self.files
            for document in file.documents
        ]

    @classmethod
    def of_files(cls, files: Sequence[ParsedFile] | Corpus) -> Corpus:
        """A corpus of `files`; one that is a corpus already is used as it is."""
        return files if isinstance(files, Corpus) else cls(files)

    def of(self, *kinds: str) -> Iterator[CheckedDocument]:
        """The documents of these kinds."""
        return (document for document in self.documents if document.kind in kinds)

    @cached_property
    def by_path(self) -> dict[Path, ParsedFile]:
        """The given files by absolute path."""
        return {file.path: file for file in self.files}
