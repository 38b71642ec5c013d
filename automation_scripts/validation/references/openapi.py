"""Names inside of OpenAPI documents: security schemes, operation ids, path parameters, discriminators, components.

Source: the OpenAPI specification, versions 2.0 to 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import meant_by, missing_name
from automation_scripts.validation.values.formats import is_template

Path = tuple[PathKey, ...]


def check_openapi(corpus: Corpus) -> list[Finding]:
    """Every dangling, repeated and unused name in OpenAPI documents."""
    documents = list(corpus.of("openapi"))
    found: list[Finding] = []
    for document in documents:
        found += _security_names(document)
        found += _operation_ids(document)
        found += _path_parameters(document)
        found += _unknown_path_parameters(document)
        found += _repeated_parameters(document)
        found += _discriminators(document)
        found += _linked_operations(document)
        if len(documents) == 1:
            # Documents of one tree may refer to each other's components.
            found += _unused_components(document)
    return found


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


def _unknown_path_parameters(document: CheckedDocument) -> Iterator[Finding]:
    """A path parameter that the path does not have; a common one may be for other operations of other paths."""
    for key, item in pairs(document.root.get("paths")):
        wanted = set(_TEMPLATED.findall(key.value))
        places: list[tuple[Node, Path]] = [(item, ("paths", key.value))]
        places += [
            (o, ("paths", key.value, m.value)) for m, o in pairs(item) if m.value in _METHODS and o.kind is Kind.MAP
        ]
        for node, path in places:
            for i, parameter in enumerate(items(node.get("parameters"))):
                name = parameter.get("name") if parameter.kind is Kind.MAP else None
                text = text_of(name)
                if (
                    name is None
                    or not text
                    or text_of(parameter.get("in")) != "path"
                    or text in wanted
                    or is_template(text)
                ):
                    continue
                yield missing_name(
                    document, name, "unknown-path-parameter", f"The path {key.value} has no {{{text}}}.", text, wanted,
                    (*path, "parameters", i, "name"), severity=Severity.MEDIUM,
                )  # fmt: skip


def _repeated_parameters(document: CheckedDocument) -> Iterator[Finding]:
    for _, item in pairs(document.root.get("paths")):
        for path, node in [((), item), *(((m.value,), o) for m, o in pairs(item) if m.value in _METHODS)]:
            first: dict[tuple[str, str], Node] = {}
            for i, parameter in enumerate(items(node.get("parameters"))):
                name = parameter.get("name") if parameter.kind is Kind.MAP else None
                place = text_of(parameter.get("in")) if parameter.kind is Kind.MAP else None
                text = text_of(name)
                if name is None or not text or not place:
                    continue
                earlier = first.setdefault((text, place), name)
                if earlier is not name:
                    yield document.finding(
                        name.span, "reference/repeated-name", Severity.HIGH,
                        f"The {place} parameter '{text}' stands twice; line {earlier.span.line} has it already.", "dup-name",
                        path=(*path, "parameters", i, "name"), suggestion="Remove one of the two.",
                    )  # fmt: skip


def _discriminators(document: CheckedDocument) -> Iterator[Finding]:
    """Values of a mapping are pointers, which `pointers` does not see, or names of schemas."""
    schemas = document.root.at(("components", "schemas"))
    known = {key.value for key, _ in pairs(schemas)}
    for match in document.index.keyed("mapping"):
        if len(match.path) < 2 or match.path[-2] != "discriminator" or not known:
            continue
        for key, value in pairs(match.node):
            text = text_of(value) or ""
            prefix = "#/components/schemas/"
            name = text.removeprefix(prefix)
            if (
                name in known
                or (text == name and ("/" in text or "." in text or "#" in text))
                or "/" in name
                or not name
            ):
                continue
            at = len(text) - len(name)
            yield missing_name(
                document, value, "unknown-schema", f"The discriminator maps '{key.value}' to the schema '{name}', which is not defined.",
                name, known, (*match.path, key.value), span=document.part(value, at, len(text)),
            )  # fmt: skip


def _linked_operations(document: CheckedDocument) -> Iterator[Finding]:
    known = {text for _, _, operation in _operations(document) if (text := text_of(operation.get("operationId")))}
    for match in document.index.keyed("operationId"):
        text = text_of(match.node)
        if len(match.path) > 2 and match.path[-3] == "links" and text and known and text not in known:
            yield missing_name(
                document, match.node, "unknown-operation", f"The link leads to the operation '{text}', which is not defined.", text, known,
                match.path,
            )  # fmt: skip


_COMPONENTS = ("schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks")


def _unused_components(document: CheckedDocument) -> Iterator[Finding]:
    """Components that no `$ref` of the document names."""
    if not document.root.entry("paths") or not pairs(document.root.get("paths")):
        return
    # `#/components/schemas/Pet/properties/id` uses Pet.
    used = {"/".join((text_of(match.node) or "").split("/")[:4]) for match in document.index.keyed("$ref")}
    if not any(text.startswith("#/components/") for text in used):
        return
    mapped = {text_of(value) or "" for match in document.index.keyed("mapping") for _, value in pairs(match.node)}
    used |= mapped
    idle: list[tuple[str, Node]] = []
    total = 0
    for section in _COMPONENTS:
        prefix = f"#/components/{section}/"
        for key, _ in pairs(document.root.at(("components", section))):
            total += 1
            escaped = key.value.replace("~", "~0").replace("/", "~1")
            if used & {f"{prefix}{key.value}", f"{prefix}{escaped}"} or key.value in mapped:
                continue
            idle.append((section, key))
    # Where many have no use, they describe what is sent elsewhere: events, webhooks, other documents.
    if len(idle) > max(3, total // 20):
        return
    known = {key.value for section in _COMPONENTS for key, _ in pairs(document.root.at(("components", section)))}
    named = {text.rpartition("/")[2] for text in used if text.startswith("#/components/") or not {"/", "."} & set(text)}
    meant = meant_by(named - known - {""}, sorted({key.value for _, key in idle}), known & named)
    idle = [(section, key) for section, key in idle if key.value not in meant]
    for section, key in idle:
        yield document.finding(
            key.span, "reference/unused-component", Severity.LOW, f"Nothing refers to the component '{key.value}'.", "unused",
            path=("components", section, key.value), suggestion="Remove it, or refer to it where it was meant to be.",
        )  # fmt: skip
