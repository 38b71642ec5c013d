"""The YAML tree: values, spans, anchors, documents; checked against PyYAML's composer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile, Style
from automation_scripts.validation.parsing.yaml import parse_yaml
from tests.validation.parsing.conftest import check_findings

Parse = Callable[..., ParsedFile]


def source(parsed: ParsedFile, node: Node) -> str:
    return parsed.text[node.span.start : node.span.end]


def value(parsed: ParsedFile, *path: str | int) -> Node:
    found = parsed.documents[0].root.at(path)
    assert found is not None
    return found


def test_spans_stop_at_the_last_content_token(parse: Parse) -> None:
    parsed = parse("a:\n  b: |\n    text\n\n\n# comment\nc:\n  - 1\n  - 2   # two\n\n# end\n")
    root = parsed.documents[0].root
    assert source(parsed, value(parsed, "a", "b")) == "|\n    text"
    assert source(parsed, value(parsed, "a")) == "b: |\n    text"
    assert source(parsed, value(parsed, "c")) == "- 1\n  - 2"
    assert source(parsed, root).endswith("- 2")
    assert (root.span.end_line, root.span.end_column) == (9, 6)


def test_a_node_span_leaves_out_anchor_and_tag(parse: Parse) -> None:
    parsed = parse(
        "a: &x !!str 12\n"
        "b: !Ref  &y\n  # why\n  k: v\n"
        "c: &z\n- 1\n- 2\n"
        "d: &e\n"
        "f: !GetAtt [p, q]\n"
        "g: &h |\n  t\n"
        "uses: [*x, *y, *z, *e, *h]\n"
    )
    assert source(parsed, value(parsed, "a")) == "12"
    assert value(parsed, "a").tag == "tag:yaml.org,2002:str"
    assert source(parsed, value(parsed, "b")) == "k: v"
    assert (value(parsed, "b").tag, value(parsed, "b").anchor) == ("!Ref", "y")
    assert source(parsed, value(parsed, "c")) == "- 1\n- 2"
    assert source(parsed, value(parsed, "d")) == ""
    assert source(parsed, value(parsed, "f")) == "[p, q]"
    assert source(parsed, value(parsed, "g")) == "|\n  t"
    assert parsed.findings == []


def test_an_empty_value_stands_after_its_mark(parse: Parse) -> None:
    parsed = parse("a:\n\n# c\nb: [x, y: , {z: }]\nc:\n-\n- 1\n")
    empty = value(parsed, "a")
    assert (empty.span.start, empty.span.end, empty.span.line, empty.span.column) == (2, 2, 1, 3)
    assert parsed.text[: value(parsed, "b", 1, "y").span.start].endswith("y:")
    assert parsed.text[: value(parsed, "c", 0).span.start].endswith("c:\n-")


def test_crlf_and_a_second_column_after_wide_characters(parse: Parse) -> None:
    parsed = parse("a: 😀😀\r\n'😀': {b: c}\r\n")
    node = value(parsed, "😀", "b")
    assert (node.span.line, node.span.column) == (2, 10)
    assert source(parsed, value(parsed, "a")) == "😀😀"


def test_unicode_separators_do_not_shift_lines(parse: Parse) -> None:
    parsed = parse('a: "x\u2028y\x85z"\nb: 1\n')
    assert (value(parsed, "b").span.line, value(parsed, "b").span.column) == (2, 4)


def test_documents_are_numbered_as_readers_count(parse: Parse) -> None:
    parsed = parse("a: 1\n---\nb: [\n---\nc: 3\n...\n---\n")
    assert [(d.index, d.root.kind) for d in parsed.documents] == [
        (0, Kind.MAP),
        (2, Kind.MAP),
        (3, Kind.SCALAR),
    ]
    assert [f.rule_id for f in parsed.findings] == ["yaml/syntax"]


def test_a_redefined_anchor_is_legal_and_the_latest_counts(parse: Parse) -> None:
    parsed = parse("a: &x 1\nb: *x\nc: &x 2\nd: *x\n")
    assert parsed.findings == []
    assert (value(parsed, "b").value, value(parsed, "d").value) == ("1", "2")


def test_anchors_end_with_their_document(parse: Parse) -> None:
    parsed = parse("a: &x 1\nb: *x\n---\nc: *x\n")
    [finding] = parsed.findings
    assert (finding.rule_id, finding.line, finding.column, finding.tags) == (
        "yaml/undefined-alias",
        4,
        4,
        ("dangling-ref",),
    )


def test_unknown_tags_and_merge_keys_are_kept(parse: Parse) -> None:
    parsed = parse("x: &b {p: 1}\ny:\n  <<: *b\n  q: !Sub '${A}'\n")
    y = value(parsed, "y")
    assert [key.value for key, _ in y.entries] == ["<<", "q"]
    assert y.entries[0][1].kind is Kind.ALIAS
    assert y.get("p") is not None and value(parsed, "y", "q").tag == "!Sub"


def test_styles_are_kept(parse: Parse) -> None:
    parsed = parse("a: p\nb: 's'\nc: \"d\"\nd: |\n l\ne: >\n f\nf: [1]\ng:\n- 1\n")
    assert [v.style for _, v in parsed.documents[0].root.entries] == [
        Style.PLAIN,
        Style.SINGLE,
        Style.DOUBLE,
        Style.LITERAL,
        Style.FOLDED,
        Style.FLOW,
        Style.BLOCK,
    ]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "   \n  \n", "---\n...\n# end\n"])
def test_a_file_without_content_has_no_document_and_no_error(parse: Parse, text: str) -> None:
    parsed = parse(text)
    assert all(document.root.value == "" for document in parsed.documents)
    assert [f for f in parsed.findings if f.severity.at_least(f.severity.MEDIUM)] == []


# Against PyYAML ---------------------------------------------------------------------------------------------

_KEYS = st.text(alphabet="abcXYZ_é", min_size=1, max_size=6)
_SCALARS = st.one_of(
    st.integers(-9999, 99999),
    st.booleans(),
    st.none(),
    st.text(alphabet="abc é:#-'\"\n\t{}[],&*!|>%@😀\\", max_size=20),
)
_DATA = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=20,
)


def _same(node: Node, other: yaml.Node, text: str) -> None:
    assert source_of(text, node).strip() == source_of(text, node)
    target = node.target if node.kind is Kind.ALIAS else node
    assert target is not None
    if isinstance(other, yaml.ScalarNode):
        assert (target.kind, target.value) == (Kind.SCALAR, other.value)
    elif isinstance(other, yaml.SequenceNode):
        assert target.kind is Kind.SEQ and len(target.children) == len(other.value)
        for child, expected in zip(target.children, other.value, strict=True):
            _same(child, expected, text)
    else:
        assert isinstance(other, yaml.MappingNode)
        assert target.kind is Kind.MAP and len(target.entries) == len(other.value)
        for (key, entry), (expected_key, expected) in zip(target.entries, other.value, strict=True):
            _same(key, expected_key, text)
            _same(entry, expected, text)
    start = other.start_mark.index
    if (
        target.anchor is None
        and target.tag is None
        and node.kind is not Kind.ALIAS
        and target.span.start < target.span.end
    ):
        assert (target.span.start, target.span.line, target.span.column) == (
            start,
            other.start_mark.line + 1,
            other.start_mark.column + 1,
        )
        assert target.span.end <= other.end_mark.index
        assert not text[target.span.end : other.end_mark.index].strip() or "#" in text


def source_of(text: str, node: Node) -> str:
    return text[node.span.start : node.span.end]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    data=_DATA,
    flow=st.sampled_from([None, True, False]),
    indent=st.integers(2, 6),
    width=st.sampled_from([20, 80, 1000]),
)
def test_the_tree_agrees_with_the_composer(data: Any, flow: bool | None, indent: int, width: int) -> None:
    text = yaml.dump(data, default_flow_style=flow, indent=indent, width=width, allow_unicode=True)
    parsed = parse_yaml(Path("/x.yaml"), "x.yaml", text)
    [document] = parsed.documents
    expected = yaml.compose(text, Loader=yaml.CSafeLoader)
    assert expected is not None
    _same(document.root, expected, text)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab:-?[]{},&*!|>'\"#%@ \n\t\r0\x00\ufeff\u2028é~<.")), max_size=60))
def test_any_text_gives_findings_and_never_an_exception(text: str) -> None:
    parsed = parse_yaml(Path("/x.yaml"), "x.yaml", text)
    check_findings(parsed.findings, "x.yaml")
    for document in parsed.documents:
        for _, _, node in document.root.walk():
            assert 0 <= node.span.start <= node.span.end <= len(text)
            assert source_of(text, node) == source_of(text, node).strip(" \n\r\t")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_unicode_text_gives_no_exception(text: str) -> None:
    check_findings(parse_yaml(Path("/x.yaml"), "x.yaml", text).findings, "x.yaml")


def test_a_lone_surrogate_in_a_text_is_a_finding(parse: Parse) -> None:
    parsed = parse("a: \ud800\nb: 1\n")
    assert [(f.rule_id, f.line, f.column) for f in parsed.findings] == [("yaml/character", 1, 4)]
    assert value(parsed, "b").value == "1"
