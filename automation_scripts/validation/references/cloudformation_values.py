"""What CloudFormation functions ask for beyond a name: attributes of resources, keys of mappings, exports; and what is
declared and never asked for.

Sources: the template reference of AWS; `cloudformation_attributes.txt` says where its lists come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as FilePath

from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import likely_typo, meant_by, missing_name

Path = tuple[PathKey, ...]
_ATTRIBUTES = FilePath(__file__).parent / "cloudformation_attributes.txt"
_SUB_ATTRIBUTE = re.compile(r"\$\{\s*(\w+)\.([\w.]+)\s*\}")


@lru_cache(maxsize=1)
def _attributes() -> dict[str, frozenset[str]]:
    lines = _ATTRIBUTES.read_text(encoding="utf-8").splitlines()
    return {words[0]: frozenset(words[1:]) for line in lines if line[:1] != "#" and len(words := line.split()) > 1}


def check_values(document: CheckedDocument) -> Iterator[Finding]:
    """Attributes, mapping keys and defaults of one template."""
    resources = {key.value: node for key, node in pairs(document.root.get("Resources"))}
    mappings = {key.value: node for key, node in pairs(document.root.get("Mappings"))}
    for match in document.index.matches:
        function, value = function_of(match.node)
        if function == "Fn::GetAtt":
            yield from _get_att(document, value, match.path, resources)
        elif function == "Fn::Sub":
            yield from _sub(document, value, match.path, resources)
        elif function == "Fn::FindInMap":
            yield from _find_in_map(document, value, match.path, mappings)
    yield from _defaults(document)
    yield from _exports(document)


def function_of(node: Node) -> tuple[str, Node]:
    """The intrinsic function that a node calls and its argument, short (`!Sub`) or long (`Fn::Sub`); "" for none."""
    if node.tag and node.tag.startswith("!"):
        return ("Ref" if node.tag == "!Ref" else f"Fn::{node.tag[1:]}"), node
    if node.kind is Kind.MAP and len(node.entries) == 1:
        key, value = node.entries[0]
        if key.value.startswith("Fn::") or key.value == "Ref":
            return key.value, value.resolved()
    return "", node


def _get_att(document: CheckedDocument, value: Node, path: Path, resources: dict[str, Node]) -> Iterator[Finding]:
    if value.kind is Kind.SCALAR:
        name, dot, attribute = value.value.partition(".")
        if dot:
            yield from _attribute(document, value, len(name) + 1, attribute, name, path, resources)
        return
    listed = items(value)
    if len(listed) == 2 and all(item.kind is Kind.SCALAR and not item.tag for item in listed):
        yield from _attribute(document, listed[1], 0, listed[1].value, listed[0].value, path, resources)


def _sub(document: CheckedDocument, value: Node, path: Path, resources: dict[str, Node]) -> Iterator[Finding]:
    listed = items(value)
    if not listed or listed[0].kind is not Kind.SCALAR:
        return
    text = listed[0]
    for match in _SUB_ATTRIBUTE.finditer(text.value):
        yield from _attribute(document, text, match.start(2), match[2], match[1], path, resources)
    if value.kind is Kind.SEQ and len(listed) > 1:
        for key, _ in pairs(listed[1]):
            if not re.search(r"\$\{\s*" + re.escape(key.value) + r"\s*[.}]", text.value):
                yield document.finding(
                    key.span, "reference/unused-name", Severity.LOW, f"The text does not use '{key.value}'.", "unused", path=path,
                    suggestion="Remove it, or write ${" + key.value + "} where it was meant to be.",
                )  # fmt: skip


def _attribute(
    document: CheckedDocument, node: Node, start: int, attribute: str, name: str, path: Path, resources: dict[str, Node]
) -> Iterator[Finding]:
    resource = resources.get(name)
    kind = text_of(resource.get("Type")) if resource is not None else None
    known = _attributes().get(kind or "")
    if known is None or "$" in attribute or attribute.startswith("Outputs."):
        return
    if attribute in known or f"{attribute.partition('.')[0]}.*" in known:
        return
    yield missing_name(
        document, node, "unknown-attribute", f"'{name}' is of the type {kind}, which has no attribute '{attribute}'.", attribute,
        [each.removesuffix(".*") for each in known], path, span=document.part(node, start, start + len(attribute)),
    )  # fmt: skip


def _find_in_map(document: CheckedDocument, value: Node, path: Path, mappings: dict[str, Node]) -> Iterator[Finding]:
    listed = items(value)
    if (
        value.kind is not Kind.SEQ
        or len(listed) < 3
        or any(item.kind is Kind.MAP and item.entry("DefaultValue") for item in listed)
    ):
        return
    if not _is_literal(listed[0]) or (mapping := mappings.get(listed[0].value)) is None:
        return
    rows = {key.value: row for key, row in pairs(mapping)}
    if "Fn::Transform" in rows:
        return
    chosen = list(rows.values())
    if _is_literal(listed[1]):
        if listed[1].value not in rows:
            yield missing_name(
                document, listed[1], "unknown-mapping-key", f"The mapping '{listed[0].value}' has no '{listed[1].value}'.",
                listed[1].value, rows, path,
            )  # fmt: skip
            return
        chosen = [rows[listed[1].value]]
    if _is_literal(listed[2]):
        known = {key.value for row in chosen for key, _ in pairs(row)}
        if known and listed[2].value not in known:
            yield missing_name(
                document, listed[2], "unknown-mapping-key", f"The mapping '{listed[0].value}' has no '{listed[2].value}'.",
                listed[2].value, known, path,
            )  # fmt: skip


def _is_literal(node: Node) -> bool:
    return node.kind is Kind.SCALAR and not (node.tag or "").startswith("!")


def _defaults(document: CheckedDocument) -> Iterator[Finding]:
    for key, parameter in pairs(document.root.get("Parameters")):
        default, allowed = parameter.get("Default"), items(parameter.get("AllowedValues"))
        text = text_of(default)
        if default is None or text is None or not allowed or "List" in (text_of(parameter.get("Type")) or ""):
            continue
        known = [item.value for item in allowed if item.kind is Kind.SCALAR]
        if text not in known and text.lower() not in [
            each.lower() for each in known if each.lower() in ("true", "false")
        ]:
            near = nearest(text, known)
            yield document.finding(
                default.span, "reference/default-not-allowed", Severity.HIGH,
                f"The default '{text}' of '{key.value}' is not one of its allowed values: {', '.join(known[:8])}.", "invalid-enum",
                path=("Parameters", key.value, "Default"), suggestion=f"Did you mean '{near}'?" if near else "Use one of them.",
            )  # fmt: skip


def export_names(document: CheckedDocument) -> Iterator[tuple[str, Node, Path]]:
    """The exports of a template whose names are written out."""
    for key, output in pairs(document.root.get("Outputs")):
        name = output.at(("Export", "Name"))
        if name is not None and name.kind is Kind.SCALAR and name.value:
            yield f"{name.tag or ''}{name.value}", name, ("Outputs", key.value, "Export", "Name")


def _exports(document: CheckedDocument) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for name, node, path in export_names(document):
        if document.root.at((*path[:2], "Condition")) is not None:
            continue  # of two outputs with conditions only one may be made
        earlier = first.setdefault(name, node)
        if earlier is not node:
            yield document.finding(
                node.span, "reference/repeated-export", Severity.HIGH,
                f"The export '{node.value}' stands twice; line {earlier.span.line} has it already.", "dup-name", path=path,
                suggestion="Give each export its own name.",
            )  # fmt: skip


def check_imports(documents: list[CheckedDocument]) -> Iterator[Finding]:
    """`ImportValue` of what no stack of the tree exports, when it is nearly an export of one."""
    exports = {node.value for document in documents for name, node, _ in export_names(document)}
    if not exports:
        return
    for document in documents:
        for match in document.index.matches:
            function, value = function_of(match.node)
            inner = function_of(value)[1] if function == "Fn::ImportValue" else None
            text = text_of(inner)
            if inner is None or not text or text in exports or not likely_typo(text, exports):
                continue
            yield missing_name(
                document, inner, "unknown-export", f"No stack of the tree exports '{text}'.", text, exports, match.path,
                severity=Severity.MEDIUM,
            )  # fmt: skip


def check_unused(document: CheckedDocument, used: set[str], dangling: dict[str, set[str]]) -> Iterator[Finding]:
    """Parameters, mappings and conditions that nothing in the template names."""
    text = document.file.text
    for section, what, use in (
        ("Parameters", "parameter", "value"),
        ("Mappings", "mapping", "mapping"),
        ("Conditions", "condition", "condition"),
    ):
        entries = pairs(document.root.get(section))
        # Rules and metadata may name it in ways that are not followed; a name that stands only once is not used.
        idle = [
            k.value
            for k, _ in entries
            if k.value not in used and len(re.findall(rf"\b{re.escape(k.value)}\b", text)) == 1
        ]
        meant = meant_by(dangling[use], idle, used)
        for key, _ in entries:
            if key.value in idle and key.value not in meant:
                yield document.finding(
                    key.span, f"reference/unused-{what}", Severity.LOW, f"The {what} '{key.value}' is used nowhere in the template.",
                    "unused", path=(section, key.value), suggestion="Remove it, or use it where it was meant to be.",
                )  # fmt: skip
