"""Appending: indexes, time, durability's settings, threads, and refusing what was changed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit.keys import AuditKeys
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.search import read_all, search
from automation_scripts.governance.audit.verify import verify
from tests.governance.audit import rfc9162
from tests.governance.audit.conftest import T0, record


def execute(log: AuditLog, statement: str, **values: object) -> None:
    """Do what an attacker with the rights of the service can do."""
    with log.database.write() as connection:
        connection.execute(text(statement), values)


def test_entries_are_counted_from_zero_and_keep_what_was_said(log):
    written = log.append_many([record(0), record(1, claimed_user="ad\u200ba", reasons=["policy1"])])
    later = log.append(record(2, trace_id="4bf92f35"))
    assert [one.index for one in (*written, later)] == [0, 1, 2]
    newest, middle, _ = search(log)
    assert newest.text("trace_id") == "4bf92f35"
    assert (middle.text("claimed_user"), middle.members["reasons"]) == ("ad\u200ba", ["policy1"])
    assert middle.members["version"] == 1
    assert middle.members["host"]
    assert middle.members["pid"]
    assert rfc9162.hash_leaf(newest.raw).hex() == later.entry_hash
    assert newest.time == later.time == T0 + timedelta(seconds=2)


def test_the_root_is_that_of_the_rfc_over_the_stored_bytes(log):
    for size in (1, 2, 5, 1, 7):
        log.append_many([record(number) for number in range(size)])
        raws = [entry.raw for entry in read_all(log)]
        assert log.status().root == rfc9162.naive_root(raws).hex()


def test_nothing_to_append_is_nothing_written(log):
    assert log.append_many([]) == []
    assert log.status().size == 0
    assert verify(log).ok


def test_an_empty_log_can_be_checkpointed_and_verified(log, keys):
    note = log.checkpoint()
    assert rfc9162.signed_head(note, str(keys.current().verifier)) == (0, rfc9162.naive_root([]))
    log.append(record())
    assert verify(log).ok


def test_time_never_goes_back_and_the_reading_is_kept(log, clock):
    log.append(record(0))
    clock.time = T0 - timedelta(hours=1)
    log.append(record(1))
    clock.time = T0 + timedelta(hours=1)
    log.append(record(2))
    times = [entry.time for entry in read_all(log)]
    assert times == [T0 + timedelta(seconds=1)] * 2 + [T0 + timedelta(hours=1, seconds=1)]
    readings = [entry.members.get("clock_moved_back") for entry in read_all(log)]
    assert readings == [None, "2026-03-29T00:00:01.000000Z", None]
    assert verify(log).ok


def test_a_clock_in_another_zone_tells_the_same_time(open_log, audit_url):
    from datetime import timezone

    zone = timezone(timedelta(hours=5, minutes=30))
    log = open_log(audit_url, clock=lambda: T0.astimezone(zone))
    assert log.append(record()).time == T0
    assert search(log)[0].text("time") == "2026-03-29T01:00:00.000000Z"


def test_sqlite_writes_through_to_the_disk(open_log, sqlite_url):
    with open_log(sqlite_url).database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_threads_that_append_at_once_each_get_their_own_index(log):
    barrier = threading.Barrier(8)

    def work(number):
        barrier.wait()
        return [log.append(record(number, details={"turn": turn})).index for turn in range(6)]

    with ThreadPoolExecutor(8) as pool:
        indexes = [index for found in pool.map(work, range(8)) for index in found]
    assert sorted(indexes) == list(range(48))
    by_index = {entry.index: entry for entry in read_all(log)}
    assert len(by_index) == 48
    assert verify(log).ok


def test_waiting_threads_share_one_transaction_and_each_gets_its_own_entry(open_log, sqlite_url, monkeypatch):
    log = open_log(sqlite_url)
    commits: list[int] = []
    held, go_on = threading.Event(), threading.Event()
    commit = log._commit_waiting

    def counted():
        if not commits:
            held.set()
            go_on.wait(10)
        commits.append(len(log._waiting))
        return commit()

    monkeypatch.setattr(log, "_commit_waiting", counted)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(log.append, record(0))
        held.wait(10)
        others = [pool.submit(log.append, record(number)) for number in range(1, 6)]
        while len(log._waiting) < 6:
            pass
        go_on.set()
        done = [future.result() for future in (first, *others)]
    assert commits == [6]
    entries = {entry.index: entry for entry in read_all(log)}
    for number, one in enumerate(done):
        assert entries[one.index].members["details"] == {"number": number}


def test_when_a_shared_transaction_fails_all_its_threads_are_refused(open_log, sqlite_url, monkeypatch):
    log = open_log(sqlite_url)
    log.append(record(0))
    barrier = threading.Barrier(4)

    def fail(*_, **__):
        raise AuditUnavailable("the disk is full")

    monkeypatch.setattr(log, "_sign", fail)

    def work(number):
        barrier.wait()
        with pytest.raises(AuditUnavailable, match="the disk is full"):
            log.append(record(number))
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    monkeypatch.undo()
    assert log.append(record(1)).index == 1


def test_who_waited_on_a_thread_that_was_interrupted_hears_that_it_is_not_sure(open_log, sqlite_url, monkeypatch):
    """An exception may be sent into a thread at any point, also after the commit."""
    log = open_log(sqlite_url)
    log.append(record(0))
    commit = log._commit_waiting

    def taken_by_another():
        log._waiting.clear()  # it took our record too, and was interrupted
        return commit()

    monkeypatch.setattr(log, "_commit_waiting", taken_by_another)
    with pytest.raises(AuditUnavailable, match="was interrupted"):
        log.append(record(1))
    monkeypatch.undo()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(log, "_remember", interrupted)
    with pytest.raises(KeyboardInterrupt):
        log.append(record(2))
    monkeypatch.undo()
    assert log.append(record(3)).index == 2  # the record of the interrupted one is there, and did no harm
    assert verify(log).ok


def test_a_log_without_its_key_can_be_read_and_verified_only(log, audit_url, keys):
    log.append(record())
    with AuditLog(audit_url) as reader:
        assert len(search(reader)) == 1
        assert verify(reader, verifier_keys=keys.verifier_keys()).ok
        assert not verify(reader).ok  # no key, no trust
        for write in (lambda: reader.append(record()), reader.checkpoint, reader.rotate_key):
            with pytest.raises(AuditUnavailable, match="without its signing key"):
                write()


def test_the_name_of_the_log_is_in_its_status(log):
    assert log.status().last_time is None
    log.append(record())
    status = log.status()
    assert (status.size, status.origin, status.checkpoint_size) == (1, "example.com/audit", 0)


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM audit_entries WHERE entry_index = 4",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET note = 'x'",
        "DELETE FROM audit_nodes",
        "UPDATE audit_nodes SET hash = (SELECT hash FROM audit_nodes WHERE position = 0) WHERE position = 8",
        "DELETE FROM audit_entries",
    ],
)
def test_nothing_is_appended_to_a_log_whose_end_was_changed(log, open_log, audit_url, tampering):
    log.append_many([record(number) for number in range(5)])
    execute(log, tampering)
    for one in (log, open_log(audit_url)):
        with pytest.raises(AuditUnavailable, match=r"was changed by something else.*audit verify"):
            one.append(record(5))
        with pytest.raises(AuditUnavailable, match="was changed"):
            one.checkpoint()


def test_a_log_that_was_signed_with_another_key_is_not_continued(log, open_log, audit_url, tmp_path):
    log.append(record())
    other = AuditKeys(tmp_path / "other", "example.com/audit")
    stranger = open_log(audit_url, signer=other)
    with pytest.raises(AuditUnavailable, match="are gone"):
        stranger.append(record())
    assert not other.exist(), "a log that has a key gets no other"
    other.current()
    with pytest.raises(AuditUnavailable, match="was changed"):
        stranger.append(record())


def test_a_log_that_is_put_back_while_it_is_used_is_noticed(log):
    log.append(record(0))
    with log.database.read() as connection:
        head = connection.execute(text("SELECT note FROM audit_head")).scalar_one()
    log.append(record(1))
    execute(log, "DELETE FROM audit_entries WHERE entry_index = 1")
    execute(log, "DELETE FROM audit_nodes WHERE position > 0")
    execute(log, "UPDATE audit_head SET note = :note", note=head)
    with pytest.raises(AuditUnavailable, match="was changed"):
        log.append(record(2))


def test_searching_by_every_filter(log):
    log.append(record(0, actor="grace", action="login", outcome="denied", script="", environment=""))
    log.append(record(1, environment="production"))
    log.append(record(2, script="deploy"))
    log.append(record(3))

    def found(**filters):
        return [entry.index for entry in search(log, **filters)]

    assert found() == [3, 2, 1, 0]
    assert found(limit=2) == [3, 2]
    assert found(action="login") == found(actor="grace") == found(outcome="denied") == [0]
    assert found(environment="production") == found(execution_id="exec_0001") == [1]
    assert found(script=["deploy", "config_validator"], actor="ada") == [3, 2, 1]
    assert found(since=T0 + timedelta(seconds=2), until=T0 + timedelta(seconds=4)) == [2, 1]
    assert found(script=[]) == []
    with pytest.raises(ValueError, match="time zone"):
        found(since=T0.replace(tzinfo=None))


def test_reading_all_goes_over_pages(open_log, sqlite_url):
    log = open_log(sqlite_url)
    log.append_many([record(number) for number in range(2500)])
    assert [entry.index for entry in read_all(log)] == list(range(2500))
