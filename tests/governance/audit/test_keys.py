"""Key files: made once, private, changed without a gap."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit.keys import AuditKeys, read_verifier_keys
from automation_scripts.governance.audit.log import KEY_CHANGE
from automation_scripts.governance.audit.search import search
from automation_scripts.governance.audit.verify import verify
from tests.governance.audit.conftest import record

MAKE_A_KEY = """
import sys
from pathlib import Path
from automation_scripts.governance.audit.keys import AuditKeys
print("ready", flush=True)
sys.stdin.readline()
print(AuditKeys(Path(sys.argv[1])).current().verifier, flush=True)
"""

CHANGE_AND_DIE = """
import os, sys
from pathlib import Path
from automation_scripts.governance.audit.keys import AuditKeys
from automation_scripts.governance.audit.log import AuditLog
keys = AuditKeys(Path(sys.argv[2]))
log = AuditLog(sys.argv[1], signer=keys)
log.status()
if sys.argv[3] == "before":
    log._write = lambda *_: os._exit(9)
else:
    keys.adopt = lambda _key: os._exit(9)
log.rotate_key()
"""


def test_the_private_key_is_for_the_owner_only(keys):
    keys.current()
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in keys.folder.iterdir()) == ["audit.key", "audit.keys"]
    assert keys.path.read_text().splitlines()[0] == "Name: example.com/audit"
    assert "PRIVATE" not in keys.public_path.read_text()
    assert "PRIVATE" not in repr(keys.current())


def test_openssl_style_readers_take_the_key_file(keys):
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    public = load_pem_private_key(_before(keys), None).public_key().public_bytes_raw()
    assert public == keys.current().verifier.public


def _before(keys):
    keys.current()
    return keys.path.read_bytes()


def test_processes_that_start_at_once_make_one_key(tmp_path, start_worker):
    workers = [start_worker(MAKE_A_KEY, str(tmp_path / "keys")) for _ in range(4)]
    assert [worker.hear() for worker in workers] == ["ready"] * 4
    for worker in workers:
        worker.tell("go")
    assert len({worker.hear() for worker in workers}) == 1
    assert len(AuditKeys(tmp_path / "keys").verifier_keys()) == 1


def test_threads_that_start_at_once_make_one_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: AuditKeys(tmp_path / "keys").current().verifier, range(8)))
    assert len(set(found)) == 1


def test_two_logs_have_different_names(tmp_path):
    names = {AuditKeys(tmp_path / folder).current().verifier.name for folder in ("a", "b")}
    assert len(names) == 2


def test_a_key_that_others_may_read_is_refused(keys):
    keys.current()
    keys.path.chmod(0o644)
    with pytest.raises(AuditUnavailable, match=r"Others have access.*mode 0644.*chmod 600"):
        keys.current()


@pytest.mark.parametrize("text", ["", "garbage", "Name: a\nFrom size: 0\n-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key_is_refused_without_its_content(keys, text):
    keys.current()
    keys.path.write_text(text)
    with pytest.raises(AuditUnavailable, match="not a signing key") as caught:
        keys.current()
    assert "AAAA" not in str(caught.value)


def test_a_lost_public_list_is_written_anew(keys):
    before = keys.verifier_keys()
    keys.public_path.unlink()
    assert keys.verifier_keys() == before


def test_a_damaged_public_list_is_told_with_its_line(keys):
    keys.current()
    with keys.public_path.open("a") as file:
        file.write("12 nonsense\n")
    with pytest.raises(AuditUnavailable, match=r"audit\.keys, line 2"):
        keys.verifier_keys()


def test_a_list_of_keys_may_have_comments_and_bare_keys(keys):
    key = keys.current().verifier
    assert read_verifier_keys(f"# ours\n\n{key}\n0 {key}\n") == [key]


def test_a_change_of_key_is_an_entry_and_both_keys_sign_it(log, keys, anchor):
    log.append(record(1))
    old = keys.verifier_keys()
    changed = log.rotate_key(record(2, actor="grace", details={"why": "yearly"}))
    log.append(record(3))
    (entry,) = search(log, action=KEY_CHANGE)
    new = keys.current().verifier
    assert (entry.index, entry.text("actor")) == (changed.index, "grace") == (1, "grace")
    assert entry.members["details"] == {"why": "yearly", "old": str(old[0]), "new": str(new)}
    assert [key.from_size for key in keys.verifier_keys()] == [0, 2]
    assert verify(log).ok
    # Who knows only the old key can follow up to the change, and finds the new key in the proved entry.
    told = verify(log, verifier_keys=old)
    assert {problem.kind for problem in told.problems} == {"unknown_key"}
    assert told.signed_size == 2


def test_another_process_signs_with_the_new_key_at_once(log, open_log, audit_url, keys):
    other = open_log(audit_url, signer=AuditKeys(keys.folder))
    other.append(record(1))
    log.rotate_key()
    other.append(record(2))
    other.rotate_key()
    log.append(record(3))
    assert len(keys.verifier_keys()) == 3
    assert verify(log).ok


@pytest.mark.parametrize(("when", "entries"), [("before", 1), ("after", 2)])
def test_a_change_of_key_that_was_killed_is_finished_or_forgotten(log, audit_url, keys, start_worker, when, entries):
    log.append(record(1))
    worker = start_worker(CHANGE_AND_DIE, audit_url, str(keys.folder), when)
    assert worker.process.wait(timeout=60) == 9
    assert keys.pending() is not None
    assert verify(log).ok
    assert log.status().size == entries
    log.append(record(2))
    assert keys.pending() is None
    assert len(keys.verifier_keys()) == entries
    assert verify(log).ok
