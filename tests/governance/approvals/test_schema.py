"""The tables, and opening them from several processes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.approvals.models import metadata
from automation_scripts.governance.approvals.schema import SCHEMA

OPEN = """
import sys
from automation_scripts.governance.approvals.store import ApprovalStore
print("ready", flush=True)
sys.stdin.readline()
store = ApprovalStore(sys.argv[1])
store.list()
print("opened", flush=True)
"""
HEAVY = ("alembic", "cryptography", "cedarpy", "argon2", "boto3", "rfc8785", "prefect", "httpx")


def test_the_migrations_make_exactly_the_tables_of_the_models(empty_url, open_store):
    store = open_store(empty_url)
    with store.database.read() as connection:
        options = {"version_table": SCHEMA.version_table, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        for table in metadata.tables.values():
            present = {index["name"] for index in inspect(connection).get_indexes(table.name)}
            assert present >= {index.name for index in table.indexes}


def test_head_is_the_newest_migration():
    assert ScriptDirectory(str(SCHEMA.migrations)).get_current_head() == SCHEMA.head


def test_processes_that_start_at_once_on_an_empty_database_all_work(empty_url, start_worker):
    workers = [start_worker(OPEN, empty_url) for _ in range(3)]
    assert [worker.hear() for worker in workers] == ["ready"] * 3
    for worker in workers:
        worker.tell("go")
    assert [worker.hear() for worker in workers] == ["opened"] * 3
    assert [worker.finish() for worker in workers] == [0] * 3


def test_a_damaged_file_is_named(tmp_path, open_store):
    (tmp_path / "governance.db").write_bytes(b"no database" * 100)
    with pytest.raises(ConfigurationError, match=r"approval store .*governance.db cannot be used.*approvals are gone"):
        open_store(f"sqlite:///{tmp_path / 'governance.db'}")


def test_importing_the_store_imports_nothing_heavy():
    code = (
        "import sys, automation_scripts.governance.approvals.store\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
