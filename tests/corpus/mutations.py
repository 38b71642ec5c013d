"""Seeded mistakes in any text: `mutants(text, kind)` gives every mistake that fits, each with its line and class.

The modules of `mutating` know the formats through PyYAML's nodes alone, so that the engine and the validator cannot be
wrong in the same way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import yaml

from tests.corpus.mutating import (
    cloudformation,
    compose,
    general,
    kubernetes,
    kubernetes_objects,
    pipelines,
    projects,
    services,
    tables,
)
from tests.corpus.mutating.registry import MUTATIONS
from tests.corpus.mutating.source import Mutant, Source

__all__ = ["MUTATIONS", "Mutant", "between", "mutants"]

_MODULES = (cloudformation, compose, general, kubernetes, kubernetes_objects, pipelines, projects, services, tables)
"""Imported so that they fill the list."""


def mutants(text: str, kind: str, json: bool = False, seed: str = "") -> Iterator[tuple[str, Mutant]]:
    """Each mutation of a kind that finds a place in the text, by name. The same seed gives the same mutants."""
    try:
        source = Source(text, json)
    except yaml.YAMLError:
        return
    if "\ufeff" in text or "\r" in text or ("\t" in text and json is False):
        return
    for one in MUTATIONS:
        if kind in one.kinds:
            found = one.make(source, random.Random(f"{seed}/{one.name}"))
            if found is not None and found.text != text:
                yield one.name, found


def between(production: str, staging: str, json: bool, seed: str = "") -> Iterator[tuple[str, Mutant]]:
    """The mistakes of one environment against another, in the first text."""
    for make in projects.BETWEEN:
        try:
            found = make(production, staging, json, random.Random(f"{seed}/{make.__name__}"))
        except yaml.YAMLError:
            return
        if found is not None and found.text != production:
            yield make.__name__, found
