"""Mistakes that any format can have: keys given twice, and text that no reader accepts."""

from __future__ import annotations

import random

import yaml

from tests.corpus.mutating.registry import ALL_KINDS, mutation, pick
from tests.corpus.mutating.source import Mutant, Source


@mutation(ALL_KINDS)
def dup_key(source: Source, rng: random.Random) -> Mutant | None:
    """The same key again, some keys further down or at once, with another value."""
    pair = pick(source.where(lambda p: source.simple(p) and source.first_on_line(p) and p.name != "<<"), rng)
    if pair is None:
        return None
    indent = " " * pair.key.start_mark.column
    if source.json:
        line = f'{indent}"{pair.name}": "other",'
        return Mutant(source.insert(pair.line - 1, [line]), pair.line + 1, "dup-key", frozenset({pair.line}))
    last = source.last_line(pair.parent)
    key = source.text[pair.key.start_mark.index : pair.key.end_mark.index]
    text = source.insert(last, [f"{indent}{key}: other"])
    return Mutant(text, last + 1, "dup-key", frozenset({pair.line}))


def _broken(source: Source, rng: random.Random, value: str) -> Mutant | None:
    pair = pick(source.where(lambda p: source.simple(p) and not p.value.style), rng)  # type: ignore[attr-defined]
    if pair is None or source.json:
        return None
    text = source.replace(pair.value, value.format(pair.text))
    return Mutant(text, pair.line, "syntax") if unreadable(text) else None


def unreadable(text: str) -> bool:
    """Whether PyYAML rejects it: a quote or bracket that is left open may be closed further down by another one."""
    try:
        for _ in yaml.compose_all(text, Loader=yaml.CSafeLoader):
            pass
    except yaml.YAMLError:
        return True
    return False


@mutation(ALL_KINDS)
def syntax_second_colon(source: Source, rng: random.Random) -> Mutant | None:
    """`key: a: b` on one line."""
    return _broken(source, rng, "{} note: more")


@mutation(ALL_KINDS)
def syntax_open_quote(source: Source, rng: random.Random) -> Mutant | None:
    """A quote that is never closed."""
    return _broken(source, rng, '"{}')


@mutation(ALL_KINDS)
def syntax_open_bracket(source: Source, rng: random.Random) -> Mutant | None:
    """A flow list that is never closed."""
    return _broken(source, rng, "[{}, other")


@mutation(ALL_KINDS)
def syntax_reserved(source: Source, rng: random.Random) -> Mutant | None:
    """A plain value that begins with a reserved character."""
    return _broken(source, rng, "@{}")


@mutation(ALL_KINDS)
def syntax_tab(source: Source, rng: random.Random) -> Mutant | None:
    """A tab in place of the indentation."""
    pair = pick(
        source.where(lambda p: source.simple(p) and source.first_on_line(p) and p.key.start_mark.column > 1), rng
    )
    if pair is None or source.json:
        return None
    lines = list(source.lines)
    lines[pair.line - 1] = "\t" + lines[pair.line - 1].lstrip(" ")
    return Mutant("\n".join(lines), pair.line, "syntax")


@mutation(ALL_KINDS)
def syntax_indentation(source: Source, rng: random.Random) -> Mutant | None:
    """A key one column to the left of its siblings, and so in no map."""
    pair = pick(
        source.where(
            lambda p: (
                source.simple(p)
                and source.first_on_line(p)
                and p.key.start_mark.column > 1
                and p.parent.value[0][0] is not p.key
            )
        ),
        rng,
    )
    if pair is None or source.json:
        return None
    lines = list(source.lines)
    lines[pair.line - 1] = lines[pair.line - 1][1:]
    return Mutant("\n".join(lines), pair.line, "syntax")


@mutation(ALL_KINDS)
def syntax_json_comma(source: Source, rng: random.Random) -> Mutant | None:
    """A comma left out between two members of an object."""
    if not source.json:
        return None
    pair = pick(
        source.where(
            lambda p: source.simple(p) and source.lines[p.line - 1].rstrip().endswith(",") and source.first_on_line(p)
        ),
        rng,
    )
    if pair is None:
        return None
    lines = list(source.lines)
    lines[pair.line - 1] = lines[pair.line - 1].rstrip()[:-1]
    return Mutant("\n".join(lines), pair.line, "syntax", frozenset({pair.line + 1}))


@mutation(ALL_KINDS)
def syntax_json_quote(source: Source, rng: random.Random) -> Mutant | None:
    """A key whose closing quote is missing."""
    if not source.json:
        return None
    pair = pick(source.where(lambda p: source.simple(p) and source.first_on_line(p)), rng)
    if pair is None:
        return None
    end = pair.key.end_mark.index - 1
    return Mutant(source.text[:end] + source.text[end + 1 :], pair.line, "syntax")


@mutation(ALL_KINDS)
def dangling_alias(source: Source, rng: random.Random) -> Mutant | None:
    """An alias without its anchor."""
    found = _broken(source, rng, "*not_an_anchor")
    return found and Mutant(found.text, found.line, "dangling-ref", also=frozenset({"syntax"}))
