"""What becomes canonical, and what is refused before anything is written."""

from __future__ import annotations

import json
import math
from enum import Enum, StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit.records import canonical, parse, prepare
from tests.governance.audit.conftest import T0, record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


class Level(StrEnum):
    HIGH = "high"


class Old(str, Enum):  # noqa: UP042 - callers may still have such
    LOW = "low"


def number(text: str) -> int | float:
    """As JavaScript reads it: an integer beyond 2**53 was a float, others were written as text."""
    return int(text) if abs(int(text)) < 2**53 else float(text)


def nested(depth: int) -> object:
    return [nested(depth - 1)] if depth else 0


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_whatever_is_json_is_written_and_read_back_in_one_form(details):
    try:
        prepared = prepare(record(details=details))
    except AuditUnavailable as error:  # two keys that only differ in what is not Unicode
        assert "two keys" in str(error)
        return
    raw = canonical(prepared)
    assert canonical(json.loads(raw, parse_int=number)) == raw
    assert parse(raw)["actor"] == "ada"


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**70), "-1180591620717411303424"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (-0.0, 0),
        (1e21, 1e21),
        ("\ud800 and \0", "\ufffd and \ufffd"),
        (Level.HIGH, "high"),
        (Old.LOW, "low"),
        ((1, 2), [1, 2]),
        (True, True),
    ],
)
def test_values_that_json_cannot_hold_exactly(value, stored):
    assert parse(canonical(prepare(record(details={"x": value}))))["details"] == {"x": stored}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"details": {1: "x"}}, "`details` has the key 1"),
        ({"details": {"a": [{"b": {2: 0}}]}}, r"`details\.a\[0\]\.b` has the key 2"),
        ({"details": {chr(0xD800): 1, chr(0xD801): 2}}, "two keys"),
        ({"details": {"at": T0}}, r"`details\.at` is datetime"),
        ({"details": {"x": b"bytes"}}, "bytes"),
        ({"details": {"x": {1, 2}}}, "set"),
        ({"details": {"x": Path("/")}}, "no JSON form"),
        ({"details": [1]}, "not a JSON object"),
        ({"details": {"x": nested(40)}}, "more than 32 deep"),
        ({"details": {"x": 10**5000}}, "4,300 digits"),
        ({"details": {"x": "y" * 2_000_000}}, "at most 1,048,576"),
        ({"actor": "a" * 501}, "at most 500"),
        ({"actor": None}, "`actor` is NoneType"),
        ({"action": ""}, "`action` is empty"),
        ({"reasons": "policy1"}, "not a list"),
        ({"reasons": [7]}, r"`reasons\[0\]` is int"),
    ],
)
def test_what_has_no_json_form_is_refused_before_anything_is_written(log, changes, said):
    log.append(record(1))
    with pytest.raises(AuditUnavailable, match=said):
        log.append_many([record(2), record(3, **changes)])
    assert log.status().size == 1


def test_keys_are_sorted_by_utf16_as_rfc_8785_says():
    # Section 3.2.3: an emoji sorts by its surrogates, before U+FB33.
    raw = canonical({"\ufb33": 1, "😀": 2, "\r": 3, "1": 4})
    assert list(json.loads(raw)) == ["\r", "1", "😀", "\ufb33"]


def test_sealed_details_are_what_is_hashed(open_log, audit_url):
    sealed: list[dict[str, object]] = []

    def seal(details):
        sealed.append(details)
        return {"sealed": "Y2lwaGVydGV4dA=="}

    log = open_log(audit_url, seal=seal)
    log.append(record(details={"email": "ada@example.com"}))
    from automation_scripts.governance.audit.search import search

    (entry,) = search(log)
    assert sealed == [{"email": "ada@example.com"}]
    assert entry.members["details"] == {"sealed": "Y2lwaGVydGV4dA=="}
    assert b"ada@example.com" not in entry.raw


def test_what_the_seal_returns_is_checked_too(open_log, audit_url):
    log = open_log(audit_url, seal=lambda details: {"x": b"bytes"})
    with pytest.raises(AuditUnavailable, match="no JSON form"):
        log.append(record())
