"""Mistakes in package.json, and between the environments of an application."""

from __future__ import annotations

import random

import yaml

from tests.corpus.mutating.registry import added, changed, mutation, pick
from tests.corpus.mutating.source import Mutant, Source
from tests.corpus.mutating.words import password

PACKAGE = "package-json"
ENVIRONMENTS = "environments"


@mutation(PACKAGE)
def missing_script(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.path[1:2] == ("scripts",) and len(p.path) == 3 and source.simple(p)), rng)
    return changed(source, pair, '"npm run not-a-script"', "dangling-ref") if pair else None


@mutation(PACKAGE)
def two_versions(source: Source, rng: random.Random) -> Mutant | None:
    """One package among the dependencies and the development dependencies, with another version."""
    one = pick(source.where(lambda p: p.path[1:2] == ("dependencies",) and len(p.path) == 3 and source.simple(p)), rng)
    other = pick(
        source.where(lambda p: p.path[1:2] == ("devDependencies",) and len(p.path) == 3 and source.simple(p)), rng
    )
    if one is None or other is None:
        return None
    found = added(source, other, [f'"{one.name}": "0.0.1"'], 0, "conflict", "dup-name", "dup-key")
    line = one.line + (1 if one.line >= found.line else 0)
    return Mutant(found.text, found.line, found.cls, frozenset({line}), found.also)


@mutation(PACKAGE)
def any_version(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.path[1:2] == ("dependencies",) and len(p.path) == 3 and source.simple(p)), rng)
    return changed(source, pair, rng.choice(['"latest"', '"*"']), "latest-tag") if pair else None


@mutation(PACKAGE)
def plain_download(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.path[1:2] == ("dependencies",) and len(p.path) == 3 and source.simple(p)), rng)
    return changed(source, pair, '"http://packages.example.com/a.tgz"', "unencrypted") if pair else None


@mutation(ENVIRONMENTS)
def written_secret(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: source.simple(p) and source.first_on_line(p) and "images" not in p.path), rng)
    if pair is None:
        return None
    secret = password(rng)
    line = f'"ApiSecret": "{secret}"' if source.json else f"api-secret: {secret}"
    return added(source, pair, [line], 0, "hardcoded-secret", "secret-env")


def without_key(production: str, staging: str, json: bool, rng: random.Random) -> Mutant | None:
    """A key that both have, left out of the first; the place is its line in the second."""
    source, other = Source(production, json), Source(staging, json)
    there = {p.path: p for p in other.pairs}
    pair = pick(
        source.where(
            lambda p: p.path in there and source.simple(p) and source.first_on_line(p) and len(p.parent.value) > 1
            and not (json and not source.lines[p.line - 1].rstrip().endswith(","))
            and len(p.path) > 1 and p.parent.value[0][0] is not p.key
        ),
        rng,
    )  # fmt: skip
    if pair is None:
        return None
    above = next((p.line for p in source.pairs if p.value is pair.parent), 1)
    text = source.without(pair) if not json else "\n".join([*source.lines[: pair.line - 1], *source.lines[pair.line :]])
    return Mutant(text, there[pair.path].line, "drift", frozenset({above, pair.parent.value[0][0].start_mark.line + 1}))


def other_type(production: str, staging: str, json: bool, rng: random.Random) -> Mutant | None:
    """A number or a truth value that became a word in the first."""
    source, other = Source(production, json), Source(staging, json)
    there = {p.path: p for p in other.pairs}
    pair = pick(
        source.where(
            lambda p: p.path in there and source.simple(p) and isinstance(p.value, yaml.ScalarNode)
            and p.value.style is None and (p.text.isdigit() or p.text in ("true", "false"))
        ),
        rng,
    )  # fmt: skip
    return changed(source, pair, '"several"', "drift", "wrong-type", "invalid-value") if pair else None


def debug_on(production: str, staging: str, json: bool, rng: random.Random) -> Mutant | None:
    """Debugging switched on in production."""
    source = Source(production, json)
    pair = pick(source.where(lambda p: source.simple(p) and source.first_on_line(p) and len(p.path) == 3), rng)
    line = '"debug": true' if json else "debug: true"
    return added(source, pair, [line], 0, "drift", "auth-off", "open-to-world", "invalid-value") if pair else None


BETWEEN = (without_key, other_type, debug_on)
"""Mistakes of one environment against another: (production, staging, json, rng) -> Mutant."""
