"""A log that cannot be written refuses, and keeps what it had."""

from __future__ import annotations

import sqlite3

import pytest

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit.verify import verify
from tests.governance.audit.conftest import record

FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit.keys import AuditKeys
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.records import AuditRecord
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = AuditLog(sys.argv[1], signer=AuditKeys(Path(sys.argv[2])))
log.append(AuditRecord("small"))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
try:
    log.append_many([AuditRecord("large", details={"text": "x" * 100_000})] * 10)
except AuditUnavailable as error:
    print(error, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(log.append(AuditRecord("after")).index, flush=True)
"""


def test_a_full_disk_refuses_and_leaves_nothing_half_written(sqlite_url, keys, open_log, start_worker):
    worker = start_worker(FILL_THE_DISK, sqlite_url, str(keys.folder))
    said = worker.hear()
    assert "audit log" in said
    assert "cannot be used" in said
    assert "disk" in said
    assert worker.hear() == "1"
    assert worker.finish() == 0
    result = verify(open_log(sqlite_url))
    assert (result.ok, result.size) == (True, 2)


def test_the_page_limit_reads_as_a_full_disk(sqlite_url, open_log):
    log = open_log(sqlite_url)
    log.append(record(0))
    with log.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")
    with pytest.raises(AuditUnavailable, match=r"audit log .* the disk is full\. Free some space"):
        log.append_many([record(number, details={"text": "x" * 1000}) for number in range(300)])
    with log.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    assert log.append(record(1)).index == 1
    assert verify(log).ok


def test_a_log_that_is_read_only(audit_url, open_log):
    log = open_log(audit_url)
    log.append(record(0))
    with log.database.engine.connect() as connection:
        sqlite = log.database.is_sqlite
        connection.exec_driver_sql("PRAGMA query_only=1" if sqlite else "SET default_transaction_read_only=on")
        connection.commit()
    with pytest.raises(AuditUnavailable, match="it is read-only"):
        log.append(record(1))
    assert verify(log).size == 1


def test_a_log_that_another_process_keeps_locked(sqlite_url, open_log):
    log = open_log(sqlite_url, busy_timeout_s=0.2)
    log.append(record(0))
    other = sqlite3.connect(log.database.place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(AuditUnavailable, match="kept it locked"):
        log.append(record(1))
    assert verify(log).ok  # readers are not held up
    other.execute("ROLLBACK")
    other.close()
    assert log.append(record(1)).index == 1


def test_a_file_that_is_no_log(tmp_path, open_log):
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes\n" * 100)
    with pytest.raises(AuditUnavailable, match=r"is not a SQLite database.*audit URL"):
        open_log(f"sqlite:///{path}")
    assert path.read_text().startswith("these are my notes")


def test_a_key_that_cannot_be_read_refuses(sqlite_url, open_log, keys):
    log = open_log(sqlite_url)
    log.append(record(0))
    keys.path.unlink()
    keys.path.mkdir()
    with pytest.raises(AuditUnavailable, match="key of the audit log"):
        log.append(record(1))
    assert verify(log, verifier_keys=[]).size == 1


def test_a_lost_key_is_not_silently_replaced(sqlite_url, open_log, keys):
    log = open_log(sqlite_url)
    log.append(record(0))
    keys.path.unlink()
    with pytest.raises(AuditUnavailable, match=r"private key is gone.*Restore it"):
        open_log(sqlite_url).append(record(1))
    keys.public_path.unlink()
    with pytest.raises(AuditUnavailable, match=r"are gone.*Restore the folder"):
        open_log(sqlite_url).append(record(1))
    assert not keys.exist()
