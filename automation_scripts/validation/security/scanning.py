"""Ways to what a check looks for that are cheaper than a walk over every node."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Format, Kind, ParsedFile


def holding(corpus: Corpus, *needles: str) -> Iterator[CheckedDocument]:
    """The documents of the files whose text holds one of these pieces; each file is searched once.

    Escapes can hide a piece, so a JSON file with any is taken as well.
    """
    last: ParsedFile | None = None
    verdict = False
    for document in corpus.documents:
        if document.file is not last:
            last = document.file
            text = last.text
            verdict = any(needle in text for needle in needles) or (last.format is Format.JSON and "\\" in text)
        if verdict:
            yield document


def scalars_with(document: CheckedDocument, *needles: str) -> Iterator[Match]:
    """The scalars whose value holds one of these pieces."""
    for match in document.index.matches:
        node = match.node
        if node.kind is Kind.SCALAR and any(needle in node.value for needle in needles):
            yield match
