"""The tables of the key store, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.key_store import KeyStore
from automation_scripts.governance.encryption.models import metadata
from automation_scripts.governance.encryption.schema import SCHEMA


def test_the_migration_makes_exactly_the_tables_of_the_models(empty_url):
    with KeyStore(empty_url) as store, store.database.read() as connection:
        options = {"version_table": SCHEMA.version_table, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        for table in metadata.tables.values():
            found = {index["name"] for index in inspect(connection).get_indexes(table.name)}
            assert found >= {index.name for index in table.indexes}


def test_head_is_the_newest_migration():
    assert ScriptDirectory(str(SCHEMA.migrations)).get_current_head() == SCHEMA.head


def test_a_store_of_a_newer_version_is_refused(sqlite_url):
    with KeyStore(sqlite_url) as store, store.database.write() as connection:
        connection.execute(text(f"UPDATE {SCHEMA.version_table} SET version_num = '0099'"))
    with pytest.raises(ConfigurationError, match=r"key store .* newer version.*0099"):
        KeyStore(sqlite_url)


def test_no_place_for_a_store_is_said_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"key store .*file/keys.db cannot be used.*Check"):
        KeyStore(f"sqlite:///{tmp_path}/file/keys.db")
