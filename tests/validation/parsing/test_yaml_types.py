"""What scalars mean in YAML 1.1 and 1.2, plain data, and the places where the versions differ."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.fixes.plan_fixes import apply_edits
from automation_scripts.validation.parsing.yaml import parse_yaml
from automation_scripts.validation.parsing.yaml_types import differences, resolve, resolve_plain, to_data
from tests.validation.parsing.conftest import check_findings

Parse = Callable[..., ParsedFile]

# text: (YAML 1.1, YAML 1.2, the reading of tools), as (type, value)
READINGS: dict[str, tuple[tuple[str, Any], tuple[str, Any], tuple[str, Any]]] = {
    "no": (("bool", False), ("str", "no"), ("bool", False)),
    "On": (("bool", True), ("str", "On"), ("bool", True)),
    "oN": (("str", "oN"), ("str", "oN"), ("str", "oN")),
    "y": (("str", "y"), ("str", "y"), ("str", "y")),
    "true": (("bool", True), ("bool", True), ("bool", True)),
    "22:22": (("int", 1342), ("str", "22:22"), ("str", "22:22")),
    "190:20:30.15": (("float", 685230.15), ("str", "190:20:30.15"), ("str", "190:20:30.15")),
    "0755": (("int", 493), ("int", 755), ("int", 493)),
    "0o17": (("str", "0o17"), ("int", 15), ("int", 15)),
    "089": (("str", "089"), ("int", 89), ("int", 89)),
    "1_000": (("int", 1000), ("str", "1_000"), ("int", 1000)),
    "0b101": (("int", 5), ("str", "0b101"), ("int", 5)),
    "0x1F": (("int", 31), ("int", 31), ("int", 31)),
    "-0x1F": (("int", -31), ("str", "-0x1F"), ("int", -31)),
    "1e3": (("str", "1e3"), ("float", 1000.0), ("float", 1000.0)),
    "1.0e+3": (("float", 1000.0), ("float", 1000.0), ("float", 1000.0)),
    "1.5e3": (("str", "1.5e3"), ("float", 1500.0), ("float", 1500.0)),
    "+.5": (("str", "+.5"), ("float", 0.5), ("float", 0.5)),
    ".": (("str", "."), ("str", "."), ("str", ".")),
    "-": (("str", "-"), ("str", "-"), ("str", "-")),
    "2024-01-01": (("timestamp", "2024-01-01"), ("str", "2024-01-01"), ("str", "2024-01-01")),
    "2001-12-14 21:59:43.10 -5": (
        ("timestamp", "2001-12-14 21:59:43.10 -5"),
        ("str", "2001-12-14 21:59:43.10 -5"),
        ("str", "2001-12-14 21:59:43.10 -5"),
    ),
    "~": (("null", None), ("null", None), ("null", None)),
    "": (("null", None), ("null", None), ("null", None)),
    "nULL": (("str", "nULL"), ("str", "nULL"), ("str", "nULL")),
    "=": (("value", "="), ("str", "="), ("str", "=")),
    "<<": (("merge", "<<"), ("str", "<<"), ("str", "<<")),
    "1.2.3": (("str", "1.2.3"), ("str", "1.2.3"), ("str", "1.2.3")),
    ".inf": (("float", float("inf")), ("float", float("inf")), ("float", float("inf"))),
}


@pytest.mark.parametrize("text", READINGS)
def test_a_plain_scalar_means_what_its_version_says(text: str) -> None:
    old, new, tools = READINGS[text]
    for version, (type_name, expected) in (("1.1", old), ("1.2", new), ("tools", tools)):
        found = resolve_plain(text, version)  # type: ignore[arg-type]
        assert (found.type, found.value) == (type_name, expected), version


_TAG = "tag:yaml.org,2002:"
_RESOLVER = yaml.SafeLoader("")


@settings(max_examples=500)
@given(st.text(alphabet="0123456789+-._:eExobaf~nyNYTZ =<", max_size=12))
@example("0x_")
@example("0b_")
@example("1_:1")
@example("0_")
@example("-")
@example(".e+1")
def test_yaml_11_agrees_with_pyyaml(text: str) -> None:
    expected = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)).removeprefix(_TAG)
    found = resolve_plain(text, "1.1")
    if found.type == expected:
        return
    # PyYAML takes these for numbers and then fails to read them.
    with pytest.raises((ValueError, OverflowError)):
        yaml.safe_load(f"[{text}]")


@settings(max_examples=300)
@given(st.text(alphabet="0123456789+-.eExoabtrulfsn~", max_size=10))
def test_yaml_12_agrees_with_a_yaml_12_reader(text: str) -> None:
    import yaml12

    if text.strip("-") == "" or text.startswith(("+-", "++")) or re.search(r"0[xo][-+]", text):
        return  # a list mark; and that reader takes "+-0", "++0" and "0x-0" for numbers
    try:
        expected = yaml12.parse_yaml(f"[ {text} ]")[0]
    except ValueError:
        return
    found = resolve_plain(text, "1.2").value
    if isinstance(expected, float) and isinstance(found, int):
        assert float(found) == expected  # that reader keeps large integers as floats
    else:
        assert type(found) is type(expected) and (found == expected or found != found)


@given(st.text(max_size=30))
def test_any_text_resolves(text: str) -> None:
    for version in ("1.1", "1.2", "tools"):
        resolve_plain(text, version)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["9" * 5000, "-" + "9" * 5000, "0x" + "f" * 5000, "0" + "7" * 5000, "0b" + "1" * 50000, "1:" * 300 + "1"]
)
def test_huge_numbers_are_kept_small(text: str) -> None:
    for version in ("1.1", "1.2", "tools"):
        value = resolve_plain(text, version).value  # type: ignore[arg-type]
        json.dumps(value)


def test_tags_and_quotes_decide(parse: Parse) -> None:
    parsed = parse("a: !!str 1\nb: '1'\nc: !!int '7'\nd: !!float 3\ne: !Ref 5\nf: !!bool x\ng: |\n  1\nh: ! 12\n")
    root = parsed.documents[0].root
    assert [(resolve(v).type, resolve(v).value) for _, v in root.entries] == [
        ("str", "1"),
        ("str", "1"),
        ("int", 7),
        ("float", 3.0),
        ("str", "5"),
        ("str", "x"),
        ("str", "1\n"),
        ("str", "12"),
    ]


# Plain data -------------------------------------------------------------------------------------------------


def data(text: str, **options: Any) -> Any:
    return to_data(parse_yaml(Path("/x"), "x", text).documents[0].root, **options)


def test_keys_are_the_text_that_was_written() -> None:
    assert data("on: 1\n8080: 2\n~: 3\ntrue: 4\n? [a]\n: 5\n") == {
        "on": 1,
        "8080": 2,
        "~": 3,
        "true": 4,
        "<seq key on line 5>": 5,
    }


def test_merge_keys_follow_their_rules() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]\nd: {<<: *a, x: 9}\n"
    found = data(text)
    assert found["c"] == {"x": 1, "y": 1, "z": 3}
    assert found["d"] == {"x": 9, "y": 1}
    assert data(text, version="1.2")["d"]["<<"] == {"x": 1, "y": 1}
    assert found["c"] == yaml.safe_load(text)["c"]


def test_aliases_share_their_data_and_cycles_end() -> None:
    found = data("a: &a [1]\nb: [*a, *a]\n")
    assert found["b"][0] is found["a"]
    assert data("a: &a\n  b: *a\n  c: 1\n") == {"a": {"b": "*a", "c": 1}}


def test_everything_is_json(parse: Parse) -> None:
    found = data(f"a: .inf\nb: .nan\nc: {'9' * 5000}\nd: 2024-01-01\ne: !!binary aGk=\nf: *gone\n")
    assert json.loads(json.dumps(found)) == found
    assert (found["a"], found["b"], found["f"]) == (".inf", ".nan", "*gone")


def test_the_last_repeated_key_stays() -> None:
    assert data("a: 1\nb: 2\na: 3\n") == {"a": 3, "b": 2}


def test_tagged_values_can_be_given_a_meaning() -> None:
    found = data("a: !Ref X\nb: !GetAtt [p, q]\nc: !!str 1\n", on_tag=lambda node, value: {node.tag: value})
    assert found == {"a": {"!Ref": "X"}, "b": {"!GetAtt": ["p", "q"]}, "c": "1"}


# Without the line breaks of YAML 1.1 that YAML 1.2 and libyaml treat differently.
_TEXT = st.text(st.characters(exclude_characters="\x85\u2028\u2029", exclude_categories=["Cs"]), max_size=8)
_DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _TEXT, st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXT, inner, max_size=4)),
    max_leaves=20,
)


@settings(deadline=None)
@given(_DATA)
def test_dumped_data_comes_back(value: Any) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    assert data(text, version="1.1") == json.loads(json.dumps(value))


# Differences ------------------------------------------------------------------------------------------------


def found_in(parse: Parse, text: str, name: str = "config.yaml") -> list[Finding]:
    parsed = parse(text, name)
    assert [f for f in parsed.findings if f.severity.at_least(Severity.MEDIUM)] == []
    found = differences(parsed)
    check_findings(found, name)
    assert {f.tags for f in found} <= {("wrong-type",)}
    return found


# (text, column, severity, words, text after the fix)
DIFFERENT = {
    "boolean word": ("a: no\n", 4, Severity.LOW, "boolean false", "a: false\n"),
    "country code": ("countries: [de, no]\n", 17, Severity.MEDIUM, "meant as text", 'countries: [de, "no"]\n'),
    "restart policy": ("restart: no\n", 10, Severity.MEDIUM, "meant as text", 'restart: "no"\n'),
    "boolean key": ("off: 1\n", 1, Severity.LOW, "The key off", '"off": 1\n'),
    "port pair": ("- 22:22\n", 3, Severity.MEDIUM, "1342", '- "22:22"\n'),
    "file mode": ("mode: 0644\n", 7, Severity.LOW, "file mode", "mode: '0644'\n"),
    "identifier": ("zip: 01234\n", 6, Severity.MEDIUM, "leading zero", "zip: '01234'\n"),
    "identifier with a nine": ("zip: 09123\n", 6, Severity.MEDIUM, "leading zero", "zip: '09123'\n"),
    "new octal": ("a: 0o17\n", 4, Severity.LOW, "number 15", "a: 15\n"),
    "thousands": ("a: 1_000\n", 4, Severity.LOW, "1000", "a: 1000\n"),
    "underscores that are no thousands": ("a: 12_34\n", 4, Severity.LOW, "1234", 'a: "12_34"\n'),
    "learning rate": ("lr: 1e-5\n", 5, Severity.LOW, "1e-05", "lr: 1.0e-5\n"),
    "commit hash": ("sha: 1234e56\n", 6, Severity.MEDIUM, "text", 'sha: "1234e56"\n'),
    "equals sign": ("a: =\n", 4, Severity.MEDIUM, "default-value", 'a: "="\n'),
    "merge sign as a value": ("a: <<\n", 4, Severity.MEDIUM, "merge key", 'a: "<<"\n'),
    "date": ("a: 2024-01-01\n", 4, Severity.INFO, "date", 'a: "2024-01-01"\n'),
    "version": ("python-version: 3.10\n", 17, Severity.MEDIUM, "3.1", 'python-version: "3.10"\n'),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_a_difference_is_placed_judged_and_mended(parse: Parse, case: str) -> None:
    text, column, severity, words, after = DIFFERENT[case]
    [finding] = found_in(parse, text)
    assert (finding.line, finding.column, finding.severity) == (1, column, severity), finding.message
    assert words in finding.message
    assert finding.suggestion
    assert apply_edits(text, finding.fix) == after
    assert differences(parse(after)) == []


def test_a_file_mode_in_a_kubernetes_object_becomes_decimal(parse: Parse) -> None:
    text = "apiVersion: v1\nspec:\n  defaultMode: 0644\n"
    [finding] = found_in(parse, text)
    assert "defaultMode: 420" in apply_edits(text, finding.fix)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("on: push\njobs: {}\n", ".github/workflows/ci.yaml"),
        ("on:\n  push:\n", "repo/.github/workflows/ci.yaml"),
        ("on: push\njobs:\n  a: {}\n", "ci.yaml"),
        ("a: 'no'\nb: \"22:22\"\nc: !!str no\nd: |\n  no\n", "x.yaml"),
        ("x: 1\ny: 2\nn: 3\n", "x.yaml"),
        ("a: ~\nb: true\nc: 12\nd: 1.5\ne: 0\nf: -1\ng: 0x1F\nh: 1.0e+5\ni: .5\n", "x.yaml"),
        ("version: 1.0\nimage_version: 2.5\napi: v1\n", "x.yaml"),
        ("ratio: 0.50\n", "x.yaml"),
        ("a: 10.0.0.1\nb: 1.2.3\nc: 12h\nd: 5%\ne: 2024-1\nf: 1:2:x\ng: nope\nh: only\n", "x.yaml"),
        ("a: &x {k: 1}\nb:\n  <<: *x\n", "x.yaml"),
    ],
)
def test_what_reads_alike_or_is_meant_gives_no_finding(parse: Parse, text: str, name: str) -> None:
    assert found_in(parse, text, name) == []


def test_many_dates_are_one_finding(parse: Parse) -> None:
    text = "".join(f"- 2024-01-{day:02d}\n" for day in range(1, 29))
    [finding] = found_in(parse, text)
    assert "27 more" in finding.message
    assert apply_edits(text, finding.fix).count('"') == 56


def test_json_has_one_reading(parse: Parse) -> None:
    assert differences(parse('{"a": "no", "b": 1e3}', "x.json")) == []


def test_a_value_under_a_secrets_name_is_neither_told_nor_put_into_the_fix() -> None:
    text = "PIN_PASSWORD: 0755\nmode: 0755\n"
    secret, other = differences(parse_yaml(Path("/a.yaml"), "a.yaml", text))
    assert "0755" not in str(secret.to_dict())
    assert "0755" in other.message
    assert apply_edits(text, secret.fix) == 'PIN_PASSWORD: "0755"\nmode: 0755\n'
