"""Resources of CloudFormation and SAM templates that are less protected than they should be.

The table is `cloud_resources.yaml`. A finding stands at the value that is wrong; for a property that is missing, at the
resource's key, or at the item of the list that misses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import head, replace
from automation_scripts.validation.documents.scalars import is_true, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey, Style
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.values.secret_words import Name, name_class

_TABLE = Path(__file__).parent / "cloud_resources.yaml"
_ON, _OFF = r"true|yes|on|1|enabled?", r"false|no|off|0|disabled?"
_EVERYWHERE = "[]"


@dataclass(frozen=True, slots=True)
class Property:
    """One row of a rule's `checks`; `cloud_resources.yaml` explains the fields."""

    types: frozenset[str]
    steps: tuple[str, ...]
    bad: re.Pattern[str]
    absent: Severity | None
    severity: Severity | None
    unless: tuple[tuple[str, ...], ...]
    when: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]

    @property
    def shown(self) -> str:
        """The path as it is written."""
        return ".".join(self.steps).replace(".[]", "[]")


@dataclass(frozen=True, slots=True)
class ResourceRule:
    """One rule of the table."""

    id: str
    tag: str
    severity: Severity
    cwe: str
    message: str
    suggestion: str
    fix: str | None
    checks: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """What a path leads to: a value, or the map that it is missing from."""

    value: Node | None
    holder: Node
    where: Span
    path: tuple[PathKey, ...]


def check_cloud_resources(corpus: Corpus) -> list[Finding]:
    """Every resource, and every parameter that shows a secret."""
    return [
        finding
        for document in corpus.of("cloudformation")
        for part in (_resources, _shown_parameters)
        for finding in part(document)
    ]


def _resources(document: CheckedDocument) -> Iterator[Finding]:
    for key, resource in pairs(document.root.get("Resources")):
        kind = text_of(resource.get("Type")) or ""
        properties = resource.get("Properties")
        if properties is None:
            properties = Node(Kind.MAP, key.span)
        if not _is_made(properties):
            for rule, check in _by_type().get(kind, ()):
                yield from _judged(document, rule, check, key, properties, ("Resources", key.value, "Properties"))
    function = document.root.entry("Globals")
    shared = function[1].resolved().entry("Function") if function else None
    if shared:
        for rule, check in _by_type().get("AWS::Serverless::Function", ()):
            if rule.id == "deprecated-runtime":
                yield from _judged(document, rule, check, shared[0], shared[1].resolved(), ("Globals", "Function"))


def _judged(
    document: CheckedDocument,
    rule: ResourceRule,
    check: Property,
    key: Node,
    properties: Node,
    path: tuple[PathKey, ...],
) -> Iterator[Finding]:
    if any(_given(properties, steps) for steps in check.unless):
        return
    for steps, pattern in check.when:
        text = text_of(properties.at(steps))
        if text is None or not pattern.fullmatch(text):
            return
    for place in _places(properties, check.steps, key.span, path):
        value = place.value
        if value is None:
            if check.absent is None or any(place.holder.entry(steps[0]) for steps in check.unless):
                continue
            severity, state, shown = check.absent, "not set", ""
        elif value.kind is Kind.SCALAR and not _is_made(value) and check.bad.fullmatch(value.value.strip()):
            severity, shown = check.severity or rule.severity, value.value.strip()
            state = shown
        else:
            continue
        yield document.finding(
            place.where,
            f"security/{rule.id}",
            severity,
            rule.message.format(title=f"'{key.value}'", property=check.shown, state=state, value=shown),
            rule.tag,
            path=place.path,
            suggestion=rule.suggestion,
            fix=_fix(document, rule, value),
            cwe=rule.cwe,
        )


def _fix(document: CheckedDocument, rule: ResourceRule, value: Node | None) -> tuple[TextEdit, ...]:
    if value is None or rule.fix is None or value.style is not Style.PLAIN or value.anchor:
        return ()
    # Some switches turn a protection on, others turn it off.
    text = {"true": "false", "false": "true", "optional": rule.fix}.get(value.value)
    return (replace(document.file, value.span, text),) if text else ()


def _places(node: Node, steps: tuple[str, ...], where: Span, path: tuple[PathKey, ...]) -> Iterator[_Place]:
    """What a property path leads to. Below a list only what is half there counts as missing."""
    listed = _EVERYWHERE in steps
    stack: list[tuple[Node, int, Span, tuple[PathKey, ...], bool]] = [(node, 0, where, path, False)]
    while stack:
        node, i, where, path, inside = stack.pop()
        if _is_made(node):
            continue
        if steps[i] == _EVERYWHERE:
            if node.kind is not Kind.SEQ:
                continue
            for n, child in reversed(list(enumerate(node.children))):
                item = child.resolved()
                if i == len(steps) - 1:
                    yield _Place(item, node, item.span, (*path, n))
                else:
                    stack.append((item, i + 1, _item_span(item), (*path, n), True))
            continue
        entry = node.entry(steps[i]) if node.kind is Kind.MAP else None
        last = i == len(steps) - 1
        if entry is None:
            if not listed or (inside and last):
                yield _Place(None, node, where, (*path, *steps[i:]))
            continue
        value = entry[1].resolved()
        if last:
            yield _Place(value, node, head(entry[0], value), (*path, steps[i]))
        else:
            stack.append((value, i + 1, entry[0].span if inside else where, (*path, steps[i]), inside))


def _item_span(item: Node) -> Span:
    name = item.entry("Name") if item.kind is Kind.MAP else None
    return name[1].span if name and name[1].kind is Kind.SCALAR else head(None, item)


def _given(node: Node, steps: tuple[str, ...]) -> bool:
    if _EVERYWHERE not in steps:
        return node.at(steps) is not None
    return any(place.value is not None for place in _places(node, steps, node.span, ()))


_INTRINSIC = re.compile(r"Ref|Fn::\w+|Condition")


def _is_made(node: Node) -> bool:
    """True for what an intrinsic function makes when the stack is created."""
    if node.tag and node.tag.startswith("!") and not node.tag.startswith("!!"):
        return True
    return node.kind is Kind.MAP and len(node.entries) == 1 and bool(_INTRINSIC.fullmatch(node.entries[0][0].value))


def _shown_parameters(document: CheckedDocument) -> Iterator[Finding]:
    """Parameters for passwords that the console shows to everyone."""
    for key, parameter in pairs(document.root.get("Parameters")):
        kind = text_of(parameter.get("Type")) or ""
        if name_class(key.value) is not Name.PASSWORD or kind != "String" or is_true(parameter.get("NoEcho")):
            continue
        hidden = parameter.entry("NoEcho")
        if hidden and _is_made(hidden[1].resolved()):
            continue
        yield document.finding(
            hidden[1].span if hidden else key.span,
            "security/secret-shown",
            Severity.LOW,
            f"Everyone who may look at the stack sees the parameter '{key.value}': NoEcho is not true.",
            "hardcoded-secret",
            path=("Parameters", key.value, "NoEcho"),
            suggestion="Set NoEcho: true, or take the value from Secrets Manager with a dynamic reference.",
            cwe="CWE-522",
        )


# ----- the table -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def resource_rules() -> tuple[ResourceRule, ...]:
    """The table, in its order."""
    raw = yaml.load(_TABLE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["rules"]
    return tuple(_rule(row) for row in raw)


def _rule(row: dict[str, Any]) -> ResourceRule:
    return ResourceRule(
        id=row["id"],
        tag=row["class"],
        severity=Severity(row["severity"]),
        cwe=row["cwe"],
        message=row["message"],
        suggestion=row["suggestion"],
        fix=row.get("fix"),
        checks=tuple(_property(check) for check in row["checks"]),
    )


def _property(row: dict[str, Any]) -> Property:
    bad = {"on": _ON, "off": _OFF}.get(row.get("bad", "off"), row.get("bad"))
    return Property(
        types=frozenset(row["type"].split("|")),
        steps=_steps(row["property"]),
        bad=re.compile(str(bad), re.IGNORECASE),
        absent=Severity(row["absent"]) if "absent" in row else None,
        severity=Severity(row["severity"]) if "severity" in row else None,
        unless=tuple(_steps(text) for text in row.get("unless", ())),
        when=tuple((_steps(name), re.compile(text)) for name, text in row.get("when", {}).items()),
    )


def _steps(text: str) -> tuple[str, ...]:
    return tuple(text.replace(_EVERYWHERE, "." + _EVERYWHERE).split("."))


@lru_cache(maxsize=1)
def _by_type() -> dict[str, list[tuple[ResourceRule, Property]]]:
    found: dict[str, list[tuple[ResourceRule, Property]]] = {}
    for rule in resource_rules():
        for check in rule.checks:
            for kind in check.types:
                found.setdefault(kind, []).append((rule, check))
    return found
