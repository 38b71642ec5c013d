"""Erasure by destroying keys: at once, in every process, on the disk, with a record that stays."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.envelopes import key_id_of
from automation_scripts.governance.encryption.key_store import KeyStore
from automation_scripts.governance.encryption.models import data_keys
from automation_scripts.governance.encryption.unreadable import Shredded, ShreddedData
from automation_scripts.governance.encryption.vault import Vault

CONTEXT = Context("history.details", "run-1")
SUBJECT = "canary-person@example.org"


def wrapped_keys(vault):
    with vault.store.database.read() as connection:
        return list(
            connection.execute(select(data_keys.c.wrapped).where(~data_keys.c.owner.in_(["", "pseudonyms"]))).scalars()
        )


def test_what_was_sealed_for_a_person_is_gone_and_the_rest_stays(any_vault, another, clock):
    other = another(any_vault)
    gone, kept = any_vault.seal(b"gone", CONTEXT, SUBJECT), any_vault.seal(b"kept", CONTEXT, "bob")
    assert other.open(gone, CONTEXT) == b"gone"  # it has the key in memory now
    clock.move(days=2)
    later = any_vault.seal(b"later", CONTEXT, SUBJECT)

    done = any_vault.shred(SUBJECT, "dpo", "Art. 17 request 4711")

    assert (done.keys, done.by, done.reason, done.at) == (2, "dpo", "Art. 17 request 4711", clock.at)
    for vault in (any_vault, other, another(any_vault)):
        for envelope in (gone, later):
            marker = vault.open_or_shredded(envelope, CONTEXT)
            assert marker == Shredded(done.id, clock.at)
            assert str(marker) == "[erased on 2026-03-03]"
            with pytest.raises(ShreddedData, match=rf"erased for good on 2026-03-03 \(shredding {done.id}\)"):
                vault.open(envelope, CONTEXT)
        assert vault.open(kept, CONTEXT) == b"kept"


def test_a_process_that_sealed_before_seals_with_a_new_key_after(any_vault, another):
    other = another(any_vault)
    before = other.seal(b"before", CONTEXT, SUBJECT)
    any_vault.shred(SUBJECT, "dpo", "asked")
    after = other.seal(b"they came back", CONTEXT, SUBJECT)
    assert key_id_of(after) != key_id_of(before)
    assert any_vault.open(after, CONTEXT) == b"they came back"
    assert isinstance(other.open_or_shredded(before, CONTEXT), Shredded)


def test_the_record_stays_and_does_not_name_the_person(any_vault, another):
    any_vault.seal(b"x", CONTEXT, SUBJECT)
    first = any_vault.shred(SUBJECT, "dpo", "asked")
    again = any_vault.shred(SUBJECT, "dpo", "asked again")
    assert (first.keys, again.keys) == (1, 0)
    found = another(any_vault).shreddings(SUBJECT)
    assert {(done.id, done.reason) for done in found} == {(first.id, "asked"), (again.id, "asked again")}
    assert SUBJECT not in repr(found)
    assert any_vault.shreddings("bob") == []


def test_a_wrapped_key_is_in_no_file_afterwards(vault, sqlite_url):
    for number in range(120):  # several pages, so that cells move when the tree is balanced
        vault.seal(b"x", CONTEXT, f"{SUBJECT} {number}")
    blobs = wrapped_keys(vault)
    vault.seal(b"x", CONTEXT, SUBJECT)
    doomed = [blob for blob in wrapped_keys(vault) if blob not in blobs]
    folder = Path(vault.store.database.place).parent

    def found(blob: bytes) -> list[str]:
        return [path.name for path in folder.iterdir() if blob in path.read_bytes()]

    assert len(doomed) == 1 and found(doomed[0])
    assert vault.shred(SUBJECT, "dpo", "asked").remains == ""
    assert found(doomed[0]) == []
    for number in range(0, 120, 2):
        vault.shred(f"{SUBJECT} {number}", "dpo", "asked")
    left = wrapped_keys(vault)
    assert len(left) == 60
    for blob in blobs:
        assert bool(found(blob)) == (blob in left)
    assert not any(SUBJECT.encode() in path.read_bytes() for path in folder.iterdir())


def test_a_rewrapped_key_leaves_nothing_of_the_old_wrapping(vault, keyring):
    vault.seal(b"x", CONTEXT, SUBJECT)
    old = wrapped_keys(vault)
    keyring.rotate()
    vault.rewrap()
    vault.store.wipe_log()
    folder = Path(vault.store.database.place).parent
    assert not any(blob in path.read_bytes() for path in folder.iterdir() for blob in old)


def test_a_reader_that_keeps_the_log_is_told_of(sqlite_url, keyring, clock):
    with KeyStore(sqlite_url, busy_timeout_s=0.05) as store:
        vault = Vault(keyring, store, clock)
        envelope = vault.seal(b"x", CONTEXT, SUBJECT)
        reader = sqlite3.connect(store.database.place, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM data_keys").fetchall()
        assert "A reader still needs" in vault.shred(SUBJECT, "dpo", "asked").remains
        assert isinstance(vault.open_or_shredded(envelope, CONTEXT), Shredded)
        reader.close()
        assert store.wipe_log() == ""


def test_postgresql_says_where_copies_remain(postgres_url, keyring, clock):
    with KeyStore(postgres_url) as store:
        assert "VACUUM data_keys" in Vault(keyring, store, clock).shred(SUBJECT, "dpo", "asked").remains


@pytest.mark.parametrize(("subject", "by", "reason"), [("", "dpo", "x"), ("ada", " ", "x"), ("ada", "dpo", "")])
def test_an_erasure_needs_a_person_an_actor_and_a_reason(vault, subject, by, reason):
    with pytest.raises(InvalidParameters):
        vault.shred(subject, by, reason)
    assert vault.shreddings() == []


def test_an_empty_subject_does_not_count_as_nobody(vault):
    with pytest.raises(InvalidParameters, match="empty"):
        vault.seal(b"x", CONTEXT, "")
