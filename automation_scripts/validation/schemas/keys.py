"""Which keys a schema knows at a place, and keys of a document that are nearly one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from automation_scripts.suggest import distance, nearest
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.schemas.compiled import CompiledSchema, Place
from automation_scripts.validation.schemas.problems import Problem
from automation_scripts.validation.schemas.subject import Path, Subject

_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("if", "then", "else")
_IN_PLACE_MAPS = ("dependentSchemas", "dependencies")
_MAX_PARTS = 400


@dataclass(slots=True)
class KnownKeys:
    """What a schema says about a map's keys: the named ones with their schemas, patterns, and how open it is."""

    named: dict[str, list[Place]] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], Place]] = field(default_factory=list)
    others: list[Place] = field(default_factory=list)
    items: list[Place] = field(default_factory=list)
    leading_items: list[list[Place]] = field(default_factory=list)
    states_openness: bool = False
    """True when `additionalProperties`, `propertyNames` or the like say what other keys may be."""

    def below(self, key: str) -> list[Place]:
        """The schemas of a key's value."""
        found = list(self.named.get(key, ()))
        found += [place for pattern, place in self.patterns if pattern.search(key)]
        return found or self.others

    def knows(self, key: str) -> bool:
        """True when the key is named, or fits a pattern."""
        return key in self.named or any(pattern.search(key) for pattern, _ in self.patterns)


def known_keys(compiled: CompiledSchema, places: Iterable[Place]) -> KnownKeys:
    """What schemas say about the keys of one map, alternatives and conditions taken together."""
    known = KnownKeys()
    for place in _in_place(compiled, places):
        _read(place, known)
    return known


def without_echoes(compiled: CompiledSchema, problems: Sequence[Problem]) -> list[Problem]:
    """The problems without what only repeats others: `unevaluatedProperties` objects to every key as soon as the part
    of the schema that knows it fails for any reason. Only keys that no part knows are unknown."""
    kept = []
    for problem in problems:
        if problem.keyword == "unevaluatedProperties":
            parent = compiled.place(problem.location.rsplit("/", 1)[0])
            known = known_keys(compiled, [parent] if parent else [])
            if unexpected := [key for key in problem.detail.get("unexpected", ()) if not known.knows(key)]:
                kept.append(replace(problem, detail={"unexpected": unexpected}))
        else:
            below = tuple(tuple(without_echoes(compiled, branch)) for branch in problem.branches)
            kept.append(replace(problem, branches=below) if below else problem)
    return kept


def _in_place(compiled: CompiledSchema, places: Iterable[Place]) -> Iterator[Place]:
    """The places and all that applies to the same value with them."""
    stack = list(places)
    seen: set[int] = set()
    while stack and len(seen) < _MAX_PARTS:
        place = stack.pop()
        if not isinstance(place.schema, dict) or id(place.schema) in seen:
            continue
        seen.add(id(place.schema))
        yield place
        if "$ref" in place.schema:
            stack.append(compiled.resolve(place))
        for keyword in _IN_PLACE_LISTS:
            stack += [Place(part, place.base) for part in _list(place.schema.get(keyword))]
        stack += [Place(place.schema[keyword], place.base) for keyword in _IN_PLACE if keyword in place.schema]
        for keyword in _IN_PLACE_MAPS:
            stack += [Place(part, place.base) for part in _map(place.schema.get(keyword)).values()]


def _read(place: Place, known: KnownKeys) -> None:
    schema = place.schema
    for name, part in _map(schema.get("properties")).items():
        if part is not False:
            known.named.setdefault(name, []).append(Place(part, place.base))
    for pattern, part in _map(schema.get("patternProperties")).items():
        if (compiled := _pattern(pattern)) is not None:
            known.patterns.append((compiled, Place(part, place.base)))
        else:
            known.states_openness = True
    for keyword in ("additionalProperties", "unevaluatedProperties", "propertyNames"):
        if keyword in schema:
            known.states_openness = True
    if isinstance(other := schema.get("additionalProperties"), dict):
        known.others.append(Place(other, place.base))
    leading = schema.get("prefixItems", schema.get("items") if isinstance(schema.get("items"), list) else [])
    for i, part in enumerate(_list(leading)):
        while len(known.leading_items) <= i:
            known.leading_items.append([])
        known.leading_items[i].append(Place(part, place.base))
    if isinstance(schema.get("items"), dict):
        known.items.append(Place(schema["items"], place.base))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _map(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str] | None:
    """An ECMA 262 pattern as Python's; None for the few that Python cannot read."""
    try:
        return re.compile(re.sub(r"\\p\{L\}", "[^\\\\W\\\\d_]", text))
    except re.error:
        return None


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A key that the schema would allow, and that is almost one that it knows."""

    path: Path
    key: Node
    suggestion: str


def near_misses(compiled: CompiledSchema, subject: Subject) -> Iterator[NearMiss]:
    """Keys in maps whose schema names keys and leaves open which others there may be, that look like typing errors."""
    stack: list[tuple[Path, Node, list[Place]]] = [((), subject.root, [Place(compiled.root, compiled.uri)])]
    seen: set[tuple[int, tuple[int, ...]]] = set()
    read: dict[tuple[int, ...], KnownKeys] = {}
    while stack:
        path, node, places = stack.pop()
        node = node.resolved()
        if node.kind is Kind.SCALAR or not places:
            continue
        schemas = tuple(id(place.schema) for place in places)
        if (id(node), schemas) in seen:
            continue
        seen.add((id(node), schemas))
        if schemas not in read:
            read[schemas] = known_keys(compiled, places)
        known = read[schemas]
        if node.kind is Kind.SEQ:
            for i, child in enumerate(node.children):
                leading = known.leading_items[i] if i < len(known.leading_items) else known.items
                stack.append(((*path, i), child, leading))
            continue
        yield from _misses_of(node, path, known, subject)
        stack += [((*path, key.value), value, known.below(key.value)) for key, value in node.entries]


def _misses_of(node: Node, path: Path, known: KnownKeys, subject: Subject) -> Iterator[NearMiss]:
    if known.states_openness or len(known.named) < 2:
        return
    free = [name for name in known.named if node.entry(name) is None]
    for key, _ in node.entries:
        if key.kind is not Kind.SCALAR or known.knows(key.value) or key.value.startswith(("x-", "_", "$", "<<", "//")):
            continue
        if subject.is_templated_key(key):
            continue
        suggestion = nearest(key.value, free)
        if suggestion and _is_very_close(key.value, suggestion):
            yield NearMiss((*path, key.value), key, suggestion)


def _is_very_close(key: str, suggestion: str) -> bool:
    """Closer than a suggestion must be elsewhere: here the key is allowed, and short words are near to each other."""
    return distance(key.lower(), suggestion.lower()) <= (1 if len(key) < 8 else 2)
