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
_EXCLUDED: dict[bool | None, str] = {True: "else", False: "then"}
"""The keyword that does not apply when a condition holds, and when it does not."""
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


def known_keys(compiled: CompiledSchema, places: Iterable[Place], node: Node | None = None) -> KnownKeys:
    """What schemas say about the keys of one map, alternatives and conditions taken together.

    With the map itself, `then` and `else` count only where its keys do not decide against them.
    """
    known = KnownKeys()
    for place in _in_place(compiled, places, node):
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


def without_vacuous(compiled: CompiledSchema, subject: Subject, problems: Sequence[Problem]) -> list[Problem]:
    """The problems without those of a `then` whose `if` holds only because the key that it asks about is not there.

    `if: {properties: {type: {const: x}}}` holds for every map without `type`; that it is missing is said elsewhere.
    """
    return [problem for problem in problems if not _is_vacuous(compiled, subject, problem)]


def _is_vacuous(compiled: CompiledSchema, subject: Subject, problem: Problem) -> bool:
    before, then, after = problem.location.rpartition("/then/")
    place = compiled.place(before) if then else None
    condition = place.schema.get("if") if place is not None and isinstance(place.schema, dict) else None
    if not isinstance(condition, dict) or set(condition) != {"properties"}:
        return False
    depth = _instance_depth(after.split("/")[:-1])
    spot = subject.spot(problem.path[: len(problem.path) - depth]) if depth <= len(problem.path) else None
    node = spot.node.resolved() if spot is not None else None
    return node is not None and node.kind is Kind.MAP and not any(node.entry(name) for name in condition["properties"])


def _instance_depth(steps: Sequence[str]) -> int:
    """How many steps into the document the keywords of a location lead."""
    depth, i = 0, 0
    while i < len(steps):
        if steps[i] in ("properties", "patternProperties"):
            depth, i = depth + 1, i + 2
        else:
            depth, i = depth + (steps[i] in ("items", "additionalProperties", "prefixItems")), i + 1
    return depth


def _in_place(compiled: CompiledSchema, places: Iterable[Place], node: Node | None = None) -> Iterator[Place]:
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
        excluded = _EXCLUDED.get(_holds(place.schema.get("if"), node))
        stack += [
            Place(place.schema[keyword], place.base)
            for keyword in _IN_PLACE
            if keyword in place.schema and keyword != excluded
        ]
        for keyword in _IN_PLACE_MAPS:
            stack += [Place(part, place.base) for part in _map(place.schema.get(keyword)).values()]


def _holds(condition: object, node: Node | None) -> bool | None:
    """Whether a condition that asks for keys holds for a map; None for all other conditions."""
    if node is None or not isinstance(condition, dict):
        return None
    if set(condition) == {"required"}:
        return all(node.entry(name) for name in condition["required"])
    if set(condition) == {"anyOf"}:
        held = [_holds(part, node) for part in condition["anyOf"]]
        return None if None in held else any(held)
    return None


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
        if schema.get(keyword, True) is not True:
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
    for path, node, known in _maps(compiled, subject):
        yield from _misses_of(node, path, known, subject)


def deprecated_keys(compiled: CompiledSchema, subject: Subject) -> Iterator[tuple[Path, Node]]:
    """Keys that every part of the schema that names them calls deprecated, with their paths."""
    if not compiled.deprecates:
        return
    for path, node, known in _maps(compiled, subject):
        for key, _ in node.entries:
            places = [compiled.resolve(place).schema for place in known.named.get(key.value, ())]
            if places and all(isinstance(schema, dict) and schema.get("deprecated") is True for schema in places):
                yield (*path, key.value), key


def _maps(compiled: CompiledSchema, subject: Subject) -> Iterator[tuple[Path, Node, KnownKeys]]:
    """Every map of a document with what the schema says about its keys."""
    stack: list[tuple[Path, Node, list[Place]]] = [((), subject.root, [Place(compiled.root, compiled.uri)])]
    seen: set[tuple[int, tuple[int, ...]]] = set()
    read: dict[tuple[int, ...], KnownKeys] = {}
    conditional: dict[tuple[int, ...], bool] = {}
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
            conditional[schemas] = any("if" in part.schema for part in _in_place(compiled, places))
        known = known_keys(compiled, places, node) if conditional[schemas] else read[schemas]
        if node.kind is Kind.SEQ:
            for i, child in enumerate(node.children):
                leading = known.leading_items[i] if i < len(known.leading_items) else known.items
                stack.append(((*path, i), child, leading))
            continue
        yield path, node, known
        stack += [((*path, key.value), value, known.below(key.value)) for key, value in node.entries]


def misplaced(compiled: CompiledSchema, subject: Subject, problems: Sequence[Problem]) -> list[NearMiss]:
    """Keys that are taken for free names, whose value is wrong as a whole, and that are almost a key with a meaning.

    `inlude: [...]` is read as the name of a job, which a list cannot be.
    """
    found: dict[Path, NearMiss] = {}
    for problem in problems:
        spot = subject.spot(problem.path) if problem.path and isinstance(problem.path[-1], str) else None
        if spot is None or spot.key is None or problem.path in found or not _is_wrong_as_a_whole(problem, spot.node):
            continue
        parent = subject.spot(problem.path[:-1])
        known = _known_at(compiled, subject, problem.path[:-1])
        if parent is None or not (known.others or known.patterns) or spot.key.value in known.named:
            continue
        node = parent.node.resolved()
        suggestion = nearest(spot.key.value, [name for name in known.named if node.entry(name) is None])
        if suggestion and is_very_close(spot.key.value, suggestion):
            found[problem.path] = NearMiss(problem.path, spot.key, suggestion)
    return list(found.values())


def _is_wrong_as_a_whole(problem: Problem, node: Node) -> bool:
    if problem.keyword == "type":
        return True
    unexpected = problem.detail.get("unexpected", ())
    return bool(unexpected) and len(unexpected) == len(node.resolved().entries)


def _known_at(compiled: CompiledSchema, subject: Subject, path: Path) -> KnownKeys:
    """What the schema says about the keys of the map at a path; nothing where the path leads out of the tree."""
    places = [Place(compiled.root, compiled.uri)]
    for depth, step in enumerate(path):
        spot = subject.spot(path[:depth])
        if spot is None:
            return KnownKeys()
        known = known_keys(compiled, places, spot.node.resolved())
        if isinstance(step, int):
            places = known.leading_items[step] if step < len(known.leading_items) else known.items
        else:
            places = known.below(step)
    spot = subject.spot(path)
    return known_keys(compiled, places, spot.node.resolved() if spot is not None else None)


def _misses_of(node: Node, path: Path, known: KnownKeys, subject: Subject) -> Iterator[NearMiss]:
    if known.states_openness or not known.named:
        return
    free = [name for name in known.named if node.entry(name) is None]
    for key, _ in node.entries:
        if key.kind is not Kind.SCALAR or known.knows(key.value) or key.value.startswith(("x-", "_", "$", "<<", "//")):
            continue
        if subject.is_templated_key(key):
            continue
        suggestion = nearest(key.value, free)
        if suggestion and is_very_close(key.value, suggestion):
            yield NearMiss((*path, key.value), key, suggestion)


def is_very_close(key: str, suggestion: str) -> bool:
    """Closer than a suggestion must be elsewhere: here the key is allowed, and short words are near to each other."""
    if len(key) < 4 and (len(key) < 3 or len(suggestion) != 4):
        return False
    return distance(key.lower(), suggestion.lower()) <= (1 if len(key) < 8 else 2)
