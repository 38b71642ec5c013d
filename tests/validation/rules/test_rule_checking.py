"""What rules do to documents: places, variables, fixes, and the bounds that hold whatever a rule or a file says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.results import Severity
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.rules.check import (
    MOST_ERRORS,
    MOST_FINDINGS,
    check_examples,
    check_rules,
    load_rules,
)
from automation_scripts.validation.rules.index import RuleIndex
from tests.validation.rules.rule_texts import RULE, parsed, rules_of

BOMB = "value.all(a, value.all(b, value.all(c, value.all(d, a + b + c + d >= 0))))"


def test_an_expression_sees_value_key_parent_document_file_path_kind_and_environment(tmp_path: Path) -> None:
    seen = (
        'value == 1 && key == "replicas" && parent == {"replicas": 1, "x": true} && document.kind == "Pod" '
        '&& file == "d/a.yaml" && path == "spec.replicas" && kind == "kubernetes" && environment == "staging"'
    )
    rules = rules_of(tmp_path, RULE.replace("value >= 2", f"'!({seen})'"))
    file = parsed("apiVersion: v1\nkind: Pod\nspec: {replicas: 1, x: true}\n", "d/a.yaml")
    assert [f.message for f in check_rules([file], rules, "staging")] == ["spec.replicas is 1"]
    assert check_rules([file], rules) == []
    assert check_rules(Corpus([file]), rules, "staging") == check_rules([file], rules, "staging")


@pytest.mark.parametrize(
    ("glob", "name", "meant"),
    [
        ("**/prod/*.yaml", "prod/a.yaml", True),
        ("**/prod/*.yaml", "x/prod/a.yaml", True),
        ("prod/*", "x/prod/a.yaml", False),
        ("*.{yml,yaml}", "a.yaml", True),
        ("*.yml", "a.yaml", False),
    ],
)
def test_a_rule_can_be_for_some_files(tmp_path: Path, glob: str, name: str, meant: bool) -> None:
    rules = rules_of(tmp_path, RULE.replace("    select", f'    file: "{glob}"\n    select'))
    assert bool(check_rules([parsed("spec: {replicas: 1}\n", name)], rules)) is meant


def test_a_merged_or_aliased_value_is_found_at_its_own_place(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, RULE + '    fix: "2"\n')
    for text in ("base: &b\n  replicas: 1\nspec:\n  <<: *b\n", "a:\n  b: &n 1\nspec:\n  replicas: *n\n"):
        (finding,) = check_rules([parsed(text)], rules)
        assert finding.line == 2
    assert finding.fix == (), "a value that others use through its anchor is not changed behind their back"


def test_a_value_that_another_tool_makes_is_not_judged(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, RULE)
    assert check_rules([parsed("spec: {replicas: !Ref Count}\n")], rules) == []
    assert len(check_rules([parsed("spec: {replicas: !!int 1}\n")], rules)) == 1


def test_each_document_of_a_file_is_checked(tmp_path: Path) -> None:
    found = check_rules(
        [parsed("spec: {replicas: 1}\n---\nspec: {replicas: 5}\n---\nspec: {replicas: 0}\n")], rules_of(tmp_path, RULE)
    )
    assert [f.line for f in found] == [1, 5]


@pytest.mark.parametrize(
    "assertion", ["value.a.b == 1", "value > 'x'", "seconds(value.a) > 1.0", "1 / value == 0", "value.matches('(')"]
)
def test_what_cannot_be_evaluated_is_told_and_the_rest_goes_on(tmp_path: Path, assertion: str) -> None:
    more = RULE.removeprefix("rules:\n").replace("shop/replicas", "shop/second")
    rules = rules_of(tmp_path, RULE.replace("value >= 2", f'"{assertion}"') + more)
    first, second = check_rules([parsed("spec: {replicas: 0}\n")], rules)
    assert (first.severity, first.tags) == (Severity.INFO, ("invalid-value",))
    assert "cannot be evaluated for spec.replicas" in first.message
    assert second.rule_id == "shop/second"


def test_a_rule_that_runs_too_long_is_stopped_and_said_so(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, RULE.replace("spec.replicas", "'**.big'").replace("value >= 2", f'"{BOMB}"'))
    text = "".join(f"- big: [{', '.join(['1'] * 60)}]\n" for _ in range(3 * MOST_ERRORS))
    found = check_rules([parsed(text)], rules)
    assert len(found) == MOST_ERRORS + 1
    assert {f.severity for f in found} == {Severity.INFO}
    assert "budget" in found[0].message
    assert "stopped" in found[-1].message


def test_a_bomb_of_aliases_is_not_expanded_for_an_expression(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 5)]
    lines += ["b: [*a4, *a4, *a4, *a4]"]
    rules = rules_of(tmp_path, RULE.replace("spec.replicas", '"**"').replace("value >= 2", "size(document) > 0"))
    found = check_rules([parsed("\n".join(lines) + "\n")], rules)
    assert found
    assert all("too large" in f.message or "stopped" in f.message for f in found)


def test_a_cycle_of_aliases_ends(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, RULE.replace("spec.replicas", "spec").replace("value >= 2", "size(value) == 2"))
    assert len(check_rules([parsed("spec: &s {a: *s, b: 1, c: [*s]}\n")], rules)) == 1


def test_work_on_one_document_is_bounded(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, RULE.replace("spec.replicas", '"[*]"').replace("value >= 2", "size(document) > 0"))
    found = check_rules([parsed("\n".join(["- 1"] * 4000) + "\n")], rules)
    assert [f.severity for f in found] == [Severity.INFO]
    assert "too much of this document" in found[0].message


def test_many_findings_are_counted_not_lost(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, RULE.replace("spec.replicas", '"[*]"'))
    found = check_rules([parsed("- 1\n" * (MOST_FINDINGS + 7))], rules)
    assert len(found) == MOST_FINDINGS + 1
    assert "7 more" in found[-1].message


@pytest.mark.parametrize(
    ("name", "text", "fix", "mended"),
    [
        ("a.yaml", "spec: {replicas: 1}\n", "2", "2"),
        ("a.json", '{"spec": {"replicas": 1}}', "two", '"two"'),
        ("a.json", '{"spec": {"replicas": 1}}', "2", "2"),
    ],
)
def test_a_fix_is_written_in_the_syntax_of_the_file(
    tmp_path: Path, name: str, text: str, fix: str, mended: str
) -> None:
    (finding,) = check_rules([parsed(text, name)], rules_of(tmp_path, RULE + f'    fix: "{fix}"\n'))
    assert [edit.text for edit in finding.fix] == [mended]


@pytest.mark.parametrize("text", ["spec:\n  replicas: |\n    1\n", "spec:\n  replicas:\n", "spec: {replicas: [1]}\n"])
def test_only_a_plain_scalar_is_replaced(tmp_path: Path, text: str) -> None:
    (finding,) = check_rules([parsed(text)], rules_of(tmp_path, RULE.replace("value >= 2", "false") + '    fix: "2"\n'))
    assert finding.fix == ()


def test_a_message_is_one_line_and_its_values_are_no_templates(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, RULE.replace("value >= 2", "false"))
    (finding,) = check_rules([parsed('spec: {replicas: "{path}\\n{0}%s"}\n')], rules)
    assert finding.message == "spec.replicas is {path} {0}%s"


def test_examples_that_do_not_prove_the_rule_are_told(tmp_path: Path) -> None:
    def problems(more: str, environment: str = "") -> list[str]:
        (rule,) = rules_of(tmp_path, RULE + more)
        return check_examples(rule, environment)

    assert problems("    bad: 'spec: {replicas: 1}'\n    good: ['spec: {replicas: 2}', 'other: 1']\n") == []
    assert problems("    bad: ['spec: {replicas: 1}', 'spec: {replicas: 3}']\n") == [
        "shop/replicas: the bad example 2 does not break the rule"
    ]
    assert problems("    good: 'spec: {replicas: 1}'\n") == ["shop/replicas: the good example breaks the rule"]
    assert "cannot be judged" in problems("    bad: 'spec: {replicas: {}}'\n")[0]
    assert "cannot be read" in problems("    bad: 'spec: {'\n")[0]
    assert "still breaks the rule" in problems("    bad: 'spec: {replicas: 1}'\n    fix: '0'\n")[0]
    assert (
        "no object of kind Pod"
        in problems("    kind: kubernetes/Pod\n    bad: '{kind: Job, spec: {replicas: 1}}'\n")[0]
    )
    only_there = "    when: environment == 'production'\n    bad: 'spec: {replicas: 1}'\n"
    assert problems(only_there) != []
    assert problems(only_there, "production") == []


KEYS = st.sampled_from(["spec", "min", "max", "port", "timeout", "kind", "image", "containers", "url", "cidr", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=20,
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_the_index_rules_out_only_what_finds_nothing_and_no_data_stops_a_rule(data: dict[str, object]) -> None:
    import json

    rules = load_rules([])
    corpus = Corpus([parsed(json.dumps(data), "a.json")])
    index = RuleIndex(rules)
    for document in corpus.documents:
        keys = index.keys(document.index.by_key)
        for rule in rules:
            matches = [m for m in rule.select.find(document.index) if m.node.kind is not Kind.ALIAS]
            assert not matches or index.may_match(rule, keys)
    found = check_rules(corpus, rules)
    assert [f.message for f in found if "cannot be evaluated" in f.message] == []


def test_rules_that_share_a_step_are_each_tried(tmp_path: Path) -> None:
    """The steps of all selectors are numbered; one that comes again, right after itself, keeps its number."""
    rules = "rules:\n" + "".join(
        f"  - {{id: own/{n}, class: invalid-value, select: '**.{{a,b}}.c{n}', assert: 'value == 0', message: m}}\n"
        for n in range(3)
    )
    file = tmp_path / "rules.yaml"
    file.write_text(rules)
    found = check_rules([parsed("x: {a: {c0: 1, c1: 1, c2: 1}}\n")], load_rules([file]))
    assert [finding.rule_id for finding in found if finding.rule_id.startswith("own/")] == ["own/0", "own/1", "own/2"]
