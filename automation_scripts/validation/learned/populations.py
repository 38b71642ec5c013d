"""Which documents of a tree are comparable: those of one kind, of one file name, or of one folder."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.kubernetes_objects import kubernetes_objects
from automation_scripts.validation.documents.tree import Kind, Node

LEAST_FILES = 10
"""What most do in fewer files than this is no habit of a tree."""
_BUILT_IN_GROUP = re.compile(r"[a-z]*|(?:[a-z]+\.)(?:authorization\.|admission\.)?k8s\.io")
_NO_CONFIGURATION = frozenset({"kubernetes", "openapi"})
"""Kinds with a way of their own, or that describe other things."""
_DATA_FOLDER = re.compile(
    r"(?i)(?:^|/)(?:testdata|test[-_]data|fixtures?|__\w+__|snapshots?|mocks?|i18n|l10n|locales?|locale[-_]data"
    r"|translations?|lang|languages|strings|e2e)/"
)
_LONGEST_LINE = 4000


class Row(NamedTuple):
    """One place: a map, the document that it stands in, and its key if it has one."""

    document: CheckedDocument
    key: Node | None
    node: Node


@dataclass(slots=True)
class Population:
    """Documents that can be compared; some of their roots may be lists."""

    title: str
    """What they are, in the plural: `Deployments`."""
    kind: str
    """Their kind; empty when no schema is known for them."""
    rows: list[Row] = field(default_factory=list)


def populations(corpus: Corpus) -> list[Population]:
    """The documents of a tree by kind; those of no known kind by their file name when many have it, else by folder."""
    found: dict[tuple[str, ...], Population] = {}
    usable = _usable(corpus)
    for one in kubernetes_objects(corpus):
        group = one.api_version.rpartition("/")[0]
        if one.kind == "CustomResourceDefinition" or id(one.document.file) not in usable:
            continue
        kind = "kubernetes" if _BUILT_IN_GROUP.fullmatch(group) else ""
        key: tuple[str, ...] = (kind, group, one.kind)
        found.setdefault(key, Population(_plural(one.kind), kind)).rows.append(Row(one.document, None, one.node))
    documents = [
        document
        for document in corpus.documents
        if document.kind not in _NO_CONFIGURATION and id(document.file) in usable and not _is_schema(document.root)
    ]
    names = Counter(document.file.path.name for document in documents if not document.kind)
    for document in documents:
        name, folder = document.file.path.name, document.file.name.rpartition("/")[0]
        if document.kind:
            key, title = (document.kind,), f"documents of the kind {document.kind}"
        elif names[name] >= LEAST_FILES:
            key, title = ("", "name", name), f"files named {name}"
        else:
            key, title = ("", "folder", folder), f"files of the folder {folder or '.'}"
        population = found.setdefault(key, Population(title, document.kind))
        population.rows.append(Row(document, None, document.root))
    return list(found.values())


def _usable(corpus: Corpus) -> set[int]:
    """The files that people keep as configuration: no test data, translations, or text without line breaks."""
    usable = set()
    for file in corpus.files:
        text = file.text
        if not _DATA_FOLDER.search(file.name) and len(text) <= _LONGEST_LINE * (text.count("\n") + 1):
            usable.add(id(file))
    return usable


def _is_schema(root: Node) -> bool:
    """True for a JSON Schema: it describes values and has none."""
    if root.kind is not Kind.MAP:
        return False
    keys = {key.value for key, _ in root.entries}
    return not keys.isdisjoint({"$defs", "definitions"}) or {"type", "properties"} <= keys


def _plural(kind: str) -> str:
    if kind.endswith("y") and kind[-2:-1] not in "aeiou":
        return f"{kind[:-1]}ies"
    return f"{kind}es" if kind.endswith(("s", "x", "ch")) else f"{kind}s"
