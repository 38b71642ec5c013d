"""Business rules held against the schemas of the documents they are for: paths that cannot exist, and values compared with
what they can never be.

CEL itself is checked without data: a `value` of a known type lets the compiler see `value >= 2` on a text
(https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking). Where a schema leaves something
open, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.selectors import Step
from automation_scripts.validation.rules.expressions import ExpressionError, check_types
from automation_scripts.validation.rules.types import Rule
from automation_scripts.validation.schemas.compiled import CompiledSchema, Place

_MOST_PLACES = 400
_DEEPEST = 12
_SAYING = frozenset({"type", "properties", "items", "enum", "const", "additionalProperties"})
"""Keywords that say something of a value by themselves."""
_NUMBERS = {"integer": "int", "number": "dyn", "string": "string", "boolean": "bool", "array": "list", "object": "map"}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a schema says of the values that a path selects."""

    types: frozenset[str] | None
    """Their JSON types, null left out; None when the schema leaves it open."""
    missing: str = ""
    """The step that no document of the kind can have; empty when the path can exist."""
    known: tuple[str, ...] = ()
    """What may stand there instead of it."""


def type_problems(rule: Rule) -> list[str]:
    """What is wrong with a rule by the schemas of its kinds, a sentence each; empty when all is well or cannot be told."""
    problems: list[str] = []
    for kind in (part.strip() for part in rule.kind.split("|") if part.strip()):
        for schema in _schemas(kind):
            problems.extend(_by_schema(rule, kind, schema))
    return list(dict.fromkeys(problems))


def _by_schema(rule: Rule, kind: str, schema: CompiledSchema) -> Iterator[str]:
    shape = shape_of(schema, rule.select.steps)
    if shape.missing:
        guess = nearest(shape.missing, shape.known)
        hint = (
            f" Did you mean '{guess}'?"
            if guess
            else f" There may be: {', '.join(shape.known[:12])}."
            if shape.known
            else ""
        )
        yield f"{rule.id}: `select`: no document of kind {kind} has '{shape.missing}' there.{hint}"
        return
    if shape.types is None or len(shape.types) != 1:
        return
    (json_type,) = shape.types
    for key, expression in (("when", rule.when), ("assert", rule.holds)):
        if expression is None or "type(value)" in expression.text:
            continue  # it asks for the type itself
        try:
            check_types(expression.text, _NUMBERS[json_type])
        except ExpressionError as error:
            yield f"{rule.id}: `{key}`: {rule.select.text} is of type {json_type} in kind {kind}, and {error}."


def _schemas(kind: str) -> list[CompiledSchema]:
    from automation_scripts.validation.schemas import kubernetes
    from automation_scripts.validation.schemas.catalogued import catalogued
    from automation_scripts.validation.schemas.store import entry_for_kind

    name, _, object_kind = kind.partition("/")
    if name == "kubernetes":
        served = [version for version, served_kind in kubernetes.definitions() if served_kind == object_kind]
        # The newest version of an API is the one that rules are written for.
        found = kubernetes.schema_for(sorted(served, key=len)[0], object_kind) if served else None
        return [found] if found is not None else []
    entry = entry_for_kind(name)
    return [catalogued(entry.id)] if entry is not None else []


def shape_of(schema: CompiledSchema, steps: Sequence[Step]) -> Shape:
    """Where a path leads in a schema."""
    frontier = _alternatives(schema, Place(schema.root, schema.uri), schema.is_closed)
    for step in steps:
        if step.deep or len(frontier) > _MOST_PLACES:
            return Shape(None)
        following: list[Place] = []
        known: list[str] = []
        is_open = False
        for place, closed in frontier:
            below, names, leaves_open = _below(place, step, closed=closed)
            following += below
            known += names
            is_open = is_open or leaves_open
        if not following:
            if is_open or step.index is not None:
                return Shape(None)
            return Shape(None, step.name, tuple(dict.fromkeys(known)))
        if is_open:
            return Shape(None)
        frontier = [found for place in following for found in _alternatives(schema, place, schema.is_closed)]
    return Shape(_types([place for place, _ in frontier]))


def _alternatives(schema: CompiledSchema, place: Place, closed: bool, depth: int = 0) -> list[tuple[Place, bool]]:
    """The parts of a schema that a value may be judged by, references and combinations followed.

    Each with whether it allows no other keys than those it names: a part may be closed by what it is combined in.
    """
    place = schema.resolve(place)
    part = place.schema
    if not isinstance(part, dict) or depth > _DEEPEST:
        return [(place, closed)]
    # What a part forbids holds for whatever it is combined with.
    closed = closed or False in (part.get("unevaluatedProperties"), part.get("additionalProperties"))
    below = [
        found
        for keyword in ("allOf", "anyOf", "oneOf")
        for child in part.get(keyword, ())
        for found in _alternatives(schema, Place(child, place.base), closed, depth + 1)
    ]
    says_something = not _SAYING.isdisjoint(part)
    return ([(place, closed)] if says_something or not below else []) + below


def _below(place: Place, step: Step, *, closed: bool) -> tuple[list[Place], list[str], bool]:
    """Where one step leads, the names that could stand there, and whether others could too."""
    part = place.schema
    if not isinstance(part, dict):
        return [], [], part is not False
    properties: dict[str, Any] = part.get("properties", {})
    found = [Place(child, place.base) for name, child in properties.items() if step.takes(name)]
    literal = step.literal
    patterns: dict[str, Any] = part.get("patternProperties", {})
    rest: list[Any] = [child for pattern, child in patterns.items() if literal is None or _finds(pattern, literal)]
    additional = part.get("additionalProperties", part.get("unevaluatedProperties"))
    is_open = False
    if isinstance(additional, dict):
        rest.append(additional)
    elif additional is not False and not closed and part.get("type", "object") in ("object", None):
        is_open = not found or (step.key is not None and step.takes("\0any"))
    if not found or step.takes("\0any"):
        found += [Place(child, place.base) for child in rest]
    items = part.get("items")
    if step.index is not None and isinstance(items, dict):
        found.append(Place(items, place.base))
    return found, list(properties), is_open


def _types(places: Sequence[Place]) -> frozenset[str] | None:
    types: set[str] = set()
    # A part that says nothing (`true`, `required` alone) only repeats what the part beside it describes.
    telling = [place for place in places if isinstance(place.schema, dict) and not _SAYING.isdisjoint(place.schema)]
    for place in telling:
        part = place.schema
        said = part.get("type")
        if isinstance(said, str):
            types.add(said)
        elif isinstance(said, list):
            types.update(said)
        elif "enum" in part:
            types.update(_type_of(value) for value in part["enum"])
        elif "const" in part:
            types.add(_type_of(part["const"]))
        elif "properties" in part:
            types.add("object")
        else:
            return None
    types.discard("null")
    return frozenset(types) if types and types <= set(_NUMBERS) else None


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    by_type = {bool: "boolean", str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return by_type.get(type(value), "unknown")


def _finds(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:  # a pattern of another dialect: it may take the name
        return True
