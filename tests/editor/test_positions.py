"""Places in a text: what an editor counts and what we count mean the same character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.editor.positions import EditorText, Units
from automation_scripts.results import Finding, Severity

TEXTS = st.text(alphabet=st.sampled_from("ab\n\r\t é😀\u2028\x85"), max_size=40)


@given(text=TEXTS, units=st.sampled_from(Units), data=st.data())
def test_a_place_leads_back_to_its_offset(text: str, units: Units, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    editor = EditorText(text, units)
    back = editor.offset(editor.place(offset))
    # The inside of a line's end is no place of its own.
    assert back == offset or text[back:offset] in ("\r", "\r\n", "\n")


@given(text=TEXTS, line=st.integers(1, 50), column=st.integers(1, 50))
def test_every_finding_has_a_range_inside_the_text(text: str, line: int, column: int) -> None:
    editor = EditorText(text)
    for finding in (
        Finding("x/y", Severity.LOW, "m", line=line, column=column),
        Finding("x/y", Severity.LOW, "m", line=line, column=column, end_line=line, end_column=column + 3),
        Finding("x/y", Severity.LOW, "m"),
    ):
        start, end = editor.range_of(finding)
        assert start <= end
        assert editor.offset(end) <= len(text)


@pytest.mark.parametrize(("units", "character"), [(Units.UTF8, 5), (Units.UTF16, 3), (Units.UTF32, 2)])
def test_characters_are_counted_in_the_editors_units(units: Units, character: int) -> None:
    assert EditorText("x😀y", units).place(2) == (0, character)


def test_lines_end_where_the_editors_do() -> None:
    assert EditorText("a\u2028b\r\nc\rd").place(7) == (2, 0)
