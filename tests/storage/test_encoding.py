"""Anything can be made fit to be stored."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.storage.encoding import clean_text, to_json

# Including lone surrogates and NUL, which `st.text()` leaves out by default.
any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
plain = st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.binary(max_size=5)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(any_text | st.integers() | st.tuples(st.integers()), inner, max_size=3)
        | st.sets(st.integers(), max_size=3)
    ),
)


@given(any_text)
def test_clean_text_can_be_stored_and_loses_nothing_that_could_be(text):
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert "\0" not in cleaned
    assert clean_text(cleaned) == cleaned
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert cleaned == text.replace("\0", "\ufffd")


def test_a_lone_surrogate_takes_no_neighbour_with_it():
    assert clean_text("\ud83dab") == "\ufffdab"
    assert clean_text("ab\udc80") == "ab\ufffd"
    assert clean_text("\ud83d\ude00") == "😀"
    assert clean_text("\ufeffbom") == "\ufeffbom"


@given(values)
def test_any_value_becomes_json_that_every_database_takes(value):
    text = to_json(value)
    text.encode("utf-8")
    parsed = json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(AssertionError(name)))
    assert to_json(parsed) == text
    strings = _strings(parsed)
    assert not any("\0" in part or any("\ud800" <= c <= "\udfff" for c in part) for part in strings)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner)
        ),
    )
)
def test_plain_data_comes_back_the_same(value):
    assert json.loads(to_json(value)) == value


def test_cycles_and_deep_nesting_end():
    cycle: list[object] = [math.nan]
    cycle.append(cycle)
    assert json.loads(to_json(cycle))[0] is None
    deep: object = "end"
    for _ in range(5000):
        deep = [deep]
    json.loads(to_json(deep))


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [s for item in value for s in _strings(item)]
    if isinstance(value, dict):
        return [s for pair in value.items() for item in pair for s in _strings(item)]
    return []
