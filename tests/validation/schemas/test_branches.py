"""Alternatives (`anyOf`, `oneOf`): the one that was meant is judged, whatever order they stand in."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.results import Finding
from automation_scripts.validation.schemas.branches import settle
from automation_scripts.validation.schemas.compiled import CompiledSchema
from automation_scripts.validation.schemas.problems import Problem, leaves
from tests.validation.schemas.support import check, write

SQL = {
    "properties": {"type": {"const": "sql"}, "dsn": {"type": "string"}, "pool": {"type": "integer"}},
    "required": ["type", "dsn"],
    "additionalProperties": False,
}
FILE = {
    "properties": {"type": {"const": "file"}, "path": {"type": "string"}, "mode": {"enum": ["ro", "rw"]}},
    "required": ["type", "path"],
    "additionalProperties": False,
}
NAME = {"type": "string", "enum": ["memory", "none"]}


def judge(folder: Path, keyword: str, parts: list[Any], text: str) -> list[Finding]:
    """The findings for `store: ...` that must be one of the parts."""
    schema = write(folder, "s.json", json.dumps({"properties": {"store": {keyword: parts}}}))
    return check(folder, {"a.yaml": text}, user_schema=schema)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("store: {type: sql, dsn: x, pool: many}\n", [(34, "wrong-type")]),
        ("store: {type: file, path: x, mode: rx}\n", [(36, "invalid-enum")]),
        ("store: {type: file, pth: x}\n", [(21, "unknown-key")]),
        ("store: {type: sqll, dsn: x}\n", [(15, "invalid-enum")]),
        ("store: {dsn: x, pool: 1}\n", [(1, "missing-required")]),
        ("store: memry\n", [(8, "invalid-enum")]),
        ("store: [memory]\n", [(1, "wrong-type")]),
        ("store: 3\n", [(8, "wrong-type")]),
        ("store: memory\n", []),
        ("store: {type: sql, dsn: '${DSN}', pool: '${POOL}'}\n", []),
        ("store: '${STORE}'\n", []),
    ],
)
@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_the_meant_alternative_is_judged(
    tmp_path: Path, keyword: str, text: str, expected: list[tuple[int, str]]
) -> None:
    parts = [{"type": "object", **SQL}, {"type": "object", **FILE}, NAME]
    for order in list(itertools.permutations(parts))[::2]:
        found = judge(tmp_path, keyword, list(order), text)
        assert [(f.column, f.tags[0]) for f in found] == expected, order
        assert all("any of" not in f.message for f in found)


def test_a_wrong_discriminator_lists_what_it_may_be(tmp_path: Path) -> None:
    (found,) = judge(
        tmp_path, "oneOf", [{"type": "object", **SQL}, {"type": "object", **FILE}], "store: {type: sqll}\n"
    )
    assert "Allowed: sql, file." in found.message
    assert found.suggestion == "Did you mean `sql`?"


def test_types_of_all_alternatives_are_named(tmp_path: Path) -> None:
    (found,) = judge(tmp_path, "anyOf", [{"type": "integer"}, {"type": "array"}, {"type": "null"}], "store: {a: 1}\n")
    assert found.message == "`store` must be a whole number or a list, but it is a map."


def test_keys_that_exclude_each_other_are_named(tmp_path: Path) -> None:
    parts = [{"required": ["image"]}, {"required": ["build"]}]
    (both,) = judge(tmp_path, "oneOf", parts, "store: {image: a, build: b}\n")
    assert "`image` and `build`, and only one of them may be there" in both.message
    (none,) = judge(tmp_path, "oneOf", parts, "store: {other: a}\n")
    assert none.tags == ("missing-required",)
    assert "`image`, `build`" in none.message


def test_alternatives_inside_alternatives(tmp_path: Path) -> None:
    inner = {"anyOf": [{"type": "object", **SQL}, {"type": "object", **FILE}]}
    parts = [{"type": "array", "items": inner}, inner]
    found = judge(tmp_path, "anyOf", parts, "store:\n  - {type: sql, dsn: x}\n  - {type: file, path: [x]}\n")
    assert [(f.line, f.column, f.tags[0]) for f in found] == [(3, 18, "wrong-type")]


# Whatever the schema and the data are: problems stay problems, and nothing breaks ------------------------------

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "${X}"])
data = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=8,
)
simple = st.sampled_from(
    [
        {"type": "string"}, {"type": "integer"}, {"type": "object"}, {"enum": ["a", 1]}, {"const": "b"},
        {"required": ["a"]}, {"additionalProperties": False}, {"minimum": 1}, {"maxItems": 1}, {"pattern": "^a"},
    ]
)  # fmt: skip
schemas = st.recursive(
    simple,
    lambda below: st.one_of(
        st.lists(below, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
        st.lists(below, min_size=1, max_size=3).map(lambda parts: {"oneOf": parts}),
        st.dictionaries(st.sampled_from("abc"), below, max_size=3).map(lambda parts: {"properties": parts}),
        below.map(lambda part: {"items": part}),
        below.map(lambda part: {"not": part}),
    ),
    max_leaves=8,
)


def problems_of(schema: Any, value: Any) -> list[Problem]:
    return CompiledSchema(schema, "https://test.invalid/s", "test").problems(value)


@settings(max_examples=200, deadline=None)
@given(schemas, data)
def test_what_is_invalid_keeps_a_problem_and_what_is_valid_has_none(schema: Any, value: Any) -> None:
    problems = problems_of(schema, value)
    settled = settle(problems, lambda _: False)
    assert bool(settled) == bool(problems)
    assert all(problem.keyword != "anyOf" or not any(problem.branches) for problem in settled)


@settings(max_examples=100, deadline=None)
@given(schemas, data)
def test_what_is_excused_altogether_leaves_nothing(schema: Any, value: Any) -> None:
    assert settle(problems_of(schema, value), lambda _: True) == []


@settings(max_examples=100, deadline=None)
@given(schemas, data)
def test_problems_cross_a_process_border_unchanged(schema: Any, value: Any) -> None:
    for problem in problems_of(schema, value):
        assert Problem.from_plain(json.loads(json.dumps(problem.to_plain()))) == problem
        assert list(leaves(problem)) or any(not branch for branch in problem.branches)
