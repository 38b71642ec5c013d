"""Documents of no known kind that would be of one but for one misspelled key: `srevices`, `knid`, `hots`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import distance
from automation_scripts.validation.documents.kinds import Conditions, DocumentKind, detect, known_kinds
from automation_scripts.validation.documents.pointing import finding_at, path_text
from automation_scripts.validation.documents.tree import Document, Kind, Node, ParsedFile
from automation_scripts.validation.schemas.catalogued import catalogued
from automation_scripts.validation.schemas.compiled import Place
from automation_scripts.validation.schemas.keys import known_keys
from automation_scripts.validation.schemas.mends import renamed
from automation_scripts.validation.schemas.store import CatalogEntry, entry_for_kind
from automation_scripts.validation.schemas.subject import Path

_CHILDREN = 20
_SHORTEST, _LONGEST = 4, 40


@dataclass(frozen=True, slots=True)
class Misspelling:
    """A key that keeps a document from being known: where it stands, what was meant, and what the document then is."""

    path: Path
    key: Node
    meant: str
    kind: DocumentKind


def nearly_known(file: ParsedFile, document: Document) -> Finding | None:
    """The misspelling that keeps a document from being known, as a finding with its mend."""
    found = misspelled_kind(file, document)
    known = entry_for_kind(found.kind.name, found.kind.version) if found else None
    if found is None or (known is not None and len(found.path) == 1 and _names(known, found.key.value)):
        return None
    where = f"`{path_text(found.path[:-1])}`" if len(found.path) > 1 else "the document"
    return finding_at(
        file,
        found.key.span,
        "schema/unknown-key",
        Severity.HIGH,
        f"`{found.key.value}` is not a key of {where} in {known.title if known else found.kind.name}.",
        "unknown-key",
        path=found.path,
        suggestion=f"Did you mean `{found.meant}`?",
        fix=renamed(file, found.key, found.meant),
    )


def _names(known: CatalogEntry, key: str) -> bool:
    """True when the root of a schema names a key."""
    compiled = catalogued(known.id)
    return known_keys(compiled, [Place(compiled.root, compiled.uri)]).knows(key)


def misspelled_kind(file: ParsedFile, document: Document) -> Misspelling | None:
    """The one misspelling that explains why a document is of no kind; None when there is none, or several could be."""
    found: list[Misspelling] = []
    root = document.root.resolved()
    for path, key, meant in _candidates(root):
        mended = Document(_renamed(root, path, meant), document.index)
        kind = detect(file, mended)
        if kind is not None and (_is_more_than_a_plural(key.value, meant) or _is_by_path(file, kind)):
            found.append(Misspelling(path, key, meant, kind))
    return found[0] if len(found) == 1 else None


def _candidates(root: Node) -> Iterator[tuple[Path, Node, str]]:
    """Keys of the root, and of the maps one and two levels below, with the word that each is nearly."""
    top, below = _words()
    for key, value in root.entries:
        yield from ((path, key, word) for path, word in _near((), root, key, top))
        for path, child in _children(value.resolved(), (key.value,)):
            yield from _keys_of(child, path, below)
    for path, child in _children(root, ()) if root.kind is Kind.SEQ else ():
        yield from _keys_of(child, path, below)


def _children(node: Node, prefix: Path) -> Iterator[tuple[Path, Node]]:
    for i, child in enumerate(node.children[:_CHILDREN]):
        yield (*prefix, i), child.resolved()
    for key, child in node.entries[:_CHILDREN]:
        yield (*prefix, key.value), child.resolved()


def _keys_of(node: Node, path: Path, words: frozenset[str]) -> Iterator[tuple[Path, Node, str]]:
    for key, _ in node.entries:
        yield from ((found, key, word) for found, word in _near(path, node, key, words))


def _near(path: Path, parent: Node, key: Node, words: frozenset[str]) -> Iterator[tuple[Path, str]]:
    if key.kind is not Kind.SCALAR or key.value in words:
        return
    for word in _neighbours(key.value, words):
        if parent.entry(word) is None:
            yield (*path, key.value), word


@lru_cache(maxsize=20_000)
def _neighbours(text: str, words: frozenset[str]) -> tuple[str, ...]:
    """The words that one slip of the fingers turns into the text (two in long words)."""
    if not _SHORTEST <= len(text) <= _LONGEST:
        return ()
    index = _by_deletion(words)
    candidates = {word for form in _forms(text) for word in index.get(form, ())}
    return tuple(word for word in sorted(candidates) if distance(text, word) == 1)


@lru_cache(maxsize=4)
def _by_deletion(words: frozenset[str]) -> dict[str, list[str]]:
    """Each word by itself and by all that is left of it without one letter: near words share such a form."""
    index: dict[str, list[str]] = {}
    for word in words:
        if len(word) >= _SHORTEST:
            for form in _forms(word):
                index.setdefault(form, []).append(word)
    return index


def _forms(text: str) -> set[str]:
    return {text, *(text[:i] + text[i + 1 :] for i in range(len(text)))}


@lru_cache(maxsize=1)
def _words() -> tuple[frozenset[str], frozenset[str]]:
    """The keys by which kinds are known: those at the root of a document, and those of the maps in it."""
    top: set[str] = set()
    below: set[str] = set()
    for kind in known_kinds():
        for rule in kind.rules:
            top |= _keys(rule.conditions)
            for conditions in (*rule.conditions.each.values(), *rule.conditions.some.values()):
                below |= _keys(conditions)
    return frozenset(top - {"."}), frozenset(below - {"."})


def _keys(conditions: Conditions) -> set[str]:
    names = (*conditions.all, *conditions.any, *conditions.value, *conditions.type, *conditions.each)
    return {*names, *conditions.some}


def _renamed(node: Node, path: Path, meant: str) -> Node:
    """A copy of a node in which the key at the end of a path has another name; all else is shared."""
    step, rest = path[0], path[1:]
    entries = [
        (_named(key, meant) if not rest else key, value if not rest else _renamed(value.resolved(), rest, meant))
        if key.value == step
        else (key, value)
        for key, value in node.entries
    ]
    children = [
        _renamed(child.resolved(), rest, meant) if i == step and rest else child
        for i, child in enumerate(node.children)
    ]
    return Node(node.kind, node.span, node.tag, node.style, entries=entries, children=children)


def _named(key: Node, name: str) -> Node:
    return Node(key.kind, key.span, key.tag, key.style, value=name)


def _is_more_than_a_plural(text: str, word: str) -> bool:
    return text + "s" != word and word + "s" != text


def _is_by_path(file: ParsedFile, kind: DocumentKind) -> bool:
    path = file.path.as_posix()
    rules = next(known.rules for known in known_kinds() if known.name == kind.name)
    return any(rule.path is not None and rule.path.search(path) for rule in rules)
