"""Mistakes that are one word: names of keys, enumerations, types and formats, as tables for each kind."""

from __future__ import annotations

import random
from collections.abc import Mapping

from tests.corpus.mutating.registry import changed, mutation, pick
from tests.corpus.mutating.source import Mutant, Pair, Source, typo
from tests.corpus.mutating.words_by_kind import ENUMS, FREE, GOVERNED, REQUIRED, TYPES, VALUES


def governed(kind: str, pair: Pair) -> bool:
    """Whether the place is one where the format names the keys. Where it is not certain, no."""
    path = [str(step) for step in pair.path[:-1]]
    if any(step in FREE or ("/" in step and kind == "kubernetes") for step in path):
        return False
    inside = path[1:]
    match kind:
        case "kubernetes":
            return _native(pair)
        case "compose":
            return bool(inside) and inside[0] in ("services", "volumes", "networks") and len(inside) in (2, 3)
        case "github-workflow":
            return len(inside) < 2 or inside[0] == "on" or (inside[0] == "jobs" and len(inside) in (2, 3, 4))
        case "gitlab-ci":
            return len(inside) in (1, 2) and inside[0] not in ("workflow", "include", "stages", "spec")
        case "cloudformation":
            return len(inside) in (2, 3) and inside[0] == "Resources" and inside[-1] != "Metadata"
        case "openapi":
            return (len(inside) in (1, 3) and inside[0] in ("paths", "info")) or (
                len(inside) == 5 and inside[0] == "paths"
            )
        case "ansible":
            return len(inside) == 1 or (len(inside) == 3 and inside[1] in ("tasks", "handlers", "pre_tasks", "block"))
        case "package-json":
            return len(inside) == 0 or inside == ["compilerOptions"]
        case _:
            return True


def _native(pair: Pair) -> bool:
    return not {"values", "valuesObject", "spec_"} & {str(step) for step in pair.path}


def _table(
    source: Source, rng: random.Random, table: Mapping[str, str], cls: str, kind: str, *also: str
) -> Mutant | None:
    pair = pick(
        source.where(lambda p: p.name in table and source.simple(p) and governed(kind, p) and _fits(kind, cls, p)), rng
    )
    return changed(source, pair, table[pair.name], cls, *also) if pair else None


def _fits(kind: str, cls: str, pair: Pair) -> bool:
    """Keys that mean different things in different places, told apart."""
    path = [str(step) for step in pair.path]
    if kind == "openapi" and pair.name in ("type", "in", "style"):
        return "parameters" in path
    if kind == "openapi" and pair.name == "required":
        return "parameters" in path and pair.text in ("true", "false")
    if kind == "package-json" and pair.name in ("type", "version", "license"):
        return len(path) == 2
    if kind == "ansible" and pair.name == "state":
        return any(str(step).split(".")[-1] in ("apt", "package", "yum", "dnf", "pip") for step in path)
    if kind == "cloudformation" and pair.name == "Protocol":
        return "Listener" in " ".join(path) or "TargetGroup" in " ".join(path)
    if kind == "gitlab-ci" and pair.name == "stage":
        return len(path) == 3
    if kind in ("kubernetes", "helm-values") and pair.name in ("cpu", "memory"):
        return "resources" in path
    if kind == "kubernetes" and pair.name == "storage":
        return "requests" in path
    if kind in ("kubernetes", "helm-values") and pair.name == "port":
        return pair.text.isdigit()
    return True


def _for_each_kind() -> None:
    for kind in GOVERNED:
        _register(kind)


def _register(kind: str) -> None:
    words = frozenset(GOVERNED[kind].split())

    @mutation(kind)
    def unknown_key(source: Source, rng: random.Random) -> Mutant | None:
        pair = pick(source.where(lambda p: p.name in words and source.own_line(p) and governed(kind, p)), rng)
        if pair is None:
            return None
        slip = typo(pair.name, rng)
        quote = '"' if source.text[pair.key.start_mark.index] == '"' else ""
        return Mutant(source.replace(pair.key, f"{quote}{slip}{quote}"), pair.line, "unknown-key")


def _register_tables() -> None:
    for kind in sorted({*ENUMS, *TYPES, *VALUES, *REQUIRED}):
        _register_words(kind)


def _register_words(kind: str) -> None:
    if kind in ENUMS:

        @mutation(kind)
        def invalid_enum(source: Source, rng: random.Random) -> Mutant | None:
            return _table(source, rng, ENUMS[kind], "invalid-enum", kind, "invalid-value")

    if kind in TYPES:

        @mutation(kind)
        def wrong_type(source: Source, rng: random.Random) -> Mutant | None:
            return _table(source, rng, TYPES[kind], "wrong-type", kind)

    if kind in VALUES:

        @mutation(kind)
        def invalid_value(source: Source, rng: random.Random) -> Mutant | None:
            return _table(source, rng, VALUES[kind], "invalid-value", kind, "wrong-type" if kind != "ansible" else "")

    if kind in REQUIRED:

        @mutation(kind)
        def missing_required(source: Source, rng: random.Random) -> Mutant | None:
            return _without_required(source, rng, kind)


def _without_required(source: Source, rng: random.Random, kind: str) -> Mutant | None:
    words = frozenset(REQUIRED[kind].split())
    pair = pick(
        source.where(
            lambda p: (
                p.name in words
                and source.first_on_line(p)
                and len(p.parent.value) > 1
                and p.parent.value[0][0] is not p.key
                and governed(kind, p)
                and needed(source, kind, p)
            )
        ),
        rng,
    )
    if pair is None:
        return None
    first = pair.parent.value[0][0].start_mark.line + 1
    above = next((p.line for p in source.pairs if p.value is pair.parent), first)
    return Mutant(source.without(pair), above, "missing-required", frozenset({first}))


def needed(source: Source, kind: str, pair: Pair) -> bool:
    """Whether this very key is one that must be there."""
    path = [str(step) for step in pair.path]
    beside = {str(key.value) for key, _ in pair.parent.value}
    match kind, pair.name:
        case "kubernetes", "selector" | "template":
            document = source.documents[int(path[0])]
            kind_of = next((v.value for k, v in document.value if k.value == "kind"), "")
            return len(path) == 3 and kind_of in ("Deployment", "StatefulSet", "DaemonSet")
        case "compose", "image":
            return len(path) == 4 and not beside & {"build", "extends", "<<"}
        case "gitlab-ci", "script":
            return len(path) == 3 and not path[1].startswith(".") and not beside & {"extends", "<<", "trigger", "run"}
        case "github-workflow", "runs-on":
            return len(path) == 4
        case "openapi", "responses":
            return len(path) == 5
        case "openapi", "version" | "title":
            return len(path) == 3 and path[1] == "info"
        case "prometheus", "receiver":
            return len(path) == 3
        case "ansible", "hosts":
            return len(path) == 3
        case _:
            return True


_for_each_kind()
_register_tables()
