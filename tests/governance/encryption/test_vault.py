"""Sealing and opening over time: new data keys, rotation while others work, several processes, lost keys."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select, update

from automation_scripts.errors import ConfigurationError, InvalidParameters
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.envelopes import MOST_MESSAGES, from_text, key_id_of
from automation_scripts.governance.encryption.file_keys import FileKeys
from automation_scripts.governance.encryption.key_store import KeyStore
from automation_scripts.governance.encryption.models import data_keys
from automation_scripts.governance.encryption.unreadable import KeyMissing, Shredded, Unreadable
from automation_scripts.governance.encryption.vault import LIFE, SKEW, Vault

CONTEXT = Context("run.parameters", "run-1")
CANARY = "canary-8d2e"

SEAL = """
import sys
from pathlib import Path
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.file_keys import FileKeys
from automation_scripts.governance.encryption.key_store import KeyStore
from automation_scripts.governance.encryption.vault import Vault
print("ready", flush=True)
sys.stdin.readline()
vault = Vault(FileKeys(Path(sys.argv[2])), KeyStore(sys.argv[1]))
print(vault.pseudonym("ada"), flush=True)
for number in range(20):
    print(vault.seal_text(f"value {number}", Context("run.parameters", "run-1"), "ada"), flush=True)
"""


def key_rows(vault):
    with vault.store.database.read() as connection:
        return connection.execute(select(data_keys).order_by(data_keys.c.created_at)).all()


def test_another_process_opens_what_was_sealed(any_vault, another):
    envelope = any_vault.seal(b"x", CONTEXT)
    text = any_vault.seal_text("ü\ud800", CONTEXT, "ada")
    other = another(any_vault)
    assert other.open(envelope, CONTEXT) == b"x"
    assert other.open_text(text, CONTEXT) == "ü\ud800"
    with pytest.raises(Unreadable, match="run.parameters run-2"):
        other.open(envelope, Context("run.parameters", "run-2"))


def test_one_data_key_a_day_and_the_old_ones_open(any_vault, clock, another):
    first = any_vault.seal(b"1", CONTEXT)
    clock.move(hours=23)
    assert key_id_of(any_vault.seal(b"2", CONTEXT)) == key_id_of(first)
    assert key_id_of(another(any_vault).seal(b"2", CONTEXT)) == key_id_of(first)
    clock.move(hours=1)
    assert key_id_of(any_vault.seal(b"3", CONTEXT)) != key_id_of(first)
    assert another(any_vault).open(first, CONTEXT) == b"1"


def test_a_clock_set_back_does_not_keep_a_key_in_use(any_vault, clock, another):
    first = any_vault.seal(b"1", CONTEXT)
    clock.move(minutes=-4)
    assert key_id_of(any_vault.seal(b"2", CONTEXT)) == key_id_of(first)
    clock.at -= timedelta(days=400)
    late = any_vault.seal(b"3", CONTEXT)
    assert key_id_of(late) != key_id_of(first) != key_id_of(another(any_vault).seal(b"4", CONTEXT))
    assert another(any_vault).open(first, CONTEXT) == b"1"
    assert SKEW < LIFE


def test_a_key_is_replaced_before_it_has_sealed_too_many_messages(any_vault, another):
    first = key_id_of(any_vault.seal(b"1", CONTEXT))
    with any_vault.store.database.write() as connection:
        counted = connection.execute(select(data_keys.c.messages)).scalar_one()
        assert counted == 1 << 16
        connection.execute(update(data_keys).values(messages=MOST_MESSAGES - 1))
    assert key_id_of(another(any_vault).seal(b"2", CONTEXT)) != first
    assert max(row.messages for row in key_rows(any_vault)) <= MOST_MESSAGES


def test_messages_are_reserved_before_they_are_sealed(vault, monkeypatch):
    monkeypatch.setattr("automation_scripts.governance.encryption.vault._RESERVED", 3)
    for _ in range(7):
        vault.seal(b"x", CONTEXT)
    assert [row.messages for row in key_rows(vault)] == [9]


def test_a_forked_child_counts_for_itself_and_waits_for_no_lock(vault):
    vault.seal(b"x", CONTEXT)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with vault._lock:
            held.set()
            release.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(vault.seal(b"from the child", CONTEXT)))
    try:
        child.start()
        assert receiver.poll(30)
    finally:
        release.set()
        holder.join()
        child.kill()
        child.join()
    assert vault.open(receiver.recv(), CONTEXT) == b"from the child"
    assert [row.messages for row in key_rows(vault)] == [2 << 16]


def test_processes_that_begin_at_once_share_pseudonyms_and_read_each_other(store_url, keyring, clock, start_worker):
    workers = [start_worker(SEAL, store_url, str(keyring.path)) for _ in range(3)]
    assert [worker.hear() for worker in workers] == ["ready"] * 3
    for worker in workers:
        worker.tell("go")
    heard = [[worker.hear() for _ in range(21)] for worker in workers]
    assert [worker.finish() for worker in workers] == [0] * 3
    with KeyStore(store_url) as store:
        vault = Vault(keyring, store, clock)
        assert {lines[0] for lines in heard} == {vault.pseudonym("ada")}
        for lines in heard:
            assert [vault.open_text(line, CONTEXT) for line in lines[1:]] == [f"value {n}" for n in range(20)]
        assert vault.shred("ada", "officer", "asked").keys >= 1
        assert all(isinstance(vault.open_or_shredded(from_text(line), CONTEXT), Shredded) for line in heard[1][1:])


def test_threads_share_one_key(vault):
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda n: vault.seal(str(n).encode(), CONTEXT), range(200)))
    assert len({key_id_of(envelope) for envelope in sealed}) == 1
    assert [vault.open(envelope, CONTEXT) for envelope in sealed] == [str(n).encode() for n in range(200)]


def test_rotation_rewraps_the_keys_and_leaves_the_data(any_vault, keyring, another):
    envelopes = [any_vault.seal(b"x", CONTEXT, subject) for subject in (None, "ada", "bob")]
    old = keyring.current()
    pseudonym = any_vault.pseudonym("value")
    new = keyring.rotate()
    assert [(use.kek_id, use.data_keys, use.current) for use in any_vault.status()] == [(new, 0, True), (old, 4, False)]
    assert key_id_of(any_vault.seal(b"y", CONTEXT)) == key_id_of(envelopes[0])  # still reserved in this process
    assert key_id_of(another(any_vault).seal(b"y", CONTEXT)) != key_id_of(envelopes[0])
    with pytest.raises(ConfigurationError, match=rf"4 data keys hang on {old}"):
        any_vault.retire(old)
    assert any_vault.rewrap() == 4
    assert any_vault.rewrap() == 0
    assert any_vault.retire(old) == ""
    assert [(use.kek_id, use.data_keys) for use in any_vault.status()] == [(new, 5)]
    other = another(any_vault)
    assert [other.open(envelope, CONTEXT) for envelope in envelopes] == [b"x"] * 3
    assert other.pseudonym("value") == pseudonym


def test_many_keys_are_rewrapped_in_batches(vault, keyring, monkeypatch):
    monkeypatch.setattr("automation_scripts.governance.encryption.vault._REWRAPPED_AT_ONCE", 7)
    monkeypatch.setattr("automation_scripts.governance.encryption.key_store._BATCH", 10)
    for number in range(33):
        vault.seal(b"x", CONTEXT, str(number))
    keyring.rotate()
    assert vault.rewrap() == 34
    assert [use.data_keys for use in vault.status()] == [34]


def test_a_key_that_is_shredded_during_a_rewrap_stays_gone(vault, keyring):
    envelope = vault.seal(b"x", CONTEXT, "ada")
    keyring.rotate()
    pending = [
        (key, keyring.wrap(keyring.unwrap(key.wrapped, key.binding), key.binding))
        for key in vault.store.not_under(keyring.current())
    ]
    vault.shred("ada", "officer", "asked")
    assert vault.store.rewrapped(pending) == len(pending) - 1
    assert isinstance(vault.open_or_shredded(envelope, CONTEXT), Shredded)


def test_a_slow_rewrap_does_not_undo_a_later_one(vault, keyring):
    vault.seal(b"x", CONTEXT)
    keyring.rotate()
    slow = [
        (key, keyring.wrap(keyring.unwrap(key.wrapped, key.binding), key.binding))
        for key in vault.store.not_under(keyring.current())
    ]
    newest = keyring.rotate()
    assert vault.rewrap() == 1
    assert vault.store.rewrapped(slow) == 0
    assert [use.kek_id for use in vault.status()] == [newest]


def test_a_retired_key_is_not_used_by_who_did_not_hear_of_it(vault, keyring, another, tmp_path):
    old = keyring.current()
    stale_file = tmp_path / "copy.json"
    stale_file.write_bytes(keyring.path.read_bytes())
    stale_file.chmod(0o600)
    keyring.rotate()
    vault.retire(old)
    with pytest.raises(ConfigurationError, match=rf"{old} was retired"):
        Vault(FileKeys(stale_file), vault.store).seal(b"x", CONTEXT)


def test_a_key_that_is_retired_while_it_wraps_is_replaced(vault, keyring, another, monkeypatch):
    keyring.current()
    generate = keyring.generate

    def overtaken(binding):
        made = generate(binding)
        monkeypatch.undo()
        other = another(vault)
        old = keyring.current()
        keyring.rotate()
        other.rewrap()
        other.retire(old)
        return made

    monkeypatch.setattr(keyring, "generate", overtaken)
    assert vault.open(vault.seal(b"x", CONTEXT), CONTEXT) == b"x"
    assert {use.kek_id for use in vault.status()} == {keyring.current()}


def test_what_cannot_be_retired(vault, keyring):
    with pytest.raises(ConfigurationError, match="is the current"):
        vault.retire(keyring.current())
    with pytest.raises(InvalidParameters, match=r"no key-encryption key 'kek-typo'"):
        vault.retire("kek-typo")


def test_lost_keys_are_named(vault, keyring, another, tmp_path, clock):
    envelope = vault.seal(CANARY.encode(), CONTEXT)
    kek_id = keyring.current()
    keyring.path.unlink()
    with pytest.raises(KeyMissing, match=rf"{kek_id} is not in the keyring"):
        another(vault).open(envelope, CONTEXT)
    assert {(use.kek_id, use.available) for use in vault.status()} == {(kek_id, False), (keyring.current(), True)}
    named = rf"{key_id_of(envelope)} is not in the key store .*other.db"
    with KeyStore(f"sqlite:///{tmp_path}/other.db") as empty, pytest.raises(KeyMissing, match=named):
        Vault(keyring, empty, clock).open(envelope, CONTEXT)


def test_rows_exchanged_in_the_store_do_not_open(vault, another):
    mine, theirs = vault.seal(b"mine", CONTEXT, "ada"), vault.seal(b"theirs", CONTEXT, "bob")
    rows = {row.id: row for row in key_rows(vault)}
    first, second = rows[key_id_of(mine)], rows[key_id_of(theirs)]
    with vault.store.database.write() as connection:
        # An attacker relabels ada's key as bob's, so that shredding ada would spare it.
        connection.execute(update(data_keys).where(data_keys.c.id == first.id).values(owner=second.owner))
        connection.execute(update(data_keys).where(data_keys.c.id == second.id).values(wrapped=first.wrapped))
    for envelope in (mine, theirs):
        with pytest.raises(Unreadable, match=r"data key .* was altered or put in place of another"):
            another(vault).open(envelope, CONTEXT)


def test_pseudonyms_tell_domains_apart_and_hide_the_value(vault):
    assert vault.pseudonym(CANARY) == vault.pseudonym(CANARY)
    assert len({vault.pseudonym("a"), vault.pseudonym("b"), vault.pseudonym("a", "d"), vault.pseudonym("da")}) == 4
    assert CANARY not in vault.pseudonym(CANARY)


def test_no_message_log_or_traceback_holds_the_clear_value(vault, caplog):
    caplog.set_level(logging.DEBUG)
    envelope = vault.seal(CANARY.encode(), CONTEXT)
    spoilt = envelope[:-1] + bytes([envelope[-1] ^ 1])
    try:
        vault.open(spoilt, CONTEXT)
    except Unreadable:
        assert CANARY not in traceback.format_exc()
    else:
        raise AssertionError("opened")
    assert CANARY not in caplog.text + repr(vault) + repr(vault._sealing) + repr(vault._clear)
    secrets = [key.secret for key, _ in vault._clear.values()]
    assert secrets
    for secret in secrets:
        assert repr(secret)[2:-1] not in repr(vault._sealing) + repr(vault._clear)


def test_nothing_of_the_value_is_in_the_files(vault, keyring):
    vault.seal(CANARY.encode(), CONTEXT, CANARY)
    for path in keyring.path.parent.iterdir():
        assert CANARY.encode() not in path.read_bytes()


class Rotations(RuleBasedStateMachine):
    """Whatever is rotated, rewrapped, retired and shredded: what is not shredded opens, the rest is marked."""

    @initialize()
    def begin(self):
        import tempfile
        from pathlib import Path

        from tests.governance.encryption.conftest import Clock

        self.folder = tempfile.TemporaryDirectory()
        home = Path(self.folder.name)
        self.clock, self.keys = Clock(), FileKeys(home / "keyring.json")
        self.store = KeyStore(f"sqlite:///{home}/keys.db")
        self.vault = Vault(self.keys, self.store, self.clock)
        self.kept: list[tuple[bytes, bytes, str | None]] = []
        self.erased: list[bytes] = []

    @rule(subject=st.sampled_from([None, "ada", "bob"]), plaintext=st.binary(max_size=8))
    def seal(self, subject, plaintext):
        self.kept.append((self.vault.seal(plaintext, CONTEXT, subject), plaintext, subject))

    @rule()
    def rotate(self):
        self.keys.rotate()

    @rule()
    def rewrap(self):
        self.vault.rewrap()
        assert {use.kek_id for use in self.vault.status()} == {self.keys.current()}

    @rule()
    def retire(self):
        used = self.store.keys_by_kek()
        for kek_id in set(self.keys.keks().secrets) - {self.keys.current()}:
            if kek_id in used:
                with pytest.raises(ConfigurationError):
                    self.vault.retire(kek_id)
            else:
                self.vault.retire(kek_id)

    @rule(subject=st.sampled_from(["ada", "bob"]))
    def shred(self, subject):
        self.vault.shred(subject, "officer", "asked")
        self.erased += [envelope for envelope, _, owner in self.kept if owner == subject]
        self.kept = [item for item in self.kept if item[2] != subject]

    @rule(hours=st.integers(-30, 30))
    def time_passes(self, hours):
        self.clock.move(hours=hours)

    @rule()
    def restart(self):
        self.vault = Vault(self.keys, self.store, self.clock)

    @invariant()
    def all_is_as_it_should_be(self):
        for envelope, plaintext, _ in self.kept:
            assert self.vault.open(envelope, CONTEXT) == plaintext
        for envelope in self.erased:
            assert isinstance(self.vault.open_or_shredded(envelope, CONTEXT), Shredded)

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


TestRotations = Rotations.TestCase
TestRotations.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


def test_sealing_goes_on_during_rotation_and_rewrapping(vault, keyring, another):
    other, stop, sealed = another(vault), threading.Event(), []

    def work() -> None:
        while not stop.is_set():
            sealed.append(other.seal(b"x", CONTEXT, f"subject {len(sealed) % 5}"))

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        for _ in range(5):
            keyring.rotate()
            vault.rewrap()
        stop.set()
        working.result()
    assert sealed
    assert [vault.open(envelope, CONTEXT) for envelope in sealed] == [b"x"] * len(sealed)
