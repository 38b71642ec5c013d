"""JSON by RFC 8259 with exact positions; checked against the standard library."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.fixes.plan_fixes import apply_edits
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing.json import parse_json
from automation_scripts.validation.parsing.yaml_types import to_data
from tests.validation.parsing.conftest import check_findings

Parse = Callable[..., ParsedFile]


def read(text: str, *, allow_comments: bool = False, limits: Limits | None = None) -> ParsedFile:
    parsed = parse_json(Path("/x.json"), "x.json", text, limits or Limits(), allow_comments=allow_comments)
    check_findings(parsed.findings, "x.json")
    return parsed


def only(text: str, **options: Any) -> Finding:
    [finding] = read(text, **options).findings
    return finding


# (text, line, column, words, text after the fix or None, whether it is read all the same)
WRONG: dict[str, tuple[str, int, int, str, str | None, bool]] = {
    "comma before }": ('{"a": 1,\n}', 1, 8, "before '}'", '{"a": 1\n}', True),
    "comma before ]": ("[1, 2 , ]", 1, 7, "before ']'", "[1, 2  ]", True),
    "two commas": ("[1,,2]", 1, 4, "',' stands", "[1,2]", True),
    "leading comma": ("[,1]", 1, 2, "',' stands", "[1]", True),
    "missing comma": ('{"a": 1\n "b": 2}', 1, 8, "',' is missing", '{"a": 1,\n "b": 2}', True),
    "missing comma in a list": ("[1 2]", 1, 3, "',' is missing", "[1, 2]", True),
    "missing colon": ('{"a" 1}', 1, 5, "':' is missing", '{"a": 1}', True),
    "equals": ('{"a" = 1}', 1, 6, "'='", '{"a" : 1}', True),
    "single quotes": ('{"a": \'b "c" \\\' d\'}', 1, 7, "single quotes", '{"a": "b \\"c\\" \' d"}', True),
    "bare key": ("{a: 1}", 1, 2, "no quotes", '{"a": 1}', True),
    "bare text": ('{"a": yes}', 1, 7, "no quotes", '{"a": "yes"}', True),
    "Python constants": ('{"a": True}', 1, 7, "'true'", '{"a": true}', True),
    "None": ("[None]", 1, 2, "'null'", "[null]", True),
    "NaN": ("[NaN]", 1, 2, "no NaN", None, True),
    "negative infinity": ("[-Infinity]", 1, 2, "no -Infinity", None, True),
    "leading zero": ("[0123]", 1, 2, "leading zero", None, True),
    "leading point": ("[.5]", 1, 2, "JSON has no", "[0.5]", True),
    "trailing point": ("[5.]", 1, 2, "JSON has no", "[5.0]", True),
    "plus": ("[+5]", 1, 2, "JSON has no", "[5]", True),
    "hexadecimal": ("[0x1F]", 1, 2, "hexadecimal", "[31]", True),
    "comment before a number": ("[1, /* two */ 2]", 1, 5, "no comments", None, True),
    "comment": ("// why\n[1]", 1, 1, "no comments", None, True),
    "block comment": ("[1 /* why\n */]", 1, 4, "no comments", None, True),
    "hash comment": ("[1] # why", 1, 5, "no comments", None, True),
    "raw line break in text": ('{"a": "x\ny"}', 1, 7, "not closed", None, False),
    "raw tab in text": ('{"a": "x\ty"}', 1, 9, "control character", '{"a": "x\\ty"}', True),
    "unclosed text": ('{"a": "x}', 1, 7, "not closed", None, False),
    "unclosed text before an entry": ('{"a": "x\n"b": 2}', 1, 7, "not closed", '{"a": "x",\n"b": 2}', False),
    "unclosed text with a comma": ('{"a": "x,\n"b": 2}', 1, 7, "not closed", '{"a": "x",\n"b": 2}', False),
    "escape": ('["\\d"]', 1, 3, "no escape", '["\\\\d"]', True),
    "short unicode escape": ('["\\u12"]', 1, 3, "no escape", None, True),
    "unclosed object": ('{"a": {"b": 1}', 1, 14, "never closed", '{"a": {"b": 1}}', False),
    "unclosed inner object": ('{"a": {"b": 1', 1, 13, "never closed", None, False),
    "missing bracket by indentation": (
        '{\n  "a": {\n    "b": 1,\n  "c": {\n    "d": 2\n  }\n}\n',
        4,
        3,
        "missing before",
        '{\n  "a": {\n    "b": 1\n  },\n  "c": {\n    "d": 2\n  }\n}\n',
        False,
    ),
    "missing bracket before a list's end": (
        '{\n  "a": [\n    {\n      "b": 1\n  ],\n  "c": 2\n}\n',
        5,
        3,
        "does not close",
        None,
        False,
    ),
    "missing opening quote": ('{a": 1}', 1, 2, "does not begin", '{"a": 1}', True),
    "wrong bracket": ("[1}", 1, 3, "does not close", None, False),
    "extra bracket": ("[1]]", 1, 4, "after the end", None, True),
    "second value": ('{"a":1}\n{"b":2}', 2, 1, "second JSON value", None, True),
    "key without value": ('{"a"}', 1, 5, "no value", None, False),
    "key without value after colon": ('{"a":}', 1, 6, "no value", None, False),
    "empty": ("", 1, 1, "empty", None, False),
    "only blanks": (" \n ", 2, 2, "empty", None, False),
    "no-break space": ("[1,\u00a02]", 1, 4, "U+00A0", "[1, 2]", True),
    "unclosed comment": ("[1 /* x", 1, 4, "never closed", None, False),
    "columns after wide characters": ('{"😀é": 1,}', 1, 9, "before '}'", '{"😀é": 1}', True),
    "CRLF": ('{\r\n"a": 1,\r\n}', 2, 7, "before '}'", '{\r\n"a": 1\r\n}', True),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_placed_explained_and_mended(case: str) -> None:
    text, line, column, words, mended, is_read = WRONG[case]
    parsed = read(text)
    [finding] = parsed.findings
    assert (finding.line, finding.column) == (line, column), finding.message
    assert words in finding.message
    assert (finding.severity, finding.tags, finding.rule_id) == (Severity.HIGH, ("syntax",), "json/syntax")
    assert bool(parsed.documents) is is_read
    if mended is None:
        assert finding.fix == ()
        with pytest.raises(ValueError, match=r".*"):
            json.loads(text, parse_constant=_refuse)
    else:
        assert apply_edits(text, finding.fix) == mended
        json.loads(mended)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def test_one_mistake_does_not_hide_the_next() -> None:
    parsed = read("{'a': 1,, b: None,}")
    assert [f.column for f in parsed.findings] == [2, 9, 11, 14, 18]
    text = apply_edits(parsed.text, [edit for f in parsed.findings for edit in f.fix])
    assert json.loads(text) == {"a": 1, "b": None}


def test_comments_and_trailing_commas_are_fine_in_jsonc() -> None:
    parsed = read('// c\n{ /* d */ "a": [1, 2,], // e\n}\n', allow_comments=True)
    assert parsed.findings == []
    assert to_data(parsed.documents[0].root) == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("name", "findings"),
    [
        ("tsconfig.json", 0),
        ("tsconfig.build.json", 0),
        (".vscode/settings.json", 0),
        (".devcontainer/devcontainer.json", 0),
        ("settings.jsonc", 0),
        ("package.json", 2),
    ],
)
def test_comments_are_judged_by_the_file_name(parse: Parse, name: str, findings: int) -> None:
    assert len(parse('{ // c\n"a": 1,}', name).findings) == findings


def test_a_repeated_key_is_reported_at_the_later_one() -> None:
    finding = only('{\n"a": 1,\n"b": 2,\n"\\u0061": 3\n}')
    assert (finding.rule_id, finding.tags, finding.line, finding.column) == ("json/duplicate-key", ("dup-key",), 4, 1)
    assert "line 2" in finding.message


def test_a_repeated_equal_entry_can_be_removed() -> None:
    text = '{"a": [1], "b": 2, "a": [1]}'
    assert json.loads(apply_edits(text, only(text).fix)) == {"a": [1], "b": 2}


def test_surrogate_pairs_are_one_character_and_lone_halves_are_reported() -> None:
    parsed = read('["\\ud83d\\ude00", "\\ud83d", "\\ude00x", "\\ude00\\ud83d", "\\ud83d\\ud83d\\ude00"]')
    assert to_data(parsed.documents[0].root) == ["😀", "\ufffd", "\ufffdx", "\ufffd\ufffd", "\ufffd😀"]
    assert [f.rule_id for f in parsed.findings] == ["json/lone-surrogate"] * 5
    assert {f.tags for f in parsed.findings} == {("invalid-value",)}


@pytest.mark.parametrize("text", ["[" * 20_000, '{"a":' * 20_000, "[" * 20_000 + "]" * 20_000, "[1," * 40_000])
def test_deep_nesting_is_a_finding(text: str) -> None:
    parsed = read(text)
    assert parsed.documents == []
    [finding] = parsed.findings
    assert (finding.rule_id, finding.tags) == ("json/too-deep", ("invalid-value",))


def test_too_many_values_are_a_finding() -> None:
    [finding] = read("[" + "1," * 500 + "1]", limits=Limits(max_nodes=100)).findings
    assert (finding.rule_id, finding.tags) == ("json/too-large", ("invalid-value",))


def test_huge_integers_are_read() -> None:
    parsed = read("[" + "9" * 5000 + ", -" + "9" * 5000 + ", 1e999]")
    assert parsed.findings == []
    high, low, infinite = to_data(parsed.documents[0].root)
    assert high == -low == 10**300
    assert infinite == "1e999"


def test_spans_hold_the_very_text() -> None:
    parsed = read('{\n  "key\\n": [1.5e3, "é😀", {}],\n  "b": null\n}')
    root = parsed.documents[0].root
    texts = {".".join(map(str, path)): parsed.text[n.span.start : n.span.end] for path, _, n in root.walk()}
    assert texts["key\n"] == '[1.5e3, "é😀", {}]'
    assert texts["key\n.1"] == '"é😀"'
    assert texts["b"] == "null"
    assert root.entries[0][0].span.end_column == 10
    assert (root.span.line, root.span.end_line, root.span.end_column) == (1, 4, 2)


# Against the standard library -------------------------------------------------------------------------------

_DATA = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=8), inner, max_size=5)),
    max_leaves=30,
)


@settings(deadline=None)
@given(data=_DATA, indent=st.sampled_from([None, 0, 3]), ascii_only=st.booleans())
def test_valid_json_gives_the_same_data_as_the_standard_library(
    data: Any, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only)
    parsed = read(text)
    assert parsed.findings == []
    assert to_data(parsed.documents[0].root) == json.loads(text)


@settings(deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from(list("{}[]:,\"'\\/*#0123456789.-+eE tfn truenlalse\n\r\tu\x00é\ufeff")), max_size=30
    )
)
def test_any_text_is_judged_as_the_standard_library_does(text: str) -> None:
    parsed = read(text)
    try:
        expected = json.loads(text, parse_constant=_refuse, object_pairs_hook=list)
    except ValueError:
        assert parsed.findings
    else:
        assert not [f for f in parsed.findings if f.rule_id == "json/syntax"]
        assert expected is None or parsed.documents
    for document in parsed.documents:
        for _, _, node in document.root.walk():
            assert 0 <= node.span.start <= node.span.end <= len(text)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_unicode_text_gives_no_exception(text: str) -> None:
    read(text)
    read(text, allow_comments=True)
