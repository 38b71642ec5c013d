"""Exported proofs, checked by a verifier that knows nothing of this project."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.audit.proofs import prove_consistency, prove_inclusion
from tests.governance.audit import rfc9162
from tests.governance.audit.conftest import record


@pytest.fixture
def filled(open_log, audit_url):
    log = open_log(audit_url, checkpoint_every=4)
    for number in range(11):
        log.append(record(number, details={"text": 'é "😀" \n'}))
    return log


def test_every_entry_is_proved_in_every_signed_log(filled, keys):
    key = str(keys.current().verifier)
    for size in (4, 8, 11, None):
        for index in range(size or 11):
            bundle = json.dumps(prove_inclusion(filled, index, size))
            assert rfc9162.bundle_holds(bundle, key)
    assert json.loads(bundle)["verifier_keys"] == [key]


def test_every_signed_log_is_the_beginning_of_every_later_one(filled, keys):
    key = str(keys.current().verifier)
    for first, second in ((4, 8), (4, 11), (8, 11), (4, None), (8, 8), (11, 11)):
        assert rfc9162.bundle_holds(json.dumps(prove_consistency(filled, first, second)), key)


@pytest.mark.parametrize(
    "change",
    [
        {"index": 6},
        {"tree_size": 12},
        {"entry": "{}"},
        {"hashes": []},
    ],
)
def test_a_proof_that_was_changed_does_not_hold(filled, keys, change):
    bundle = prove_inclusion(filled, 5) | change
    assert not rfc9162.bundle_holds(json.dumps(bundle), str(keys.current().verifier))


def test_a_proof_of_another_key_does_not_hold(filled, tmp_path):
    from automation_scripts.governance.audit.keys import AuditKeys

    stranger = str(AuditKeys(tmp_path / "stranger", "example.com/audit").current().verifier)
    with pytest.raises(ValueError, match="no signature of this key"):
        rfc9162.bundle_holds(json.dumps(prove_inclusion(filled, 5)), stranger)


def test_proofs_hold_across_a_change_of_key(filled, keys):
    filled.rotate_key()
    filled.append(record())
    filled.checkpoint()
    old, new = keys.verifier_keys()
    bundle = json.dumps(prove_consistency(filled, 8, 12))
    assert rfc9162.bundle_holds(bundle, str(old))  # both are signed by the old key
    assert rfc9162.bundle_holds(json.dumps(prove_consistency(filled, 12, 13)), str(new))
    assert rfc9162.bundle_holds(json.dumps(prove_inclusion(filled, 0)), str(new))


def test_a_proof_made_from_an_edited_log_does_not_hold(filled, keys):
    with filled.database.write() as connection:
        connection.execute(
            text(
                "UPDATE audit_entries SET entry = (SELECT entry FROM audit_entries WHERE entry_index = 0) WHERE entry_index = 5"
            )
        )
    assert not rfc9162.bundle_holds(json.dumps(prove_inclusion(filled, 5)), str(keys.current().verifier))
    assert rfc9162.bundle_holds(json.dumps(prove_inclusion(filled, 4)), str(keys.current().verifier))


@pytest.mark.parametrize(
    ("index", "size", "said"),
    [
        (11, None, "no entry 11 in a log of 11"),
        (-1, None, "no entry -1"),
        (5, 4, "no entry 5 in a log of 4"),
        (5, 6, "No checkpoint of 6 entries was kept. Kept near it: 4, 8"),
        (5, 999, "Kept near it: 4, 8"),
    ],
)
def test_what_cannot_be_proved(filled, index, size, said):
    with pytest.raises(InvalidParameters, match=said):
        prove_inclusion(filled, index, size)


def test_sizes_that_cannot_be_compared(filled):
    with pytest.raises(InvalidParameters, match="cannot be the beginning"):
        prove_consistency(filled, 8, 4)
    with pytest.raises(InvalidParameters, match="No checkpoint of 7"):
        prove_consistency(filled, 7)


def test_an_empty_log_proves_nothing(log):
    with pytest.raises(InvalidParameters, match="no entries yet"):
        prove_inclusion(log, 0)


def test_hashes_that_are_gone_are_told(filled):
    with filled.database.write() as connection:
        connection.execute(text("DELETE FROM audit_nodes WHERE position = 3"))
    with pytest.raises(InvalidParameters, match=r"over entries 0 to 3 is not stored.*audit verify"):
        prove_inclusion(filled, 5)
