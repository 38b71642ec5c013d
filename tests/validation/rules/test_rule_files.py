"""Rule files: every way in which one can be wrong is told with its place, all at once, and never as a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.validation.rules.check import load_rules
from tests.validation.rules.rule_texts import RULE, rules_of

ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)


def _refusal(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidParameters) as refusal:
        rules_of(folder, text)
    return [line.replace(str(folder), "") for line in str(refusal.value).splitlines()]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("severity:", "severty:", ":3: unknown key 'severty'. Did you mean 'severity'? Known: id, severity, class,"),
        ("high", "hihg", ":3: unknown severity 'hihg'. Did you mean 'high'? Known: critical, high, medium, low, info."),
        ("invalid-value", "invalid-valeu", ":4: unknown class 'invalid-valeu'. Did you mean 'invalid-value'?"),
        ("select:", "kind: kubernets\n    select:", ":5: unknown kind 'kubernets'. Did you mean 'kubernetes'?"),
        ("select:", "kind: compose/Pod\n    select:", ":5: unknown kind 'compose/Pod': only kubernetes has kinds"),
        ("select:", "file: '*.{yaml'\n    select:", ":5: `file`: a brace is not closed"),
        ("spec.replicas", "spec..replicas", ":5: `select`: there is an empty step"),
        ("spec.replicas", "[spec]", ":5: `select` is a text, not a seq."),
        ("{path}", "{pth}", ":7: unknown {pth} in `message`. Did you mean '{path}'?"),
        ("    assert: value >= 2\n", "", ":2: the rule needs `assert`."),
        ("value >= 2", "", ":6: `assert` is empty."),
        ("value >= 2", "value >=", ":6: `assert`: Syntax error"),
        ("value >= 2", "value >= 2 && valeu < 3", ":6: `assert`: undeclared reference to 'valeu' (column 27)."),
        (
            "value >= 2",
            "|\n      value >= 2 &&\n      valeu < 3",
            ":8: `assert`: undeclared reference to 'valeu' (column 7).",
        ),
        (
            "value >= 2",
            ">-\n      value >= 2 &&\n      valeu < 3",
            ":8: `assert`: undeclared reference to 'valeu' (column 7).",
        ),
        ("value >= 2", "'value + 1'", "`assert`"),
        ("value >= 2", "size(value)", ":6: `assert`: the result is int, but it must be true or false"),
        ("value >= 2", "'\"x\" == 2'", "`assert`"),
        ("value >= 2", "\"value == '\\uD800' + 1\"", ":6: "),
        ("- id: shop/replicas", "- id: shop/replicas\n    id: other", ":3: "),
        ("rules:\n", "rules: {}\nmore:\n", ":1: expected a key `rules` with a list of rules."),
        ("rules:\n", "rules:\n  - just a text\n", ":2: a rule is a mapping with id, severity, class,"),
        ("rules:\n", "disable: k8s/port\nrules:\n", ":1: `disable` is a list of the ids of rules"),
        (
            "rules:\n",
            "disable: [k8s/prot]\nrules:\n",
            ":1: `disable` names unknown rules: k8s/prot. Did you mean 'k8s/port'?",
        ),
        (
            "rules:\n",
            "disabel: []\nrules:\n",
            ":1: unknown key 'disabel'. Did you mean 'disable'? Known: rules, disable.",
        ),
        ("rules:\n", "rules: [\n", ":"),
        ("rules:\n", "{", ":"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_allowed(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = RULE.replace(old, new, 1)
    assert text != RULE
    lines = _refusal(tmp_path, text)
    assert all(line.startswith("rules_path: /rules.yaml:") for line in lines)
    assert any(said in line for line in lines), lines


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(RULE.replace("high", "huge").replace("value >= 2", "value >"))
    (tmp_path / "c.yaml").write_text("rules: 5\n")
    (tmp_path / "d.yml").write_text("")
    with pytest.raises(InvalidParameters) as refusal:
        load_rules([tmp_path, tmp_path / "gone.yaml"])
    said = str(refusal.value)
    assert len(said.splitlines()) == 5
    for part in ("b.yaml:3:", "b.yaml:6:", "c.yaml:1:", "d.yml:1: the file is empty", "gone.yaml does not exist"):
        assert part in said


def test_the_same_id_twice_names_both_places(tmp_path: Path) -> None:
    again = RULE.removeprefix("rules:\n")
    assert _refusal(tmp_path, RULE + again) == [
        "rules_path: /rules.yaml:9: the id 'shop/replicas' is used twice; line 2 has it too."
    ]
    (tmp_path / "rules.yaml").write_text(RULE)
    (tmp_path / "second.yaml").write_text(RULE)
    with pytest.raises(
        InvalidParameters, match=r"second\.yaml:2: the id 'shop/replicas' is used twice; .*rules\.yaml:2"
    ):
        load_rules([tmp_path])


def test_a_folder_without_rules_and_a_binary_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters, match="holds no"):
        load_rules([tmp_path])
    (tmp_path / "rules.yaml").write_bytes(b"\x00\x01\x02\xff" * 50)
    with pytest.raises(InvalidParameters, match=r"rules\.yaml:1: "):
        load_rules([tmp_path])


def test_files_may_only_switch_off_hold_several_documents_or_be_json(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("disable: [k8s/port, own/rule]\n")
    (tmp_path / "b.yaml").write_text("---\n" + RULE + "---\n" + RULE.replace("shop/replicas", "own/rule"))
    (tmp_path / "c.json").write_text(
        '{"rules": [{"id": "own/json", "class": "drift", "select": "a", "assert": "true", "message": "m"}]}'
    )
    loaded = {rule.id: rule for rule in load_rules([tmp_path])}
    assert {"shop/replicas", "own/json"} <= loaded.keys()
    assert not {"k8s/port", "own/rule"} & loaded.keys()
    assert loaded["own/json"].severity == "medium"


def test_an_own_rule_takes_the_place_of_a_built_in_one(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(RULE.replace("shop/replicas", "general/port"))
    mine = load_rules([file])
    assert len(mine) == len(load_rules([]))
    assert [rule.select.text for rule in mine if rule.id == "general/port"] == ["spec.replicas"]


@ANY
@given(st.text(max_size=200))
def test_any_text_as_a_rule_file_is_taken_or_refused(tmp_path: Path, text: str) -> None:
    _take_or_refuse(tmp_path, text)


@ANY
@given(st.integers(0, len(RULE)), st.integers(0, 12), st.text("{}[]:'\"|>&*!%@#-\n \t\\,?x0\ud800é", max_size=8))
def test_a_damaged_rule_file_is_taken_or_refused(tmp_path: Path, at: int, cut: int, text: str) -> None:
    _take_or_refuse(tmp_path, RULE[:at] + text + RULE[at + cut :])


@ANY
@given(st.sampled_from(["select", "assert", "when", "file", "kind", "message"]), st.text(max_size=40))
def test_any_text_in_any_key_is_taken_or_refused(tmp_path: Path, key: str, text: str) -> None:
    quoted = "".join(char if char.isalnum() and char.isascii() else f"\\U{ord(char):08x}" for char in text)
    _take_or_refuse(tmp_path, RULE.replace(f"    {key}:", f"    # {key}:") + f'    {key}: "{quoted}"\n')


def _take_or_refuse(folder: Path, text: str) -> None:
    file = folder / "any.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load_rules([file])
    except InvalidParameters as refusal:
        assert str(file) in str(refusal)
