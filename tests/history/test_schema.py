"""Creating, checking and upgrading the schema."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from automation_scripts.errors import HistoryUnavailable
from automation_scripts.history import store as store_module
from automation_scripts.history.models import metadata
from automation_scripts.history.schema import SCHEMA
from automation_scripts.history.store import HistoryStore
from automation_scripts.storage.database import Database

OPEN_AND_SAY = """
import sys
from automation_scripts.history.records import RunRecord
from automation_scripts.history.store import HistoryStore
print("ready", flush=True)
sys.stdin.readline()
store = HistoryStore(sys.argv[1])
store.open_run(RunRecord(execution_id=sys.argv[2], script="s", category="c", environment="e", user="u"))
print("alembic" in sys.modules, flush=True)
"""

ADD_A_COLUMN = '''
"""One more column."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "0003", "0002", None, None
def upgrade():
    op.add_column("runs", sa.Column("region", sa.Text, nullable=False, server_default="here"))
    FAIL
'''


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run one statement past the store."""
    engine = create_engine(Database(url).url)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows


def test_the_migrations_make_exactly_the_tables_of_the_models(empty_url):
    with HistoryStore(empty_url) as store, store.database.read() as connection:
        options = {"version_table": SCHEMA.version_table, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        indexes = {index["name"] for index in inspect(connection).get_indexes("runs")}
        assert indexes >= {index.name for index in metadata.tables["runs"].indexes}


def test_head_is_the_newest_migration():
    assert ScriptDirectory(str(SCHEMA.migrations)).get_current_head() == SCHEMA.head


def test_opening_a_database_at_head_does_not_import_alembic(empty_url, start_worker):
    said = []
    for name in ("first", "second"):
        worker = start_worker(OPEN_AND_SAY, empty_url, name)
        assert worker.hear() == "ready"
        worker.tell("go")
        said.append(worker.hear())
        assert worker.finish() == 0
    assert said == ["True", "False"]


def test_processes_that_start_at_once_on_an_empty_database_all_work(empty_url, start_worker):
    workers = [start_worker(OPEN_AND_SAY, empty_url, f"run-{number}") for number in range(4)]
    assert [worker.hear() for worker in workers] == ["ready"] * 4
    for worker in workers:
        worker.tell("go")
    assert [worker.finish() for worker in workers] == [0] * 4
    with HistoryStore(empty_url) as store:
        assert {run.execution_id for run in store.list()} == {f"run-{number}" for number in range(4)}
    assert execute(empty_url, f"SELECT version_num FROM {SCHEMA.version_table}") == [(SCHEMA.head,)]


def test_threads_that_open_an_empty_database_at_once_all_work(empty_url):
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(HistoryStore, [empty_url] * 6))
    for store in stores:
        assert store.list() == []
        store.close()


def test_threads_that_open_several_empty_databases_at_once_all_work(tmp_path):
    urls = [f"sqlite:///{tmp_path / str(number) / 'history.db'}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(HistoryStore, urls))
    for store, url in zip(stores, urls, strict=True):
        store.close()
        assert execute(url, f"SELECT version_num FROM {SCHEMA.version_table}") == [(SCHEMA.head,)]


def test_the_switch_to_wal_waits_for_another_first_starter(sqlite_url):
    place = Path(Database(sqlite_url).place)
    other = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE theirs (x)")
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, other.execute, ["COMMIT"]).start()
    with HistoryStore(sqlite_url) as store:
        assert store.list() == []
    other.close()


def newer_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str = "") -> None:
    """Let the package be the one of tomorrow, with one more migration."""
    folder = tmp_path / "migrations 100%"
    shutil.copytree(SCHEMA.migrations, folder)
    (folder / "versions" / "r0002_region.py").write_text(ADD_A_COLUMN.replace("FAIL", failure))
    newer = dataclasses.replace(SCHEMA, migrations=folder, head="0003")
    monkeypatch.setattr(store_module, "SCHEMA", newer)


def test_an_older_database_is_upgraded_and_keeps_its_runs(empty_url, make_run, tmp_path, monkeypatch):
    with HistoryStore(empty_url) as store:
        store.open_run(make_run("run-1"))
    newer_version(tmp_path, monkeypatch)
    HistoryStore(empty_url).close()
    assert execute(empty_url, "SELECT execution_id, region FROM runs") == [("run-1", "here")]
    HistoryStore(empty_url).close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(empty_url, make_run, tmp_path, monkeypatch):
    with HistoryStore(empty_url) as store:
        store.open_run(make_run("run-1"))
    with monkeypatch.context() as tomorrow:
        newer_version(tmp_path, tomorrow, "raise RuntimeError('half-way')")
        with pytest.raises(RuntimeError, match="half-way"):
            HistoryStore(empty_url)
    with HistoryStore(empty_url) as store:
        assert store.get("run-1").script == "config_validator"
        with store.database.read() as connection:
            assert "region" not in {column["name"] for column in inspect(connection).get_columns("runs")}


def test_a_newer_database_is_refused_and_left_alone(empty_url, tmp_path, monkeypatch):
    with monkeypatch.context() as tomorrow:
        newer_version(tmp_path, tomorrow)
        HistoryStore(empty_url).close()
    with pytest.raises(HistoryUnavailable, match=r"newer version.*schema is 0003.*knows 0002.*Upgrade"):
        HistoryStore(empty_url)
    assert execute(empty_url, f"SELECT version_num FROM {SCHEMA.version_table}") == [("0003",)]


def test_a_database_shared_with_another_alembic_user_keeps_its_version(empty_url):
    Database(empty_url).dispose()
    execute(empty_url, "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
    execute(empty_url, "INSERT INTO alembic_version VALUES ('prefect1')")
    HistoryStore(empty_url).close()
    assert execute(empty_url, "SELECT version_num FROM alembic_version") == [("prefect1",)]


def test_a_database_with_a_foreign_table_of_that_name_is_refused_and_left_alone(empty_url):
    execute(empty_url, "CREATE TABLE runs (run_uuid TEXT)")
    with pytest.raises(HistoryUnavailable, match=r"not ours|not those of a run history"):
        HistoryStore(empty_url)
    assert execute(empty_url, "SELECT * FROM runs") == []
    with pytest.raises(HistoryUnavailable):
        HistoryStore(empty_url)


def test_the_file_is_in_wal_mode_and_shrinks_without_a_rewrite(sqlite_url):
    with HistoryStore(sqlite_url) as store:
        connection = sqlite3.connect(store.database.place)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        connection.close()
