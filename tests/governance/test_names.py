"""Names: one spelling each, what somebody means who types another, and whose name it looks like."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.identity.records import DEFAULT_ROLES
from automation_scripts.governance.names import as_seen, checked_name, meant


@pytest.mark.parametrize("name", ["ada", "a", "0", "ada.lovelace-2_x", "a" * 64, *DEFAULT_ROLES])
def test_plain_names_are_names(name):
    assert checked_name(name) == name == meant(name)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "empty"),
        ("Ada", r"U\+0041 LATIN CAPITAL LETTER A.*Write 'ada'"),
        ("ada lovelace", r"character 4 is U\+0020 SPACE"),
        (" ada", r"character 1 is U\+0020 SPACE"),
        ("ada\n", r"character 4 is U\+000A unnamed"),
        ("a\u200bda", r"character 2 is U\+200B ZERO WIDTH SPACE"),
        ("ada\u2060", r"U\+2060 WORD JOINER"),
        ("\u202eada", r"U\+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u0430da", r"character 1 is U\+0430 CYRILLIC SMALL LETTER A"),
        ("\uff41da", r"U\+FF41 FULLWIDTH LATIN SMALL LETTER A.*Write 'ada'"),
        ("\u212aate", r"KELVIN SIGN.*Write 'kate'"),
        ("ada\0", r"U\+0000"),
        ("-ada", "begins with '-'"),
        (".ada", "begins with '.'"),
        ("a" * 65, "65 characters"),
        ("ada\ud800", r"U\+D800"),
    ],
)
def test_other_names_are_refused_and_the_fault_is_named(name, fault):
    with pytest.raises(InvalidParameters, match=fault) as caught:
        checked_name(name)
    assert str(caught.value).isprintable()


@given(st.text(max_size=80))
def test_a_name_that_is_accepted_is_plain_ascii_and_means_itself(text):
    plain = meant(text)
    if plain is not None:
        assert checked_name(plain) == plain and plain.isascii() and meant(plain) == plain
    try:
        assert checked_name(text) == text == unicodedata.normalize("NFKC", text).casefold()
    except InvalidParameters:
        assert plain != text


@pytest.mark.parametrize(
    "trick", ["ADA", "Ada", "ａｄａ", "a\u200bda", "ada\u00ad", " ada ", "ad\u0301a", "\u202eada", "𝐚𝐝𝐚"]
)
def test_other_spellings_of_a_name_are_one_name(trick):
    assert as_seen(trick) == "ada"


@given(st.text(max_size=12))
def test_a_name_as_it_looks_looks_like_itself(name):
    assert as_seen(as_seen(name)) == as_seen(name)


@pytest.mark.parametrize(
    "trick", ["a\u200bda", "ada\u00ad", " ada", "ada ", "ad\u0301a", "\u202eada", "ada\0", "\u0430da"]
)
def test_nobody_means_a_name_with_what_cannot_be_seen(trick):
    assert meant(trick) is None


@pytest.mark.parametrize("typed", ["ADA", "Ada", "ａｄａ", "𝐚𝐝𝐚"])
def test_capitals_and_other_forms_of_the_same_letters_mean_the_name(typed):
    assert meant(typed) == "ada"


@given(st.text(max_size=12))
def test_whatever_is_meant_looks_like_it(text):
    name = meant(text)
    assert name is None or as_seen(text) == as_seen(name) == name
