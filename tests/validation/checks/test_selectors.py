"""Paths with wildcards."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.validation.documents.pointing import path_text
from automation_scripts.validation.documents.selectors import DocumentIndex, Selector

from .marked import parsed

TEXT = """\
services:
  web: &web {image: a, ports: [{host: 1}, {host: 2}]}
  db: {<<: *web, image: b, "dotted.key": c}
other: {port: 3, http_port: 4, deep: {port: 5}, alias: *web}
list: [[1, 2], [3]]
"""


def _find(selector: str, text: str = TEXT) -> list[str]:
    index = DocumentIndex(parsed(text).documents[0])
    return [path_text(match.path) for match in Selector(selector).find(index)]


@pytest.mark.parametrize(
    ("selector", "paths"),
    [
        ("services.*.image", ["services.web.image", "services.db.image"]),
        ("services.web.ports[*].host", ["services.web.ports[0].host", "services.web.ports[1].host"]),
        ("services.web.ports[1].host", ["services.web.ports[1].host"]),
        ("**.port", ["other.port", "other.deep.port"]),
        ("**.{port,*_port}", ["other.port", "other.http_port", "other.deep.port"]),
        ("other.**.port", ["other.port", "other.deep.port"]),
        ('services.db."dotted.key"', ['services.db."dotted.key"']),
        ("list[*][*]", ["list[0][0]", "list[0][1]", "list[1][0]"]),
        ("list.*.*", ["list[0][0]", "list[0][1]", "list[1][0]"]),
        ("services.db.ports[*].host", ["services.db.ports[0].host", "services.db.ports[1].host"]),
        ("nothing.here", []),
        ("*", ["services", "other", "list"]),
    ],
)
def test_what_a_path_finds(selector: str, paths: list[str]) -> None:
    assert _find(selector) == paths


@pytest.mark.parametrize("text", ["", ".", "a.", "a..b", "a[", "a[x]", "a]b", "{a", 'a"b"', "a[*]b"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Selector(text)


def test_alias_bombs_stay_as_small_as_their_text() -> None:
    levels = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 6))
    index = DocumentIndex(parsed(f"l0: &l0 [x]\n{levels}\n").documents[0])
    assert len(Selector("**").find(index)) < 200
    assert Selector("l5.*.*.*.*.*.*").find(index)


@given(st.text(alphabet='ab.*[]{},"?0123\\', max_size=20))
def test_any_text_is_a_path_or_a_value_error(text: str) -> None:
    index = DocumentIndex(parsed(TEXT).documents[0])
    with contextlib.suppress(ValueError):
        Selector(text).find(index)
