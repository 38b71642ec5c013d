"""Any text at all: nothing raises, positions lie in the text, trees hold together, and two readers agree."""

from __future__ import annotations

import datetime
import json
import math
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.budget import CpuBudget
from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.parsing.json import parse_json
from automation_scripts.validation.parsing.reading_differences import first_difference
from automation_scripts.validation.parsing.second_opinion import ask_yaml12
from automation_scripts.validation.parsing.version_differences import differences
from automation_scripts.validation.parsing.yaml12_events import events_of
from automation_scripts.validation.parsing.yaml_builder import TreeBuilder
from automation_scripts.validation.parsing.yaml_documents import BuiltDocument
from automation_scripts.validation.parsing.yaml_events import EventReader
from tests.validation.parsing.conftest import check_findings
from tests.validation.parsing.documents import yaml_of

_PIECES = [
    *"{}[]\"',:#-?&*!|>%@`~=<.",
    *(" ", "  ", "    ", "\n", "\r\n", "\t", "\n  ", "\n- ", "\n    "),
    *("a", "b: ", "- ", "? ", ": ", "key: value\n", "&x ", "*x", "!t ", "!!str ", "|\n", ">-\n", "---\n", "...\n"),
    *("<<: ", "no", "0o17", "22:22", "2024-01-01", "{{ x }}", "{% if %}", "<<<<<<< a\n", "\x00", "\ufeff", "\x85"),
    *("\u2028", "\ud7ff", "\U0001f600", "\\", "\\u", '"\\x', "%YAML 1.2\n", "%TAG ! x\n", "é", "null", "true", "1e5"),
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=40).map("".join),
    st.text(max_size=60),
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**4), st.sampled_from(_PIECES)).map(
        lambda drawn: _inserted(yaml_of(Random(drawn[0])), drawn[1], drawn[2])
    ),
)
FAST = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(FAST, max_examples=4000)


def _inserted(text: str, at: int, piece: str) -> str:
    at %= len(text) + 1
    return text[:at] + piece + text[at:]


def check_file(parsed: ParsedFile) -> None:
    check_findings(parsed.findings, parsed.name)
    lines = LineIndex(parsed.text)
    for finding in parsed.findings:
        lines.offset(finding.line or 0, finding.column or 0)
    for document in parsed.documents:
        for _, _, node in document.root.walk():
            span = node.span
            assert 0 <= span.start <= span.end <= len(parsed.text)
            assert lines.span(span.start, span.end) == span
            _check_inside(node)


def _check_inside(node: Node) -> None:
    last = node.span.start
    for child in [child for pair in node.entries for child in pair] + node.children:
        assert last <= child.span.start or child.span.start == child.span.end
        assert child.span.end <= node.span.end
        last = child.span.start


def check_text(text: str) -> None:
    for name in ("a.yaml", "a.json", "a.jsonc", ".prettierrc"):
        parsed = parse_text(Path("/x") / name, name, text)
        check_file(parsed)
        check_findings(differences(parsed), name)


def check_versions(text: str) -> None:
    """Where libyaml reads a text and nothing says that YAML 1.2 differs, our reader of YAML 1.2 gives the same trees."""
    starts = LineIndex(text).starts
    old: list[BuiltDocument] = []
    if EventReader(text, starts, Limits(), CpuBudget(5)).read(0, old.append) is not None:
        return
    opinion = ask_yaml12(text)
    if opinion is None or not opinion.valid or any(document.dangling for document in old):
        return
    new: list[BuiltDocument] = []
    assert TreeBuilder(text, starts, Limits(), CpuBudget(5), 0, 0).run(events_of(text), new.append) is None
    parsed = parse_text(Path("/x/a.yaml"), "a.yaml", text)
    if any(finding.rule_id == "yaml/character" for finding in parsed.findings):
        return
    reported = any("another tree" in finding.message for finding in parsed.findings)
    assert reported or first_difference(old, new) is None


@FAST
@given(TEXTS)
@example("")
@example("\ufeff")
@example("a: 'b\n  c: d'\ne: f: g")
def test_any_text_is_read_or_explained(text: str) -> None:
    check_text(text)


@FAST
@given(st.integers(0, 10**6))
def test_good_files_are_read_alike_by_both_readers(seed: int) -> None:
    check_versions(yaml_of(Random(seed)))


@pytest.mark.slow
@LONG
@given(TEXTS)
def test_many_texts_are_read_alike_by_both_readers(text: str) -> None:
    check_versions(text)


@pytest.mark.slow
@LONG
@given(TEXTS)
def test_many_texts_are_read_or_explained(text: str) -> None:
    check_text(text)


@pytest.mark.slow
@settings(LONG, max_examples=2000)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_explained(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    from automation_scripts.validation.parsing.files import parse_file

    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    check_findings(parse_file(path, "any.yaml").findings, "any.yaml")


@FAST
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=15), st.sampled_from([None, 2, "\t"]), st.booleans())  # fmt: skip
def test_what_json_writes_is_read_back(value: Any, indent: Any, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    parsed = parse_json(Path("/x"), "x", text)
    assert [f for f in parsed.findings if f.rule_id != "json/lone-surrogate"] == []
    assert _plain(parsed.documents[0].root) == json.loads(text, parse_float=str, parse_int=str, parse_constant=str) or (
        parsed.findings
    )


def _plain(node: Node) -> Any:
    if node.kind is Kind.MAP:
        return {key.value: _plain(value) for key, value in node.entries}
    if node.kind is Kind.SEQ:
        return [_plain(child) for child in node.children]
    if node.style == "double":
        return node.value
    return {"true": True, "false": False, "null": None}.get(node.value, node.value)


# Where YAML 1.1 and 1.2 disagree ----------------------------------------------------------------------------

_LISTED = (
    "y n yes No ON off true False null ~ NULL .nan .NaN .inf -.INF +.inf = << 2001-12-14 2001-12-14t21:59:43.10-05:00 "
    "2002-1-1 12:30 190:20:30 190:20:30.15 -1:30 08:30 1:60 0b1010 0b_1 -0b1 0xff_ff -0x1F 0x1F 0o17 0o8 -0o7 017 08 -017 "
    "00 0 -0 1_000 _1 1__0 1_ 685_230.15 6.8523015e+5 685.230_15e+03 1e3 1E3 1e+3 1.e3 1.0e3 .5 +.5 -.5 .5e3 5. 1.5_0 "
    "1.2.3 12e03 -2E+05 + - +1 0x 1,000 1e400 0e0 tRue nUll"
)
_WORDS = _LISTED.split()
SCALARS = st.one_of(
    st.sampled_from(_WORDS),
    st.text("0123456789+-._:eExobTZ", min_size=1, max_size=8),
    st.tuples(st.sampled_from(_WORDS), st.integers(0, 9), st.sampled_from("0123456789+-._:eExobnNyYfF")).map(
        lambda drawn: _inserted(*(drawn[0], drawn[1], drawn[2]))
    ),
)


_QUIRK = re.compile(r"\+[-+]|[-+]?0[ox][-+]")
"""py-yaml12 takes "+-1" and "0o-7" for numbers, which YAML 1.2 does not."""


def check_scalar(text: str) -> None:
    """Reported where, and only where, PyYAML and py-yaml12 give another type or value."""
    import yaml12

    source = f"a: {text}\n"
    parsed = parse_text(Path("/x/a.yaml"), "a.yaml", source)
    if [finding for finding in parsed.findings if finding.tags == ("syntax",)] or _QUIRK.match(text):
        return
    try:
        old, new = yaml.safe_load(source), yaml12.parse_yaml(source)
    except (yaml.YAMLError, ValueError, OverflowError):
        return  # PyYAML fails on '=', on '<<' and on numbers such as 0x_
    if not (isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys() == {"a"}):
        return
    before, after = _typed(old["a"]), _typed(new["a"])
    if {before[0], after[0]} == {"int", "float"} and before[1] > 2**63:
        return  # py-yaml12 keeps large integers as floats
    found = [finding for finding in differences(parsed) if finding.rule_id == "yaml/version-difference"]
    assert bool(found) == (before != after), (before, after, [finding.message for finding in found])


def _typed(value: Any) -> tuple[str, Any]:
    if isinstance(value, datetime.date):
        return ("date", str(value))
    return (type(value).__name__, "nan" if isinstance(value, float) and math.isnan(value) else value)


@settings(FAST, max_examples=400)
@given(SCALARS)
def test_every_scalar_that_two_versions_read_differently_is_reported(text: str) -> None:
    check_scalar(text)


@pytest.mark.parametrize("text", _WORDS)
def test_every_known_word_is_reported_or_read_alike(text: str) -> None:
    check_scalar(text)


@pytest.mark.slow
@settings(LONG, max_examples=10_000)
@given(SCALARS)
def test_many_scalars_that_two_versions_read_differently_are_reported(text: str) -> None:
    check_scalar(text)
