"""Every case of yaml-test-suite and of JSONTestSuite: the verdict, positions, and the tree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.validation.documents.tree import Document, Kind, Node, ParsedFile, Style
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.parsing.yaml import parse_yaml
from automation_scripts.validation.parsing.yaml_types import to_data
from benchmarks.yaml_suite import JSON_CASES, YAML_CASES, text_of
from tests.validation.parsing.conftest import check_findings

if not (YAML_CASES.exists() and JSON_CASES.exists()):
    pytest.skip("the suites are not here: see the READMEs in tests/data", allow_module_level=True)
YAML: list[dict[str, Any]] = json.loads(YAML_CASES.read_text())
VALID = [case for case in YAML if not case["error"]]
JSON: dict[str, dict[str, Any]] = json.loads(JSON_CASES.read_text())
NO_SYNTAX_ERROR = {"n_structure_100000_opening_arrays", "n_structure_open_array_object"}
"""Rejected before their end is reached: they are too deep."""


def parsed(case: dict[str, Any]) -> ParsedFile:
    return parse_yaml(Path("/suite/in.yaml"), "in.yaml", case["yaml"])


def test_the_suites_are_whole() -> None:
    assert (len(YAML), len(VALID), len(JSON)) == (402, 308, 318)


@pytest.mark.parametrize("case", YAML, ids=lambda case: case["id"])
def test_each_yaml_case_gets_its_verdict(case: dict[str, Any]) -> None:
    found = parsed(case)
    check_findings(found.findings, "in.yaml")
    errors = [finding for finding in found.findings if finding.tags == ("syntax",)]
    assert bool(errors) == case["error"], found.findings
    lines = LineIndex(case["yaml"])
    for error in errors:
        lines.offset(error.line or 0, error.column or 0)  # raises when that is outside the text


@pytest.mark.parametrize("case", VALID, ids=lambda case: case["id"])
def test_each_valid_yaml_case_gets_its_tree(case: dict[str, Any]) -> None:
    """Also those that libyaml refuses: the tree then comes from our own reader of YAML 1.2."""
    expected = [_bare(line) for line in case["events"].splitlines()]
    assert list(_events(parsed(case).documents)) == expected


@pytest.mark.parametrize("case", [case for case in VALID if "json" in case], ids=lambda case: case["id"])
def test_each_valid_yaml_case_gets_its_data(case: dict[str, Any]) -> None:
    found = [to_data(document.root, "1.2") for document in parsed(case).documents]
    assert found == _json_values(case["json"])


def test_positions_of_a_tree_that_libyaml_cannot_make() -> None:
    found = parse_yaml(
        Path("/x"), "x", '{"foo"\n : "bar",\n x: &a [ "k":y ], z: [ *a ]}\n---\n# empty\n--- # next\n: {q}\n'
    )
    assert [(finding.rule_id, finding.line) for finding in found.findings] == [
        ("yaml/version-difference", 2),
        ("yaml/version-difference", 7),
    ]
    first, _, second = (document.root for document in found.documents)
    bar, listed = first.get("foo"), first.get("x")
    assert bar is not None
    assert (bar.span.line, bar.span.column, bar.value) == (2, 4, "bar")
    assert listed is not None
    assert (listed.span.line, listed.span.column, listed.anchor) == (3, 8, "a")
    assert first.at(("z", 0)) is listed
    assert (second.span.line, second.span.column) == (7, 1)


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\nb: [?x]\n", 2), ("k: &an:chor v\n", 1), ("a: b\u2028 c\nd: 1\n", 1)]
)
def test_a_text_that_both_versions_accept_and_read_differently(text: str, line: int) -> None:
    [finding] = [f for f in parse_yaml(Path("/x"), "x", text).findings if f.tags == ("invalid-value",)]
    assert (finding.rule_id, finding.line) == ("yaml/version-difference", line)


def _bare(line: str) -> str:
    if line.startswith(("+DOC", "-DOC")):
        return line[:4]
    return line.replace("+MAP {}", "+MAP").replace("+SEQ []", "+SEQ")


_MARKS = {Style.PLAIN: ":", Style.SINGLE: "'", Style.DOUBLE: '"', Style.LITERAL: "|", Style.FOLDED: ">"}
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\0": "\\0"}


def _events(documents: list[Document]) -> Iterator[str]:
    """A tree in the notation of the suite."""
    yield "+STR"
    for document in documents:
        yield "+DOC"
        yield from _node_events(document.root)
        yield "-DOC"
    yield "-STR"


def _node_events(node: Node) -> Iterator[str]:
    properties = (f" &{node.anchor}" if node.anchor else "") + (f" <{node.tag}>" if node.tag else "")
    if node.kind is Kind.ALIAS:
        yield f"=ALI *{node.value}"
    elif node.kind is Kind.SCALAR:
        text = "".join(_ESCAPES.get(character, character) for character in node.value)
        yield f"=VAL{properties} {_MARKS[node.style]}{text}"
    else:
        name = "MAP" if node.kind is Kind.MAP else "SEQ"
        yield f"+{name}{properties}"
        for child in [child for pair in node.entries for child in pair] + node.children:
            yield from _node_events(child)
        yield f"-{name}"


def _json_values(text: str) -> list[Any]:
    decoder, values, at = json.JSONDecoder(), [], 0
    text = text.strip()
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        values.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return values


@pytest.mark.parametrize("name", JSON)
def test_each_json_case_gets_its_verdict(name: str, tmp_path: Path) -> None:
    """`i_` may be either way; it must give a tree or say why not."""
    path = tmp_path / "case.json"
    path.write_bytes(text_of(JSON[name]))
    found = parse_file(path, "case.json")
    check_findings(found.findings, "case.json")
    wrong = any(finding.tags == ("syntax",) for finding in found.findings)
    if name.startswith("y_"):
        assert found.documents and {finding.tags for finding in found.findings} <= {("dup-key",)}
    elif name in NO_SYNTAX_ERROR:
        assert [finding.rule_id for finding in found.findings] == ["json/too-deep"]
        assert not found.documents
    elif name.startswith("n_"):
        assert wrong
    else:
        assert found.documents or found.findings
