"""A history that cannot be used says what is wrong, where, and what to do."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from automation_scripts.errors import ConfigurationError, HistoryUnavailable
from automation_scripts.history.store import HistoryStore

FILL_THE_DISK = """
import resource, signal, sys
from automation_scripts.errors import HistoryUnavailable
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = HistoryStore(sys.argv[1])
def run(name, text):
    store.open_run(RunRecord(execution_id=name, script="s", category="c", environment="e", user="u",
                             parameters={"text": text}))
run("small", "x")
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
try:
    run("large", "x" * 1_000_000)
except HistoryUnavailable as error:
    print(error, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
run("after", "x")
print(sorted(r.execution_id for r in store.list()), flush=True)
"""


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, not a database\n" * 100)
    with pytest.raises(HistoryUnavailable) as caught:
        HistoryStore(f"sqlite:///{path}")
    assert str(path) in str(caught.value)
    assert "is not a SQLite database" in str(caught.value)
    assert "move the file away" in str(caught.value)
    assert path.read_text().startswith("these are my notes")


def test_a_damaged_database(sqlite_url, make_run):
    with HistoryStore(sqlite_url) as store:
        path = Path(store.database.place)
        for number in range(300):
            store.open_run(make_run(f"run-{number}"))
    content = bytearray(path.read_bytes())
    content[8192:-4096] = b"\xa5" * (len(content) - 8192 - 4096)
    path.write_bytes(content)
    with pytest.raises(HistoryUnavailable, match="damaged") as caught:
        HistoryStore(sqlite_url).list(limit=None)
    assert str(path) in str(caught.value)
    assert ".recover" in str(caught.value)


def test_a_folder_below_a_file(tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(HistoryUnavailable, match=r"state/history\.db cannot be used: .*Check that the path"):
        HistoryStore(f"sqlite:///{tmp_path / 'state' / 'history.db'}")


def test_a_folder_in_place_of_the_file(tmp_path):
    with pytest.raises(HistoryUnavailable, match="cannot be opened"):
        HistoryStore(f"sqlite:///{tmp_path}")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_place_where_nobody_can_create_files():
    with pytest.raises(HistoryUnavailable, match=r"/proc/none/history\.db"):
        HistoryStore("sqlite:////proc/none/history.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_file(sqlite_url, make_run):
    with HistoryStore(sqlite_url) as store:
        path = Path(store.database.place)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(HistoryUnavailable, match=r"read-only|cannot be opened"):
            HistoryStore(sqlite_url).open_run(make_run())
    finally:
        path.parent.chmod(0o700)


def test_a_connection_that_may_only_read(empty_url, make_run):
    """As a standby of PostgreSQL answers, or a file that was made read-only while it was open."""
    with HistoryStore(empty_url) as store:
        sqlite = store.database.is_sqlite
        with store.database.engine.connect() as connection:
            connection.execute(text("PRAGMA query_only=1" if sqlite else "SET default_transaction_read_only=on"))
            connection.commit()
        with pytest.raises(HistoryUnavailable, match="it is read-only"):
            store.open_run(make_run())


def test_a_file_that_another_process_keeps_locked(sqlite_url, make_run):
    with HistoryStore(sqlite_url, busy_timeout_s=0.2) as store:
        other = sqlite3.connect(store.database.place, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryUnavailable, match=r"kept it locked for more than 0\.2 s.*fuser"):
            store.open_run(make_run("run-1"))
        assert store.list() == []  # readers are not held up
        other.execute("ROLLBACK")
        other.close()
        store.open_run(make_run("run-1"))


def test_a_writer_waits_for_another_one(sqlite_url, make_run):
    with HistoryStore(sqlite_url) as store:
        other = sqlite3.connect(store.database.place, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.3, other.execute, ["COMMIT"]).start()
        store.open_run(make_run("run-1"))
        assert store.get("run-1").status == "requested"
        other.close()


def test_a_full_disk_loses_only_what_did_not_fit(sqlite_url, start_worker):
    worker = start_worker(FILL_THE_DISK, sqlite_url)
    said = worker.hear()
    assert "cannot be used" in said
    assert "disk" in said
    assert worker.hear() == "['after', 'small']"
    assert worker.finish() == 0


def test_the_page_limit_reads_as_a_full_disk(sqlite_url, make_run):
    with HistoryStore(sqlite_url) as store:
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1")
        with pytest.raises(HistoryUnavailable, match=r"the disk is full\. Free some space"):
            for number in range(100):
                store.open_run(make_run(f"run-{number}", parameters={"x": "x" * 10_000}))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://root@localhost/x", "cannot use `mysql`"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("history.db", "is not a database URL"),
        ("", "is not a database URL"),
        ("postgresql://host:port/x", "is not a database URL"),
    ],
)
def test_a_url_that_is_not_served(url, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        HistoryStore(url)
    assert "sqlite:////absolute/path" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://ada:hunter2@host:port/x", "postgresql//ada:hunter2@host/x", "mysql://ada:hunter2@host/x"]
)
def test_a_password_in_a_url_that_is_not_served_is_not_shown(url):
    with pytest.raises(ConfigurationError) as caught:
        HistoryStore(url)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_is_not_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(HistoryUnavailable, match="the server cannot be reached") as caught:
        HistoryStore(f"postgresql://ada:secret@127.0.0.1:{port}/history")
    assert str(port) in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_database_that_does_not_exist(postgres_server):
    url = make_url(postgres_server).set(database="nowhere")
    with pytest.raises(HistoryUnavailable, match=r"the database does not exist.*createdb"):
        HistoryStore(url.render_as_string(hide_password=False))


def test_a_user_without_rights(postgres_url):
    with HistoryStore(postgres_url) as owner, owner.database.write() as connection:
        connection.execute(text("DROP ROLE IF EXISTS history_guest"))
        connection.execute(text("CREATE ROLE history_guest LOGIN"))
    try:
        with pytest.raises(HistoryUnavailable, match="lacks the right"):
            HistoryStore(make_url(postgres_url).set(username="history_guest").render_as_string())
    finally:
        with HistoryStore(postgres_url) as owner, owner.database.write() as connection:
            connection.execute(text("DROP ROLE history_guest"))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_all_ways_to_write_a_postgresql_url_are_taken(postgres_url, scheme):
    with HistoryStore(f"{scheme}://{postgres_url.split('://', 1)[1]}") as store:
        assert store.list() == []


def test_a_server_that_dropped_our_connections_is_connected_again(postgres_url, make_run):
    with HistoryStore(postgres_url) as store, HistoryStore(postgres_url) as admin:
        store.open_run(make_run("run-1"))
        with admin.database.write() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        assert store.get("run-1").execution_id == "run-1"
