"""`$ref` and its like: JSON pointers into the same file or another one.

Sources: RFC 6901, JSON Schema 2020-12 section 8.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from os.path import normpath
from pathlib import Path
from urllib.parse import unquote

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import pairs, text_of
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.input.limits import DEFAULT_LIMITS
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.references.missing_names import nearest_name

# Below these a `$ref` is somebody's data, not a reference.
_DATA = frozenset(("example", "examples", "default", "enum", "const", "x-example", "x-examples"))
_MAX_TARGET_BYTES = 4 * 1024 * 1024
_WIDE = 12


def check_pointers(corpus: Corpus) -> list[Finding]:
    """`$ref`s that lead nowhere."""
    trees = _Trees(corpus)
    return [finding for document in corpus.documents for finding in _references(document, trees)]


class _Trees:
    """The trees that pointers lead into: those of the corpus, and files beside them that are read when they are named."""

    def __init__(self, corpus: Corpus) -> None:
        self._files = corpus.by_path
        self._read: dict[Path, Node | None] = {}
        self._bases: dict[int, dict[tuple[PathKey, ...], Node]] = {}
        self._wide: dict[int, dict[str, Node]] = {}

    def has(self, path: Path) -> bool:
        """True when there is such a file."""
        return path in self._files or path in self._read or path.is_file()

    def root(self, path: Path) -> Node | None:
        """The tree of a file; None for what is no configuration."""
        given = self._files.get(path)
        if given is not None:
            return given.documents[0].root.resolved() if given.documents else None
        if path not in self._read:
            self._read[path] = _root_of(path)
        return self._read[path]

    def bases(self, document: CheckedDocument) -> dict[tuple[PathKey, ...], Node]:
        """The schemas in a document that have an `$id` of their own, by path."""
        found = self._bases.get(id(document))
        if found is None:
            found = self._bases[id(document)] = {
                match.path[:-1]: match.parent
                for match in document.index.keyed("$id")
                if match.parent is not None
                and (text := text_of(match.node))
                and not text.startswith("#")
                and len(match.path) > 1
            }
        return found

    def get(self, node: Node, key: str) -> Node | None:
        """As `Node.get`; wide maps, such as the schemas of an API, are searched only once."""
        if len(node.entries) <= _WIDE:
            return node.get(key)
        table = self._wide.get(id(node))
        if table is None:
            table = self._wide[id(node)] = {name.value: value for name, value in pairs(node)}
        return table.get(key)


def _references(document: CheckedDocument, trees: _Trees) -> Iterator[Finding]:
    # One schema is referred to again and again; without `$id`s a text means the same everywhere in a document.
    is_plain = "$id" not in document.index.by_key
    right: set[str] = set()
    for match in document.index.keyed("$ref"):
        text = text_of(match.node)
        if text in right:
            continue
        finding = _reference(document, match, trees)
        if finding is not None:
            yield finding
        elif is_plain and text is not None and not _is_data(match.path):
            right.add(text)


def _reference(document: CheckedDocument, match: Match, trees: _Trees) -> Finding | None:
    text = text_of(match.node)
    if text is None or _is_data(match.path):
        return None
    place, hash_mark, fragment = text.partition("#")
    if place:
        return _external(document, match, place, fragment, trees)
    if not hash_mark or not fragment or fragment == "/":
        return None
    root, _ = _base(document, match.path, trees)
    return _in_tree(document, match, root, fragment, "", trees)


def _is_data(path: tuple[PathKey, ...]) -> bool:
    # `properties: {example: {$ref: }}` describes a property that is called so.
    return any(
        step in _DATA
        and (
            i == 0
            or path[i - 1] not in ("properties", "patternProperties", "schemas", "definitions", "$defs", "responses")
        )
        for i, step in enumerate(path[:-1])
    )


def _base(document: CheckedDocument, path: tuple[PathKey, ...], trees: _Trees) -> tuple[Node, tuple[PathKey, ...]]:
    """The schema that `#` means: the nearest one above with an `$id` of its own, else the whole document."""
    bases = trees.bases(document)
    for length in range(len(path) - 1, 0, -1) if bases else ():
        if (node := bases.get(path[:length])) is not None:
            return node, path[:length]
    return document.root, ()


def _in_tree(
    document: CheckedDocument, match: Match, root: Node, fragment: str, where: str, trees: _Trees
) -> Finding | None:
    fragment = unquote(fragment)
    if not fragment.startswith("/"):
        # Many resolvers take `#definitions/X` for `#/definitions/X`.
        steps = tuple(fragment.split("/"))
        return (
            None
            if _has_anchor(root, fragment) or (len(steps) > 1 and root.at(steps) is not None)
            else _dangling(document, match, f"no anchor '{fragment}'", where, None)
        )
    node: Node | None = root
    for raw in fragment[1:].split("/"):
        step = raw.replace("~1", "/").replace("~0", "~")
        assert node is not None
        below = _step(node, step, trees)
        if below is None and node is root and not where and _in_embedded(document, match, fragment):
            return None
        if below is None:
            known = [key.value for key, _ in pairs(node)]
            return _dangling(document, match, f"there is no '{step}'", where, nearest_name(step, known))
        onward = trees.get(below, "$ref") if below.kind is Kind.MAP else None
        if onward is not None and onward is not match.node:
            # A reference on the way: its target cannot be followed without resolving it, which is not needed to be sure.
            return None
        node = below
    return None


def _in_embedded(document: CheckedDocument, match: Match, fragment: str) -> bool:
    """True when a schema around the reference has what it names: documents may hold whole schemas as values."""
    steps = tuple(raw.replace("~1", "/").replace("~0", "~") for raw in fragment[1:].split("/"))
    for length in range(len(match.path) - 1, 0, -1):
        around = document.root.at(match.path[:length])
        if around is not None and around.kind is Kind.MAP and around.entry(steps[0]) and around.at(steps) is not None:
            return True
    return False


def _step(node: Node, step: str, trees: _Trees) -> Node | None:
    if node.kind is Kind.SEQ:
        index = int(step) if step.isascii() and step.isdigit() and len(step) < 10 else -1
        return node.children[index].resolved() if 0 <= index < len(node.children) else None
    return trees.get(node, step) if node.kind is Kind.MAP else None


def _has_anchor(root: Node, name: str) -> bool:
    for _, key, node in root.walk():
        if (
            key is not None
            and key.value in ("$anchor", "$dynamicAnchor", "$id", "id")
            and node.value in (name, f"#{name}")
        ):
            return True
    return False


def _external(document: CheckedDocument, match: Match, place: str, fragment: str, trees: _Trees) -> Finding | None:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|/", place) or "{" in place or "$" in place:
        return None
    if _base(document, match.path, trees)[1] or text_of(document.root.get("$id")):
        return None  # relative to an address that is not this file's
    path = Path(normpath(document.folder / unquote(place)))
    if not trees.has(path):
        alone = sum(1 for _ in document.folder.iterdir()) <= 1 if document.folder.is_dir() else True
        near = nearest(path.name, [p.name for p in path.parent.iterdir()][:2000]) if path.parent.is_dir() else None
        finding = _dangling(document, match, f"the file '{place}' does not exist", "", near)
        return finding if not alone and path.parent.is_dir() else _unsure(document, match, place)
    root = trees.root(path)
    if root is None or not fragment or fragment == "/":
        return None
    return _in_tree(document, match, root, fragment, f" in {place}", trees)


def _root_of(path: Path) -> Node | None:
    if path.suffix.lower() not in (".yaml", ".yml", ".json") or path.stat().st_size > _MAX_TARGET_BYTES:
        return None
    parsed = parse_file(path, path.name, DEFAULT_LIMITS)
    return parsed.documents[0].root.resolved() if parsed.documents else None


def _dangling(document: CheckedDocument, match: Match, why: str, where: str, near: str | None) -> Finding:
    return document.finding(
        match.node.span,
        "reference/dangling-pointer",
        Severity.HIGH,
        f"$ref '{match.node.value[:150]}' leads nowhere: {why}{where}.",
        "dangling-ref",
        path=match.path,
        suggestion=f"Did you mean '{near}'?" if near else "Define it, or correct the pointer.",
    )


def _unsure(document: CheckedDocument, match: Match, place: str) -> Finding:
    return document.finding(
        match.node.span,
        "reference/dangling-pointer",
        Severity.INFO,
        f"$ref names the file '{place[:150]}', which is not here; the tree that was given may be incomplete.",
        "dangling-ref",
        path=match.path,
    )
