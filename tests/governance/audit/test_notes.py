"""Signed notes, checkpoints and verifier keys of C2SP, and which of them are believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.governance.audit.keys import SigningKey
from automation_scripts.governance.audit.notes import (
    MalformedNote,
    VerifierKey,
    parse_checkpoint,
    write_checkpoint,
)
from automation_scripts.governance.audit.trust import Verdict, judge
from tests.governance.audit import rfc9162

ROOT = bytes(range(32))
KEY = SigningKey.generate("example.com/audit")
OTHER = SigningKey.generate("example.com/audit")
NOTE = write_checkpoint("example.com/audit", 7, ROOT, [KEY])


def test_a_key_and_a_note_of_another_implementation():
    """The example of Go's package golang.org/x/mod/sumdb/note."""
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signed = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    import base64

    data = base64.b64decode(signed)
    assert data[:4] == key.key_id
    assert key.accepts(text, data[4:])
    assert not key.accepts(text + b"\n", data[4:])


def test_a_checkpoint_has_the_form_of_the_specification():
    lines = NOTE.split("\n")
    assert lines[0] == "example.com/audit"
    assert lines[1:4] == ["7", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert lines[4].startswith("— example.com/audit ")
    assert lines[5:] == [""]
    assert rfc9162.signed_head(NOTE, str(KEY.verifier)) == (7, ROOT)


def test_an_empty_tree_and_a_large_one():
    for size in (0, 10**15):
        checkpoint = parse_checkpoint(write_checkpoint("o", size, ROOT, [KEY]))
        assert (checkpoint.origin, checkpoint.size, checkpoint.root) == ("o", size, ROOT)


@pytest.mark.parametrize(
    "note",
    [
        "",
        NOTE.rstrip("\n"),
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("\n7\n", "\n07\n"),
        NOTE.replace("\n7\n", "\n-7\n"),
        NOTE.replace("\n7\n", "\n٧\n"),
        NOTE.replace("AAEC", "AAE"),
        NOTE.replace("Hh8=", "Hh9="),  # another spelling of the same bytes
        NOTE.replace("— ", "- "),
        NOTE.replace("\n7\n", "\n7\r\n"),
        NOTE + "\n",
        NOTE + "— example.com/audit AAAA\n",
        "example.com/audit\n7\n\n" + NOTE.split("\n\n")[1],
        NOTE + "— a AAAAAAAA\n" * 64,
    ],
)
def test_what_is_no_checkpoint(note):
    with pytest.raises(MalformedNote):
        parse_checkpoint(note)
    assert judge(note, [KEY.verifier]).verdict is Verdict.MALFORMED


@settings(deadline=None)
@given(st.integers(0, len(NOTE) - 1), st.characters(), st.sampled_from(["replace", "insert", "delete"]))
def test_any_change_of_a_checkpoint_is_seen(place, character, how):
    after = place + (how != "insert")
    changed = NOTE[:place] + ("" if how == "delete" else character) + NOTE[after:]
    if changed != NOTE:
        assert judge(changed, [KEY.verifier]).trusted is None


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_the_parser(text):
    assert judge(text, [KEY.verifier]).trusted is None
    assert judge(NOTE + text, [KEY.verifier]).verdict in set(Verdict)


def test_who_signed_decides():
    keys = [KEY.verifier]
    assert judge(NOTE, keys).verdict is Verdict.TRUSTED
    assert judge(NOTE, keys, "example.com/audit").verdict is Verdict.TRUSTED
    assert judge(NOTE, keys, "example.com/other").verdict is Verdict.OTHER_LOG
    assert judge(NOTE, [OTHER.verifier]).verdict is Verdict.UNKNOWN_KEY
    assert judge(NOTE, []).verdict is Verdict.UNKNOWN_KEY
    assert judge(NOTE.replace("\n7\n", "\n8\n"), keys).verdict is Verdict.FORGED
    both = write_checkpoint("example.com/audit", 7, ROOT, [OTHER, KEY])
    assert judge(both, keys).verdict is Verdict.TRUSTED  # signatures of unknown keys are ignored
    broken = both.replace("\n7\n", "\n8\n")
    assert judge(broken, keys).verdict is Verdict.FORGED


def test_a_key_with_the_id_of_another_is_not_that_key():
    """A key id is short on purpose: a collision gives a signature that does not fit, not trust."""
    line = NOTE.rsplit("\n", 2)[1]
    foreign = write_checkpoint("example.com/audit", 7, ROOT, [OTHER]).rsplit("\n", 2)[1]
    import base64

    stolen_id = KEY.verifier.key_id + base64.b64decode(foreign.split(" ")[2])[4:]
    forged = NOTE.replace(line, f"— example.com/audit {base64.b64encode(stolen_id).decode()}")
    assert judge(forged, [KEY.verifier]).verdict is Verdict.FORGED


def test_each_key_signs_in_its_own_time():
    old = SigningKey.generate("a", 0)
    new = SigningKey.generate("a", 10)
    keys = [new.verifier, old.verifier]

    def verdict(size, *signers):
        return judge(write_checkpoint("a", size, ROOT, signers), keys).verdict

    assert verdict(9, old) is verdict(10, old) is verdict(10, new) is verdict(11, new) is Verdict.TRUSTED
    assert verdict(10, old, new) is verdict(11, old, new) is Verdict.TRUSTED
    assert verdict(11, old) is Verdict.RETIRED_KEY  # a stolen old key is worth nothing
    assert verdict(9, new) is Verdict.RETIRED_KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        "name+00000000+AAAA",
        "na me" + str(KEY.verifier)[len("example.com/audit") :],
        str(KEY.verifier).replace("+", "-"),
        "other" + str(KEY.verifier)[len("example.com/audit") :],
        str(KEY.verifier)[:-4],
    ],
    ids=("empty", "name", "no key", "short key", "a space", "dashes", "other name", "cut off"),
)
def test_what_is_no_verifier_key(text):
    with pytest.raises(ValueError, match="verifier key"):
        VerifierKey.parse(text)


def test_a_verifier_key_is_read_as_it_is_written():
    assert VerifierKey.parse(str(KEY.verifier)) == KEY.verifier
