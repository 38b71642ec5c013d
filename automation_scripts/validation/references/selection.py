"""Short paths from one node to others: `jobs.*.steps[].id`, `**.cluster`, `services.*`.

Smaller than `documents.selectors`: it starts at any node, and a step is a whole key, `*`, `[]` or `**`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from automation_scripts.validation.documents.scalars import items, pairs
from automation_scripts.validation.documents.tree import Kind, Node, PathKey

Path = tuple[PathKey, ...]
Steps = tuple[str, ...]
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Place:
    """A node, its key where it has one, the map or list that holds it, and its path below the start."""

    node: Node
    key: Node | None
    parent: Node | None
    path: Path


def steps_of(text: str) -> Steps:
    """The steps of a path: `a.b[].c` is `a`, `b`, `[]`, `c`. The empty text is no step at all."""
    return tuple(step for part in text.replace("[]", ".[]").split(".") if (step := part.strip()))


def select(start: Node, steps: Steps) -> Iterator[Place]:
    """What the steps lead to from `start`, in the order of the text; aliases are followed, and a lone scalar counts as
    a list of one."""
    yield from _select(Place(start.resolved(), None, None, ()), steps, 0)


def _select(place: Place, steps: Steps, depth: int) -> Iterator[Place]:
    if not steps:
        yield place
        return
    if depth > _MAX_DEPTH:
        return
    step, rest = steps[0], steps[1:]
    node = place.node
    if step == "**":
        yield from _below(place, rest, set())
    elif step == "[]":
        for i, item in enumerate(items(node)):
            yield from _select(Place(item, None, node, (*place.path, i)), rest, depth + 1)
    elif step == "*":
        for key, value in pairs(node):
            yield from _select(Place(value, key, node, (*place.path, key.value)), rest, depth + 1)
    elif (entry := node.entry(step)) is not None:
        yield from _select(Place(entry[1].resolved(), entry[0], node, (*place.path, step)), rest, depth + 1)


def _below(place: Place, rest: Steps, seen: set[int]) -> Iterator[Place]:
    """`rest` from every node below, each node once: aliases may lead to one place on many ways."""
    stack = [place]
    while stack:
        here = stack.pop()
        if id(here.node) in seen or len(here.path) > _MAX_DEPTH or here.node.kind is Kind.SCALAR:
            continue
        seen.add(id(here.node))
        yield from _select(here, rest, 0)
        below = [Place(value, key, here.node, (*here.path, key.value)) for key, value in pairs(here.node)]
        if here.node.kind is Kind.SEQ:
            below = [Place(c.resolved(), None, here.node, (*here.path, i)) for i, c in enumerate(here.node.children)]
        stack += reversed(below)
