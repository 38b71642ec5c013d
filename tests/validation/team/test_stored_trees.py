"""Trees come back as they were, from numbers and the text; and no text is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.validation.documents.tree import Node, ParsedFile
from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.team.stored_trees import restored, stored


def parsed(text: str, name: str = "a.yaml") -> ParsedFile:
    return parse_text(Path("/tree") / name, name, text)


def same(one: Node, other: Node, pairs: dict[int, int]) -> bool:
    told = [(n.kind, n.span, n.tag, n.style, n.value, n.anchor) for n in (one, other)]
    pairs[id(one)] = id(other)
    below = [[*(x for entry in n.entries for x in entry), *n.children] for n in (one, other)]
    return (
        told[0] == told[1]
        and (one.target is None) == (other.target is None)
        and (one.target is None or other.target is None or pairs[id(one.target)] == id(other.target))
        and (len(one.entries), len(one.children)) == (len(other.entries), len(other.children))
        and all(same(x, y, pairs) for x, y in zip(*below, strict=True))
    )


def comes_back(file: ParsedFile) -> bool:
    """Whether the trees are stored; when they are, they come back the same."""
    data = stored(file)
    if data is None:
        return False
    documents = restored(data, file.text)
    assert documents is not None
    assert [d.index for d in documents] == [d.index for d in file.documents]
    pairs: dict[int, int] = {}
    assert all(same(a.root, b.root, pairs) for a, b in zip(file.documents, documents, strict=True))
    return True


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, 'y', \"z\\u00e9\"]\n",
        "a: |\n  text\n  more\n\nb: >-\n  folded\n  text\nc: |+\n  kept\n\n\nd: 1\n",
        "a: |\n  no line break at the end",
        "a: |\n  blanks at the end  \nb: 1\n",
        "- &x {a: 1}\n- *x\n- <<: *x\n  b: !Ref name\n",
        "a: plain text\n  over lines\nb: 'it''s'\nc: \"over\n  lines\\n\"\n",
        "---\na: 1\n---\nb: 2\n...\n---\n- c\n",
        "a:\nb: ''\n? complex\n: 1\n",
        "a: 1\r\nb: |\r\n  text\r\nc: 2\r\n",
        "\u00e9: \U0001f600\n",
    ],
)
def test_yaml(text: str) -> None:
    assert comes_back(parsed(text))


def test_json() -> None:
    assert comes_back(parsed('{"a": [1, true, null, "x\\"y", "\\ud83d\\ude00"], "b": {"": ""}}', "a.json"))


def test_what_cannot_be_read_again_by_its_place_is_not_stored() -> None:
    assert stored(parsed("a:\n  b: |1\n     two more than it says\n")) is None


lines = st.sampled_from(
    [
        "a: 1",
        "b: |",
        "  text",
        "  - x",
        "- y",
        "c: >+",
        "",
        "  d: 'q'",
        "'e': \"f\\t\"",
        "# c",
        "---",
        "g: &a h",
        "i: *a",
        "\t",
    ]
)


@given(st.lists(lines, max_size=10), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_text_comes_back_or_is_not_stored(texts: list[str], newline: str, ends: bool) -> None:
    comes_back(parsed(newline.join(texts) + (newline if ends else "")))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.sampled_from(["a.json", "a.yaml"]))
def test_any_json_comes_back_as_json_and_as_yaml(value: object, name: str) -> None:
    import json

    file = parsed(json.dumps(value), name)
    if file.documents and not file.findings:
        assert comes_back(file)


@given(st.binary(max_size=200))
def test_any_data_is_refused_without_an_error(data: bytes) -> None:
    assert restored(data, "a: 1\n") is None


@given(st.data())
def test_data_of_another_text_is_refused_or_read(data: st.DataObject) -> None:
    body = stored(parsed("a: &x 1\nb: [*x, 'c', \"d\"]\n"))
    assert body is not None
    at = data.draw(st.integers(0, len(body) - 1))
    changed = body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]
    restored(changed, data.draw(st.text(max_size=20)))


def test_no_text_is_stored() -> None:
    words = ["hunter22", "keyword", "more-text", "c0mment"]
    text = f"{words[1]}: {words[0]}\nb: |\n  {words[2]}\nc: '{words[0]}' # {words[3]}\nd: \"{words[0]}\\n\"\n"
    body = stored(parsed(text))
    assert body is not None
    assert not [word for word in words if word.encode() in body]
