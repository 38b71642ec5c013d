"""`$ref` and its like: JSON pointers into the same file or another one, and names inside OpenAPI documents.

Sources: RFC 6901, JSON Schema 2020-12 section 8.2, OpenAPI 3.1 section 4.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.input.limits import DEFAULT_LIMITS
from automation_scripts.validation.parsing.files import parse_file

# Below these a `$ref` is somebody's data, not a reference.
_DATA = frozenset(("example", "examples", "default", "enum", "const", "x-example", "x-examples"))
_MAX_TARGET_BYTES = 4 * 1024 * 1024


def check_pointers(corpus: Corpus) -> list[Finding]:
    """`$ref`s that lead nowhere, and OpenAPI names that nothing defines."""
    found: list[Finding] = []
    targets: dict[Path, Node | None] = {
        file.path.resolve(): file.documents[0].root.resolved() for file in corpus.files if file.documents
    }
    for document in corpus.documents:
        found += _references(document, targets)
        if document.kind == "openapi":
            found += _security_names(document)
            found += _operation_ids(document)
            found += _path_parameters(document)
    return found


def _references(document: CheckedDocument, targets: dict[Path, Node | None]) -> Iterator[Finding]:
    # One schema is referred to again and again; without `$id`s a text means the same everywhere in a document.
    is_plain = "$id" not in document.index.by_key
    right: set[str] = set()
    for match in document.index.keyed("$ref"):
        text = text_of(match.node)
        if text in right:
            continue
        finding = _reference(document, match, targets)
        if finding is not None:
            yield finding
        elif is_plain and text is not None and not _is_data(match.path):
            right.add(text)


def _reference(document: CheckedDocument, match: Match, targets: dict[Path, Node | None]) -> Finding | None:
    text = text_of(match.node)
    if text is None or _is_data(match.path):
        return None
    place, hash_mark, fragment = text.partition("#")
    if place:
        return _external(document, match, place, fragment, targets)
    if not hash_mark or not fragment or fragment == "/":
        return None
    root, _ = _base(document, match.path)
    return _in_tree(document, match, root, fragment, "")


def _is_data(path: tuple[PathKey, ...]) -> bool:
    # `properties: {example: {$ref: }}` describes a property that is called so.
    return any(
        step in _DATA
        and (i == 0 or path[i - 1] not in ("properties", "patternProperties", "schemas", "definitions", "$defs"))
        for i, step in enumerate(path[:-1])
    )


def _base(document: CheckedDocument, path: tuple[PathKey, ...]) -> tuple[Node, tuple[PathKey, ...]]:
    """The schema that `#` means: the nearest one above with an `$id` of its own, else the whole document."""
    for length in range(len(path) - 1, 0, -1) if "$id" in document.index.by_key else ():
        node = document.root.at(path[:length])
        identity = text_of(node.get("$id")) if node is not None else None
        if node is not None and identity and not identity.startswith("#"):
            return node, path[:length]
    return document.root, ()


def _in_tree(document: CheckedDocument, match: Match, root: Node, fragment: str, where: str) -> Finding | None:
    fragment = unquote(fragment)
    if not fragment.startswith("/"):
        # Many resolvers take `#definitions/X` for `#/definitions/X`.
        steps = tuple(fragment.split("/"))
        return (
            None if _has_anchor(root, fragment) or (len(steps) > 1 and root.at(steps) is not None) else _dangling(document, match, f"no anchor '{fragment}'", where, None)
        )
    node: Node | None = root
    for raw in fragment[1:].split("/"):
        step = raw.replace("~1", "/").replace("~0", "~")
        assert node is not None
        below = _step(node, step)
        if below is None:
            known = [key.value for key, _ in pairs(node)]
            return _dangling(document, match, f"there is no '{step}'", where, nearest(step, known))
        if below.kind is Kind.MAP and below.get("$ref") is not None and below.get("$ref") is not match.node:
            # A reference on the way: its target cannot be followed without resolving it, which is not needed to be sure.
            return None
        node = below
    return None


def _step(node: Node, step: str) -> Node | None:
    if node.kind is Kind.SEQ:
        index = int(step) if step.isascii() and step.isdigit() and len(step) < 10 else -1
        return node.children[index].resolved() if 0 <= index < len(node.children) else None
    return node.get(step)


def _has_anchor(root: Node, name: str) -> bool:
    for _, key, node in root.walk():
        if (
            key is not None
            and key.value in ("$anchor", "$dynamicAnchor", "$id", "id")
            and node.value in (name, f"#{name}")
        ):
            return True
    return False


def _external(
    document: CheckedDocument, match: Match, place: str, fragment: str, targets: dict[Path, Node | None]
) -> Finding | None:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|/", place) or "{" in place or "$" in place:
        return None
    if _base(document, match.path)[1] or text_of(document.root.get("$id")):
        return None  # relative to an address that is not this file's
    path = (document.folder / unquote(place)).resolve()
    if path not in targets:
        if not path.is_file():
            alone = sum(1 for _ in document.folder.iterdir()) <= 1 if document.folder.is_dir() else True
            near = nearest(path.name, [p.name for p in path.parent.iterdir()][:2000]) if path.parent.is_dir() else None
            finding = _dangling(document, match, f"the file '{place}' does not exist", "", near)
            return finding if not alone and path.parent.is_dir() else _unsure(document, match, place)
        targets[path] = _root_of(path)
    root = targets[path]
    if root is None or not fragment or fragment == "/":
        return None
    return _in_tree(document, match, root, fragment, f" in {place}")


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


# ----- OpenAPI ---------------------------------------------------------------------------------------------------

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def _operations(document: CheckedDocument) -> Iterator[tuple[tuple[PathKey, ...], Node, Node]]:
    """(path, path item, operation) of every operation."""
    for key, item in pairs(document.root.get("paths")):
        for method, operation in pairs(item):
            if method.value in _METHODS and operation.kind is Kind.MAP and not operation.entry("$ref"):
                yield ("paths", key.value, method.value), item, operation


def _security_names(document: CheckedDocument) -> Iterator[Finding]:
    schemes = document.root.at(("components", "securitySchemes"))
    if schemes is None:
        schemes = document.root.get("securityDefinitions")
    known = [key.value for key, _ in pairs(schemes)]
    if schemes is not None and schemes.entry("$ref"):
        return
    places: list[tuple[tuple[PathKey, ...], Node | None]] = [((), document.root.get("security"))]
    places += [(path, operation.get("security")) for path, _, operation in _operations(document)]
    for path, requirements in places:
        for i, requirement in enumerate(items(requirements)):
            for key, _ in pairs(requirement):
                if key.value not in known:
                    near = nearest(key.value, known)
                    yield document.finding(
                        key.span,
                        "reference/unknown-security-scheme",
                        Severity.HIGH,
                        f"The security scheme '{key.value}' is not defined.",
                        "dangling-ref",
                        path=(*path, "security", i, key.value),
                        suggestion=f"Did you mean '{near}'?" if near else "Define it in components.securitySchemes.",
                    )


def _operation_ids(document: CheckedDocument) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for path, _, operation in _operations(document):
        node = operation.get("operationId")
        name = text_of(node)
        if node is None or name is None:
            continue
        earlier = first.setdefault(name, node)
        if earlier is not node:
            yield document.finding(
                node.span,
                "reference/repeated-operation-id",
                Severity.MEDIUM,
                f"The operationId '{name}' is used again; line {earlier.span.line} has it already.",
                "dup-name",
                path=(*path, "operationId"),
                suggestion="Operation ids must be unique in the whole document.",
            )


_TEMPLATED = re.compile(r"\{([^{}/]+)\}")


def _path_parameters(document: CheckedDocument) -> Iterator[Finding]:
    """`/users/{id}` without a parameter `id`: the operation cannot be called."""
    for path, item, operation in _operations(document):
        wanted = _TEMPLATED.findall(str(path[1]))
        listed = [*items(item.get("parameters")), *items(operation.get("parameters"))]
        if not wanted or item.entry("$ref"):
            continue
        names: set[str] = set()
        unresolved = False
        for parameter in listed:
            target = _parameter(document, parameter)
            unresolved = unresolved or target is None
            if target is not None and text_of(target.get("in")) == "path":
                names.add(text_of(target.get("name")) or "")
        for name in wanted:
            if name not in names and not unresolved:
                key = operation_key(item, str(path[2]))
                yield document.finding(
                    key.span,
                    "reference/undeclared-path-parameter",
                    Severity.MEDIUM,
                    f"The path has {{{name}}}, but no parameter with `in: path` declares it.",
                    "dangling-ref",
                    path=path,
                    suggestion=f"Add a path parameter named {nearest(name, names) or name}.",
                )


def _parameter(document: CheckedDocument, node: Node) -> Node | None:
    reference = text_of(node.get("$ref"))
    if reference is None:
        return node
    if not reference.startswith("#/"):
        return None
    return document.root.at(tuple(unquote(s).replace("~1", "/").replace("~0", "~") for s in reference[2:].split("/")))


def operation_key(item: Node, method: str) -> Node:
    """The key node of a method in a path item."""
    entry = item.entry(method)
    assert entry is not None
    return entry[0]
