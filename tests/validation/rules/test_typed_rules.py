"""Rules against the schemas of their kinds: impossible paths and impossible comparisons, and nothing where a schema is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.validation.rules.check import rules_in
from automation_scripts.validation.typed_rules import type_problems

RULE = """\
rules:
  - id: own/rule
    class: invalid-value
    kind: {kind}
    select: '{select}'
    assert: {holds}
    message: "{{path}}"
"""


def problems(tmp_path: Path, kind: str, select: str, holds: str) -> list[str]:
    file = tmp_path / "rules.yaml"
    file.write_text(RULE.format(kind=kind, select=select, holds=holds))
    (rule,) = rules_in([file])
    return type_problems(rule)


@pytest.mark.parametrize(
    ("kind", "select", "word", "guess"),
    [
        ("compose", "services.*.imagee", "imagee", "image"),
        ("kubernetes/Deployment", "spec.replica", "replica", "replicas"),
        ("kubernetes/Deployment", "spec.template.spec.contaners[*].image", "contaners", "containers"),
        ("github-workflow", "jobs.*.timeout-minute", "timeout-minute", "timeout-minutes"),
    ],
)
def test_a_path_that_no_document_can_have_is_told(
    tmp_path: Path, kind: str, select: str, word: str, guess: str
) -> None:
    (problem,) = problems(tmp_path, kind, select, "value != ''")
    assert f"'{word}'" in problem
    assert f"Did you mean '{guess}'?" in problem


@pytest.mark.parametrize(
    ("kind", "select", "holds"),
    [
        ("kubernetes/Deployment", "spec.replicas", "value.startsWith('a')"),
        ("kubernetes/Deployment", "spec.template.spec.containers[*].image", "value >= 2"),
        ("compose", "services.*.image", "value in [1, 2]"),
        ("kubernetes/Deployment", "metadata.labels", "value > 3"),
    ],
)
def test_a_value_compared_with_what_it_cannot_be_is_told(tmp_path: Path, kind: str, select: str, holds: str) -> None:
    (problem,) = problems(tmp_path, kind, select, holds)
    assert "`assert`" in problem
    assert "overload" in problem or "undeclared" in problem


@pytest.mark.parametrize(
    ("kind", "select", "holds"),
    [
        ("kubernetes/Deployment", "spec.replicas", "value >= 2"),
        ("kubernetes/Deployment", "metadata.labels.anything", "value != ''"),
        ("kubernetes/Deployment", "**.image", "value.contains(':')"),
        ("compose", "services.*.mem_limit", "bytes_of(value) > 0.0"),  # a text or a number
        ("compose", "x-own.anything", "value > 3"),
        ("compose", "services.*.{image,build}", "size(value) > 0"),
        ("kubernetes/Deployment", "spec.replicas", "type(value) == string || value > 2"),
        ("github-workflow", "on.push.branches[*]", "value != 'x'"),
    ],
)
def test_nothing_is_said_of_what_can_be(tmp_path: Path, kind: str, select: str, holds: str) -> None:
    assert problems(tmp_path, kind, select, holds) == []


def test_the_built_in_rules_hold_against_the_schemas() -> None:
    assert [problem for rule in rules_in([]) for problem in type_problems(rule)] == []
