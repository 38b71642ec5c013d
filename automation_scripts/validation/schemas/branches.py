"""Of an `anyOf` or `oneOf` that fits nowhere, the alternative that was meant, and what is really wrong with it.

"Not valid under any of the schemas" helps no one. The alternative that was meant is found in this order: it is not of
another type than the value; its discriminator (`type: x`) fits; it has the fewest missing and unknown keys; it has
the fewest problems. Alternatives that only object to templates fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from automation_scripts.validation.documents.tree import PathKey
from automation_scripts.validation.schemas.problems import Problem

Excuse = Callable[[Problem], bool]
Path = tuple[PathKey, ...]
ALTERNATIVES = frozenset({"anyOf", "oneOf"})
_CHOICES = frozenset({"enum", "const"})


def settle(problems: Sequence[Problem], excused: Excuse) -> list[Problem]:
    """The problems to report: alternatives replaced by the meant one's own problems, excused ones left out."""
    settled: list[Problem] = []
    for problem in problems:
        if excused(problem):
            continue
        if problem.keyword in ALTERNATIVES and any(problem.branches):
            settled.extend(_meant(problem, excused))
        else:
            settled.append(problem)
    return _distinct(settled)


def _meant(problem: Problem, excused: Excuse) -> list[Problem]:
    fitting = sum(not branch for branch in problem.branches)
    if problem.keyword == "oneOf" and fitting > 1:
        return [problem]
    branches = [settle(branch, excused) for branch in problem.branches]
    if not all(branches):
        return []  # fits, but for a template
    at = problem.path
    branches = [branch for branch in branches if not _wants_placeholder(branch, at)] or branches
    branches = [branch for branch in branches if not _wants_reference(branch, at)] or branches
    branches = _of_the_values_type(branches, at) or branches
    if all(_has_other_type(branch, at) for branch in branches):
        return [_merged(_types(branches, at), "types")]
    chosen = _by_discriminator(branches, at)
    if len(chosen) == 1 and len(chosen[0]) == 1:
        return chosen[0]
    ranked = sorted(chosen, key=lambda branch: (_misshapen(branch, at), len(branch)))
    best = (_misshapen(ranked[0], at), len(ranked[0]))
    return _combined([branch for branch in ranked if (_misshapen(branch, at), len(branch)) == best])


def _has_other_type(branch: list[Problem], at: Path) -> bool:
    return any(problem.keyword == "type" and problem.path == at for problem in branch)


def _wants_placeholder(branch: list[Problem], at: Path) -> bool:
    """True for the alternative "or an expression": a value that is none was not meant to be one."""
    return any(
        problem.keyword == "pattern" and problem.path == at and "{\\{" in str(problem.detail.get("pattern"))
        for problem in branch
    )


def _wants_reference(branch: list[Problem], at: Path) -> bool:
    """True for the alternative "or a reference": a map without `$ref` was not meant to be one."""
    return any(
        problem.keyword == "required" and problem.path == at and problem.detail.get("property") == "$ref"
        for problem in branch
    )


def _of_the_values_type(branches: list[list[Problem]], at: Path) -> list[list[Problem]]:
    return [branch for branch in branches if not _has_other_type(branch, at)]


def _types(branches: list[list[Problem]], at: Path) -> list[Problem]:
    return [next(p for p in branch if p.keyword == "type" and p.path == at) for branch in branches]


def _by_discriminator(branches: list[list[Problem]], at: Path) -> list[list[Problem]]:
    """The branches whose discriminator fits; when it fits none, one branch that says which values it may have.

    A discriminator is a key of which a branch wants exactly one value (`const`, or an `enum` of one), and the others
    want other values.
    """
    choices = [{p.path: p for p in branch if _wants_listed_value(p, at)} for branch in branches]
    for path in sorted(set.intersection(*(set(found) for found in choices)), key=str):
        wanted = [_wanted(found[path], "options") for found in choices]
        merged = _merged([found[path] for found in choices], "options")
        # Lists that share nothing tell the branches apart; one value in one of them shows that they are meant to.
        if len(merged.detail["options"]) == sum(map(len, wanted)) and any(len(values) == 1 for values in wanted):
            return [[merged]]
    objecting = [any(len(_wanted(problem, "options")) == 1 for problem in found.values()) for found in choices]
    return [branch for branch, objects in zip(branches, objecting, strict=True) if not objects] or branches


def _wants_listed_value(problem: Problem, at: Path) -> bool:
    is_child = len(problem.path) == len(at) + 1 and problem.path[: len(at)] == at
    return problem.keyword in _CHOICES and is_child


def _misshapen(branch: list[Problem], at: Path) -> int:
    """How many keys are missing or too many at the alternative's own level."""
    count = 0
    for problem in branch:
        if problem.path == at:
            count += len(problem.detail.get("unexpected", ())) or len(problem.detail.get("properties", ())) or 1
    return count


def _combined(branches: list[list[Problem]]) -> list[Problem]:
    """Alternatives that are equally good: one problem that names them all where they differ in one thing only."""
    if len(branches) == 1:
        return branches[0]
    if all(len(branch) == 1 for branch in branches):
        first = [branch[0] for branch in branches]
        if len({problem.path for problem in first}) == 1:
            keywords = {problem.keyword for problem in first}
            if keywords == {"required"}:
                return [_required_any(first)]
            if keywords <= _CHOICES:
                return [_merged(first, "options")]
            if keywords == {"type"}:
                return [_merged(first, "types")]
            if listed := [problem for problem in first if problem.keyword in _CHOICES]:
                return [_merged(listed, "options")]
    return branches[0]


def _required_any(problems: list[Problem]) -> Problem:
    names = list(dict.fromkeys(problem.detail["property"] for problem in problems))
    if len(names) == 1:
        return problems[0]
    return replace(problems[0], detail={"properties": names})


def _merged(problems: list[Problem], name: str) -> Problem:
    values: list[Any] = []
    for problem in problems:
        for value in _wanted(problem, name):
            if value not in values:
                values.append(value)
    keyword = "enum" if name == "options" else problems[0].keyword
    return replace(problems[0], keyword=keyword, detail={name: values})


def _wanted(problem: Problem, name: str) -> list[Any]:
    if problem.keyword == "const":
        return [problem.detail.get("expected_value")]
    return list(problem.detail.get(name, ()))


def _distinct(problems: list[Problem]) -> list[Problem]:
    kept: list[Problem] = []
    seen: set[str] = set()
    for problem in problems:
        key = repr((problem.keyword, problem.path, problem.detail))
        if key not in seen:
            seen.add(key)
            kept.append(problem)
    return kept
