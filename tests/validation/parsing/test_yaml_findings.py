"""What is wrong with a YAML text: the exact place, words a person understands, and a fix that mends it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.fixes.plan_fixes import apply_edits
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing.yaml import parse_yaml
from tests.validation.parsing.conftest import check_findings

Parse = Callable[..., ParsedFile]


def only(parsed: ParsedFile, rule_id: str) -> Finding:
    check_findings(parsed.findings, parsed.name)
    [finding] = [f for f in parsed.findings if f.rule_id == rule_id]
    return finding


# (text, line, column, words of the message, the text after the fix or None when there is no fix)
SYNTAX = {
    "tab indentation": ("a:\n\t- b\nc:\n\td: 1\n", 2, 1, "tab", "a:\n  - b\nc:\n  d: 1\n"),
    "unclosed single quote": ("a: 'x\n", 1, 4, "never closed", "a: 'x'\n"),
    "unclosed double quote": ('a: 1\nb: "x y\n', 2, 4, "never closed", 'a: 1\nb: "x y"\n'),
    "quote that swallows lines": ('a: "x\nb: "y"\nc: 2\n', 1, 4, "missing on line 1", None),
    "quote that swallows whole entries": ('a: "x\nb: "\nc:\n  d: 1\n e: 2\n', 1, 4, "missing on line 1", None),
    "unclosed list": ("a: [1, 2\nb: 3\n", 1, 4, "never closed", "a: [1, 2]\nb: 3\n"),
    "unclosed map": ("a: {b: 1\nc: 2\n", 1, 4, "never closed", "a: {b: 1}\nc: 2\n"),
    "unclosed list at the end": ("a: [1, 2\n", 1, 4, "never closed", "a: [1, 2]\n"),
    "wrong bracket": ("a: [1, 2}\n", 1, 9, "does not close", None),
    "missing comma": ('a: {"b": 1\n    "c": 2}\n', 2, 8, "','", None),
    "two colons": ("a: b: c\n", 1, 5, "second key", "a: 'b: c'\n"),
    "two colons and a comment": ("cmd: echo: 'x' # y\n", 1, 10, "second key", "cmd: \"echo: 'x'\" # y\n"),
    "key too deep": ("a: 1\n  b: 2\n", 2, 3, "indented by 2", "a: 1\nb: 2\n"),
    "key too deep in a list": ("- a: 1\n    b: 2\n", 2, 5, "indented by 4", "- a: 1\n  b: 2\n"),
    "key between levels": ("a:\n    b: 1\n  c: 2\n", 3, 3, "fits no block", "a:\n    b: 1\n    c: 2\n"),
    "no space after colon": ("a: 1\nkey:value\nb: 2\n", 2, 4, "space is missing", "a: 1\nkey: value\nb: 2\n"),
    "no space after first colon": ("key:value\nb: 2\n", 1, 4, "space is missing", "key: value\nb: 2\n"),
    "equals sign": ("a: 1\nfoo = bar\nb: 2\n", 2, 1, "no ':'", "a: 1\nfoo: bar\nb: 2\n"),
    "line without colon": ("a: 1\nfoo bar\nb: 2\n", 2, 1, "no ':'", None),
    "list among keys": ("a: b\n- c\n", 2, 1, "list item", None),
    "key among list items": ("- a\nb: c\n", 2, 1, "", None),
    "list on the key's line": ("a: - b\n", 1, 4, "same line", None),
    "list under a value": ("a: 1\n- x: y\n", 2, 1, "", None),
    "text after quotes": ("a: 'it's'\n", 1, 8, "after the closing '", None),
    "text after a bracket": ("a: [1, 2]]\n", 1, 10, "after the closing ]", None),
    "glob": ("a: *.py\nb: 2\n", 1, 4, "'*' begins an alias", "a: '*.py'\nb: 2\n"),
    "at sign": ("a: @foo/bar\n", 1, 4, "'@' is reserved", "a: '@foo/bar'\n"),
    "backquote": ("a: `ls`\n", 1, 4, "'`' is reserved", "a: '`ls`'\n"),
    "percent": ("a: %x\n", 1, 4, "'%'", "a: '%x'\n"),
    "escape": ('a: "\\d+"\n', 1, 5, "escape", 'a: "\\\\d+"\n'),
    "hexadecimal escape": ('a: "\\xZZ"\n', 1, 5, "hexadecimal", 'a: "\\\\xZZ"\n'),
    "tag shorthand": ("a: !foo!bar x\n", 1, 4, "shorthand", None),
    "text after a block header": ("a: |x\n  y\n", 1, 5, "'|'", None),
    "two commas": ("a: [1,,2]\n", 1, 7, "two commas", None),
    "unclosed list before a document": ("a: [1,\n---\nb: 1\n", 1, 4, "never closed", None),
    "unclosed map in a list": ("a: [1, {b: 2,\n", 1, 8, "never closed", None),
    "CRLF": ("a: 1\r\nb: c: d\r\n", 2, 5, "second key", "a: 1\r\nb: 'c: d'\r\n"),
    "after wide characters": ("é😀: b: c\n", 1, 6, "second key", "é😀: 'b: c'\n"),
}


@pytest.mark.parametrize("case", SYNTAX)
def test_a_syntax_error_is_placed_and_explained(parse: Parse, case: str) -> None:
    text, line, column, words, mended = SYNTAX[case]
    parsed = parse(text)
    finding = only(parsed, "yaml/syntax")
    assert (finding.line, finding.column) == (line, column), finding.message
    assert words in finding.message
    assert finding.severity is Severity.HIGH
    assert finding.tags == ("syntax",)
    assert finding.suggestion
    if mended is None:
        assert finding.fix == ()
    else:
        assert apply_edits(text, finding.fix) == mended
        assert "yaml/syntax" not in {f.rule_id for f in parse(mended).findings}


def test_documents_around_a_broken_one_are_kept(parse: Parse) -> None:
    parsed = parse("a: 1\n---\nb: 'x\n---\nc: 3\n---\nd: [\n---\ne: 5\n")
    assert [d.index for d in parsed.documents] == [0, 2, 4]
    assert [f.line for f in parsed.findings] == [3, 7]


def test_hundreds_of_broken_documents_end_in_few_findings(parse: Parse) -> None:
    parsed = parse("a: [\n---\n" * 2000)
    assert 2 <= len(parsed.findings) <= 30
    assert any("stopped" in f.message for f in parsed.findings)


# Keys -------------------------------------------------------------------------------------------------------


def test_a_repeated_key_names_both_lines_and_what_wins(parse: Parse) -> None:
    finding = only(parse("a: 1\nb: 2\n'a': 3\n"), "yaml/duplicate-key")
    assert (finding.line, finding.column, finding.end_column) == (3, 1, 4)
    assert finding.tags == ("dup-key",)
    assert "line 1" in finding.message and "line 3" in finding.message
    assert finding.fix == ()


def test_a_repeated_key_with_the_same_value_can_be_removed(parse: Parse) -> None:
    text = "x:\n  a: [1]\n  b: 2\n  a: [1]\n  c: 3\n"
    finding = only(parse(text), "yaml/duplicate-key")
    assert apply_edits(text, finding.fix) == "x:\n  a: [1]\n  b: 2\n  c: 3\n"


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {k: 1}\nb:\n  <<: *x\n  k: 2\n",  # overriding a merged key
        "1: a\n'1': b\n",  # a number and a text
        "a: {k: 1}\nb: {k: 1}\n",  # two maps
        "? [a]\n: 1\n? [a, b]\n: 2\n",
    ],
)
def test_keys_that_only_look_alike_are_no_repetition(parse: Parse, text: str) -> None:
    assert [f for f in parse(text).findings if f.rule_id == "yaml/duplicate-key"] == []


def test_two_merge_keys_in_one_map_are_reported(parse: Parse) -> None:
    finding = only(parse("a: &a {k: 1}\nb: &b {l: 1}\nc:\n  <<: *a\n  <<: *b\n"), "yaml/duplicate-key")
    assert finding.line == 5
    assert "<<: [*first, *second]" in (finding.suggestion or "")


def test_a_flood_of_repeated_keys_is_cut_and_says_so() -> None:
    from pathlib import Path

    parsed = parse_yaml(Path("/x"), "x", "a: 1\n" * 5000, Limits(max_findings=10))
    assert len(parsed.findings) == 11
    assert "more than 10" in parsed.findings[-1].message


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a:\n  type:string # c\nb: 1\n", 2, 3),
        ("a: 1\nb: x\n  key:value\n", 3, 3),
        ("a:b\n", 1, 1),
        ("a:\r\n  k:'v w'\r\n", 2, 3),
    ],
)
def test_a_missing_space_that_leaves_valid_yaml_is_found(parse: Parse, text: str, line: int, column: int) -> None:
    finding = only(parse(text), "yaml/missing-space")
    assert (finding.line, finding.column, finding.tags) == (line, column, ("invalid-value",))
    assert ": " in apply_edits(text, finding.fix)


@pytest.mark.parametrize(
    "text",
    [
        "- node:18\n",
        "image: node:18\n",
        "x:\n  sha256:abc\n",
        "x:\n  http://a\n",
        "f:metadata:\n  f:labels: {}\n",
        "x: |\n  a:b\n",
        "x: 'a\n  b:c'\n",
        "x:\n  urn:isbn:1\n",
    ],
)
def test_a_colon_inside_a_value_is_no_missing_space(parse: Parse, text: str) -> None:
    assert [f.rule_id for f in parse(text).findings] == []


# Anchors ----------------------------------------------------------------------------------------------------


def test_an_undefined_alias_suggests_the_near_name(parse: Parse) -> None:
    text = "base: &defaults {a: 1}\nx: *default\ny: *defaults\n"
    finding = only(parse(text), "yaml/undefined-alias")
    assert (finding.line, finding.column, finding.end_column) == (2, 4, 12)
    assert apply_edits(text, finding.fix) == "base: &defaults {a: 1}\nx: *defaults\ny: *defaults\n"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a: &x 1\n", "a: 1\n"),
        ("a: &x\n  b: 1\n", "a:\n  b: 1\n"),
        ("a: !t &x b\n", "a: !t b\n"),
        ("a: &x !t b\n", "a: !t b\n"),
        ("- &x # why\n  b: 1\n", "- # why\n  b: 1\n"),
        ("[&x a]\n", "[a]\n"),
    ],
)
def test_an_unused_anchor_can_be_removed(parse: Parse, text: str, after: str) -> None:
    finding = only(parse(text), "yaml/unused-anchor")
    assert finding.severity is Severity.LOW
    assert finding.tags == ("unused",)
    assert apply_edits(text, finding.fix) == after


def test_a_value_that_contains_itself_is_a_cycle(parse: Parse) -> None:
    finding = only(parse("a: &a\n  b: [*a]\n"), "yaml/recursive-alias")
    assert (finding.line, finding.column, finding.tags) == (2, 7, ("cycle",))


# Hostile ----------------------------------------------------------------------------------------------------

MERGE_BOMB = "a0: &a0 {k: 1}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)
)
LAUGHS = 'a0: &a0 ["lol"]\n' + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
ALIAS_CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 400))

HOSTILE = {
    "40 KB of explicit keys": ("? " * 20_000, "yaml/too-deep"),
    "deep list": ("[" * 20_000, "yaml/too-deep"),
    "deep closed list": ("[" * 20_000 + "]" * 20_000, "yaml/too-deep"),
    "deep flow map": ("{a: " * 20_000, "yaml/too-deep"),
    "deep block list": ("- " * 20_000 + "a", "yaml/too-deep"),
    "deep block map": ("".join(" " * n + "a:\n" for n in range(400)), "yaml/too-deep"),
    "deep through aliases": (ALIAS_CHAIN, "yaml/too-deep"),
    "merge bomb": (MERGE_BOMB, "yaml/too-large"),
    "map that merges itself": ("a: &a\n  <<: [*a, *a, *a]\n", "yaml/too-large"),
    "billion laughs": (LAUGHS, "yaml/too-large"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_nesting_is_a_finding(parse: Parse, case: str) -> None:
    text, rule_id = HOSTILE[case]
    parsed = parse(text)
    check_findings(parsed.findings, parsed.name)
    finding = next(f for f in parsed.findings if f.rule_id == rule_id)
    assert finding.tags == ("invalid-value",)
    assert parsed.documents == []


def test_reading_goes_on_behind_a_bomb(parse: Parse) -> None:
    parsed = parse(LAUGHS + "---\nb: 1\n")
    assert [d.index for d in parsed.documents] == [1]


def test_hostile_text_behind_a_syntax_error_is_harmless(parse: Parse) -> None:
    """The second reader must not see what the first did not measure: it would overflow its stack on this."""
    parsed = parse("a: 'x' y\n" + "? " * 20_000)
    assert [f.rule_id for f in parsed.findings] == ["yaml/syntax"]


def test_too_many_values_end_the_reading() -> None:
    from pathlib import Path

    parsed = parse_yaml(Path("/x"), "x", "- a\n" * 1000, Limits(max_nodes=100))
    assert [f.rule_id for f in parsed.findings] == ["yaml/too-large"]


@pytest.mark.parametrize(
    ("character", "words"),
    [("\x00", "NUL"), ("\x07", "control"), ("\x1b", "escape"), ("\x7f", "control"), ("\ufffe", "no character")],
)
def test_forbidden_characters_are_placed_and_the_rest_is_read(parse: Parse, character: str, words: str) -> None:
    parsed = parse(f"a: 1\nb: x{character}y\nc: 3\n")
    finding = only(parsed, "yaml/character")
    assert (finding.line, finding.column, finding.end_column) == (2, 5, 6)
    assert words in finding.message
    assert [key.value for key, _ in parsed.documents[0].root.entries] == ["a", "b", "c"]


def test_a_byte_order_mark_inside_the_text_can_be_removed(parse: Parse) -> None:
    text = "a: 1\n\ufeffb: 2\n"
    finding = only(parse(text), "yaml/character")
    assert apply_edits(text, finding.fix) == "a: 1\nb: 2\n"


# Two versions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a: &x.y 1\nb: *x.y\n", "a: 1\n\t\nb: 2\n", "%YAML 3.0\n---\na: 1\n"])
def test_what_only_yaml_12_accepts_is_no_syntax_error(parse: Parse, text: str) -> None:
    [finding] = parse(text).findings
    assert (finding.rule_id, finding.severity, finding.tags) == (
        "yaml/version-difference",
        Severity.MEDIUM,
        ("invalid-value",),
    )


def test_what_only_yaml_11_accepts_is_a_low_finding_and_is_read(parse: Parse) -> None:
    parsed = parse("a: [\n1\n]\n")
    assert len(parsed.documents) == 1
    finding = only(parsed, "yaml/strict-syntax")
    assert (finding.severity, finding.line, finding.tags) == (Severity.INFO, 2, ("syntax",))
