"""The list of mutations, filled by the modules beside this one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.corpus.mutating.source import Mutant, Pair, Source

Make = Callable[[Source, random.Random], Mutant | None]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to make a mistake: None where the text has no place for it."""

    name: str
    kinds: frozenset[str]
    make: Make


MUTATIONS: list[Mutation] = []

ALL_KINDS = (
    "kubernetes compose github-workflow gitlab-ci cloudformation helm-values ansible openapi prometheus package-json "
    "environments"
)


def mutation(kinds: str) -> Callable[[Make], Make]:
    """Put a function into the list, for kinds separated by blanks."""

    def put(make: Make) -> Make:
        MUTATIONS.append(Mutation(make.__name__.strip("_"), frozenset(kinds.split()), make))
        return make

    return put


def pick(pairs: list[Pair], rng: random.Random) -> Pair | None:
    """One of them, or None when there are none."""
    return rng.choice(pairs) if pairs else None


def changed(source: Source, pair: Pair, text: str, cls: str, *also: str) -> Mutant:
    """A scalar replaced, with the mistake where it stands."""
    line = pair.value.start_mark.line + 1
    return Mutant(source.replace(pair.value, text), line, cls, frozenset({pair.line}), frozenset(also))


def added(source: Source, beside: Pair, lines: list[str], at: int, cls: str, *also: str) -> Mutant:
    """New lines beside a pair, with the mistake in the line number `at` of them (0-based)."""
    text, first = source.add_key(beside, lines)
    return Mutant(text, first + at, cls, also=frozenset(also))
