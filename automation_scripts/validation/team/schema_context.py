"""What outside of the checked files the schema family reads: schemas that documents name by a path."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import ParsedFile

_NAMED = re.compile(r"\$schema[\"']?\s*[:=]\s*[\"']?([^\s\"',}]+)")
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_REFERENCE = re.compile(r"\$ref[\"']?\s*:\s*[\"']?(?!#)")


def outside_schemas(corpus: Corpus) -> list[str] | None:
    """The schema files that documents name and that are not there, for a key; None when one is there that is not fully
    among the checked files: then nobody can tell when it changes."""
    known = {Path(os.path.normpath(file.path)): file for file in corpus.files}
    missing: list[str] = []
    for path in sorted(set(_named(corpus))):
        if not path.exists():
            missing.append(path.as_posix())
        elif (file := known.get(path)) is None or _REFERENCE.search(file.text):
            return None
    return missing


def _named(corpus: Corpus) -> Iterator[Path]:
    for file in corpus.files:
        if "$schema" in file.text:
            yield from _by_name(file)
    for document in corpus.of("helm-values"):
        yield Path(os.path.normpath(document.folder / "values.schema.json"))


def _by_name(file: ParsedFile) -> Iterator[Path]:
    for found in _NAMED.finditer(file.text):
        name = found[1].removeprefix("file://").partition("#")[0]
        if name and not _ELSEWHERE.match(name):
            yield Path(os.path.normpath(file.path.parent / name))
