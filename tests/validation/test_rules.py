"""Business rules: the built-in ones by their own examples, and every way in which a rule file can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Severity
from automation_scripts.validation.parsing import parse_text
from automation_scripts.validation.rules import Rule, check_examples, check_rules, load_rules

RULE = """\
rules:
  - id: shop/replicas
    severity: high
    class: invalid-value
    select: spec.replicas
    assert: value >= 2
    message: "{path} is {value}"
    suggestion: Set it to 2 or more.
    fix: "2"
"""


def _rules(folder: Path, text: str) -> list[Rule]:
    file = folder / "rules.yaml"
    file.write_text(text)
    return load_rules([file])


@pytest.mark.parametrize("rule", load_rules([]), ids=lambda rule: rule.id)
def test_every_built_in_rule_has_examples_that_prove_it(rule: Rule) -> None:
    assert rule.bad
    assert rule.good
    assert check_examples(rule) == []


def test_a_broken_rule_is_found_at_its_value_with_the_fix(tmp_path: Path) -> None:
    rules = _rules(tmp_path, RULE)
    parsed = parse_text(Path("/x/a.yaml"), "a.yaml", "kind: X\nspec:\n  replicas: 1  # few\n")
    (finding,) = check_rules([parsed], rules)
    assert (finding.rule_id, finding.severity) == ("shop/replicas", Severity.HIGH)
    assert (finding.line, finding.column, finding.end_column) == (3, 13, 14)
    assert finding.message == "spec.replicas is 1"
    assert finding.tags == ("invalid-value",)
    assert finding.fix[0].text == "2"


def test_a_rule_may_be_for_a_kind_a_file_and_an_environment(tmp_path: Path) -> None:
    text = RULE.replace(
        "    assert: value >= 2", '    file: "prod/*"\n    when: environment == "production"\n    assert: value >= 2'
    )
    rules = _rules(tmp_path, text)
    for name, environment, expected in (
        ("prod/a.yaml", "production", 1),
        ("prod/a.yaml", "staging", 0),
        ("test/a.yaml", "production", 0),
    ):
        parsed = parse_text(Path("/x") / name, name, "spec: {replicas: 1}\n")
        assert len(check_rules([parsed], rules, environment)) == expected


def test_an_own_rule_replaces_a_built_in_one_and_others_can_be_switched_off(tmp_path: Path) -> None:
    rules = _rules(tmp_path, RULE.replace("shop/replicas", "k8s/image-latest") + "disable: [general/cidr]\n")
    identifiers = [rule.id for rule in rules]
    assert identifiers.count("k8s/image-latest") == 1
    assert "general/cidr" not in identifiers


def test_an_expression_that_cannot_be_evaluated_is_a_finding_not_a_crash(tmp_path: Path) -> None:
    rules = _rules(tmp_path, RULE.replace("value >= 2", "value.missing.deeper == 1"))
    parsed = parse_text(Path("/x/a.yaml"), "a.yaml", "spec: {replicas: {a: 1}}\n")
    (finding,) = check_rules([parsed], rules)
    assert finding.severity is Severity.INFO
    assert "cannot be evaluated" in finding.message


def test_an_expression_without_end_is_stopped(tmp_path: Path) -> None:
    loops = "value.all(a, value.all(b, value.all(c, value.all(d, a + b + c + d >= 0))))"
    rules = _rules(tmp_path, RULE.replace("value >= 2", loops))
    numbers = ", ".join(str(number) for number in range(100))
    parsed = parse_text(Path("/x/a.yaml"), "a.yaml", f"spec: {{replicas: [{numbers}]}}\n")
    (finding,) = check_rules([parsed], rules)
    assert "budget" in finding.message


def test_a_message_cannot_be_turned_into_a_template_by_a_value(tmp_path: Path) -> None:
    rules = _rules(tmp_path, RULE.replace("value >= 2", 'value == "x"'))
    parsed = parse_text(Path("/x/a.yaml"), "a.yaml", 'spec: {replicas: "{path}{0}%s"}\n')
    (finding,) = check_rules([parsed], rules)
    assert finding.message == "spec.replicas is {path}{0}%s"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("severity: high", "severty: high", ":3: unknown key 'severty'. Did you mean 'severity'?"),
        ("severity: high", "severity: hihg", ":3: unknown severity 'hihg'. Did you mean 'high'?"),
        ("class: invalid-value", "class: invalid-valu", ":4: unknown class"),
        ("value >= 2", "value >=", ":6: "),
        ("value >= 2", "vlue >= 2", ":6: "),
        ("value >= 2", "1 + 1", "true or false"),
        ("    assert: value >= 2\n", "", ":2: the rule needs `assert`"),
        ("select: spec.replicas", "select: 'spec..x['", ":5: `select`"),
        ("message:", "message: [a]\n    bad:", "`message` is a text"),
        ("rules:\n", "ruls:\n", "expected a key `rules`"),
        ("rules:\n", "rules:\n  - nothing\n", ":2: a rule is a mapping"),
        ("rules:\n", "rules: [\n", ":"),
    ],
)
def test_a_wrong_rule_file_is_refused_with_file_line_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(InvalidParameters) as refusal:
        _rules(tmp_path, RULE.replace(old, new, 1))
    assert said in str(refusal.value)
    assert "rules.yaml" in str(refusal.value)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    wrong = RULE.replace("severity: high", "severity: huge").replace("value >= 2", "value >=")
    with pytest.raises(InvalidParameters) as refusal:
        _rules(tmp_path, wrong)
    assert len(str(refusal.value).splitlines()) == 2


def test_the_same_id_twice_unknown_names_and_missing_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters, match="used twice"):
        _rules(tmp_path, RULE + RULE.removeprefix("rules:\n"))
    with pytest.raises(InvalidParameters, match="unknown rules: no/such"):
        _rules(tmp_path, RULE + "disable: [no/such]\n")
    with pytest.raises(InvalidParameters, match="does not exist"):
        load_rules([tmp_path / "nowhere.yaml"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidParameters, match="holds no"):
        load_rules([tmp_path / "empty"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.text(max_size=60), st.integers(0, len(RULE)))
def test_any_text_as_a_rule_file_is_taken_or_refused(tmp_path: Path, text: str, at: int) -> None:
    file = tmp_path / "any.yaml"
    file.write_text(RULE[:at] + text.encode("utf-8", "replace").decode() + RULE[at:], encoding="utf-8")
    try:
        load_rules([file])
    except InvalidParameters as refusal:
        assert str(file) in str(refusal)
