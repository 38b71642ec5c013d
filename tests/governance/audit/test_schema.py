"""The schema, and what opening costs."""

from __future__ import annotations

import subprocess
import sys

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.models import metadata
from automation_scripts.governance.audit.schema import SCHEMA
from automation_scripts.history.store import HistoryStore


def test_the_migrations_make_exactly_the_tables_of_the_models(empty_url):
    with AuditLog(empty_url) as log, log.database.read() as connection:
        options = {"version_table": SCHEMA.version_table, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        indexes = {index["name"] for index in inspect(connection).get_indexes("audit_entries")}
        assert indexes >= {index.name for index in metadata.tables["audit_entries"].indexes}


def test_head_is_the_newest_migration():
    assert ScriptDirectory(str(SCHEMA.migrations)).get_current_head() == SCHEMA.head


def test_the_log_and_the_history_may_share_a_database(empty_url):
    HistoryStore(empty_url).close()
    AuditLog(empty_url).close()
    with HistoryStore(empty_url) as store:
        assert store.list() == []


def test_nothing_heavy_is_imported_to_append(tmp_path):
    code = (
        "import sys; import automation_scripts.governance.audit.log, automation_scripts.governance.audit.s3_anchor\n"
        "import automation_scripts.governance.audit.syslog, automation_scripts.governance.audit.verify\n"
        "print(sorted({'boto3', 'alembic', 'cryptography', 'prefect', 'pandas', 'rfc8785'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
