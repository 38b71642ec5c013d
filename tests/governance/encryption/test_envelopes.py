"""Envelopes open only whole, unaltered, with their key and in their context."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.governance.encryption.contexts import Context, joined
from automation_scripts.governance.encryption.envelopes import (
    DataKey,
    from_text,
    is_sealed_text,
    key_id_of,
    new_key_id,
    open_envelope,
    seal,
    to_text,
)
from automation_scripts.governance.encryption.unreadable import Unreadable

KEY = DataKey("ab" * 16, bytes(range(32)))
CONTEXT = Context("run.parameters", "run-1", "/password")
CANARY = b"canary-4f1c"
texts = st.text(max_size=12)
contexts = st.builds(Context, purpose=st.text(min_size=1, max_size=8), record_id=texts, field=texts)


@given(st.binary(max_size=300), contexts)
def test_what_was_sealed_opens_in_both_forms(plaintext, context):
    envelope = seal(KEY, plaintext, context)
    assert open_envelope(KEY, envelope, context) == plaintext
    assert from_text(to_text(envelope)) == envelope
    assert len(envelope) == 49 + len(plaintext)


@given(contexts, contexts)
def test_no_two_contexts_open_one_envelope(context, other):
    envelope = seal(KEY, CANARY, context)
    if context == other:
        assert open_envelope(KEY, envelope, other) == CANARY
    else:
        assert context.encoded() != other.encoded()
        with pytest.raises(Unreadable):
            open_envelope(KEY, envelope, other)


def test_parts_cannot_move_between_the_fields_of_a_context():
    assert Context("ab", "c").encoded() != Context("a", "bc").encoded()
    assert joined("a", "", "b") != joined("a", "b", "")
    with pytest.raises(ValueError, match="purpose"):
        Context("")


@settings(max_examples=200)
@given(st.data())
def test_an_envelope_with_any_bit_changed_is_refused(data):
    envelope = bytearray(seal(KEY, CANARY, CONTEXT))
    at = data.draw(st.integers(0, len(envelope) * 8 - 1))
    envelope[at // 8] ^= 1 << at % 8
    with pytest.raises(Unreadable) as refused:
        open_envelope(KEY, bytes(envelope), CONTEXT)
    assert "canary" not in str(refused.value)


@given(st.integers(0, 59), st.binary(max_size=4))
def test_a_cut_or_lengthened_envelope_is_refused(length, more):
    envelope = seal(KEY, CANARY, CONTEXT)
    changed = envelope[:length] + more
    if changed != envelope:
        with pytest.raises(Unreadable):
            open_envelope(KEY, changed, CONTEXT)


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(junk):
    with pytest.raises(Unreadable):
        open_envelope(KEY, junk, CONTEXT)
    with pytest.raises(Unreadable):
        open_envelope(KEY, b"AUTE\x01" + junk, CONTEXT)


@given(st.text(alphabet="AB-_=/+ \n\x00é", max_size=120))
def test_any_other_text_is_refused(junk):
    for text in (junk, "enc:v1:" + junk):
        try:
            envelope = from_text(text)
        except Unreadable:
            continue
        assert to_text(envelope) == text  # the one spelling of these bytes


def test_a_text_has_one_spelling():
    text = to_text(seal(KEY, b"x" * 2, CONTEXT))
    last = text[-1]
    # The last character carries unused bits, which a lenient decoder would ignore.
    spellings = {text[:-1] + other for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"}
    for other in (spellings - {text}) | {text + "=", text + "\n", " " + text, text.upper()}:
        with pytest.raises(Unreadable):
            open_envelope(KEY, from_text(other), CONTEXT)
    assert is_sealed_text(text) and last
    assert not is_sealed_text(b"enc:v1:") and not is_sealed_text(None)


def test_another_key_does_not_open_it_even_under_the_same_id():
    envelope = seal(KEY, CANARY, CONTEXT)
    for other in (DataKey(KEY.id, bytes(32)), DataKey(new_key_id(), KEY.secret)):
        with pytest.raises(Unreadable):
            open_envelope(other, envelope, CONTEXT)


def test_an_envelope_of_a_newer_format_says_so():
    envelope = bytearray(seal(KEY, CANARY, CONTEXT))
    envelope[4] = 9
    with pytest.raises(Unreadable, match=r"format 9.*Upgrade"):
        key_id_of(bytes(envelope))


def test_nonces_differ_for_equal_values():
    sealed = {seal(KEY, CANARY, CONTEXT) for _ in range(50)}
    assert len(sealed) == 50


def test_a_key_is_neither_shown_nor_pickled():
    key = DataKey("ab" * 16, b"canary-key-canary-key-canary-key")
    assert "canary" not in repr(key) + str(key) + f"{key}"
    with pytest.raises(TypeError):
        pickle.dumps(key)
